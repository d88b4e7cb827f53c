/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_fault.h"

#include "base/sl_text.h"
#include <apr_strings.h>
#include <stdarg.h>
#include <string.h>

#define MAX_NAME 200 /* bytes of a name that are said */

apr_array_header_t *sl_cdp_faults_new(apr_pool_t *p)
{
    return apr_array_make(p, 4, sizeof(sl_cdp_fault_t));
}

void sl_cdp_fault_add(apr_array_header_t *faults, int row, const char *name, const char *fmt, ...)
{
    sl_cdp_fault_t *fault = apr_array_push(faults);
    bool is_text = name != NULL && strlen(name) <= MAX_NAME && sl_text_is_utf8(name, strlen(name));
    va_list ap;

    fault->row = row;
    if (name != NULL && name[0] != '\0') {
        fault->name = is_text ? apr_pstrdup(faults->pool, name)
                              : sl_text_loggable(faults->pool, name, MAX_NAME);
    }
    va_start(ap, fmt);
    fault->reason = apr_pvsprintf(faults->pool, fmt, ap);
    va_end(ap);
}

/* By insertion, which keeps the order within a row; they come nearly in order. */
sl_rc_t sl_cdp_faults_end(apr_array_header_t *faults)
{
    sl_cdp_fault_t *all = (sl_cdp_fault_t *)faults->elts;

    for (int i = 1; i < faults->nelts; i++) {
        sl_cdp_fault_t one = all[i];
        int at = i;

        for (; at > 0 && all[at - 1].row > one.row; at--) {
            all[at] = all[at - 1];
        }
        all[at] = one;
    }
    return faults->nelts == 0 ? SL_OK : SL_INVALID;
}
