/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_notify.h"
#include "base/sl_signer.h"
#include "base/sl_text.h"
#include "flow/sl_challenge.h"
#include "flow/sl_login.h"
#include "smart/sl_location.h"
#include "smart/sl_origin.h"
#include "smart/sl_query.h"

#include <apr_strings.h>
#include <string.h>

#define JTI_BYTES 16
#define MESSAGE_BITS 48

static const char *link_word(sl_link_state_t state)
{
    switch (state) {
    case SL_LINK_LINKED:
        return "linked";
    case SL_LINK_PENDING:
        return "pending";
    case SL_LINK_NONE:
        break;
    }
    return "none";
}

static const char *kind_word(sl_launch_kind_t kind)
{
    return kind == SL_KIND_STANDALONE ? "standalone" : "ehr";
}

/**
 * Under SmartLink none the app maps EHR users itself, and the EHR's name is the user. While a link
 * is pending it must not pass for one of the app's, and there is no patient yet.
 */
static void set_user(sl_notify_t *notify, sl_link_state_t state, const char *app_user)
{
    sl_signon_who_t *who = &notify->who;

    who->link = link_word(state);
    notify->has_session = state != SL_LINK_PENDING;
    switch (state) {
    case SL_LINK_LINKED:
        who->user = app_user;
        break;
    case SL_LINK_NONE:
        who->user = who->ehr_user;
        break;
    case SL_LINK_PENDING:
        who->user = who->patient = who->encounter = NULL;
        break;
    }
}

void sl_notify_of_finish(sl_notify_t *out, const sl_site_t *site, const sl_finishing_t *finishing,
                         const sl_finished_t *finished)
{
    const sl_redeemed_t *redeemed = &finishing->redeemed;
    sl_signon_who_t *who = &out->who;

    memset(out, 0, sizeof(*out));
    out->site = site;
    out->browser = finished->new_browser;
    out->launch = finishing->claimed.id;
    out->key_id = finishing->claimed.key_id;
    out->handle = finished->handle;
    who->ehr = finishing->claimed.ehr;
    who->ehr_user = redeemed->identity.user;
    who->fhir_user = redeemed->fhir_user.url;
    who->claims = redeemed->claims;
    who->patient = redeemed->context.patient;
    who->encounter = redeemed->context.encounter;
    who->kind = kind_word(finishing->claimed.kind);
    who->return_to = finishing->claimed.return_to;
    set_user(out, finished->link_state, finished->app_user);
}

void sl_notify_of_launch(sl_notify_t *out, const sl_site_t *site, const sl_browser_launch_t *launch)
{
    const sl_launch_t *row = &launch->row;
    sl_signon_who_t *who = &out->who;

    memset(out, 0, sizeof(*out));
    out->site = site;
    out->launch = row->id;
    out->key_id = row->key_id;
    out->handle = launch->handle;
    who->ehr = row->ehr;
    who->ehr_user = row->ehr_user;
    who->fhir_user = row->fhir_user;
    who->patient = row->patient;
    who->encounter = row->encounter;
    who->kind = kind_word(row->kind);
    who->return_to = row->return_to;
    set_user(out, row->link_state, row->app_user);
}

void sl_notify_of_user(sl_notify_t *out, const sl_site_t *site, const char *user)
{
    memset(out, 0, sizeof(*out));
    out->site = site;
    out->who.user = user;
    out->who.kind = "site";
    out->who.link = link_word(SL_LINK_NONE);
}

/** X3: a session of ours, where there is a gateway to use it at; never while a link is pending. */
static sl_rc_t add_session(sl_notify_t *notify, const sl_runtime_t *rt, apr_pool_t *p,
                           sl_err_t *err)
{
    sl_signon_who_t *who = &notify->who;

    if (!notify->has_session || notify->site->gateway_url == NULL) {
        return SL_OK;
    }
    if (sl_id_derive(&who->session_id, rt->ring, notify->key_id, SL_ID_SESSION, notify->launch,
                     p) != SL_OK) {
        return sl_err_set(err, SL_FAILED, "SL4811", "the key of a launch is gone");
    }
    who->session_base_url = apr_pstrcat(p, notify->site->gateway_url, "/", who->ehr, NULL);
    return SL_OK;
}

