/* SPDX-License-Identifier: Apache-2.0 */
/* What the watchdog does in a turn, with everything it calls counted and none of it real. */
#include "flow/sl_audit_replay.h"
#include "flow/sl_caretaker.h"
#include "flow/sl_grant.h"
#include "flow/sl_renew.h"
#include "flow/sl_revoke.h"
#include "store/sl_listen.h"
#include "store/sl_store_host.h"
#include "store/sl_store_keep.h"
#include "store/sl_store_watch.h"
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static struct {
    int listens, forgets, forgets_all, renewals_home, rows_home, leads, leaves, renews, keeps,
        purges, reports, revokes, goes;
} did, none;

/* How the world is. */
static apr_array_header_t *hints;
static bool reconnected, leading, more;
static int renewed, told;
static sl_rc_t hears, leads_rc, keeps_rc, revokes_rc;
static apr_uint32_t stop;
static int stop_after; /* the call after which the child is to end; 0: none */
static char forgotten[200];
static int lines;

static void log_line(void *data, sl_log_level_t level, const char *id, const char *text)
{
    (void)data, (void)level, (void)id, (void)text;
    lines++;
}

static void done(int *counter)
{
    ++*counter;
    if (stop_after > 0 && --stop_after == 0) {
        stop = 1;
    }
}

static sl_rc_t fail(sl_rc_t rc, sl_err_t *err)
{
    return rc == SL_OK ? rc : sl_err_set(err, rc, "SL0001", "told so");
}

struct sl_listen {
    char unused;
};

sl_listen_t *sl_listen_new(apr_pool_t *p, const char *conninfo, const sl_log_t *log)
{
    (void)conninfo, (void)log;
    return apr_pcalloc(p, sizeof(sl_listen_t));
}

sl_rc_t sl_listen_next(sl_hints_t *out, sl_listen_t *listen, apr_interval_time_t wait,
                       apr_pool_t *p, sl_err_t *err)
{
    (void)listen, (void)wait, (void)p;
    out->hints = hints;
    out->reconnected = reconnected;
    done(&did.listens);
    return fail(hears, err);
}

void sl_grant_forget(const sl_runtime_t *rt, const char *launch, const char *key_id)
{
    (void)rt;
    done(&did.forgets);
    apr_snprintf(forgotten + strlen(forgotten), sizeof(forgotten) - strlen(forgotten), "%s/%s ",
                 launch, key_id);
}

void sl_grant_doubt_all(const sl_runtime_t *rt)
{
    (void)rt;
    done(&did.forgets_all);
}

sl_rc_t sl_renew_replay(int *left, const sl_runtime_t *rt, apr_pool_t *p, sl_err_t *err)
{
    (void)rt, (void)p, (void)err;
    *left = 0;
    done(&did.renewals_home);
    return SL_OK;
}

sl_rc_t sl_audit_replay(int *left, const sl_audit_options_t *with, apr_pool_t *p, sl_err_t *err)
{
    (void)with, (void)p, (void)err;
    *left = 0;
    done(&did.rows_home);
    return SL_OK;
}

sl_rc_t sl_store_watch_lead(bool *leads, sl_db_t *db, const char *by, apr_interval_time_t length,
                            apr_pool_t *p, sl_err_t *err)
{
    (void)db, (void)by, (void)p;
    ok(length == apr_time_from_sec(15), "the lease is for 15 seconds");
    *leads = leading;
    done(&did.leads);
    return fail(leads_rc, err);
}

void sl_store_watch_leave(sl_db_t *db, const char *by)
{
    (void)db, (void)by;
    done(&did.leaves);
}

sl_rc_t sl_store_host_report(sl_db_t *db, const char *name, const char *keys, sl_err_t *err)
{
    (void)db, (void)err;
    is_str(name, "me", "a host says who it is");
    is_str(keys, "k2 k1", "… and which keys it has");
    done(&did.reports);
    return SL_OK;
}

void sl_store_host_leave(sl_db_t *db, const char *name)
{
    (void)db, (void)name;
    done(&did.goes);
}

const char *sl_keyring_names(const sl_keyring_t *ring, apr_pool_t *p)
{
    (void)ring, (void)p;
    return "k2 k1";
}

