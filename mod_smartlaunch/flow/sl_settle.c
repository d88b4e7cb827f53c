/* SPDX-License-Identifier: Apache-2.0 */
/* sl_finish_settle: whose launch it is, and the one commit that makes it live. */
#include "base/sl_json.h"
#include "flow/sl_browser.h"
#include "flow/sl_finish.h"
#include "flow/sl_revoke.h"

#include <apr_strings.h>
#include <string.h>

/** Who the launch belongs to, before it is stored. */
typedef struct {
    sl_link_state_t link_state;
    const char *app_user;   /* NULL unless linked */
    const char *login_user; /* pending: who began it in the app, and is asked; NULL: not known */
    bool is_revoked;        /* there was a link, and it was taken back: ask */
    const char *link_how;   /* make the link if it is missing */
} owner_t;

static sl_rc_t may_be_linked(const sl_finishing_t *f, sl_err_t *err)
{
    const char *type = f->redeemed.fhir_user.type;

    if (f->redeemed.identity.user == NULL) {
        return sl_err_set(err, SL_UPSTREAM, "SL4401",
                          "%s did not say who the user is (are openid and fhirUser in SmartScope, "
                          "and does SmartIdentity fit?)",
                          f->ehr->name);
    }
    if (type != NULL && (strcmp(type, "Patient") == 0 || strcmp(type, "RelatedPerson") == 0)) {
        return sl_err_set(err, SL_DENIED, "SL4402", "%s: a %s is not linked with an app user",
                          f->ehr->name, type);
    }
    return SL_OK;
}

static sl_rc_t find_link(sl_link_t *link, const sl_runtime_t *rt, const sl_site_t *site,
                         const sl_finishing_t *f, apr_pool_t *p, sl_err_t *err)
{
    const sl_redeemed_t *r = &f->redeemed;
    const sl_link_key_t key = {site->app, f->ehr->name, r->identity.user,
                               r->issuer, r->sub,       r->identity.source};
    sl_rc_t rc = sl_store_link_find(link, rt->db, &key, p, err);

    if (rc == SL_OK && link->outcome == SL_LINK_MISMATCH) {
        return sl_err_set(err, SL_CONFLICT, "SL4403",
                          "%s: the EHR user's name is linked, but to another identity of the "
                          "same name",
                          f->ehr->name);
    }
    return rc;
}

static sl_rc_t own_by_name(owner_t *owner, const sl_link_t *link, const sl_finishing_t *f,
                           const char *same_name, sl_err_t *err)
{
    if (same_name == NULL) {
        return sl_err_set(err, SL_DENIED, "SL4404",
                          "%s: the EHR user's name does not fit SmartLink same-name", f->ehr->name);
    }
    if (link->outcome == SL_LINK_FOUND && strcmp(link->app_user, same_name) != 0) {
        return sl_err_set(err, SL_CONFLICT, "SL4405",
                          "%s: the EHR user is linked with another app user than its name says",
                          f->ehr->name);
    }
    owner->link_state = SL_LINK_LINKED;
    owner->app_user = same_name;
    owner->link_how = "same-name";
    return SL_OK;
}

