/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_token.h"

#include "store/sl_store_cdp_token.h"
#include <string.h>

/** The tokens found so far. */
typedef struct {
    const sl_cdp_token_ask_t *ask;
    apr_array_header_t *found; /* of sl_cdp_token_t */
    apr_pool_t *p;
    sl_err_t *err;
    sl_rc_t rc; /* why nobody could be asked; SL_OK */
} search_t;

/** Then there is no use in asking on. */
static bool is_away(const search_t *search)
{
    return search->rc == SL_UNAVAILABLE || search->rc == SL_BUSY;
}

static bool is_known(const search_t *search, const char *launch)
{
    for (int i = 0; i < search->found->nelts; i++) {
        const sl_cdp_token_t *token = &APR_ARRAY_IDX(search->found, i, sl_cdp_token_t);

        if (token->grant.launch != NULL && strcmp(token->grant.launch, launch) == 0) {
            return true;
        }
    }
    return false;
}

static void keep(search_t *search, const sl_grant_t *grant, const char *bound)
{
    if (!is_known(search, grant->launch)) {
        sl_cdp_token_t *token = apr_array_push(search->found);

        token->grant = *grant;
        token->bound = bound;
    }
}

/** SL_NONE: there is no such token. What keeps us from knowing is remembered. */
static sl_rc_t find(sl_grant_t *out, search_t *search, const char *session, const char *patient)
{
    const sl_cdp_token_ask_t *ask = search->ask;
    const sl_runtime_t *rt = ask->cdp->rt;
    const sl_grant_ask_t what = {.app = ask->project->app,
                                 .ehr = ask->project->ehr,
                                 .session = session,
                                 .user = session == NULL ? ask->actor->user : NULL,
                                 .patient = patient,
                                 .idle = rt->idle,
                                 .now = apr_time_now()};
    sl_rc_t rc;

    if (is_away(search)) {
        return search->rc;
    }
    rc = sl_grant_find(out, rt, &what, search->p, search->err);
    if (rc == SL_UNAVAILABLE || rc == SL_BUSY || rc == SL_FAILED) {
        search->rc = rc;
    }
    return rc;
}

/** The launch's token: of this patient, or, with NULL, one without any. */
static void take_launch(search_t *search, const sl_grant_t *launch, const char *patient)
{
    bool same = patient == NULL || launch->patient == NULL ? patient == launch->patient
                                                           : strcmp(patient, launch->patient) == 0;

    if (launch->launch != NULL && same) {
        keep(search, launch, launch->patient);
    }
}

static bool has_user(const search_t *search)
{
    const char *user = search->ask->actor->user;

    return user != NULL && strcmp(user, SL_CDP_SYSTEM) != 0;
}

static void take_general(search_t *search, const sl_grant_t *launch)
{
    sl_grant_t grant;

    take_launch(search, launch, NULL);
    if (has_user(search) && find(&grant, search, NULL, NULL) == SL_OK) {
        keep(search, &grant, NULL);
    }
}

/**
 * The user's newest of this patient. Where there is none the general one is found instead, which
 * take_general() is for.
 */
static void take_bound(search_t *search, const char *patient)
{
    sl_grant_t grant, general;

    if (!has_user(search) || find(&grant, search, NULL, patient) != SL_OK) {
        return;
    }
    if (find(&general, search, NULL, NULL) == SL_OK && strcmp(general.launch, grant.launch) == 0) {
        return;
    }
    keep(search, &grant, patient);
}

static void take_all_bound(search_t *search)
{
    const sl_cdp_token_ask_t *ask = search->ask;
    const sl_cdp_token_owner_t owner = {ask->project->app, ask->project->ehr->name,
                                        ask->actor->user, SL_CDP_TOKEN_PATIENTS};
    apr_array_header_t *patients = NULL;

    if (!has_user(search) || is_away(search)) {
        return;
    }
    search->rc =
        sl_store_cdp_token_patients(&patients, ask->cdp->rt->db, &owner, search->p, search->err);
    for (int i = 0; search->rc == SL_OK && i < patients->nelts; i++) {
        take_bound(search, APR_ARRAY_IDX(patients, i, const char *));
    }
}

/** It is got when it is used. */
static void take_system(search_t *search)
{
    const sl_cdp_token_ask_t *ask = search->ask;

    if (ask->is_unattended && ask->project->ehr->system_scope != NULL) {
        sl_cdp_token_t *token = apr_array_push(search->found);

        memset(token, 0, sizeof(*token));
        token->grant.via = SL_VIA_SYSTEM;
    }
}

sl_rc_t sl_cdp_token_list(apr_array_header_t **out, const sl_cdp_token_ask_t *ask, apr_pool_t *p,
                          sl_err_t *err)
{
    search_t search = {ask, apr_array_make(p, 4, sizeof(sl_cdp_token_t)), p, err, SL_OK};
    sl_grant_t launch = {0};

    if (ask->actor->session == NULL || find(&launch, &search, ask->actor->session, NULL) != SL_OK) {
        launch.launch = NULL;
    }
    if (ask->patient != NULL) {
        take_launch(&search, &launch, ask->patient);
        take_bound(&search, ask->patient);
    }
    take_general(&search, &launch);
    if (ask->patient == NULL) {
        bool has_general = search.found->nelts > 0;

        take_launch(&search, &launch, launch.patient);
        if (!has_general) {
            take_all_bound(&search);
        }
    }
    take_system(&search);
    *out = search.found;
    if (search.found->nelts > 0) {
        return SL_OK;
    }
    return search.rc != SL_OK ? search.rc
                              : sl_err_set(err, SL_EXPIRED, "SL8101",
                                           "%s: there is no token of the user that may be used for "
                                           "this patient",
                                           ask->project->ehr->name);
}
