/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_reseal.h"
#include "flow/sl_vault.h"
#include "store/sl_store_reseal.h"

#include <apr_strings.h>

#define BATCH 50

/** A row that cannot be opened stays as it is, and holds up no other. */
static void leave_closed(sl_reseal_done_t *done, const sl_runtime_t *rt, const char *what,
                         const char *id, const sl_err_t *why)
{
    done->closed++;
    sl_log(&rt->log, SL_LOG_WARN, "SL4571", "the %s of launch %s stays as it is: %s (%s)", what, id,
           why->text, why->id);
}

static sl_rc_t seal_token(sl_reseal_done_t *done, const sl_runtime_t *rt, const sl_token_t *was,
                          apr_pool_t *p, sl_err_t *err)
{
    const sl_token_row_t row = {was->launch,   was->app,     was->ehr,
                                was->app_user, was->patient, was->generation};
    sl_token_t now = *was;
    sl_tokens_t tokens = {NULL, NULL};
    sl_sealed_tokens_t sealed;
    bool kept = false;
    sl_rc_t rc;

    if (sl_vault_open_tokens(&tokens, rt->ring, was, p, err) != SL_OK) {
        leave_closed(done, rt, "token", was->launch, err);
        return SL_OK;
    }
    rc = sl_vault_seal_tokens(&sealed, rt->ring, &row, &tokens, p, err);
    if (rc != SL_OK) {
        return rc;
    }
    now.access_sealed = sealed.access;
    now.refresh_sealed = sealed.refresh;
    now.key_id = sealed.key_id;
    rc = sl_store_reseal_token(&kept, rt->db, was, &now, p, err);
    done->tokens += kept;
    done->moved += rc == SL_OK && !kept;
    return rc;
}

static sl_rc_t seal_pending(sl_reseal_done_t *done, const sl_runtime_t *rt,
                            const sl_reseal_pending_t *was, apr_pool_t *p, sl_err_t *err)
{
    sl_reseal_pending_t now = *was;
    bool kept = false;
    sl_rc_t rc;

    if (sl_vault_reseal_pending(&now, rt->ring, was, p, err) != SL_OK) {
        leave_closed(done, rt, "beginning", was->id, err);
        return SL_OK;
    }
    rc = sl_store_reseal_pending(&kept, rt->db, was, &now, p, err);
    done->pendings += kept;
    done->moved += rc == SL_OK && !kept;
    return rc;
}

/** @param after the last launch of the batch; unchanged: there was none */
static sl_rc_t token_batch(sl_reseal_done_t *done, const char **after, const sl_runtime_t *rt,
                           apr_pool_t *p, sl_err_t *err)
{
    const sl_reseal_batch_t batch = {sl_keyring_active(rt->ring), *after, BATCH};
    apr_array_header_t *rows = NULL;
    sl_rc_t rc = sl_store_reseal_tokens(&rows, rt->db, &batch, p, err);

    for (int i = 0; rc == SL_OK && i < rows->nelts; i++) {
        const sl_token_t *row = &APR_ARRAY_IDX(rows, i, sl_token_t);

        rc = seal_token(done, rt, row, p, err);
        *after = row->launch;
    }
    return rc;
}

static sl_rc_t pending_batch(sl_reseal_done_t *done, const char **after, const sl_runtime_t *rt,
                             apr_pool_t *p, sl_err_t *err)
{
    const sl_reseal_batch_t batch = {sl_keyring_active(rt->ring), *after, BATCH};
    apr_array_header_t *rows = NULL;
    sl_rc_t rc = sl_store_reseal_pendings(&rows, rt->db, &batch, p, err);

    for (int i = 0; rc == SL_OK && i < rows->nelts; i++) {
        const sl_reseal_pending_t *row = &APR_ARRAY_IDX(rows, i, sl_reseal_pending_t);

        rc = seal_pending(done, rt, row, p, err);
        *after = row->id;
    }
    return rc;
}

typedef sl_rc_t batch_fn(sl_reseal_done_t *done, const char **after, const sl_runtime_t *rt,
                         apr_pool_t *p, sl_err_t *err);

static sl_rc_t all_batches(sl_reseal_done_t *done, batch_fn *batch, const sl_runtime_t *rt,
                           apr_pool_t *p, sl_err_t *err)
{
    char last[64] = "";
    apr_pool_t *tmp;
    sl_rc_t rc;
    bool more;

    if (apr_pool_create(&tmp, p) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL4572", "out of memory");
    }
    do {
        const char *after = last;

        rc = batch(done, &after, rt, tmp, err);
        more = rc == SL_OK && after != last;
        if (more) {
            apr_cpystrn(last, after, sizeof(last));
        }
        apr_pool_clear(tmp);
    } while (more);
    apr_pool_destroy(tmp);
    return rc;
}

sl_rc_t sl_reseal_pass(sl_reseal_done_t *done, const sl_runtime_t *rt, apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc = all_batches(done, token_batch, rt, p, err);

    return rc == SL_OK ? all_batches(done, pending_batch, rt, p, err) : rc;
}