/** Body, and the header that signs for it. */
static sl_rc_t write_message(sl_http_request_t *request, const sl_notify_t *notify, apr_pool_t *p,
                             sl_err_t *err)
{
    const sl_destination_t *to = notify->site->notify;
    const sl_signon_parties_t parties = {to->source_id, to->source_name, to->destination_id,
                                         to->destination_name};
    sl_signon_t signon = {.parties = &parties, .who = &notify->who, .now = apr_time_now()};
    unsigned char random[JTI_BYTES];
    const sl_secret_t *jwt = NULL;
    const char *body;
    sl_rc_t rc = sl_digest_random(&signon.message_id, sizeof(signon.message_id), err);

    if (rc == SL_OK) {
        rc = sl_digest_random(random, sizeof(random), err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    signon.message_id >>= 64 - MESSAGE_BITS;
    signon.jti = sl_text_base64url(p, random, sizeof(random));
    body = sl_signon_body(&signon, p);
    request->body = sl_secret_str(p, body);
    if (to->secret == NULL) {
        return SL_OK;
    }
    rc = sl_signer_hs256(&jwt, to->secret, sl_signon_claims(&signon, body, p), p, err);
    if (rc == SL_OK) {
        request->authorization = sl_secret_bearer(p, jwt);
    }
    return rc;
}

/** The handle goes with the browser where it stays with us, and not onto our own URLs. */
static const char *with_handle(const sl_notify_t *notify, const char *location, apr_pool_t *p)
{
    const char *const own[] = {notify->site->path, NULL};
    const sl_location_t rule = {notify->site->public_url, NULL, own, notify->handle};
    sl_query_t had;

    if (notify->handle == NULL || sl_origin_rest(notify->site->public_url, location) == NULL) {
        return location;
    }
    sl_query_find(&had, location, p);
    /* The app may not know which launch this is, or think of another one. */
    return had.handle != NULL ? sl_query_put(p, location, notify->handle)
                              : sl_location_carry(p, &rule, location);
}

static sl_rc_t post(sl_notified_t *out, int *status, const sl_runtime_t *rt,
                    const sl_notify_t *notify, apr_pool_t *p, sl_err_t *err)
{
    const sl_destination_t *to = notify->site->notify;
    const sl_signon_rule_t rule = {to->allow, to->html};
    sl_signon_verdict_t verdict;
    sl_signon_answer_t answer;
    sl_http_request_t request;
    sl_http_reply_t reply;
    sl_rc_t rc;

    sl_challenge_prepare(&request, to);
    request.method = SL_HTTP_POST;
    request.gate = rt->notify_gate;
    rc = write_message(&request, notify, p, err);
    if (rc == SL_OK) {
        rc = sl_http_do(rt->http, &request, &reply, p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    *status = answer.status = reply.status;
    answer.content_type = reply.content_type;
    answer.location = reply.location;
    answer.locations = reply.locations;
    rc = sl_signon_judge(&verdict, &answer, &rule, p, err);
    if (rc != SL_OK) {
        return rc;
    }
    out->page = verdict.location == NULL ? reply.body : NULL;
    out->charset = verdict.charset;
    out->location = verdict.location == NULL ? NULL : with_handle(notify, verdict.location, p);
    return SL_OK;
}

/** X5: the app does not know the session, so nobody shall have one. */
static void end_launch(const sl_runtime_t *rt, const sl_notify_t *notify, sl_trace_t *trace)
{
    sl_browser_key_t key = {.cookie = notify->browser, .app = notify->site->app};
    sl_browser_launch_t launch;
    sl_login_t login = {rt, &key, &launch, trace};
    sl_err_t err;

    memset(&launch, 0, sizeof(launch));
    launch.row.id = notify->launch;
    launch.row.key_id = notify->key_id;
    launch.row.app = notify->site->app;
    launch.row.ehr = notify->who.ehr;
    if (sl_login_end(&login, "sign-on failed", false, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_ERROR, "SL4812",
               "the app refused a sign-on, and its launch could not be ended: %s", err.text);
    }
}

static void keep_steps(const sl_runtime_t *rt, const sl_notify_t *notify, const sl_trace_t *trace)
{
    sl_err_t err;

    if (sl_store_steps_add(rt->db, notify->launch, trace->steps, trace->p, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

sl_rc_t sl_notify_send(sl_notified_t *out, const sl_runtime_t *rt, sl_notify_t *notify,
                       const sl_trace_t *trace, sl_err_t *err)
{
    sl_trace_t *steps = sl_trace_new(trace->p, trace->reference);
    apr_time_t began = apr_time_now();
    int status = 0;
    sl_rc_t rc;

    memset(out, 0, sizeof(*out));
    rc = add_session(notify, rt, trace->p, err);
    if (rc == SL_OK) {
        rc = sl_challenge_settle(rt, notify->site->notify, trace->p, err);
    }
    if (rc == SL_OK) {
        rc = post(out, &status, rt, notify, trace->p, err);
    }
    if (rc == SL_OK) {
        sl_trace_ok(steps, "notify", status, began,
                    notify->who.session_id != NULL ? "with a session" : "without a session");
    } else {
        sl_trace_failed(steps, "notify", status, began, err);
    }
    if (rc != SL_OK && notify->launch != NULL) {
        end_launch(rt, notify, steps);
    } else {
        keep_steps(rt, notify, steps);
    }
    return rc;
}
