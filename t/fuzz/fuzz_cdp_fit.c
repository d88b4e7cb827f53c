/* SPDX-License-Identifier: Apache-2.0 */
/* A project's fields as REDCap tells them, behind the first line end; before it a value that is to
 * go into each: what is saved fits again and stays, and what is not saved has a reason. */
#include "cdp/sl_cdp_dictionary.h"
#include "fuzz.h"

static void fits_again(const sl_cdp_field_t *field, const char *value, apr_pool_t *p)
{
    const char *reason, *again;
    const char *saved = sl_cdp_fit(&reason, field, value, NULL, p);

    PROMISE((saved == NULL) == (reason != NULL));
    if (saved == NULL) {
        PROMISE(reason[0] != '\0');
        return;
    }
    again = sl_cdp_fit(&reason, field, saved, NULL, p);
    PROMISE(again != NULL);
    PROMISE(strcmp(again, saved) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    char *value = fuzz_text(data, size);
    char *rest = strchr(value, '\n');
    sl_cdp_redcap_t answers = {NULL, NULL, NULL};
    sl_cdp_dictionary_t dictionary;
    sl_json_t *json;

    if (rest != NULL) {
        *rest++ = '\0';
        if (sl_json_parse_any(&json, rest, strlen(rest), p, NULL) == SL_OK) {
            answers.metadata = json;
        }
    }
    if (answers.metadata != NULL &&
        sl_cdp_dictionary_parse(&dictionary, &answers, p, NULL) == SL_OK) {
        for (int i = 0; i < dictionary.fields->nelts; i++) {
            fits_again(&APR_ARRAY_IDX(dictionary.fields, i, sl_cdp_field_t), value, p);
        }
    }
    free(value);
    apr_pool_destroy(p);
    return 0;
}
