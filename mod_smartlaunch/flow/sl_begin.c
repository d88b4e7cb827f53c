/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_begin.h"
#include "base/sl_text.h"
#include "flow/sl_discover.h"
#include "flow/sl_vault.h"
#include "smart/sl_authorize.h"
#include "smart/sl_issuer_param.h"
#include "smart/sl_pkce.h"
#include "smart/sl_url.h"

#include <apr_strings.h>
#include <string.h>

/** Everything a launch is made of before it is stored. */
typedef struct {
    sl_launch_kind_t kind;
    const sl_ehr_t *ehr;
    sl_endpoints_t endpoints;
    const char *id;
    const char *state;
    const char *browser;
    const char *scope;
    const sl_secret_t *verifier;
} draft_t;

static const sl_ehr_t *by_issuer(const apr_array_header_t *ehrs, const char *iss, apr_pool_t *tmp)
{
    for (int i = 0; i < ehrs->nelts; i++) {
        const sl_ehr_t *ehr = APR_ARRAY_IDX(ehrs, i, const sl_ehr_t *);

        if (ehr->scope != NULL && sl_url_same_issuer(ehr->issuer, iss, tmp)) {
            return ehr;
        }
    }
    return NULL;
}

static sl_rc_t make_verifier(draft_t *draft, apr_pool_t *p, sl_err_t *err)
{
    unsigned char random[SL_PKCE_RANDOM_LEN];
    sl_rc_t rc;

    if (draft->ehr->pkce == SL_SWITCH_OFF) {
        return SL_OK;
    }
    rc = sl_digest_random(random, sizeof(random), err);
    if (rc == SL_OK) {
        draft->verifier = sl_pkce_verifier(p, random);
        sl_secret_wipe(random, sizeof(random));
    }
    return rc;
}

static sl_rc_t make_ids(draft_t *draft, const sl_runtime_t *rt, const sl_begin_t *begin,
                        apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc = sl_store_launch_id(&draft->id, begin->now, p, err);

    if (rc == SL_OK) {
        rc = sl_id_new(&draft->state, rt->ring, SL_ID_STATE, p, err);
    }
    draft->browser = begin->browser;
    if (rc == SL_OK && draft->browser == NULL) {
        rc = sl_id_new(&draft->browser, rt->ring, SL_ID_BROWSER, p, err);
    }
    return rc == SL_OK ? make_verifier(draft, p, err) : rc;
}

static sl_rc_t seal(sl_bytes_t *out, const sl_runtime_t *rt, const sl_begin_t *begin,
                    const draft_t *draft, apr_pool_t *p, sl_err_t *err)
{
    const sl_pending_row_t row = {draft->id, begin->site->app, draft->ehr->name};
    unsigned char browser[SL_SHA256_LEN];
    sl_pending_t pending;

    sl_id_print(draft->browser, browser);
    pending.verifier = draft->verifier;
    pending.token_endpoint = draft->endpoints.token;
    pending.issuer = draft->endpoints.issuer;
    pending.jwks = draft->endpoints.jwks;
    pending.algs = draft->endpoints.algs;
    pending.iss_parameter = draft->endpoints.iss_parameter;
    pending.redirect_uri = begin->site->redirect_uri;
    pending.scope = draft->scope;
    pending.browser_hash = sl_text_hex(p, browser, sizeof(browser));
    pending.app_user = begin->app_user;
    return sl_vault_seal_pending(out, rt->ring, &row, &pending, p, err);
}

static sl_rc_t store(const sl_runtime_t *rt, const sl_begin_t *begin, const draft_t *draft,
                     sl_trace_t *trace, sl_err_t *err)
{
    unsigned char state[SL_SHA256_LEN];
    unsigned char browser[SL_SHA256_LEN];
    unsigned char network[SL_SHA256_LEN];
    sl_launch_new_t row;
    sl_rc_t rc;

    memset(&row, 0, sizeof(row));
    rc = seal(&row.pending_sealed, rt, begin, draft, trace->p, err);
    if (rc != SL_OK) {
        return rc;
    }
    sl_id_print(draft->state, state);
    sl_id_print(draft->browser, browser);
    if (begin->network != NULL) {
        const char *const parts[] = {"network", begin->network, NULL};

        sl_id_print(sl_keyring_mac(rt->ring, parts, trace->p), network);
        row.client_net = network;
    }
    row.id = draft->id;
    row.app = begin->site->app;
    row.ehr = draft->ehr->name;
    row.kind = draft->kind;
    row.return_to = begin->return_to;
    row.state_hash = state;
    row.browser_hash = browser;
    row.key_id = sl_keyring_active(rt->ring);
    row.redirect_path = begin->site->path;
    row.steps = trace->steps;
    return sl_store_launch_begin(rt->db, &row, trace->p, err);
}

