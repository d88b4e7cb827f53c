/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_decide_check.h"
#include "flow/sl_cdp_decide_store.h"

#include "store/sl_store_cdp_decide.h"

/** An id that is not on the sheet: of the EHR's past, or none of this record's at all. */
static sl_rc_t explain_unknown(const sl_cdp_sheet_ask_t *ask, const apr_array_header_t *unknown,
                               apr_pool_t *p, sl_err_t *err)
{
    const sl_store_cdp_place_t place = {ask->project->name, ask->record};
    int n;
    sl_rc_t rc = sl_store_cdp_known(&n, ask->cdp->rt->db, &place, unknown, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    return n == unknown->nelts
               ? sl_err_set(err, SL_CONFLICT, "SL8202", "the EHR has another value by now")
               : sl_err_set(err, SL_INVALID, "SL8203",
                            "the choice names a value that is none of "
                            "this record's");
}

static sl_rc_t changed(sl_err_t *err)
{
    return sl_err_set(err, SL_CONFLICT, "SL8204", "the record was changed since the form was made");
}

/** The version is read first: what is wrong with a choice may come of a change right after it. */
static sl_rc_t or_changed(sl_rc_t rc, const sl_cdp_sheet_ask_t *ask, apr_int64_t version,
                          apr_pool_t *p, sl_err_t *err)
{
    sl_cdp_record_t now;
    sl_err_t ignored = {0};

    if (rc != SL_INVALID ||
        sl_cdp_hold_record(&now, ask->cdp, ask->project->name, ask->record, p, &ignored) != SL_OK) {
        return rc;
    }
    return now.version == version ? rc : changed(err);
}

sl_rc_t sl_cdp_decide(sl_cdp_decided_t *out, const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                      const char *record, const sl_cdp_choices_t *choices,
                      const sl_cdp_actor_t *actor, apr_pool_t *p, sl_err_t *err)
{
    const sl_cdp_sheet_ask_t ask = {cdp, project, record, true};
    sl_cdp_decision_t decision = {.user = actor->user, .reference = actor->reference};
    apr_array_header_t *unknown = NULL;
    sl_cdp_sheet_t sheet;
    sl_rc_t rc;

    *out = (sl_cdp_decided_t){0};
    rc = sl_cdp_sheet_check(&decision.version, &decision.seen, &ask, actor, choices->token, p, err);
    if (rc == SL_OK) {
        rc = sl_cdp_sheet_read(&sheet, &ask, p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (sheet.version != decision.version) {
        return changed(err);
    }
    rc = sl_cdp_decide_check(&decision, &unknown, &sheet, choices, p, err);
    if (rc == SL_NONE) {
        rc = explain_unknown(&ask, unknown, p, err);
    }
    if (rc != SL_OK ||
        decision.choose->nelts + decision.exclude->nelts + decision.include->nelts == 0) {
        return or_changed(rc, &ask, decision.version, p, err);
    }
    return sl_cdp_decide_store(out, &ask, &decision, p, err);
}
