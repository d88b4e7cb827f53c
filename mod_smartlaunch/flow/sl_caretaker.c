/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_caretaker.h"

#include "flow/sl_audit_replay.h"
#include "flow/sl_grant.h"
#include "flow/sl_renew.h"
#include "flow/sl_revoke.h"
#include "store/sl_listen.h"
#include "store/sl_store_access.h"
#include "store/sl_store_host.h"
#include "store/sl_store_keep.h"
#include "store/sl_store_watch.h"
#include <string.h>

/* Whoever leads says so three times before the lease runs out. */
#define LEASE apr_time_from_sec(15)
#define LEAD_EVERY apr_time_from_sec(5)
#define JOURNAL_EVERY apr_time_from_sec(1)
#define RENEW_EVERY apr_time_from_sec(5)
#define RENEW_AT_ONCE 4 /* of each EHR, so that hints are heard in between */
#define REVOKE_EVERY apr_time_from_sec(2)
#define REVOKE_AT_ONCE 8
#define KEEP_EVERY apr_time_from_sec(15 * 60)
#define AGAIN apr_time_from_sec(60)

struct sl_caretaker {
    const sl_runtime_t *rt;
    sl_caretaker_options_t options;
    sl_listen_t *listen;
    bool leads;
    /* first instant to do it again */
    apr_time_t lead_at, journal_at, renew_at, revoke_at, keep_at, purge_at, report_at;
    const char *said; /* id of the last complaint, for a minute */
    apr_time_t said_at;
};

sl_caretaker_t *sl_caretaker_new(apr_pool_t *p, const sl_runtime_t *rt,
                                 const sl_caretaker_options_t *options)
{
    sl_caretaker_t *caretaker = apr_pcalloc(p, sizeof(*caretaker));

    caretaker->rt = rt;
    caretaker->options = *options;
    if (options->listen != NULL) {
        caretaker->listen = sl_listen_new(p, options->listen, &rt->log);
    }
    return caretaker;
}

/** That PostgreSQL is away is said elsewhere; anything else once a minute. */
static void complain(sl_caretaker_t *caretaker, const char *what, const sl_err_t *err)
{
    apr_time_t now = apr_time_now();

    if (err->rc == SL_UNAVAILABLE || err->rc == SL_BUSY ||
        (caretaker->said != NULL && strcmp(caretaker->said, err->id) == 0 &&
         now - caretaker->said_at < AGAIN)) {
        return;
    }
    caretaker->said = err->id;
    caretaker->said_at = now;
    sl_log(&caretaker->rt->log, SL_LOG_WARN, err->id, "%s waits: %s", what, err->text);
}

static void hear(sl_caretaker_t *caretaker, apr_interval_time_t wait, apr_pool_t *tmp)
{
    sl_hints_t hints = {0};
    sl_err_t err = {0};

    if (caretaker->listen == NULL) {
        apr_sleep(wait);
        return;
    }
    if (sl_listen_next(&hints, caretaker->listen, wait, tmp, &err) != SL_OK) {
        return;
    }
    if (hints.reconnected) {
        sl_grant_doubt_all(caretaker->rt);
    }
    for (int i = 0; i < hints.hints->nelts; i++) {
        const sl_hint_t *hint = &APR_ARRAY_IDX(hints.hints, i, sl_hint_t);

        sl_grant_forget(caretaker->rt, hint->launch, hint->key_id);
    }
    if (hints.hints->nelts > 0) {
        caretaker->revoke_at = 0;
    }
}

/** What this host could not store when it had to. Where a turn was full, the next comes at once. */
static void bring_home(sl_caretaker_t *caretaker, apr_pool_t *tmp)
{
    const sl_runtime_t *rt = caretaker->rt;
    const sl_audit_options_t audit = {.db = rt->db, .spool = rt->spool, .log = rt->log};
    sl_err_t err = {0};
    int left = 0;
    sl_rc_t rc;

    /* One record that cannot be read must not hold up the other kind. */
    if (sl_renew_replay(&left, rt, tmp, &err) != SL_OK) {
        complain(caretaker, "the journal", &err);
    }
    rc = sl_audit_replay(&left, &audit, tmp, &err);
    if (rc != SL_OK) {
        complain(caretaker, "the journal", &err);
    }
    caretaker->journal_at = apr_time_now() + (rc == SL_OK && left > 0 ? 0 : JOURNAL_EVERY);
}

/** For whoever wants to seal under a key that not every host may have yet. */
static void report(sl_caretaker_t *caretaker, apr_pool_t *tmp)
{
    const sl_runtime_t *rt = caretaker->rt;
    sl_err_t err = {0};

    caretaker->report_at = apr_time_now() + SL_HOST_EVERY;
    if (sl_store_host_report(rt->db, rt->self, sl_keyring_names(rt->ring, tmp), &err) != SL_OK) {
        complain(caretaker, "the list of hosts", &err);
    }
}

