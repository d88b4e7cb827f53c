/* SPDX-License-Identifier: Apache-2.0 */
/* Times, decimals and links of an EHR. */
#include "cdp/sl_cdp_decimal.h"
#include "cdp/sl_cdp_read.h"
#include "fuzz.h"
#include <strings.h>

static void check_time(const char *text, sl_cdp_when_t when, apr_pool_t *p)
{
    static const sl_cdp_offset_t offset = {100, SL_CDP_AROUND};
    const char *out = sl_cdp_when_text(p, when);
    sl_cdp_when_t back;
    sl_cdp_window_t window;

    fuzz_must(sl_cdp_when_parse(&back, out) == SL_OK && back.seconds == when.seconds &&
                  back.precision == when.precision,
              "a time is its text", text);
    fuzz_must(sl_cdp_window_make(&window, out, offset) == SL_OK && sl_cdp_window_has(&window, when),
              "a time is in its own window", text);
    fuzz_must(strlen(sl_cdp_when_bound(p, "ge", when)) == strlen("ge2024-03-14T00:00:00-05:00"),
              "a bound has its length", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size);
    sl_cdp_when_t when;

    if (sl_cdp_when_from_fhir(&when, text, false) == SL_OK) {
        check_time(text, when, p);
        fuzz_must(sl_cdp_when_from_fhir(&when, text, true) == SL_OK, "local time as well", text);
    }
    if (sl_cdp_when_from_field(&when, text) == SL_OK) {
        check_time(text, when, p);
    }
    if (sl_cdp_is_decimal(text)) {
        char *more = apr_pstrcat(p, text, strpbrk(text, ".eE") == NULL ? ".0" : "", NULL);

        fuzz_must(sl_cdp_decimal_compare(text, more) == 0, "a zero more is no more", text);
        fuzz_must(sl_cdp_decimal_compare(text, "0") == -sl_cdp_decimal_compare("0", text),
                  "an order has two sides", text);
    }
    if (sl_cdp_may_follow("https://ehr.example/fhir", text, p)) {
        fuzz_must(strncasecmp(text, "https://ehr.example", 19) == 0 &&
                      (text[19] == '\0' || strchr("/?:", text[19]) != NULL),
                  "a token stays with the EHR", text);
    }
    free(text);
    apr_pool_destroy(p);
    return 0;
}
