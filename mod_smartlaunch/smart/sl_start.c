/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_start.h"

#include "base/sl_text.h"
#include "smart/sl_query.h"
#include "smart/sl_url.h"
#include <apr_strings.h>
#include <string.h>

/** At most one of this name, and not empty. `out` NULL: there is none. */
static sl_rc_t read_one(const char **out, const sl_params_t *params, const char *name,
                        sl_err_t *err)
{
    int count = sl_params_count(params, name);

    *out = sl_params_one(params, name);
    if (count > 1 || (count == 1 && (*out)[0] == '\0')) {
        return sl_err_set(err, SL_INVALID, "SL2960", "\"%s\" is repeated or empty", name);
    }
    return SL_OK;
}

sl_rc_t sl_start_read(sl_start_t *out, const sl_params_t *params, apr_pool_t *p, sl_err_t *err)
{
    sl_query_t query;
    sl_rc_t rc = read_one(&out->ehr, params, "ehr", err);

    if (rc == SL_OK) {
        rc = read_one(&out->return_to, params, "return", err);
    }
    if (rc != SL_OK || out->return_to == NULL) {
        return rc;
    }
    if (!sl_url_is_return_path(out->return_to, p)) {
        return sl_err_set(err, SL_INVALID, "SL2961",
                          "\"return\" is no path of this site that one can go back to");
    }
    sl_query_take_uri(&query, out->return_to, p);
    out->return_to = query.rest;
    return SL_OK;
}

static sl_rc_t by_name(const sl_ehr_t **out, const apr_array_header_t *ehrs, const char *name,
                       sl_err_t *err)
{
    for (int i = 0; i < ehrs->nelts; i++) {
        const sl_ehr_t *ehr = APR_ARRAY_IDX(ehrs, i, const sl_ehr_t *);

        if (strcmp(ehr->name, name) == 0) {
            *out = ehr->standalone_scope != NULL ? ehr : NULL;
            return *out != NULL ? SL_OK
                                : sl_err_set(err, SL_DENIED, "SL2962",
                                             "%s has no SmartStandaloneScope", ehr->name);
        }
    }
    return sl_err_set(err, SL_UNKNOWN_EHR, "SL2963",
                      "a standalone launch names an EHR that is not served here");
}

sl_rc_t sl_start_ehr(const sl_ehr_t **out, const apr_array_header_t *ehrs, const char *name,
                     sl_err_t *err)
{
    int count = 0;

    *out = NULL;
    if (name != NULL) {
        return by_name(out, ehrs, name, err);
    }
    for (int i = 0; i < ehrs->nelts; i++) {
        const sl_ehr_t *ehr = APR_ARRAY_IDX(ehrs, i, const sl_ehr_t *);

        if (ehr->standalone_scope != NULL) {
            *out = ehr;
            count++;
        }
    }
    if (count == 0) {
        return sl_err_set(err, SL_DENIED, "SL2964", "no EHR here has a SmartStandaloneScope");
    }
    if (count > 1) {
        *out = NULL;
    }
    return SL_OK;
}

/** The app user of a live launch or session, if one is known. */
static const char *user_of(const sl_bind_launch_t *launch)
{
    bool known = launch->session || launch->link == SL_BIND_LINKED;

    return launch->live && known ? launch->user : NULL;
}

static const char *user_named(const char *handle, const sl_bind_launch_t *launches, int count)
{
    for (int i = 0; i < count; i++) {
        if (launches[i].handle != NULL && launches[i].handle[0] != '\0' &&
            strcmp(launches[i].handle, handle) == 0) {
            return user_of(&launches[i]);
        }
    }
    return NULL;
}

const char *sl_start_user(const sl_bind_request_t *request, const sl_bind_launch_t *launches,
                          int count)
{
    const char *const handles[] = {request->url_handle, request->header_handle,
                                   request->referer_handle};
    const char *found = NULL;

    if (request->url_several || request->referer_several ||
        (handles[0] != NULL && handles[1] != NULL && strcmp(handles[0], handles[1]) != 0)) {
        return NULL;
    }
    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
        if (handles[i] != NULL) {
            return user_named(handles[i], launches, count);
        }
    }
    for (int i = 0; i < count; i++) {
        const char *user = user_of(&launches[i]);

        if (user != NULL && found != NULL && strcmp(user, found) != 0) {
            return NULL;
        }
        found = user != NULL ? user : found;
    }
    return found;
}

const char *sl_start_address(apr_pool_t *p, const char *redirect_uri, const sl_start_t *start)
{
    const char *url = apr_pstrcat(p, redirect_uri, "/start", NULL);

    if (start->ehr != NULL) {
        url = sl_url_add_param(p, url, "ehr", start->ehr);
    }
    return start->return_to != NULL ? sl_url_add_param(p, url, "return", start->return_to) : url;
}
