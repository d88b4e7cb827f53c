/* SPDX-License-Identifier: Apache-2.0 */
/* Where a token may go with a `next` link (C9). */
#include "base/sl_url_parts.h"
#include "cdp/sl_cdp_read.h"
#include <apr_strings.h>
#include <string.h>

#define MAX_LINK 32768
#define MAX_ORIGIN 2048

/* Scheme and authority, nothing else. */
static bool read_origin(sl_url_t *out, const char *url, apr_pool_t *p)
{
    const char *mark = strstr(url, "://");
    apr_size_t len = mark == NULL ? 0 : (apr_size_t)(mark + 3 - url);

    if (mark == NULL) {
        return false;
    }
    len += strcspn(url + len, "/?#");
    return sl_url_split(out, apr_pstrmemdup(p, url, len), MAX_ORIGIN, p) == SL_URL_FINE;
}

/* Servers write `|` and the like in the open in their queries: those are no harm, since nothing
   after the authority says where a request goes. */
static bool is_sendable(const char *url)
{
    for (const char *c = url; *c != '\0'; c++) {
        if (*c <= ' ' || *c >= 0x7f || *c == '\\' || *c == '#') {
            return false;
        }
    }
    return strlen(url) <= MAX_LINK;
}

bool sl_cdp_may_follow(const char *base, const char *next, apr_pool_t *p)
{
    sl_url_t ours, theirs;

    return base != NULL && next != NULL && is_sendable(next) && read_origin(&ours, base, p) &&
           read_origin(&theirs, next, p) && sl_url_same_origin(&ours, &theirs);
}
