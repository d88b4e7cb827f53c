/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_hold.h"

#include "flow/sl_cdp_vault.h"
#include "store/sl_store_cdp_hold.h"

#include <string.h>

#define KEEP_BATCH 1000

static sl_cdp_fetch_state_t state_of(const char *word)
{
    if (strcmp(word, "fetching") == 0) {
        return SL_CDP_FETCHING;
    }
    return strcmp(word, "queued") == 0 ? SL_CDP_QUEUED : SL_CDP_IDLE;
}

/** What the EHR said; where that cannot be read, this is said in its place. */
static const char *open_warnings(const sl_cdp_t *cdp, const char *project,
                                 const sl_store_cdp_record_t *row, apr_pool_t *p)
{
    const sl_cdp_record_place_t place = {project, row->record, SL_CDP_WARNINGS};
    const char *text = NULL;
    sl_err_t err = {0};

    if (row->warnings.bytes.bytes == NULL) {
        return NULL;
    }
    if (sl_cdp_vault_open_record(&text, cdp->rt->ring, &place, &row->warnings, p, &err) != SL_OK) {
        return "[{\"source\":\"\",\"message\":\"What was noted here cannot be read any more.\"}]";
    }
    return text;
}

static void read_record(sl_cdp_record_t *out, const sl_cdp_t *cdp, const char *project,
                        const sl_store_cdp_record_t *row, apr_pool_t *p)
{
    out->record = row->record;
    out->patient = row->patient;
    out->state = state_of(row->state);
    out->fetched_at = row->fetched_at;
    out->fetched_by = row->fetched_by;
    out->outcome = row->outcome;
    out->warnings = open_warnings(cdp, project, row, p);
    out->version = row->version;
    out->fresh = row->fresh;
}

sl_rc_t sl_cdp_hold_record(sl_cdp_record_t *out, const sl_cdp_t *cdp, const char *project,
                           const char *record, apr_pool_t *p, sl_err_t *err)
{
    sl_store_cdp_record_t row = {0};
    sl_rc_t rc = sl_store_cdp_record(&row, cdp->rt->db, project, record, p, err);

    memset(out, 0, sizeof(*out));
    if (rc == SL_OK) {
        read_record(out, cdp, project, &row, p);
    }
    return rc;
}

sl_rc_t sl_cdp_hold_records(apr_array_header_t **out, const sl_cdp_t *cdp, const char *project,
                            const sl_cdp_record_page_t *page, apr_pool_t *p, sl_err_t *err)
{
    const sl_store_cdp_page_t ask = {project, page->after, page->limit, page->only_fresh};
    apr_array_header_t *rows = NULL;
    sl_rc_t rc = sl_store_cdp_records(&rows, cdp->rt->db, &ask, p, err);

    *out = apr_array_make(p, rows->nelts, sizeof(sl_cdp_record_t));
    for (int i = 0; rc == SL_OK && i < rows->nelts; i++) {
        read_record(apr_array_push(*out), cdp, project,
                    &APR_ARRAY_IDX(rows, i, sl_store_cdp_record_t), p);
    }
    return rc;
}

sl_rc_t sl_cdp_hold_mrn(const char **mrn, const sl_cdp_t *cdp, const char *project,
                        const char *record, apr_pool_t *p, sl_err_t *err)
{
    const sl_cdp_record_place_t place = {project, record, SL_CDP_MRN};
    sl_cdp_sealed_t sealed = {0};
    sl_rc_t rc = sl_store_cdp_mrn(&sealed, cdp->rt->db, project, record, p, err);

    *mrn = NULL;
    return rc == SL_OK ? sl_cdp_vault_open_record(mrn, cdp->rt->ring, &place, &sealed, p, err) : rc;
}

sl_rc_t sl_cdp_hold_touch(const sl_cdp_t *cdp, const char *project, const char *record,
                          sl_err_t *err)
{
    return sl_store_cdp_touch(cdp->rt->db, project, record, err);
}

sl_rc_t sl_cdp_hold_queue(int *n, const sl_cdp_t *cdp, const char *project, const char *record,
                          sl_err_t *err)
{
    return sl_store_cdp_queue(n, cdp->rt->db, project, record, err);
}

sl_rc_t sl_cdp_hold_keep(bool *more, const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                         apr_pool_t *p, sl_err_t *err)
{
    int gone = 0;
    sl_rc_t rc = sl_store_cdp_unclaim(cdp->rt->db, project->name, err);

    if (rc == SL_OK && project->keep > 0) {
        const sl_store_cdp_keep_t keep = {project->name, project->keep};

        rc = sl_store_cdp_keep(&gone, cdp->rt->db, &keep, p, err);
    }
    *more = rc == SL_OK && gone >= KEEP_BATCH;
    return rc;
}
