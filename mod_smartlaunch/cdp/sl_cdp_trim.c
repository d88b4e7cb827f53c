/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_trim.h"

#include <apr_strings.h>
#include <stdbool.h>

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

char *sl_cdp_trim(apr_pool_t *p, const char *from, apr_size_t len)
{
    while (len > 0 && is_blank(*from)) {
        from++;
        len--;
    }
    while (len > 0 && is_blank(from[len - 1])) {
        len--;
    }
    return apr_pstrmemdup(p, from, len);
}