sl_rc_t sl_renew_due(int *n, const sl_runtime_t *rt, int limit, apr_pool_t *p, sl_err_t *err)
{
    (void)rt, (void)limit, (void)p, (void)err;
    *n = renewed;
    done(&did.renews);
    return SL_OK;
}

sl_rc_t sl_revoke_due(int *n, const sl_runtime_t *rt, int limit, apr_pool_t *p, sl_err_t *err)
{
    (void)rt, (void)limit, (void)p;
    *n = told;
    done(&did.revokes);
    return fail(revokes_rc, err);
}

sl_rc_t sl_store_keep(bool *again, sl_db_t *db, apr_interval_time_t steps, apr_pool_t *p,
                      sl_err_t *err)
{
    (void)db, (void)p;
    ok(steps == apr_time_from_sec(86400), "SmartKeep steps=");
    *again = more;
    done(&did.keeps);
    return fail(keeps_rc, err);
}

const char *sl_store_access_json(apr_pool_t *p, const apr_array_header_t *rows)
{
    (void)p, (void)rows;
    return "[]";
}

sl_rc_t sl_store_access_add(sl_db_t *db, const char *json, sl_err_t *err)
{
    (void)db, (void)json;
    return fail(SL_FAILED, err);
}

sl_rc_t sl_store_access_complete(sl_db_t *db, const apr_array_header_t *rows, apr_pool_t *tmp,
                                 sl_err_t *err)
{
    (void)db, (void)rows, (void)tmp;
    return fail(SL_FAILED, err);
}

sl_rc_t sl_store_access_purge(bool *again, sl_db_t *db, apr_interval_time_t keep, apr_pool_t *p,
                              sl_err_t *err)
{
    (void)db, (void)p, (void)err;
    ok(keep == apr_time_from_sec(40 * 86400), "SmartKeep access=");
    *again = more;
    done(&did.purges);
    return SL_OK;
}

static sl_runtime_t rt;

/** A caretaker who has done nothing yet. */
static sl_caretaker_t *begin(apr_pool_t *p, bool gateway)
{
    const sl_caretaker_options_t options = {
        .listen = gateway ? "service=x" : NULL,
        .keep_steps = apr_time_from_sec(86400),
        .keep_access = gateway ? apr_time_from_sec(40 * 86400) : 0,
        .renews = gateway,
    };
    static char spool;

    did = none;
    hints = apr_array_make(p, 4, sizeof(sl_hint_t));
    reconnected = more = false;
    leading = true;
    renewed = told = stop_after = lines = 0;
    hears = leads_rc = keeps_rc = revokes_rc = SL_OK;
    stop = 0;
    forgotten[0] = '\0';
    rt = (sl_runtime_t){.self = "me", .log = {log_line, NULL}};
    rt.spool = gateway ? (sl_spool_t *)(void *)&spool : NULL;
    return sl_caretaker_new(p, &rt, &options);
}

static void turns(sl_caretaker_t *caretaker, int n, apr_pool_t *p)
{
    for (int i = 0; i < n; i++) {
        sl_caretaker_turn(caretaker, 1000, &stop, p);
    }
}

static void hears_hints(apr_pool_t *p)
{
    sl_caretaker_t *caretaker = begin(p, true);
    const sl_hint_t first = {"l1", "a"}, second = {"l2", "b"};

    reconnected = true;
    turns(caretaker, 1, p);
    is_int(did.forgets_all, 1, "a new connection: hints may have been missed, all is read again");
    reconnected = false;
    APR_ARRAY_PUSH(hints, sl_hint_t) = first;
    APR_ARRAY_PUSH(hints, sl_hint_t) = second;
    turns(caretaker, 1, p);
    is_str(forgotten, "l1/a l2/b ", "each launch that changed is read again");
    is_int(did.forgets_all, 1, "and no other");
    hears = SL_UNAVAILABLE;
    turns(caretaker, 1, p);
    is_int(did.forgets, 2, "PostgreSQL is away: nothing is forgotten");
    is_int(lines, 0, "and nobody need be told once more");
}

