/* SPDX-License-Identifier: Apache-2.0 */
/* Before anything is fetched: is this the patient, and is there a sign-in to fetch with? */
#include "flow/sl_cdp_fetch.h"

#include "base/sl_text.h"
#include "cdp/sl_cdp_trim.h"
#include "flow/sl_cdp_fetch_run.h"
#include "flow/sl_cdp_setup.h"

#include <string.h>

#define MRN_MAX 200

const char *sl_cdp_fetch_reference(const sl_cdp_actor_t *actor)
{
    return actor->reference != NULL ? actor->reference : SL_CDP_FETCH_UNATTENDED;
}

/** Printable, and something. NULL: it cannot be one. */
static const char *read_mrn(const char *text, apr_pool_t *p)
{
    const char *mrn = sl_cdp_trim(p, text, strlen(text));
    apr_size_t len = strlen(mrn);
    bool good = len > 0 && len <= MRN_MAX && sl_text_is_utf8(mrn, len);

    for (const unsigned char *c = (const unsigned char *)mrn; good && *c != '\0'; c++) {
        good = *c >= ' ' && *c != 0x7f;
    }
    return good ? mrn : NULL;
}

sl_rc_t sl_cdp_fetch_mapping(sl_cdp_mapping_t *out, const sl_cdp_t *cdp,
                             const sl_cdp_project_t *project, apr_pool_t *p, sl_err_t *err)
{
    apr_int64_t revision;
    sl_rc_t rc = sl_cdp_setup_load(out, &revision, cdp, project->name, p, err);

    return rc != SL_NONE ? rc
                         : sl_err_set(err, SL_INVALID, "SL8142",
                                      "the project %s has no mapping yet", project->name);
}

static apr_array_header_t *read_previews(const sl_cdp_mapping_t *mapping,
                                         const sl_cdp_found_t *found,
                                         const sl_cdp_project_t *project, apr_pool_t *p)
{
    const sl_cdp_reading_t reading = sl_cdp_fetch_reading(project);
    apr_array_header_t *previews = apr_array_make(p, SL_CDP_PREVIEWS, sizeof(sl_cdp_preview_t));

    for (int i = 0; i < mapping->preview->nelts; i++) {
        sl_cdp_preview_t *preview = apr_array_push(previews);
        sl_cdp_source_t source;

        preview->source = APR_ARRAY_IDX(mapping->preview, i, const char *);
        preview->label =
            sl_cdp_catalogue_find(&source, preview->source, p) ? source.label : preview->source;
        preview->value = sl_cdp_read_preview(found->resource, preview->source, &reading, p);
    }
    return previews;
}

sl_rc_t sl_cdp_find(sl_cdp_lookup_t *out, const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                    const char *mrn, const sl_cdp_actor_t *actor, apr_pool_t *p, sl_err_t *err)
{
    const sl_cdp_token_ask_t ask = {.cdp = cdp, .project = project, .actor = actor};
    sl_cdp_asking_t asking = {.cdp = cdp,
                              .project = project,
                              .reference = sl_cdp_fetch_reference(actor),
                              .until = apr_time_now() + SL_CDP_FETCH_PATIENCE,
                              .p = p};
    apr_array_header_t *tokens = NULL;
    sl_cdp_mapping_t mapping;
    sl_cdp_found_t found;
    const char *number = read_mrn(mrn, p);
    sl_rc_t rc = SL_OK;

    memset(out, 0, sizeof(*out));
    if (number == NULL) {
        rc = sl_err_set(err, SL_INVALID, "SL8141", "this is no medical record number");
    }
    if (rc == SL_OK) {
        rc = sl_cdp_fetch_mapping(&mapping, cdp, project, p, err);
    }
    if (rc == SL_OK) {
        rc = sl_cdp_token_list(&tokens, &ask, p, err);
    }
    if (rc == SL_OK) {
        rc = sl_cdp_fetch_patient(&found, &out->is_protected, &asking, tokens, number, err);
    }
    if (rc == SL_OK) {
        out->patient = found.id;
        out->previews = read_previews(&mapping, &found, project, p);
    }
    return rc;
}

/** The better one: without an end, else the later end. */
static bool is_better(const sl_cdp_signin_t *a, const sl_cdp_signin_t *b)
{
    if (a->expires_at == 0 || b->expires_at == 0) {
        return a->expires_at == 0 && b->expires_at != 0;
    }
    return a->expires_at > b->expires_at;
}

static sl_cdp_signin_t signin_of(const sl_grant_t *grant)
{
    const sl_cdp_signin_t signin = {grant->can_renew ? 0 : grant->expires_at, grant->can_renew};

    return signin;
}

sl_rc_t sl_cdp_signin(sl_cdp_signin_t *out, const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                      const sl_cdp_actor_t *actor, apr_pool_t *p, sl_err_t *err)
{
    const sl_cdp_token_ask_t ask = {
        .cdp = cdp, .project = project, .actor = actor, .patient = actor->patient};
    apr_array_header_t *tokens = NULL;
    sl_rc_t rc = sl_cdp_token_list(&tokens, &ask, p, err);
    bool any = false;

    for (int i = 0; rc == SL_OK && i < tokens->nelts; i++) {
        const sl_grant_t *grant = &APR_ARRAY_IDX(tokens, i, sl_cdp_token_t).grant;
        const sl_cdp_signin_t one = signin_of(grant);

        if ((one.expires_at == 0 || one.expires_at > apr_time_now()) &&
            (!any || is_better(&one, out))) {
            *out = one;
            any = true;
        }
    }
    if (rc == SL_EXPIRED || (rc == SL_OK && !any)) {
        return sl_err_set(err, SL_NONE, "SL8146", "%s: the user has not signed in",
                          project->ehr->name);
    }
    return rc;
}