static void lead(sl_caretaker_t *caretaker, apr_pool_t *tmp)
{
    const sl_runtime_t *rt = caretaker->rt;
    sl_err_t err = {0};

    caretaker->lead_at = apr_time_now() + LEAD_EVERY;
    if (sl_store_watch_lead(&caretaker->leads, rt->db, rt->self, LEASE, tmp, &err) != SL_OK) {
        caretaker->leads = false;
        complain(caretaker, "housekeeping", &err);
    }
}

static void renew(sl_caretaker_t *caretaker, apr_pool_t *tmp)
{
    sl_err_t err = {0};
    int renewed = 0;

    if (sl_renew_due(&renewed, caretaker->rt, RENEW_AT_ONCE, tmp, &err) != SL_OK) {
        complain(caretaker, "renewing ahead", &err);
        renewed = 0;
    }
    /* Where there were some, there may be more. */
    caretaker->renew_at = apr_time_now() + (renewed > 0 ? 0 : RENEW_EVERY);
}

/** On every host: whoever comes first takes what is due. */
static void tell_ehrs(sl_caretaker_t *caretaker, apr_pool_t *tmp)
{
    sl_err_t err = {0};
    int told = 0;

    if (sl_revoke_due(&told, caretaker->rt, REVOKE_AT_ONCE, tmp, &err) != SL_OK) {
        complain(caretaker, "revoking tokens at their EHRs", &err);
        told = 0;
    }
    caretaker->revoke_at = apr_time_now() + (told > 0 ? 0 : REVOKE_EVERY);
}

/** When a batch of housekeeping is to be followed by the next. */
static apr_time_t next_time(sl_caretaker_t *caretaker, sl_rc_t rc, bool more, const sl_err_t *err)
{
    if (rc != SL_OK) {
        complain(caretaker, "housekeeping", err);
        return apr_time_now() + AGAIN;
    }
    return apr_time_now() + (more ? 0 : KEEP_EVERY);
}

static void keep(sl_caretaker_t *caretaker, apr_pool_t *tmp)
{
    sl_err_t err = {0};
    bool more = false;
    sl_rc_t rc = sl_store_keep(&more, caretaker->rt->db, caretaker->options.keep_steps, tmp, &err);

    caretaker->keep_at = next_time(caretaker, rc, more, &err);
}

static void purge(sl_caretaker_t *caretaker, apr_pool_t *tmp)
{
    sl_err_t err = {0};
    bool more = false;
    sl_rc_t rc = SL_OK;

    if (caretaker->options.keep_access > 0) {
        rc = sl_store_access_purge(&more, caretaker->rt->db, caretaker->options.keep_access, tmp,
                                   &err);
    }
    caretaker->purge_at = next_time(caretaker, rc, more, &err);
}

void sl_caretaker_turn(sl_caretaker_t *caretaker, apr_interval_time_t wait,
                       const volatile apr_uint32_t *stop, apr_pool_t *tmp)
{
    apr_time_t now;

    hear(caretaker, wait, tmp);
    now = apr_time_now();
    if (*stop == 0 && caretaker->rt->spool != NULL && now >= caretaker->journal_at) {
        bring_home(caretaker, tmp);
    }
    if (*stop == 0 && now >= caretaker->report_at) {
        report(caretaker, tmp);
    }
    if (*stop == 0 && now >= caretaker->revoke_at) {
        tell_ehrs(caretaker, tmp);
    }
    /* Who has nothing to renew need not lead all the time. */
    if (*stop == 0 && now >= caretaker->lead_at &&
        (caretaker->options.renews || now >= caretaker->keep_at || now >= caretaker->purge_at)) {
        lead(caretaker, tmp);
    }
    if (!caretaker->leads) {
        return;
    }
    if (*stop == 0 && caretaker->options.renews && now >= caretaker->renew_at) {
        renew(caretaker, tmp);
    }
    if (*stop == 0 && now >= caretaker->keep_at) {
        keep(caretaker, tmp);
    }
    if (*stop == 0 && now >= caretaker->purge_at) {
        purge(caretaker, tmp);
    }
}

void sl_caretaker_leave(sl_caretaker_t *caretaker)
{
    if (caretaker->leads) {
        sl_store_watch_leave(caretaker->rt->db, caretaker->rt->self);
    }
    caretaker->leads = false;
    if (caretaker->report_at != 0) {
        sl_store_host_leave(caretaker->rt->db, caretaker->rt->self);
        caretaker->report_at = 0;
    }
}
