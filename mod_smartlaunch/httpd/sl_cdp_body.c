/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a request, whole and bounded. */
#include "httpd/sl_cdp_url.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

#define CHUNK 8192

static bool is_type(const request_rec *r, const char *type)
{
    const char *said = apr_table_get(r->headers_in, "Content-Type");
    apr_size_t len;

    if (type == NULL) {
        return true;
    }
    len = strlen(type);
    return said != NULL && strncasecmp(said, type, len) == 0 &&
           (said[len] == '\0' || strchr("; \t", said[len]) != NULL);
}

sl_rc_t sl_cdp_visit_body(const char **body, apr_size_t *len, request_rec *r, const char *type,
                          apr_size_t max, sl_err_t *err)
{
    apr_array_header_t *text = apr_array_make(r->pool, CHUNK, 1);
    char chunk[CHUNK];
    long got = 0;
    bool more;

    *body = "";
    *len = 0;
    if (!is_type(r, type)) {
        return sl_err_set(err, SL_INVALID, "SL8521", "this address takes %s", type);
    }
    if (ap_setup_client_block(r, REQUEST_CHUNKED_DECHUNK) != OK) {
        return sl_err_set(err, SL_INVALID, "SL8522", "the body of this request cannot be read");
    }
    more = ap_should_client_block(r) != 0; /* asked once: it is false after the first read */
    while (more && (apr_size_t)text->nelts <= max) {
        got = ap_get_client_block(r, chunk, sizeof(chunk));
        more = got > 0;
        for (long i = 0; i < got; i++) {
            APR_ARRAY_PUSH(text, char) = chunk[i];
        }
    }
    if (got < 0 || (apr_size_t)text->nelts > max) {
        return sl_err_set(
            err, SL_INVALID, "SL8523",
            "the body of this request is cut off, or longer than %" APR_SIZE_T_FMT " bytes", max);
    }
    *len = (apr_size_t)text->nelts;
    APR_ARRAY_PUSH(text, char) = '\0';
    *body = text->elts;
    return SL_OK;
}