static sl_rc_t find_owner(owner_t *owner, const sl_runtime_t *rt, const sl_site_t *site,
                          const sl_finishing_t *f, const char *same_name, apr_pool_t *p,
                          sl_err_t *err)
{
    sl_link_t link = {0};
    sl_rc_t rc;

    memset(owner, 0, sizeof(*owner));
    if (site->policy == SL_POLICY_NONE) {
        owner->link_state = SL_LINK_NONE;
        return SL_OK;
    }
    rc = may_be_linked(f, err);
    if (rc == SL_OK) {
        rc = find_link(&link, rt, site, f, p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (site->policy == SL_POLICY_SAME_NAME && link.outcome != SL_LINK_REVOKED) {
        return own_by_name(owner, &link, f, same_name, err);
    }
    /* A revoked link asks again, whatever the policy: the app's login decides. */
    owner->is_revoked = link.outcome == SL_LINK_REVOKED;
    owner->link_state = link.outcome == SL_LINK_FOUND ? SL_LINK_LINKED : SL_LINK_PENDING;
    owner->app_user = link.outcome == SL_LINK_FOUND ? link.app_user : NULL;
    return SL_OK;
}

/** Nobody is linked yet. It is as if the app had said Smart-Login: she is asked, or it is done. */
static sl_rc_t join_starter(owner_t *owner, const sl_runtime_t *rt, const sl_site_t *site,
                            const sl_finishing_t *f, apr_pool_t *p, sl_err_t *err)
{
    const char *starter = f->pending.app_user;
    const sl_link_key_t key = {site->app, f->ehr->name, f->redeemed.identity.user,
                               NULL,      NULL,         NULL};
    sl_link_user_t found = {0};
    sl_rc_t rc = sl_store_link_by_user(&found, rt->db, &key, starter, p, err);

    if (rc == SL_OK && found.outcome == SL_LINK_FOUND) {
        rc = sl_err_set(err, SL_CONFLICT, "SL4411",
                        "%s: the app user who began the launch is linked with another EHR user",
                        f->ehr->name);
    } else if (rc == SL_OK && (site->confirm || owner->is_revoked)) {
        owner->login_user = starter;
    } else if (rc == SL_OK) {
        owner->link_state = SL_LINK_LINKED;
        owner->app_user = starter;
        owner->link_how = "app";
    }
    return rc;
}

/** Is she at work in this browser still? Others may have come while she was away at the EHR. */
static sl_rc_t is_here(bool *out, const sl_runtime_t *rt, const sl_finish_t *finish,
                       const char *user, apr_pool_t *p, sl_err_t *err)
{
    const sl_site_t *site = finish->site;
    const sl_browser_key_t key = {finish->browser, site->app,      site->idle,
                                  site->max,       apr_time_now(), true};
    sl_browser_view_t view = {0};
    sl_rc_t rc = sl_browser_load(&view, rt, &key, p, err);

    *out = false;
    for (int i = 0; rc == SL_OK && i < view.count; i++) {
        const char *known = view.launches[i].row.app_user;

        *out = *out || (view.launches[i].live && known != NULL && strcmp(known, user) == 0);
    }
    return rc;
}

/** Of a launch that an app user began in the app nobody else's may come. */
static sl_rc_t mind_starter(owner_t *owner, const sl_runtime_t *rt, const sl_finish_t *finish,
                            const sl_finishing_t *f, apr_pool_t *p, sl_err_t *err)
{
    const char *starter = f->pending.app_user;
    bool here = false;
    sl_rc_t rc;

    if (starter == NULL || owner->link_state == SL_LINK_NONE || finish->is_untied) {
        return SL_OK;
    }
    if (owner->app_user != NULL) {
        return strcmp(owner->app_user, starter) == 0
                   ? SL_OK
                   : sl_err_set(err, SL_CONFLICT, "SL4410",
                                "%s: the EHR user is another app user than the one who began the "
                                "launch",
                                f->ehr->name);
    }
    if (finish->site->policy == SL_POLICY_SITE) {
        return SL_OK; /* httpd's own login decides */
    }
    rc = is_here(&here, rt, finish, starter, p, err);
    return rc == SL_OK && here ? join_starter(owner, rt, finish->site, f, p, err) : rc;
}

static const char *context_json(const sl_context_t *context, bool toplevel, apr_pool_t *p)
{
    sl_json_t *json = sl_json_object(p);

    sl_json_put_bool(json, "toplevel", toplevel);
    sl_json_put_str(json, "need_patient_banner", sl_context_banner(context->need_banner));
    if (context->intent != NULL) {
        sl_json_put_str(json, "intent", context->intent);
    }
    if (context->style_url != NULL) {
        sl_json_put_str(json, "style_url", context->style_url);
    }
    if (context->tenant != NULL) {
        sl_json_put_str(json, "tenant", context->tenant);
    }
    if (context->fhir_context != NULL) {
        sl_json_put_str(json, "fhir_context", context->fhir_context);
    }
    return sl_json_text(p, json);
}

static sl_rc_t seal_token(sl_token_new_t *token, const sl_runtime_t *rt, const sl_finishing_t *f,
                          const owner_t *owner, apr_pool_t *p, sl_err_t *err)
{
    const sl_token_response_t *tokens = &f->redeemed.tokens;
    const sl_token_row_t row = {f->claimed.id,
                                f->claimed.app,
                                f->claimed.ehr,
                                owner->app_user,
                                f->redeemed.context.patient,
                                1};
    const sl_tokens_t both = {tokens->access, tokens->refresh};
    sl_sealed_tokens_t sealed;
    sl_rc_t rc = sl_vault_seal_tokens(&sealed, rt->ring, &row, &both, p, err);

    if (rc == SL_OK) {
        token->access_sealed = sealed.access;
        token->refresh_sealed = sealed.refresh;
        token->key_id = sealed.key_id;
        token->scope_asked = f->pending.scope;
        token->scope_granted = tokens->scope != NULL ? tokens->scope : f->pending.scope;
        token->lifetime = apr_time_from_sec(tokens->expires_in);
    }
    return rc;
}

/** The names under which the launch goes on, and their fingerprints. */
typedef struct {
    const char *handle, *session, *new_browser;
    unsigned char handle_hash[SL_SHA256_LEN], session_hash[SL_SHA256_LEN];
    unsigned char browser_hash[SL_SHA256_LEN], new_browser_hash[SL_SHA256_LEN];
} names_t;

static sl_rc_t make_names(names_t *names, const sl_runtime_t *rt, const sl_finish_t *finish,
                          const sl_finishing_t *f, apr_pool_t *p, sl_err_t *err)
{
    const char *key = f->claimed.key_id;

    if (sl_id_derive(&names->handle, rt->ring, key, SL_ID_HANDLE, f->claimed.id, p) != SL_OK ||
        sl_id_derive(&names->session, rt->ring, key, SL_ID_SESSION, f->claimed.id, p) != SL_OK) {
        return sl_err_set(err, SL_FAILED, "SL4406", "the key of a launch is gone");
    }
    sl_id_print(names->handle, names->handle_hash);
    sl_id_print(names->session, names->session_hash);
    sl_id_print(finish->browser, names->browser_hash);
    if (sl_id_new(&names->new_browser, rt->ring, SL_ID_BROWSER, p, err) != SL_OK) {
        return SL_FAILED;
    }
    sl_id_print(names->new_browser, names->new_browser_hash);
    return SL_OK;
}

static void fill_result(sl_launch_result_t *result, const sl_finishing_t *f, const owner_t *owner,
                        const names_t *names, bool toplevel, apr_pool_t *p)
{
    const sl_redeemed_t *r = &f->redeemed;

    result->id = f->claimed.id;
    result->browser_hash = names->browser_hash;
    result->new_browser_hash = names->new_browser_hash;
    result->handle_hash = names->handle_hash;
    result->session_hash = names->session_hash;
    result->app_user = owner->app_user;
    result->ehr_user = r->identity.user;
    result->issuer = r->issuer;
    result->sub = r->sub;
    result->source = r->identity.source;
    result->fhir_user = r->fhir_user.url;
    result->patient = r->context.patient;
    result->encounter = r->context.encounter;
    result->context = context_json(&r->context, toplevel, p);
    result->link_state = owner->link_state;
    result->login_user = owner->login_user;
    result->link_how = owner->link_how;
}

static sl_rc_t commit(sl_launch_finished_t *stored, const sl_runtime_t *rt,
                      const sl_launch_result_t *result, sl_trace_t *trace, sl_err_t *err)
{
    apr_time_t began = apr_time_now();
    sl_rc_t rc = sl_store_launch_finish(stored, rt->db, result, trace->p, err);

    if (rc == SL_NONE) {
        rc = sl_err_set(err, SL_EXPIRED, "SL4407", "the link was revoked during the launch");
    } else if (rc == SL_CONFLICT) {
        rc = sl_err_set(err, SL_CONFLICT, "SL4408",
                        "EHR user or app user is linked with somebody else");
    }
    return rc == SL_OK ? rc : sl_trace_failed(trace, "store", 0, began, err);
}

static sl_rc_t settle(sl_finished_t *out, const sl_runtime_t *rt, const sl_finish_t *finish,
                      sl_finishing_t *f, const owner_t *owner, sl_trace_t *trace, sl_err_t *err)
{
    sl_launch_finished_t stored = {0};
    sl_launch_result_t result;
    sl_token_new_t token;
    names_t names;
    sl_rc_t rc = make_names(&names, rt, finish, f, trace->p, err);

    memset(&result, 0, sizeof(result));
    if (rc == SL_OK) {
        rc = seal_token(&token, rt, f, owner, trace->p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    fill_result(&result, f, owner, &names, finish->toplevel, trace->p);
    result.others = finish->is_untied ? SL_OTHERS_HOLD : SL_OTHERS_ASK;
    result.max = finish->site->max;
    result.idle = finish->site->idle;
    result.token = &token;
    result.steps = trace->steps;
    rc = commit(&stored, rt, &result, trace, err);
    sl_browser_forget(rt, finish->browser, finish->site->app);
    if (rc == SL_OK) {
        out->held = stored.held;
        out->new_browser = stored.moved ? names.new_browser : NULL;
        out->handle = names.handle;
        out->link_state = owner->link_state;
        out->asks = owner->login_user != NULL;
        out->return_to = f->claimed.return_to;
        out->app_user = owner->app_user;
    }
    return rc;
}

/** While PostgreSQL does not answer, nobody knows whether the launch lives after all. */
static void fail(const sl_runtime_t *rt, const sl_finishing_t *f, const sl_trace_t *trace,
                 const sl_err_t *why)
{
    const sl_token_response_t *tokens = &f->redeemed.tokens;
    const sl_revoke_unused_t unused = {
        f->claimed.id, f->claimed.app, f->claimed.ehr, {tokens->access, tokens->refresh}};
    sl_err_t lost;

    if (sl_store_launch_fail(rt->db, f->claimed.id, why->id, trace->steps, &lost) != SL_OK) {
        sl_log(&rt->log, SL_LOG_WARN, "SL4409", "a failed launch was not closed: %s", lost.text);
    } else if (why->rc != SL_UNAVAILABLE && why->rc != SL_BUSY) {
        sl_revoke_unused(rt, &unused, trace->p);
    }
}

sl_rc_t sl_finish_settle(sl_finished_t *out, const sl_runtime_t *rt, const sl_finish_t *finish,
                         sl_finishing_t *f, const char *same_name, sl_trace_t *trace, sl_err_t *err)
{
    owner_t owner;
    sl_rc_t rc = find_owner(&owner, rt, finish->site, f, same_name, trace->p, err);

    if (rc == SL_OK) {
        rc = mind_starter(&owner, rt, finish, f, trace->p, err);
    }
    if (rc == SL_OK) {
        sl_trace_ok(trace, "finish", 0, 0,
                    owner.link_state == SL_LINK_LINKED    ? "linked"
                    : owner.link_state == SL_LINK_PENDING ? "not linked yet"
                                                          : "the app maps users itself");
        rc = settle(out, rt, finish, f, &owner, trace, err);
    }
    if (rc != SL_OK) {
        sl_trace_failed(trace, "finish", 0, 0, err);
        fail(rt, f, trace, err);
    }
    return rc;
}
