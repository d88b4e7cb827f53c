/* SPDX-License-Identifier: Apache-2.0 */
/* A mapping as JSON: what is taken can be written in both forms, and read back the same; what is
 * not has a fault. */
#include "cdp/sl_cdp_mapping.h"
#include "fuzz.h"

static void writes_back(const sl_cdp_mapping_t *mapping, const sl_cdp_mapping_rules_t *rules,
                        apr_pool_t *p)
{
    const char *json = sl_json_text(p, sl_cdp_mapping_json(mapping, p));
    const char *csv = sl_cdp_mapping_csv(mapping, p);
    apr_array_header_t *faults;
    sl_cdp_mapping_t again;

    PROMISE(sl_cdp_mapping_parse(&again, &faults, json, strlen(json), rules, p) == SL_OK);
    PROMISE(strcmp(json, sl_json_text(p, sl_cdp_mapping_json(&again, p))) == 0);
    PROMISE(sl_cdp_mapping_from_csv(&again, &faults, csv, strlen(csv), mapping, rules, p) == SL_OK);
    PROMISE(strcmp(json, sl_json_text(p, sl_cdp_mapping_json(&again, p))) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const sl_cdp_mapping_rules_t rules = {.may_email = true};
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size);
    apr_array_header_t *faults;
    sl_cdp_mapping_t mapping;
    sl_rc_t rc = sl_cdp_mapping_parse(&mapping, &faults, text, size, &rules, p);

    PROMISE((rc == SL_OK) == (faults->nelts == 0));
    for (int i = 1; i < faults->nelts; i++) {
        PROMISE(APR_ARRAY_IDX(faults, i - 1, sl_cdp_fault_t).row <=
                APR_ARRAY_IDX(faults, i, sl_cdp_fault_t).row);
    }
    if (rc == SL_OK) {
        writes_back(&mapping, &rules, p);
    }
    free(text);
    apr_pool_destroy(p);
    return 0;
}
