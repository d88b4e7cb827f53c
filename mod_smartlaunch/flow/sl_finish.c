/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_finish.h"
#include "base/sl_text.h"
#include "flow/sl_revoke.h"
#include "smart/sl_issuer_param.h"

#include <apr_strings.h>
#include <string.h>

/** How long a second callback of the same code waits for the first (CBK-3), and how often. */
#define WAIT_FOR_FIRST apr_time_from_sec(3)
#define WAIT_STEP apr_time_from_msec(50)

static sl_rc_t claim_once(sl_launch_claimed_t *out, const sl_runtime_t *rt,
                          const sl_finish_t *finish, apr_pool_t *p, sl_err_t *err)
{
    unsigned char state[SL_SHA256_LEN];
    unsigned char browser[SL_SHA256_LEN];
    sl_launch_claim_t claim = {state, NULL, finish->site->path, 0};

    sl_id_print(finish->answer->state, state);
    if (finish->browser != NULL) {
        sl_id_print(finish->browser, browser);
        claim.browser_hash = browser;
    }
    return sl_store_launch_claim(out, rt->db, &claim, p, err);
}

/** Claim; where another request of this browser is redeeming the code, wait for its end. */
static sl_rc_t claim(sl_launch_claimed_t *out, const sl_runtime_t *rt, const sl_finish_t *finish,
                     apr_pool_t *p, sl_err_t *err)
{
    apr_time_t until = apr_time_now() + WAIT_FOR_FIRST;
    sl_rc_t rc = claim_once(out, rt, finish, p, err);

    while (rc == SL_OK && out->outcome == SL_CLAIM_USED && out->state == SL_LAUNCH_CLAIMED &&
           apr_time_now() < until) {
        apr_sleep(WAIT_STEP);
        rc = claim_once(out, rt, finish, p, err);
    }
    return rc;
}

static sl_rc_t finished_before(sl_finished_t *out, const sl_runtime_t *rt,
                               const sl_launch_claimed_t *claimed, apr_pool_t *p, sl_err_t *err)
{
    switch (claimed->state) {
    case SL_LAUNCH_LIVE:
    case SL_LAUNCH_HELD:
        break;
    case SL_LAUNCH_CLAIMED:
        sl_err_set(err, SL_BUSY, "SL4301", "a callback came twice and the first is not done");
        if (err != NULL) {
            err->retry_after = 2;
        }
        return SL_BUSY;
    case SL_LAUNCH_PENDING:
    case SL_LAUNCH_ENDED:
    case SL_LAUNCH_FAILED:
        return sl_err_set(err, SL_USED, "SL4302", "the answer to this launch was used before");
    }
    out->done = true;
    out->held = claimed->state == SL_LAUNCH_HELD;
    out->return_to = claimed->return_to;
    if (sl_id_derive(&out->handle, rt->ring, claimed->key_id, SL_ID_HANDLE, claimed->id, p) !=
        SL_OK) {
        return sl_err_set(err, SL_EXPIRED, "SL4303", "the key of a finished launch is gone");
    }
    return SL_OK;
}

static sl_rc_t judge_claim(sl_finished_t *out, const sl_runtime_t *rt,
                           const sl_launch_claimed_t *claimed, apr_pool_t *p, sl_err_t *err)
{
    switch (claimed->outcome) {
    case SL_CLAIM_WON:
        return SL_OK;
    case SL_CLAIM_UNKNOWN:
        return sl_err_set(err, SL_INVALID, "SL4304", "no launch is waiting for this answer");
    case SL_CLAIM_FOREIGN:
        return sl_err_set(err, SL_FOREIGN, "SL4305",
                          "the answer came from another browser than the launch%s",
                          claimed->old_cookie ? " (its cookie was renewed a moment ago)" : "");
    case SL_CLAIM_EXPIRED:
        return sl_err_set(err, SL_EXPIRED, "SL4306", "the answer to this launch came too late");
    case SL_CLAIM_USED:
        break;
    }
    return finished_before(out, rt, claimed, p, err);
}

