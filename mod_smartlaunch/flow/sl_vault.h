/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What is stored sealed, and what its seal covers (design sections 4 and 12, "Tampered rows"):
 * table, column, row, and every column that decides what the value opens.
 */
#ifndef SL_VAULT_H
#define SL_VAULT_H

#include "base/sl_keyring.h"
#include "smart/sl_discovery.h"
#include "store/sl_store_launch.h"
#include "store/sl_store_reseal.h"
#include "store/sl_store_ticket.h"
#include "store/sl_store_token.h"

/** What a pending launch needs at its callback (AZR-12). */
typedef struct {
    const sl_secret_t *verifier; /* NULL: without PKCE */
    const char *token_endpoint;
    const char *issuer; /* of the authorization server; NULL: not known */
    const char *jwks;   /* NULL: ask the openid-configuration */
    unsigned algs;      /* of client assertions, as in sl_endpoints_t */
    bool iss_parameter;
    const char *redirect_uri;
    const char *scope;        /* as asked */
    const char *browser_hash; /* hexadecimal */
    const char *app_user;     /* who began it in the app; NULL: not known, or an EHR launch */
} sl_pending_t;

/** Which launch a pending value belongs to. */
typedef struct {
    const char *id, *app, *ehr;
} sl_pending_row_t;

SL_MUST_USE sl_rc_t sl_vault_seal_pending(sl_bytes_t *out, const sl_keyring_t *ring,
                                          const sl_pending_row_t *row, const sl_pending_t *pending,
                                          apr_pool_t *p, sl_err_t *err);

/** SL_FAILED: altered, moved, or its key is gone. */
SL_MUST_USE sl_rc_t sl_vault_open_pending(sl_pending_t *out, const sl_keyring_t *ring,
                                          const sl_launch_claimed_t *claimed, apr_pool_t *p,
                                          sl_err_t *err);

/** An answer of the EHR that a ticket keeps until a window of its own comes for it. */
typedef struct {
    const char *state;
    const sl_secret_t *code;
    const char *iss; /* NULL: none came */
} sl_callback_t;

/** Of a ticket and the launch it opens, what the seal covers: their hashes. */
typedef struct {
    const unsigned char *ticket_hash, *state_hash;
} sl_callback_row_t;

SL_MUST_USE sl_rc_t sl_vault_seal_callback(sl_bytes_t *out, const sl_keyring_t *ring,
                                           const sl_callback_row_t *row,
                                           const sl_callback_t *callback, apr_pool_t *p,
                                           sl_err_t *err);

/** SL_FAILED: altered, moved, or the key is gone. */
SL_MUST_USE sl_rc_t sl_vault_open_callback(sl_callback_t *out, const sl_keyring_t *ring,
                                           const sl_callback_row_t *row, const sl_ticket_t *ticket,
                                           apr_pool_t *p, sl_err_t *err);

/** The same particulars under the first key of the ring, whatever they are. SL_FAILED as above. */
SL_MUST_USE sl_rc_t sl_vault_reseal_pending(sl_reseal_pending_t *out, const sl_keyring_t *ring,
                                            const sl_reseal_pending_t *was, apr_pool_t *p,
                                            sl_err_t *err);

/** The columns of a token that its seal covers. */
typedef struct {
    const char *launch, *app, *ehr, *app_user, *patient; /* app_user, patient: or NULL */
    apr_int64_t generation;
} sl_token_row_t;

typedef struct {
    const sl_secret_t *access;
    const sl_secret_t *refresh; /* NULL: none */
} sl_tokens_t;

typedef struct {
    sl_bytes_t access, refresh;
    const char *key_id;
} sl_sealed_tokens_t;

SL_MUST_USE sl_rc_t sl_vault_seal_tokens(sl_sealed_tokens_t *out, const sl_keyring_t *ring,
                                         const sl_token_row_t *row, const sl_tokens_t *tokens,
                                         apr_pool_t *p, sl_err_t *err);

/** SL_FAILED: altered, moved, or its key is gone. */
SL_MUST_USE sl_rc_t sl_vault_open_tokens(sl_tokens_t *out, const sl_keyring_t *ring,
                                         const sl_token_t *row, apr_pool_t *p, sl_err_t *err);

#endif
