/* SPDX-License-Identifier: Apache-2.0 */
/* A rotation of the key ring, for all that the Clinical Data Pull stores: as flow/sl_reseal.h. */
#include "flow/sl_cdp_hold.h"

#include "flow/sl_cdp_vault.h"

#include <apr_strings.h>

#define BATCH 100
#define AT_MAX 1024 /* a project and a record, as JSON */

static void count(sl_cdp_resealed_t *done, sl_cdp_sealed_column_t column)
{
    switch (column) {
    case SL_CDP_SEALED_VALUE:
        done->values++;
        return;
    case SL_CDP_SEALED_MRN:
    case SL_CDP_SEALED_DATES:
    case SL_CDP_SEALED_WARNINGS:
        done->records++;
        return;
    case SL_CDP_SEALED_PRINT:
    case SL_CDP_SEALED_OUTBOX:
    case SL_CDP_SEALED_REASON:
    case SL_CDP_SEALED_COLUMNS:
        done->others++;
    }
}

/** A row that cannot be opened stays as it is, and holds up no other. */
static sl_rc_t reseal(sl_cdp_resealed_t *done, const sl_runtime_t *rt,
                      const sl_store_cdp_sealed_t *was, apr_pool_t *p, sl_err_t *err)
{
    sl_cdp_sealed_t now = {0};
    bool kept = false;
    sl_rc_t rc;

    if (sl_cdp_vault_reseal(&now, rt->ring, was, p, err) != SL_OK) {
        done->closed++;
        sl_log(&rt->log, SL_LOG_WARN, "SL8013",
               "something the Clinical Data Pull holds for project %s stays as it is: %s (%s)",
               was->project != NULL ? was->project : "-", err->text, err->id);
        return SL_OK;
    }
    rc = sl_store_cdp_reseal(&kept, rt->db, was, &now, err);
    if (rc == SL_OK && kept) {
        count(done, was->column);
    }
    done->moved += rc == SL_OK && !kept;
    return rc;
}

/** @param after where the batch ended; unchanged: there was none */
static sl_rc_t batch(sl_cdp_resealed_t *done, sl_store_cdp_batch_t *next, const sl_runtime_t *rt,
                     apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *rows = NULL;
    sl_rc_t rc = sl_store_cdp_sealed(&rows, rt->db, next, p, err);

    next->after = NULL;
    for (int i = 0; rc == SL_OK && i < rows->nelts; i++) {
        const sl_store_cdp_sealed_t *row = &APR_ARRAY_IDX(rows, i, sl_store_cdp_sealed_t);

        rc = reseal(done, rt, row, p, err);
        next->after = row->at;
    }
    return rc;
}

static sl_rc_t column(sl_cdp_resealed_t *done, sl_cdp_sealed_column_t which, const sl_runtime_t *rt,
                      apr_pool_t *tmp, sl_err_t *err)
{
    sl_store_cdp_batch_t next = {which, sl_keyring_active(rt->ring), "", BATCH};
    char last[AT_MAX];
    sl_rc_t rc;

    for (;;) {
        rc = batch(done, &next, rt, tmp, err);
        if (rc != SL_OK || next.after == NULL) {
            return rc;
        }
        apr_cpystrn(last, next.after, sizeof(last));
        next.after = last;
        apr_pool_clear(tmp);
    }
}

sl_rc_t sl_cdp_hold_reseal(sl_cdp_resealed_t *done, const sl_runtime_t *rt, apr_pool_t *p,
                           sl_err_t *err)
{
    apr_pool_t *tmp;
    sl_rc_t rc = SL_OK;

    if (apr_pool_create(&tmp, p) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL8014", "out of memory");
    }
    for (int i = 0; rc == SL_OK && i < SL_CDP_SEALED_COLUMNS; i++) {
        rc = column(done, (sl_cdp_sealed_column_t)i, rt, tmp, err);
    }
    apr_pool_destroy(tmp);
    return rc;
}