/** The sealed particulars fit the row, the browser and the configuration of now. */
static sl_rc_t open_pending(sl_finishing_t *f, const sl_runtime_t *rt, const sl_finish_t *finish,
                            apr_pool_t *p, sl_err_t *err)
{
    unsigned char browser[SL_SHA256_LEN];
    sl_rc_t rc = sl_vault_open_pending(&f->pending, rt->ring, &f->claimed, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    sl_id_print(finish->browser, browser);
    if (!f->claimed.moved &&
        !sl_secret_text_eq(f->pending.browser_hash, sl_text_hex(p, browser, sizeof(browser)))) {
        return sl_err_set(err, SL_FOREIGN, "SL4307", "a launch's browser was changed in its row");
    }
    f->ehr = sl_runtime_ehr(finish->site->ehrs, f->claimed.ehr);
    if (f->ehr == NULL || strcmp(f->claimed.app, finish->site->app) != 0 ||
        strcmp(f->pending.redirect_uri, finish->site->redirect_uri) != 0) {
        return sl_err_set(err, SL_INVALID, "SL4308",
                          "a launch was answered at a Redirect URL that does not serve it");
    }
    if (f->ehr->ep_token != NULL && strcmp(f->ehr->ep_token, f->pending.token_endpoint) != 0) {
        return sl_err_set(err, SL_UPSTREAM, "SL4309",
                          "%s: the token endpoint changed since the launch began", f->ehr->name);
    }
    return SL_OK;
}

static sl_rc_t refused_by_ehr(const sl_finishing_t *f, const sl_finish_t *finish, sl_err_t *err)
{
    const char *error = finish->answer->error;
    const char *hint = sl_redirect_error_hint(error);
    const char *uri = finish->answer->error_uri;

    if (strcmp(error, "temporarily_unavailable") == 0) {
        return sl_err_set(err, SL_BUSY, "SL4310", "%s: temporarily unavailable", f->ehr->name);
    }
    return sl_err_set(err, SL_DENIED, "SL4311", "%s refused the launch: %s%s%s%s%s", f->ehr->name,
                      error, hint != NULL ? "; likely: " : "", hint != NULL ? hint : "",
                      uri != NULL ? "; it refers to " : "", uri != NULL ? uri : "");
}

/** From the claim on: whatever fails closes the launch. */
static sl_rc_t redeem(sl_finishing_t *f, const sl_runtime_t *rt, const sl_finish_t *finish,
                      sl_trace_t *trace, sl_err_t *err)
{
    sl_issuer_param_t expected;
    sl_redeem_t call;
    sl_rc_t rc = open_pending(f, rt, finish, trace->p, err);

    if (rc == SL_OK) {
        expected.issuer = f->pending.issuer;
        expected.is_advertised = f->pending.iss_parameter;
        expected.token_endpoint = f->pending.token_endpoint;
        expected.is_shared = finish->site->ehrs->nelts > 1;
        rc = sl_issuer_param_check(&expected, finish->answer->iss, trace->p, err);
        if (rc == SL_DENIED) { /* nobody said no: the answer is not for us */
            err->rc = SL_INVALID;
            rc = SL_INVALID;
        }
    }
    if (rc == SL_OK && finish->answer->kind == SL_REDIRECT_ERROR) {
        rc = refused_by_ehr(f, finish, err);
    }
    if (rc != SL_OK) {
        return sl_trace_failed(trace, "callback", 0, 0, err);
    }
    sl_trace_ok(trace, "callback", 0, 0, NULL);
    call.ehr = f->ehr;
    call.pending = &f->pending;
    call.code = finish->answer->code;
    return sl_redeem_code(&f->redeemed, rt, &call, trace, err);
}

static sl_rc_t fail(const sl_runtime_t *rt, const sl_finishing_t *f, sl_rc_t rc,
                    const sl_trace_t *trace, const sl_err_t *why)
{
    const sl_token_response_t *tokens = &f->redeemed.tokens;
    const sl_revoke_unused_t unused = {
        f->claimed.id, f->claimed.app, f->claimed.ehr, {tokens->access, tokens->refresh}};
    sl_err_t err;

    if (sl_store_launch_fail(rt->db, f->claimed.id, why->id, trace->steps, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_WARN, "SL4312", "a failed launch was not closed: %s", err.text);
        return rc;
    }
    sl_revoke_unused(rt, &unused, trace->p);
    return rc;
}

sl_rc_t sl_finish_answer(sl_finished_t *out, sl_finishing_t *f, const sl_runtime_t *rt,
                         const sl_finish_t *finish, sl_trace_t *trace, sl_err_t *err)
{
    sl_rc_t rc;

    memset(out, 0, sizeof(*out));
    memset(f, 0, sizeof(*f));
    f->claimed.outcome = SL_CLAIM_UNKNOWN;
    if (!sl_id_is_ours(rt->ring, SL_ID_STATE, finish->answer->state)) {
        return sl_err_set(err, SL_INVALID, "SL4313", "an answer without a state of ours");
    }
    rc = claim(&f->claimed, rt, finish, trace->p, err);
    if (rc == SL_OK) {
        rc = judge_claim(out, rt, &f->claimed, trace->p, err);
    }
    if (rc != SL_OK || out->done) {
        return rc;
    }
    rc = redeem(f, rt, finish, trace, err);
    return rc == SL_OK ? rc : fail(rt, f, rc, trace, err);
}
