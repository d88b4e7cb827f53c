/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from outside: what is taken can be written, and what is written is taken and the same. */
#include "base/sl_json.h"
#include "base/sl_text.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    sl_json_t *value, *again;

    if (sl_json_parse_any(&value, (const char *)data, size, p, NULL) == SL_OK) {
        const char *text = sl_json_text(p, value);

        PROMISE(sl_text_is_utf8((const char *)data, size));
        /* json-c writes a number beyond double as Infinity, which is no JSON. */
        if (strstr(text, "Infinity") == NULL) {
            PROMISE(sl_json_parse_any(&again, text, strlen(text), p, NULL) == SL_OK);
            PROMISE(strcmp(sl_json_text(p, again), text) == 0);
        }
        (void)sl_json_str(value, "iss");
    }
    apr_pool_destroy(p);
    return 0;
}