static const char *authorize_url(const sl_begin_t *begin, const draft_t *draft, apr_pool_t *p)
{
    sl_authorize_t request;

    request.endpoint = draft->endpoints.authorize;
    request.client_id = draft->ehr->client_id;
    request.redirect_uri = begin->site->redirect_uri;
    request.scope = draft->scope;
    request.state = draft->state;
    request.aud = sl_authorize_aud(p, draft->ehr, begin->iss); /* standalone: the configured one */
    request.launch = begin->launch;
    request.challenge = draft->verifier != NULL ? sl_pkce_challenge(p, draft->verifier) : NULL;
    request.form_post = draft->ehr->quirks.form_post == SL_SWITCH_ON;
    return sl_authorize_url(p, &request);
}

/** Does the issuer that this launch's EHR names belong to the other one? */
static bool is_of(const sl_endpoints_t *other, const sl_endpoints_t *mine, apr_pool_t *p)
{
    if (other->token == NULL || strcmp(other->token, mine->token) == 0) {
        return false;
    }
    return (other->issuer != NULL && strcmp(other->issuer, mine->issuer) == 0) ||
           !sl_issuer_is_elsewhere(mine->issuer, other->token, p);
}

/**
 * SEC-1: `iss` tells answers of several EHRs apart as long as no EHR names another's issuer. One
 * that lies on the host that gets the code harms nobody, and of one that is configured the
 * administrator knows. So the true owner is never refused for what a liar says.
 */
static sl_rc_t check_issuer(const sl_runtime_t *rt, const sl_begin_t *begin, const draft_t *draft,
                            sl_trace_t *trace, sl_err_t *err)
{
    const apr_array_header_t *ehrs = begin->site->ehrs;
    const sl_endpoints_t *mine = &draft->endpoints;
    sl_trace_t *aside = sl_trace_new(trace->p, trace->reference);

    if (mine->issuer == NULL || draft->ehr->ep_issuer != NULL ||
        !sl_issuer_is_elsewhere(mine->issuer, mine->token, trace->p)) {
        return SL_OK;
    }
    for (int i = 0; i < ehrs->nelts; i++) {
        const sl_ehr_t *ehr = APR_ARRAY_IDX(ehrs, i, const sl_ehr_t *);
        sl_endpoints_t other;
        sl_err_t none;

        if (ehr != draft->ehr && sl_discover_endpoints(&other, rt, ehr, aside, &none) == SL_OK &&
            is_of(&other, mine, trace->p)) {
            sl_err_set(err, SL_UPSTREAM, "SL4102",
                       "%s names the issuer of %s, and has another token endpoint; if both are "
                       "right, write SmartEndpoint issuer, or give each a Redirect URL of its own "
                       "(SmartServe)",
                       draft->ehr->name, ehr->name);
            return sl_trace_failed(trace, "discovery", 0, 0, err);
        }
    }
    return SL_OK;
}

/** From the EHR and the scope on, both kinds of launch go the same way. */
static sl_rc_t begin_at(sl_begun_t *out, const sl_runtime_t *rt, const sl_begin_t *begin,
                        draft_t *draft, sl_trace_t *trace, sl_err_t *err)
{
    sl_rc_t rc = sl_discover_endpoints(&draft->endpoints, rt, draft->ehr, trace, err);

    if (rc == SL_OK) {
        rc = check_issuer(rt, begin, draft, trace, err);
    }
    if (rc == SL_OK) {
        rc = make_ids(draft, rt, begin, trace->p, err);
    }
    if (rc == SL_OK) {
        sl_trace_ok(trace, "launch", 0, 0,
                    apr_psprintf(trace->p, "%s %s for app %s",
                                 draft->kind == SL_KIND_EHR ? "from" : "standalone at",
                                 draft->ehr->name, begin->site->app));
        rc = store(rt, begin, draft, trace, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    out->new_browser = begin->browser == NULL ? draft->browser : NULL;
    out->location = authorize_url(begin, draft, trace->p);
    return SL_OK;
}

sl_rc_t sl_begin_ehr(sl_begun_t *out, const sl_runtime_t *rt, const sl_begin_t *begin,
                     sl_trace_t *trace, sl_err_t *err)
{
    draft_t draft;

    memset(&draft, 0, sizeof(draft));
    draft.kind = SL_KIND_EHR;
    draft.ehr = by_issuer(begin->site->ehrs, begin->iss, trace->p);
    if (draft.ehr == NULL) {
        return sl_err_set(err, SL_UNKNOWN_EHR, "SL4101",
                          "a launch names an issuer that is not configured here: %.160s",
                          sl_text_loggable(trace->p, begin->iss, 160));
    }
    draft.scope = sl_authorize_scope(trace->p, draft.ehr->scope, true);
    return begin_at(out, rt, begin, &draft, trace, err);
}

sl_rc_t sl_begin_standalone(sl_begun_t *out, const sl_runtime_t *rt, const sl_begin_t *begin,
                            sl_trace_t *trace, sl_err_t *err)
{
    draft_t draft;

    memset(&draft, 0, sizeof(draft));
    draft.kind = SL_KIND_STANDALONE;
    draft.ehr = begin->ehr;
    draft.scope = sl_authorize_scope(trace->p, draft.ehr->standalone_scope, false);
    return begin_at(out, rt, begin, &draft, trace, err);
}
