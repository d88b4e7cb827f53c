/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_redcap_call.h"

#include "base/sl_text.h"
#include "flow/sl_cdp_deliver_parcel.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

/** "name=value&…" of everything but the token. */
static const char *form_text(const apr_table_t *form, apr_pool_t *p)
{
    const apr_array_header_t *pairs = apr_table_elts(form);
    apr_array_header_t *parts = apr_array_make(p, pairs->nelts * 4, sizeof(const char *));

    for (int i = 0; i < pairs->nelts; i++) {
        const apr_table_entry_t *pair = &APR_ARRAY_IDX(pairs, i, apr_table_entry_t);

        APR_ARRAY_PUSH(parts, const char *) = "&";
        APR_ARRAY_PUSH(parts, const char *) = sl_text_percent(p, pair->key);
        APR_ARRAY_PUSH(parts, const char *) = "=";
        APR_ARRAY_PUSH(parts, const char *) = sl_text_percent(p, pair->val);
    }
    return apr_array_pstrcat(p, parts, '\0');
}

/** The token is written where it is wiped, and nowhere else. */
static const sl_secret_t *body_of(const sl_secret_t *token, const apr_table_t *form, apr_pool_t *p)
{
    static const char head[] = "format=json&returnFormat=json&token=";
    static const char digits[] = "0123456789ABCDEF";
    const char *text = sl_secret_reveal(token);
    const char *rest = form_text(form, p);
    apr_size_t len = sizeof(head) - 1 + strlen(rest);
    const sl_secret_t *body;
    char *to;

    for (const char *c = text; *c != '\0'; c++) {
        len += apr_isalnum(*c) ? 1 : 3;
    }
    body = sl_secret_room(p, len, &to);
    memcpy(to, head, sizeof(head) - 1);
    to += sizeof(head) - 1;
    for (const char *c = text; *c != '\0'; c++) {
        if (apr_isalnum(*c)) {
            *to++ = *c;
        } else {
            *to++ = '%';
            *to++ = digits[(unsigned char)*c >> 4];
            *to++ = digits[*c & 0xf];
        }
    }
    memcpy(to, rest, strlen(rest));
    return body;
}

/** Any JSON of up to SL_CDP_REDCAP_MAX_BYTES; NULL: it is none. */
static sl_json_t *parse(const sl_secret_t *body, apr_pool_t *p)
{
    const char *wrapped = apr_pstrcat(p, "{\"it\":", sl_secret_reveal(body), "}", NULL);
    sl_json_t *json = NULL;
    sl_err_t err;

    if (sl_json_parse_long(&json, wrapped, strlen(wrapped), SL_CDP_REDCAP_MAX_BYTES + 16, p,
                           &err) != SL_OK) {
        return NULL;
    }
    return sl_json_get(json, "it");
}

static bool is_container(const sl_json_t *json)
{
    return json != NULL && (json_object_is_type(json, json_type_array) ||
                            json_object_is_type(json, json_type_object));
}

static sl_rc_t read_reply(sl_cdp_redcap_reply_t *out, const sl_cdp_project_t *project,
                          const sl_http_reply_t *reply, apr_pool_t *p, sl_err_t *err)
{
    sl_json_t *json = parse(reply->body, p);
    const char *error = is_container(json) ? sl_json_str(json, "error") : NULL;
    bool went_well = reply->status >= 200 && reply->status < 300;

    memset(out, 0, sizeof(*out));
    if (!went_well && error != NULL) {
        out->error = error;
        return SL_OK;
    }
    if (went_well && is_container(json) && error == NULL) {
        out->json = json;
        return SL_OK;
    }
    return sl_err_set(err, SL_UPSTREAM, "SL8305",
                      "the app of project %s does not speak REDCap's API at this URL (status %d)",
                      project->name, reply->status);
}

sl_rc_t sl_cdp_redcap_call(sl_cdp_redcap_reply_t *out, const sl_cdp_t *cdp,
                           const sl_cdp_project_t *project, const apr_table_t *form, apr_pool_t *p,
                           sl_err_t *err)
{
    sl_http_request_t request;
    sl_http_reply_t reply;
    sl_rc_t rc;

    sl_cdp_app_request(&request, project);
    request.body = body_of(project->delivery.secret, form, p);
    request.max_bytes = SL_CDP_REDCAP_MAX_BYTES;
    rc = sl_cdp_app_do(&reply, cdp, project, &request, p, err);
    if (rc == SL_OK) {
        rc = sl_cdp_app_judge(project, &reply, err);
    }
    return rc == SL_OK ? read_reply(out, project, &reply, p, err) : rc;
}
