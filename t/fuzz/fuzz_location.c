/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "smart/sl_location.h"
#include "smart/sl_origin.h"
#include "smart/sl_query.h"
#include <strings.h>

static int is_absolute(const char *text)
{
    return strncasecmp(text, "https:", 6) == 0 || strncasecmp(text, "http:", 5) == 0;
}

static void check_again(const char *text, apr_pool_t *p)
{
    const char *url = sl_location_again(p, "https://app.example", text, "HANDLE");

    if (url != NULL) {
        fuzz_must(sl_origin_rest("https://app.example", url) != NULL, "AZR-13 stays at home", text);
        fuzz_must(strpbrk(url, "\r\n\t") == NULL, "no line ends", text);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const own[] = {"/smart", NULL};
    sl_location_t rule = {"https://app.example", "/app/page.php", own, "HANDLE"};
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size);
    const char *got = sl_location_carry(p, &rule, text);
    sl_query_t found;

    if (got != text) {
        sl_query_find(&found, got, p);
        fuzz_must(found.handle != NULL && strcmp(found.handle, "HANDLE") == 0, "carries ours",
                  text);
        fuzz_must(!is_absolute(text) || sl_origin_rest("https://app.example", text) != NULL,
                  "foreign ones stay as they are", text);
        fuzz_must(sl_location_carry(p, &rule, got) == got, "never twice", text);
    }
    check_again(text, p);
    free(text);
    apr_pool_destroy(p);
    return 0;
}
