/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses rule and launch; the rest is a Cookie header and, behind a newline, a
 * Set-Cookie value. */
#include "fuzz.h"
#include "smart/sl_app_cookie_name.h"
#include "smart/sl_cookie.h"

#define MARK "00a0123456789abc"
#define OTHER "00a0fedcba987654"
#define OWN "__Host-smart"

static const char *const listed[] = {"lang", NULL};
static const char *const live[] = {OTHER, NULL};

/* Neither our own cookie nor a mark or companion gets to the app. */
static void check_seen(const char *seen, const char *header)
{
    sl_cookie_pair_t pair;

    while (seen != NULL && sl_cookie_next(&pair, &seen, OWN)) {
        fuzz_must(!sl_cookie_is_spelled(&pair, OWN), "never our own cookie", header);
    }
}

static void check_request(const sl_app_cookie_rule_t *rule, const char *mark, const char *header,
                          apr_pool_t *p)
{
    sl_app_cookie_request_t request = {rule, OWN, "00a0", mark, live, 0};
    apr_array_header_t *dead;
    const char *seen = sl_app_cookie_from_browser(&request, header, &dead, p);
    int i;

    check_seen(seen, header);
    fuzz_must(dead == NULL || (dead->nelts > 0 && dead->nelts <= 8), "some dead ones", header);
    for (i = 0; dead != NULL && i < dead->nelts; i++) {
        const char *name = APR_ARRAY_IDX(dead, i, const char *);

        fuzz_must(sl_app_cookie_has_tag(name, strlen(name), "00a0"), "of this app", header);
        fuzz_must(!sl_app_cookie_has_mark(name, strlen(name), OTHER), "dead indeed", header);
    }
}

static void check_set(const sl_app_cookie_answer_t *answer, const char *set, const char *value)
{
    sl_cookie_pair_t pair;
    const char *rest = set;

    fuzz_must(set[0] == ';' || !sl_cookie_next(&pair, &rest, NULL) ||
                  !sl_cookie_is_spelled(&pair, OWN),
              "never sets our own cookie", value);
    if (answer->mark == NULL) {
        fuzz_must(set == value, "outside a launch as it is", value);
        return;
    }
    if (answer->embedded) {
        fuzz_must(strstr(set, "; Secure; SameSite=None; Partitioned") != NULL, "for a frame",
                  value);
    }
    if (answer->rule->keep == SL_APP_COOKIE_ALL) {
        fuzz_must(strstr(set, ".~" MARK "=") != NULL, "marked", value);
        fuzz_must(strstr(set, "; Path=/app") != NULL || strstr(set, "; Path=/;") != NULL,
                  "the location's path", value);
    }
}

static void check_answer(const sl_app_cookie_answer_t *answer, const char *value, apr_pool_t *p)
{
    sl_app_cookie_set_t got;
    int i;

    sl_app_cookie_to_browser(&got, answer, value, p);
    fuzz_must((got.count == 0) == (got.log_id != NULL), "what is dropped has a reason", value);
    fuzz_must(got.count >= 0 && got.count <= SL_APP_COOKIE_MAX_SET, "at most three", value);
    for (i = 0; i < got.count; i++) {
        check_set(answer, got.set[i], value);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t choice = size > 0 ? data[0] : 0;
    sl_app_cookie_rule_t rule = {(sl_app_cookie_keep_t)(choice & 3), listed};
    sl_app_cookie_answer_t answer = {.rule = &rule,
                                     .own = OWN,
                                     .mark = (choice & 4) != 0 ? MARK : NULL,
                                     .path = "/app",
                                     .embedded = (choice & 8) != 0,
                                     .now = apr_time_from_sec(1704067200),
                                     .expires_at = apr_time_from_sec(1704070800)};
    apr_pool_t *p = fuzz_pool();
    char *header = fuzz_text(data + (size > 0), size - (size > 0));
    char *value = strchr(header, '\n');

    if (value != NULL) {
        *value++ = '\0';
        answer.sent = header;
    } else {
        value = header;
    }
    check_request(&rule, answer.mark, header, p);
    check_answer(&answer, value, p);
    free(header);
    apr_pool_destroy(p);
    return 0;
}
