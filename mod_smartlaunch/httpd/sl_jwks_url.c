/* SPDX-License-Identifier: Apache-2.0 */
/* <redirect>/jwks.json: our public keys, for EHRs that fetch them (REG-2). */
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_respond.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

/** A key that several EHRs know stands there once; check_config saw to it that a name is unique. */
static bool is_listed(const apr_array_header_t *list, const char *jwk)
{
    for (int i = 0; i < list->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(list, i, const char *), jwk) == 0) {
            return true;
        }
    }
    return false;
}

static void list_keys(apr_array_header_t *list, const sl_ehr_t *ehr)
{
    for (int i = 0; ehr->keys != NULL && i < ehr->keys->nelts; i++) {
        const char *jwk = sl_signer_public(APR_ARRAY_IDX(ehr->keys, i, const sl_signer_t *));

        if (!is_listed(list, jwk)) {
            APR_ARRAY_PUSH(list, const char *) = jwk;
        }
    }
}

const char *sl_jwks_url_text(const apr_array_header_t *ehrs, apr_pool_t *p)
{
    apr_array_header_t *list = apr_array_make(p, 2, sizeof(const char *));

    for (int i = 0; i < ehrs->nelts; i++) {
        list_keys(list, APR_ARRAY_IDX(ehrs, i, const sl_ehr_t *));
    }
    return apr_pstrcat(p, "{\"keys\":[", apr_array_pstrcat(p, list, ','), "]}", NULL);
}

int sl_jwks_url(const sl_visit_t *visit)
{
    request_rec *r = visit->r;

    if (r->method_number != M_GET) {
        return sl_visit_not_allowed(visit, "GET, HEAD");
    }
    sl_respond_headers(r, HTTP_OK);
    apr_table_setn(r->err_headers_out, "Cache-Control", "public, max-age=300");
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    ap_set_content_type(r, "application/json");
    return sl_respond_body(r, visit->request->claim->jwks);
}
