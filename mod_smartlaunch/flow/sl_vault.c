/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_vault.h"
#include "base/sl_json.h"
#include "base/sl_text.h"

#include <apr_strings.h>

/** Nobody was refused: somebody writes to the tables, or a key is missing. */
static sl_rc_t unseal(sl_secret_t **out, const sl_keyring_t *ring, const sl_sealed_t *sealed,
                      apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc = sl_keyring_open(out, ring, sealed, p, err);

    if (rc == SL_DENIED) {
        rc = SL_FAILED;
        err->rc = rc;
    }
    return rc;
}

static sl_rc_t unseal_json(sl_json_t **out, const sl_keyring_t *ring, const sl_sealed_t *sealed,
                           apr_pool_t *p, sl_err_t *err)
{
    sl_secret_t *text = NULL;
    sl_rc_t rc = unseal(&text, ring, sealed, p, err);

    return rc == SL_OK ? sl_json_parse(out, sl_secret_reveal(text), sl_secret_len(text), p, err)
                       : rc;
}

/** What is sealed of a pending launch is one JSON object. */
static const sl_secret_t *write_pending(const sl_pending_t *pending, apr_pool_t *p)
{
    sl_json_t *json = sl_json_object(p);

    sl_json_put_str(json, "verifier",
                    pending->verifier != NULL ? sl_secret_reveal(pending->verifier) : NULL);
    sl_json_put_str(json, "token_endpoint", pending->token_endpoint);
    sl_json_put_str(json, "issuer", pending->issuer);
    sl_json_put_str(json, "jwks", pending->jwks);
    sl_json_put_int(json, "algs", pending->algs);
    sl_json_put_bool(json, "iss_parameter", pending->iss_parameter);
    sl_json_put_str(json, "redirect_uri", pending->redirect_uri);
    sl_json_put_str(json, "scope", pending->scope);
    sl_json_put_str(json, "browser", pending->browser_hash);
    sl_json_put_str(json, "app_user", pending->app_user);
    return sl_secret_str(p, sl_json_text(p, json));
}

sl_rc_t sl_vault_seal_pending(sl_bytes_t *out, const sl_keyring_t *ring,
                              const sl_pending_row_t *row, const sl_pending_t *pending,
                              apr_pool_t *p, sl_err_t *err)
{
    const char *const aad[] = {"launch", "pending_sealed", row->id, row->app, row->ehr, NULL};

    return sl_keyring_seal(out, ring, aad, write_pending(pending, p), p, err);
}

