/* SPDX-License-Identifier: Apache-2.0 */
/* CSV: cells that are written are read again; and what a CSV maps, it maps again when exported. */
#include "cdp/sl_cdp_csv.h"
#include "cdp/sl_cdp_mapping.h"
#include "fuzz.h"

static void reads_back(const apr_array_header_t *cells, apr_pool_t *p)
{
    const char *text = sl_cdp_csv_row(p, (const char *const *)cells->elts, cells->nelts);
    const apr_array_header_t *again;
    sl_cdp_csv_t csv;

    /* A comma in front tells what separates. */
    text = apr_pstrcat(p, ",\n", text, NULL);
    PROMISE(sl_cdp_csv_parse(&csv, text, strlen(text), p) == SL_OK);
    PROMISE(csv.rows->nelts == 2);
    again = APR_ARRAY_IDX(csv.rows, 1, apr_array_header_t *);
    PROMISE(again->nelts == cells->nelts);
    for (int i = 0; i < cells->nelts; i++) {
        PROMISE(strcmp(APR_ARRAY_IDX(cells, i, const char *),
                       APR_ARRAY_IDX(again, i, const char *)) == 0);
    }
}

static void imports(const char *text, size_t size, apr_pool_t *p)
{
    const sl_cdp_mapping_rules_t rules = {.project = "p", .may_email = true};
    apr_array_header_t *faults;
    sl_cdp_mapping_t mapping;
    sl_rc_t rc = sl_cdp_mapping_from_csv(&mapping, &faults, text, size, NULL, &rules, p);
    const char *csv;

    PROMISE((rc == SL_OK) == (faults->nelts == 0));
    if (rc == SL_OK) {
        csv = sl_cdp_mapping_csv(&mapping, p);
        PROMISE(sl_cdp_mapping_from_csv(&mapping, &faults, csv, strlen(csv), NULL, &rules, p) ==
                SL_OK);
        PROMISE(strcmp(csv, sl_cdp_mapping_csv(&mapping, p)) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size);
    sl_cdp_csv_t csv;

    if (sl_cdp_csv_parse(&csv, text, size, p) == SL_OK) {
        for (int i = 0; i < csv.rows->nelts && i < 100; i++) {
            reads_back(APR_ARRAY_IDX(csv.rows, i, apr_array_header_t *), p);
        }
    } else {
        PROMISE(csv.reason != NULL && csv.bad_row <= csv.rows->nelts);
    }
    imports(text, size, p);
    free(text);
    apr_pool_destroy(p);
    return 0;
}
