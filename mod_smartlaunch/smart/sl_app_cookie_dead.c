/* SPDX-License-Identifier: Apache-2.0 */
/* Marked cookies that the browser shall not keep: of launches that are over, and more than httpd
 * takes in a header. */
#include "smart/sl_app_cookie_name.h"
#include "smart/sl_cookie.h"

#include <apr_strings.h>
#include <string.h>

#define MAX_DEAD 8
#define NOBODY (-1)

typedef struct {
    const sl_app_cookie_request_t *request;
    const char *header;
    apr_array_header_t *dead; /* const char * */
    apr_size_t left;          /* bytes of the header that stay */
} sweep_t;

/* Place of the live launch whose cookie this is, the request's own before all others. */
static int launch_of(const sl_app_cookie_request_t *request, const sl_cookie_pair_t *pair)
{
    int i;

    if (request->mark != NULL &&
        sl_app_cookie_has_mark(pair->text, pair->name_len, request->mark)) {
        return 0;
    }
    for (i = 0; request->live[i] != NULL; i++) {
        if (sl_app_cookie_has_mark(pair->text, pair->name_len, request->live[i])) {
            return i + 1;
        }
    }
    return NOBODY;
}

/* All cookies of this app that are of `launch`. */
static void sweep(sweep_t *out, int launch, apr_pool_t *p)
{
    const char *rest = out->header;
    sl_cookie_pair_t pair;

    while (out->dead->nelts < MAX_DEAD && sl_cookie_next(&pair, &rest, out->request->own)) {
        if (sl_app_cookie_suffix(pair.text, pair.name_len) == SL_APP_COOKIE_PLAIN ||
            !sl_app_cookie_has_tag(pair.text, pair.name_len, out->request->tag) ||
            launch_of(out->request, &pair) != launch) {
            continue;
        }
        APR_ARRAY_PUSH(out->dead, const char *) = apr_pstrmemdup(p, pair.text, pair.name_len);
        out->left -= pair.len < out->left ? pair.len : out->left;
    }
}

apr_array_header_t *sl_app_cookie_dead(const sl_app_cookie_request_t *request, const char *header,
                                       apr_pool_t *p)
{
    sweep_t out = {request, header, apr_array_make(p, MAX_DEAD, sizeof(const char *)),
                   strlen(header)};
    int last = 0;

    sweep(&out, NOBODY, p);
    while (request->live[last] != NULL) {
        last++;
    }
    for (; last > 0 && request->most > 0 && out.left > request->most; last--) {
        sweep(&out, last, p);
    }
    return out.dead->nelts > 0 ? out.dead : NULL;
}