sl_rc_t sl_vault_open_pending(sl_pending_t *out, const sl_keyring_t *ring,
                              const sl_launch_claimed_t *claimed, apr_pool_t *p, sl_err_t *err)
{
    const char *const aad[] = {"launch",     "pending_sealed", claimed->id,
                               claimed->app, claimed->ehr,     NULL};
    const sl_sealed_t sealed = {claimed->key_id, aad, claimed->pending_sealed};
    sl_json_t *json = NULL;
    sl_rc_t rc = unseal_json(&json, ring, &sealed, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    out->verifier = sl_secret_str(p, sl_json_str(json, "verifier"));
    out->token_endpoint = sl_json_str(json, "token_endpoint");
    out->issuer = sl_json_str(json, "issuer");
    out->jwks = sl_json_str(json, "jwks");
    out->algs = (unsigned)json_object_get_int(sl_json_get(json, "algs"));
    out->iss_parameter = json_object_get_boolean(sl_json_get(json, "iss_parameter"));
    out->redirect_uri = sl_json_str(json, "redirect_uri");
    out->scope = sl_json_str(json, "scope");
    out->browser_hash = sl_json_str(json, "browser");
    out->app_user = sl_json_str(json, "app_user");
    if (out->token_endpoint == NULL || out->redirect_uri == NULL || out->scope == NULL ||
        out->browser_hash == NULL) {
        return sl_err_set(err, SL_FAILED, "SL4001", "a pending launch lacks its particulars");
    }
    return SL_OK;
}

static const char **callback_aad(const sl_callback_row_t *row, apr_pool_t *p)
{
    const char **aad = apr_pcalloc(p, 5 * sizeof(*aad));

    aad[0] = "ticket";
    aad[1] = "code_sealed";
    aad[2] = sl_text_hex(p, row->ticket_hash, SL_SHA256_LEN);
    aad[3] = sl_text_hex(p, row->state_hash, SL_SHA256_LEN);
    return aad;
}

sl_rc_t sl_vault_seal_callback(sl_bytes_t *out, const sl_keyring_t *ring,
                               const sl_callback_row_t *row, const sl_callback_t *callback,
                               apr_pool_t *p, sl_err_t *err)
{
    sl_json_t *json = sl_json_object(p);

    sl_json_put_str(json, "state", callback->state);
    sl_json_put_str(json, "code", sl_secret_reveal(callback->code));
    sl_json_put_str(json, "iss", callback->iss);
    return sl_keyring_seal(out, ring, callback_aad(row, p), sl_secret_str(p, sl_json_text(p, json)),
                           p, err);
}

sl_rc_t sl_vault_open_callback(sl_callback_t *out, const sl_keyring_t *ring,
                               const sl_callback_row_t *row, const sl_ticket_t *ticket,
                               apr_pool_t *p, sl_err_t *err)
{
    const sl_sealed_t sealed = {ticket->code_key, callback_aad(row, p), ticket->code_sealed};
    sl_json_t *json = NULL;
    sl_rc_t rc = unseal_json(&json, ring, &sealed, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    out->state = sl_json_str(json, "state");
    out->code = sl_secret_str(p, sl_json_str(json, "code"));
    out->iss = sl_json_str(json, "iss");
    if (out->state == NULL || out->code == NULL) {
        return sl_err_set(err, SL_FAILED, "SL4002", "a ticket lacks its code");
    }
    return SL_OK;
}

sl_rc_t sl_vault_reseal_pending(sl_reseal_pending_t *out, const sl_keyring_t *ring,
                                const sl_reseal_pending_t *was, apr_pool_t *p, sl_err_t *err)
{
    const char *const aad[] = {"launch", "pending_sealed", was->id, was->app, was->ehr, NULL};
    const sl_sealed_t sealed = {was->key_id, aad, was->sealed};
    sl_secret_t *text = NULL;
    sl_rc_t rc = unseal(&text, ring, &sealed, p, err);

    out->key_id = sl_keyring_active(ring);
    return rc == SL_OK ? sl_keyring_seal(&out->sealed, ring, aad, text, p, err) : rc;
}

/** The texts a token's seal covers; `column` is left for the caller. */
static const char **token_aad(const sl_token_row_t *row, apr_pool_t *p)
{
    const char **aad = apr_palloc(p, 9 * sizeof(*aad));

    aad[0] = "token";
    aad[1] = "";
    aad[2] = row->launch;
    aad[3] = row->app;
    aad[4] = row->ehr;
    aad[5] = row->app_user != NULL ? row->app_user : "";
    aad[6] = row->patient != NULL ? row->patient : "";
    aad[7] = apr_off_t_toa(p, (apr_off_t)row->generation);
    aad[8] = NULL;
    return aad;
}

sl_rc_t sl_vault_seal_tokens(sl_sealed_tokens_t *out, const sl_keyring_t *ring,
                             const sl_token_row_t *row, const sl_tokens_t *tokens, apr_pool_t *p,
                             sl_err_t *err)
{
    const char **aad = token_aad(row, p);
    sl_rc_t rc;

    out->key_id = sl_keyring_active(ring);
    out->refresh.bytes = NULL;
    out->refresh.len = 0;
    aad[1] = "access_sealed";
    rc = sl_keyring_seal(&out->access, ring, aad, tokens->access, p, err);
    if (rc == SL_OK && tokens->refresh != NULL) {
        aad[1] = "refresh_sealed";
        rc = sl_keyring_seal(&out->refresh, ring, aad, tokens->refresh, p, err);
    }
    return rc;
}

sl_rc_t sl_vault_open_tokens(sl_tokens_t *out, const sl_keyring_t *ring, const sl_token_t *row,
                             apr_pool_t *p, sl_err_t *err)
{
    const sl_token_row_t covered = {row->launch,   row->app,     row->ehr,
                                    row->app_user, row->patient, row->generation};
    const char **aad = token_aad(&covered, p);
    sl_sealed_t sealed = {row->key_id, aad, row->access_sealed};
    sl_secret_t *access = NULL;
    sl_secret_t *refresh = NULL;
    sl_rc_t rc;

    aad[1] = "access_sealed";
    rc = unseal(&access, ring, &sealed, p, err);
    if (rc == SL_OK && row->refresh_sealed.bytes != NULL) {
        aad[1] = "refresh_sealed";
        sealed.sealed = row->refresh_sealed;
        rc = unseal(&refresh, ring, &sealed, p, err);
    }
    out->access = access;
    out->refresh = refresh;
    return rc;
}
