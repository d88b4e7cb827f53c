/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_notice.h"

int main(void)
{
    apr_pool_t *p = rule_pool();
    apr_array_header_t *list = sl_notice_list(p);

    ok(!sl_notice_has(list, "SL2051") && !sl_notice_has(NULL, "SL2051"), "an empty list has none");
    sl_notice_add(NULL, "SL2051", "to nowhere");
    sl_notice_add(list, "SL2051", "EHR %s: %d", "epic", 7);
    sl_notice_add(list, "SL2052", "second");
    is_int(list->nelts, 2, "two notices");
    ok(sl_notice_has(list, "SL2052") && !sl_notice_has(list, "SL2053"), "found by their ids");
    is_str(APR_ARRAY_IDX(list, 0, sl_notice_t).text, "EHR epic: 7", "formatted");
    rule_release(p);
    return tap_done();
}