static void leads(apr_pool_t *p)
{
    sl_caretaker_t *caretaker = begin(p, true);

    leading = false;
    turns(caretaker, 3, p);
    is_int(did.renewals_home, 1, "every host brings its journal home: renewals");
    is_int(did.rows_home, 1, "… and rows of the audit, every second and not every turn");
    is_int(did.leads, 1, "who leads is asked every few seconds, not every turn");
    is_int(did.renews + did.keeps + did.purges, 0,
           "who does not lead renews nothing, keeps nothing");
    is_int(did.revokes, 1, "SEC-10 every host tells EHRs of revoked tokens, every few seconds");
    is_int(did.reports, 1, "every host says which keys it has, every few seconds");
    sl_caretaker_leave(caretaker);
    is_int(did.leaves, 0, "… and has nothing to leave");
    is_int(did.goes, 1, "… but says that it goes");

    caretaker = begin(p, true);
    turns(caretaker, 3, p);
    is_int(did.renews, 1, "who leads renews ahead, every few seconds");
    is_int(did.keeps, 1, "… keeps house");
    is_int(did.purges, 1, "… and the audit's months");
    sl_caretaker_leave(caretaker);
    sl_caretaker_leave(caretaker);
    is_int(did.leaves, 1, "who leads leaves, once");
    is_int(did.goes, 1, "… and says so once");

    caretaker = begin(p, true);
    told = 1;
    turns(caretaker, 5, p);
    is_int(did.revokes, 5, "SEC-10 what is left to be revoked comes with the next turn");

    caretaker = begin(p, true);
    turns(caretaker, 1, p);
    *(sl_hint_t *)apr_array_push(hints) = (sl_hint_t){"l1", "a"};
    turns(caretaker, 1, p);
    is_int(did.revokes, 2, "SEC-10 … and what has just been revoked, at once");

    caretaker = begin(p, true);
    renewed = 1;
    more = true;
    turns(caretaker, 5, p);
    is_int(did.renews, 5, "what is left to be renewed comes with the next turn");
    is_int(did.keeps, 5, "and so do the next batches of housekeeping");
    is_int(did.purges, 5, "and of the audit");
}

static void without_gateway(apr_pool_t *p)
{
    sl_caretaker_t *caretaker = begin(p, false);

    turns(caretaker, 3, p);
    is_int(did.listens + did.renewals_home + did.rows_home + did.renews + did.purges, 0,
           "without a gateway nothing is renewed, heard or brought home");
    is_int(did.revokes, 1, "SEC-10 tokens are revoked, gateway or not");
    is_int(did.keeps, 1, "steps are kept as SmartKeep says");
    is_int(did.leads, 1, "nobody leads for longer than that takes");
}

static void trouble(apr_pool_t *p)
{
    sl_caretaker_t *caretaker = begin(p, true);

    leads_rc = SL_UNAVAILABLE;
    turns(caretaker, 2, p);
    is_int(did.renews + did.keeps, 0, "without PostgreSQL nobody leads");
    is_int(lines, 0, "which is said elsewhere");

    caretaker = begin(p, true);
    keeps_rc = SL_FAILED;
    turns(caretaker, 5, p);
    is_int(did.keeps, 1, "housekeeping that fails is tried again after a while");
    is_int(lines, 1, "and said");
    is_int(did.purges, 1, "the rest goes on");

    caretaker = begin(p, true);
    revokes_rc = SL_FAILED;
    told = 1;
    turns(caretaker, 5, p);
    is_int(did.revokes, 1, "SEC-10 telling EHRs, too, is tried again after a while");
    is_int(lines, 1, "and said");
    is_int(did.renews, 1, "the rest goes on");
}

/** Stopped after each thing it does: nothing else is begun. */
static void stops(apr_pool_t *p)
{
    for (int after = 1; after <= 9; after++) {
        sl_caretaker_t *caretaker = begin(p, true);
        int all;

        stop_after = after;
        turns(caretaker, 1, p);
        all = did.listens + did.renewals_home + did.rows_home + did.reports + did.revokes +
              did.leads + did.renews + did.keeps + did.purges;
        /* Both kinds of records go together. */
        is_int(all, after == 2 ? 3 : after, "stopped: nothing else is begun");
    }
}

int main(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    hears_hints(p);
    leads(p);
    without_gateway(p);
    trouble(p);
    stops(p);
    apr_pool_destroy(p);
    return tap_done();
}
