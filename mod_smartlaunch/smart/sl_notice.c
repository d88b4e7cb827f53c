/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_notice.h"

#include <apr_strings.h>
#include <stdarg.h>
#include <string.h>

apr_array_header_t *sl_notice_list(apr_pool_t *p)
{
    return apr_array_make(p, 2, sizeof(sl_notice_t));
}

void sl_notice_add(apr_array_header_t *list, const char *id, const char *fmt, ...)
{
    sl_notice_t *notice;
    va_list args;

    if (list == NULL) {
        return;
    }
    notice = apr_array_push(list);
    notice->id = id;
    va_start(args, fmt);
    notice->text = apr_pvsprintf(list->pool, fmt, args);
    va_end(args);
}

bool sl_notice_has(const apr_array_header_t *list, const char *id)
{
    for (int i = 0; list != NULL && i < list->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(list, i, sl_notice_t).id, id) == 0) {
            return true;
        }
    }
    return false;
}
