/* SPDX-License-Identifier: Apache-2.0 */
/* What is left of a fetch: the record is given back with a word for how it went. */
#include "flow/sl_cdp_deliver.h"
#include "flow/sl_cdp_fetch_run.h"
#include "flow/sl_cdp_sheet.h"

#define AGAIN (5 * 60) /* seconds, after trouble that passes */

const char *sl_cdp_fetch_outcome(const sl_cdp_run_t *run, sl_rc_t rc)
{
    if (run->course == SL_CDP_IS_PROTECTED) {
        return "protected";
    }
    if (run->course == SL_CDP_IS_LOST) {
        return "failed";
    }
    switch ((int)rc) {
    case SL_OK:
        return run->is_partial ? "partial" : "ok";
    case SL_NONE:
        return "not_found";
    case SL_CONFLICT:
        return "ambiguous";
    case SL_EXPIRED:
        return "relaunch";
    default:
        return "failed";
    }
}

static const char *warnings_json(const sl_cdp_run_t *run)
{
    sl_json_t *all = sl_json_array(run->p);

    if (run->warnings->nelts == 0) {
        return NULL;
    }
    for (int i = 0; i < run->warnings->nelts; i++) {
        const sl_cdp_warning_t *warning = &APR_ARRAY_IDX(run->warnings, i, sl_cdp_warning_t);
        sl_json_t *one = sl_json_object(run->p);

        sl_json_put_str(one, "source", warning->source);
        sl_json_put_str(one, "message", warning->message);
        sl_json_push(all, one);
    }
    return sl_json_text(run->p, all);
}

/** Trouble that passes is tried again by the watchdog; not where a person was told that it failed,
 * and may never have had a token. 0: as usual. */
static apr_interval_time_t again_of(const sl_cdp_run_t *run, sl_rc_t rc)
{
    int seconds = run->again;

    if (rc != SL_OK && !run->claim->unattended) {
        return 0;
    }
    if (rc == SL_BUSY || rc == SL_TIMEOUT || rc == SL_UPSTREAM) {
        seconds = run->err.retry_after > AGAIN ? run->err.retry_after : AGAIN;
    }
    return apr_time_from_sec(seconds);
}

/** The rest of what a person had no time for, or the end of the process cut off. */
static bool goes_on_later(const sl_cdp_run_t *run, sl_rc_t rc)
{
    if (run->claim->unattended) {
        return run->course == SL_CDP_WAS_CUT && run->stop != NULL && *run->stop != 0;
    }
    return run->course == SL_CDP_WAS_CUT && rc == SL_OK;
}

sl_rc_t sl_cdp_fetch_finish(sl_cdp_run_t *run, sl_rc_t rc, const char *outcome)
{
    const sl_cdp_finish_t how = {outcome, warnings_json(run), run->has_future, again_of(run, rc)};
    sl_err_t err = {0};
    sl_rc_t done = sl_cdp_hold_finish(run->cdp, run->claim, &how, &err);
    int queued;

    if (done == SL_OK && goes_on_later(run, rc)) {
        done = sl_cdp_hold_queue(&queued, run->cdp, run->project->name, run->claim->record, &err);
    }
    if (done != SL_OK && rc == SL_OK) {
        run->course = SL_CDP_IS_LOST;
        run->err = err;
        return done;
    }
    return rc;
}

void sl_cdp_fetch_report(sl_cdp_fetched_t *out, const sl_cdp_run_t *run, const char *outcome)
{
    sl_cdp_record_t record;
    sl_err_t err = {0};

    out->outcome = outcome;
    out->warnings = run->warnings;
    out->held = run->held;
    if (sl_cdp_hold_record(&record, run->cdp, run->project->name, run->claim->record, run->p,
                           &err) == SL_OK) {
        out->fresh = record.fresh;
        out->fetched_at = record.fetched_at;
    }
}

void sl_cdp_fetch_decide(const sl_cdp_run_t *run)
{
    const sl_cdp_alone_t after = {run->claim->unattended, run->is_partial,
                                  run->is_measured_in_part};
    sl_cdp_decided_t decided;
    sl_cdp_delivered_t sent;
    sl_err_t err = {0};

    if (run->is_doubted) { /* by people only */
        return;
    }
    if (sl_cdp_decide_alone(&decided, run->cdp, run->project, run->claim->record, &after, run->p,
                            &err) != SL_OK) {
        sl_log(&run->cdp->rt->log, SL_LOG_WARN, "SL8144",
               "project %s: nothing was saved by itself: %s (%s)", run->project->name, err.text,
               err.id);
        return;
    }
    /* Somebody waits to see it; after an unattended fetch the turn delivers. */
    if (decided.saved > 0 && !run->claim->unattended &&
        sl_cdp_deliver_record(&sent, run->cdp, run->project, run->claim->record, run->p, &err) !=
            SL_OK) {
        sl_log(&run->cdp->rt->log, SL_LOG_INFO, "SL8147",
               "project %s: what was saved by itself is delivered later: %s (%s)",
               run->project->name, err.text, err.id);
    }
}
