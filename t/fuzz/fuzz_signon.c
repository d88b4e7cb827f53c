/* SPDX-License-Identifier: Apache-2.0 */
/* What an app answers to a sign-on message: a Location on the first line, a Content-Type behind. */
#include "base/sl_text.h"
#include "fuzz.h"
#include "smart/sl_origin.h"
#include "smart/sl_signon.h"
#include <strings.h>

static const char *const origins[] = {"https://app.example", "https://other.example:8443",
                                      "http://127.0.0.1:9000"};

/* By another reader of URLs than the one that judged. */
static bool is_of_ours(const char *url)
{
    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        if (sl_origin_rest(origins[i], url) != NULL) {
            return true;
        }
    }
    return false;
}

static void check_location(const char *location, const apr_array_header_t *allow, apr_pool_t *p)
{
    const sl_signon_answer_t answer = {302, "", location, 1};
    const sl_signon_rule_t rule = {allow, true};
    sl_signon_verdict_t verdict;
    sl_err_t err;
    sl_rc_t rc = sl_signon_judge(&verdict, &answer, &rule, p, &err);

    PROMISE(rc == SL_OK || rc == SL_UPSTREAM);
    if (rc == SL_OK) {
        PROMISE(verdict.location == location && is_of_ours(location));
        PROMISE(sl_origin_is_plain(location) && strpbrk(location, "\r\n\t \\") == NULL);
    }
}

static void check_page(const char *type, const apr_array_header_t *allow, apr_pool_t *p)
{
    const sl_signon_answer_t answer = {200, type, NULL, 0};
    const sl_signon_rule_t rule = {allow, true};
    sl_signon_verdict_t verdict;
    sl_err_t err;

    if (sl_signon_judge(&verdict, &answer, &rule, p, &err) == SL_OK) {
        PROMISE(strncasecmp(type, "text/html", 9) == 0);
        PROMISE(verdict.location == NULL && verdict.charset[0] != '\0');
        PROMISE(strspn(verdict.charset, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                        "0123456789-_") == strlen(verdict.charset));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    apr_array_header_t *allow = apr_array_make(p, 3, sizeof(const char *));
    char *text = fuzz_text(data, size);
    char *line = strchr(text, '\n');

    for (size_t i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        APR_ARRAY_PUSH(allow, const char *) = origins[i];
    }
    check_location(text, allow, p);
    if (line != NULL) {
        *line = '\0';
        check_location(text, allow, p);
        check_page(line + 1, allow, p);
    }
    check_page(text, allow, p);
    PROMISE(sl_signon_is_echo(200, text, strlen(text), text) == (text[0] != '\0'));
    free(text);
    apr_pool_destroy(p);
    return 0;
}
