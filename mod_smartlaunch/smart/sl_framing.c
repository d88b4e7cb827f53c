/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_framing.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

static bool is_known(const apr_array_header_t *seen, const char *origin)
{
    int i;

    for (i = 0; i < seen->nelts; i++) {
        if (strcasecmp(APR_ARRAY_IDX(seen, i, const char *), origin) == 0) {
            return true;
        }
    }
    return false;
}

const char *sl_framing_value(apr_pool_t *p, const apr_array_header_t *const *embeds, int count)
{
    apr_array_header_t *origins = apr_array_make(p, 4, sizeof(const char *));
    int i, j;

    APR_ARRAY_PUSH(origins, const char *) = "'self'";
    for (i = 0; i < count; i++) {
        for (j = 0; embeds[i] != NULL && j < embeds[i]->nelts; j++) {
            const char *origin = APR_ARRAY_IDX(embeds[i], j, const char *);

            if (!is_known(origins, origin)) {
                APR_ARRAY_PUSH(origins, const char *) = origin;
            }
        }
    }
    return apr_array_pstrcat(p, origins, ' ');
}

static const char *after_scheme(const char *origin)
{
    if (strncasecmp(origin, "https://", 8) == 0) {
        return origin + 8;
    }
    return strncasecmp(origin, "http://", 7) == 0 ? origin + 7 : NULL;
}

/* Names, numbers and bracketed addresses alike: nothing that could end a directive. */
static const char *after_host(const char *host)
{
    const char *c = host;

    if (*c == '[') {
        c += 1 + strspn(c + 1, "0123456789abcdefABCDEF:.");
        return *c == ']' && c > host + 1 ? c + 1 : NULL;
    }
    while (apr_isalnum(*c) || *c == '-' || *c == '_' || (*c == '.' && c > host && c[-1] != '.')) {
        c++;
    }
    return c > host ? c : NULL;
}

sl_rc_t sl_framing_check_origin(const char *origin, sl_err_t *err)
{
    const char *at = after_scheme(origin);

    if (at != NULL) {
        at = after_host(strncmp(at, "*.", 2) == 0 ? at + 2 : at);
    }
    if (at != NULL && *at == ':') {
        size_t digits = strspn(at + 1, "0123456789");

        at = digits > 0 && digits <= 5 ? at + 1 + digits : NULL;
    }
    if (at == NULL || *at != '\0') {
        return sl_err_set(err, SL_INVALID, "SL2520",
                          "write an origin such as https://ehr.hospital.example: scheme, host and "
                          "port, no path and no slash at the end");
    }
    return SL_OK;
}
