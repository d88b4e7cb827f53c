/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a token (RFR-*): a table that does as PostgreSQL, an EHR that says what it is told.
 */
#include "flow/sl_renew.h"
#include "rule.h"
#include "token_ehr.h"
#include "token_table.h"

#include <apr_thread_proc.h>
#include <ftw.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS(n) apr_time_from_sec(n)

/** The token when it is asked for: it has ended, is about to, or the EHR said 401 to it. */
typedef enum { ENDED, ENDS_SOON, REFUSED } need_t;

static sl_ehr_t ehr;
static char state_dir[] = "/tmp/sl-renew-XXXXXX";
static char logged[65536];

static void keep_log(void *data, sl_log_level_t level, const char *id, const char *text)
{
    size_t len;

    (void)data, (void)level;
    apr_thread_mutex_lock(table.lock);
    len = strlen(logged);
    apr_snprintf(logged + len, sizeof(logged) - len, "%s %s\n", id, text);
    apr_thread_mutex_unlock(table.lock);
}

static bool said(const char *id)
{
    return strstr(logged, id) != NULL;
}

static sl_runtime_t host(bool journal, apr_pool_t *p)
{
    sl_runtime_t rt = table_runtime(&ehr, p);

    rt.log.write = keep_log;
    if (journal && sl_spool_open(&rt.spool, state_dir, rt.ring, p, NULL) != SL_OK) {
        abort();
    }
    return rt;
}

static const char *journal_of(const sl_runtime_t *rt, apr_pool_t *p)
{
    apr_array_header_t *names = NULL;

    if (sl_spool_list(&names, rt->spool, "token.", 99, p, NULL) != SL_OK) {
        abort();
    }
    return apr_array_pstrcat(p, names, ' ');
}

static void fill(need_t need)
{
    table_fill(need == ENDED ? -SECONDS(1) : need == ENDS_SOON ? SECONDS(30) : SECONDS(300));
    token_ehr_fill();
    logged[0] = '\0';
}

/** What a call of the gateway does: find, then make ready; after a 401, that. */
static sl_rc_t call(sl_grant_t *grant, const sl_runtime_t *rt, need_t need, apr_pool_t *p,
                    sl_err_t *err)
{
    const sl_grant_ask_t ask = {"app", &ehr,          table.session, NULL,
                                NULL,  SECONDS(1800), apr_time_now()};
    sl_trace_t *trace = sl_trace_new(p, "ref-1");
    sl_rc_t rc = sl_grant_find(grant, rt, &ask, p, err);

    if (rc != SL_OK) {
        return rc == SL_NONE ? SL_EXPIRED : rc; /* 401 either way */
    }
    rc = sl_renew_ready(grant, rt, &ehr, trace, p, err);
    return rc == SL_OK && need == REFUSED ? sl_renew_refused(grant, rt, &ehr, trace, p, err) : rc;
}

static sl_rc_t call_once(const char **access, const sl_runtime_t *rt, need_t need, apr_pool_t *p)
{
    sl_grant_t grant = {0};
    sl_err_t err = {0};
    sl_rc_t rc = call(&grant, rt, need, p, &err);

    *access = rc == SL_OK ? sl_secret_reveal(grant.access) : NULL;
    return rc;
}

static void gets(const sl_runtime_t *rt, need_t need, const char *access, int posts,
                 const char *name, apr_pool_t *p)
{
    const char *got;
    int before = token_ehr.posts;

    is_int(call_once(&got, rt, need, p), SL_OK, name);
    is_str(got, access, name);
    is_int(token_ehr.posts - before, posts, name);
}

static void gets_none(const sl_runtime_t *rt, need_t need, sl_rc_t rc, int posts, const char *name,
                      apr_pool_t *p)
{
    const char *got;
    int before = token_ehr.posts;

    is_int(call_once(&got, rt, need, p), rc, name);
    is_int(token_ehr.posts - before, posts, name);
}

/* ---- answers of the EHR ---- */

#define TOKENS "\"access_token\":\"access-2\",\"token_type\":\"Bearer\",\"expires_in\":600"
#define BOTH TOKENS ",\"refresh_token\":\"refresh-2\""

typedef struct {
    const char *name, *body; /* NULL: the usual answer */
    const char *refresh;     /* in the row afterwards */
    const char *scope, *encounter, *context;
} good_t;

static const good_t good[] = {
    {"RFR-3 a new refresh token", NULL, "refresh-2", "patient/*.rs", NULL, NULL},
    {"RFR-3 none: the old one stays", "{" TOKENS "}", "refresh-1", "patient/*.rs", NULL, NULL},
    {"RFR-9 the scope", "{" BOTH ",\"scope\":\"patient/Patient.r\"}", "refresh-2",
     "patient/Patient.r", NULL, NULL},
    {"RFR-9 the same patient", "{" BOTH ",\"patient\":\"p1\"}", "refresh-2", "patient/*.rs", NULL,
     NULL},
    {"RFR-9 the encounter", "{" BOTH ",\"encounter\":\"e2\"}", "refresh-2", "patient/*.rs", "e2",
     NULL},
    {"RFR-9 the rest of the context",
     "{" BOTH ",\"need_patient_banner\":false,\"intent\":\"order\"}", "refresh-2", "patient/*.rs",
     NULL, "{\"need_patient_banner\":\"false\",\"intent\":\"order\"}"},
};

static void good_answers(apr_pool_t *p)
{
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        for (need_t need = ENDED; need <= REFUSED; need++) {
            sl_runtime_t rt = host(true, p);

            fill(need);
            token_ehr.body = good[i].body;
            gets(&rt, need, "access-2", 1, good[i].name, p);
            gets(&rt, ENDED, "access-2", 0, good[i].name, p);
            is_int(table.row.token.generation, 2, good[i].name);
            is_str(table_holds("access", p), "access-2", good[i].name);
            is_str(table_holds("refresh", p), good[i].refresh, good[i].name);
            is_str(table.row.token.scope_granted, good[i].scope, good[i].name);
            is_str(table.encounter, good[i].encounter, good[i].name);
            is_str(table.context, good[i].context, good[i].name);
            ok(table.row.token.expires_at > table_now() + SECONDS(590) &&
                   table.row.token.expires_at < table_now() + SECONDS(610),
               "%s: its end is by the database's clock", good[i].name);
            ok(table.lease_by == NULL && table.steps > 0, "%s: lease back, recorded", good[i].name);
            is_str(journal_of(&rt, p), "", "nothing is left in the journal");
            ok(!token_ehr.saw_gate, "the place in the gate is the caller's");
        }
    }
}

typedef struct {
    const char *name;
    sl_rc_t http;
    int status, retry_after;
    const char *body;
    sl_rc_t rc;   /* of a call whose token has ended */
    int retry_at; /* seconds; the row afterwards */
} passing_t;

static const passing_t passing[] = {
    {"RFR-7 500", SL_OK, 500, 0, "", SL_UPSTREAM, 1},
    {"RFR-7 502 with a page", SL_OK, 502, 0, "<html>", SL_UPSTREAM, 1},
    {"RFR-7 503", SL_OK, 503, 7, "", SL_BUSY, 7},
    {"RFR-7 503, for ever", SL_OK, 503, 86400, "", SL_BUSY, 60},
    {"RFR-7 429", SL_OK, 429, 0, "{\"error\":\"slow_down\"}", SL_BUSY, 1},
    {"RFR-7 408", SL_OK, 408, 0, "", SL_UPSTREAM, 1},
    {"RFR-7 a page with status 200", SL_OK, 200, 0, "<html>", SL_UPSTREAM, 1},
    {"RFR-7 no access token", SL_OK, 200, 0, "{}", SL_UPSTREAM, 1},
    {"RFR-7 time-out", SL_TIMEOUT, 0, 0, "", SL_TIMEOUT, 1},
    {"RFR-7 no connection, TLS", SL_UPSTREAM, 0, 0, "", SL_UPSTREAM, 1},
};

static void passing_trouble(apr_pool_t *p)
{
    for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
        const passing_t *row = &passing[i];

        for (need_t need = ENDED; need <= REFUSED; need++) {
            sl_runtime_t rt = host(true, p);
            apr_interval_time_t wait;

            fill(need);
            token_ehr.rc = row->http;
            token_ehr.status = row->status;
            token_ehr.retry_after = row->retry_after;
            token_ehr.body = row->body;
            if (need == ENDS_SOON) {
                gets(&rt, need, "access-1", 1, row->name, p);
                gets(&rt, need, "access-1", 0, row->name, p);
            } else {
                gets_none(&rt, need, row->rc, 1, row->name, p);
                gets_none(&rt, need, row->rc, 0, row->name, p);
            }
            is_int(table.row.token.status, SL_TOKEN_ACTIVE, row->name);
            is_str(table_holds("refresh", p), "refresh-1", "the refresh token stays");
            ok(table.row.is_live && table.lease_by == NULL && table.last_error != NULL,
               "%s: the launch lives, the lease is back", row->name);
            wait = table.row.retry_at - table_now();
            ok(wait > SECONDS(row->retry_at - 1) && wait <= SECONDS(row->retry_at),
               "%s: not again for %d s", row->name, row->retry_at);
            ok(said("SL4546"), "one line says so");
        }
    }
}

/** Once the EHR is well again, and nobody has to be told. */
static void recovery(apr_pool_t *p)
{
    sl_runtime_t rt = host(true, p);

    fill(ENDED);
    token_ehr.status = 500;
    gets_none(&rt, ENDED, SL_UPSTREAM, 1, "the EHR is ill", p);
    token_ehr.status = 200;
    table.row.retry_at = table_now();
    sl_shm_age(rt.shm, 'T', 0, 0); /* a second later */
    gets(&rt, ENDED, "access-2", 1, "and well again", p);
    fill(ENDED);
    rt = host(true, p);
    table.row.retry_at = table_now() + SECONDS(20);
    gets_none(&rt, ENDED, SL_BUSY, 0, "another host was told to wait", p);
}

typedef struct {
    const char *name;
    int status;
    const char *body;
} final_t;

static const final_t final[] = {
    {"RFR-6 invalid_grant", 400, "{\"error\":\"invalid_grant\"}"},
    {"RFR-6 invalid_grant by 403", 403, "{\"error\":\"invalid_grant\"}"},
    {"RFR-6 invalid_client", 401, "{\"error\":\"invalid_client\"}"},
    {"RFR-6 404", 404, ""},
    {"RFR-6 any 4xx", 418, "<html>"},
    {"RFR-9 another patient", 200, "{" BOTH ",\"patient\":\"p2\"}"},
    {"RFR-9 a patient that is none", 200, "{" BOTH ",\"patient\":\"../p1\"}"},
};

static void final_trouble(apr_pool_t *p)
{
    for (size_t i = 0; i < sizeof(final) / sizeof(final[0]); i++) {
        const final_t *row = &final[i];

        for (need_t need = ENDED; need <= REFUSED; need++) {
            sl_runtime_t rt = host(true, p);

            fill(need);
            token_ehr.status = row->status;
            token_ehr.body = row->body;
            gets_none(&rt, need, SL_EXPIRED, 1, row->name, p);
            gets_none(&rt, need, SL_EXPIRED, 0, row->name, p);
            is_int(table.row.token.status, SL_TOKEN_RELAUNCH, row->name);
            ok(table_holds("access", p) == NULL && !table.row.is_live && table.end_reason != NULL,
               "%s: tokens dropped, launch ended", row->name);
            is_str(journal_of(&rt, p), "", row->name);
        }
    }
}

/* ---- the id_token ---- */

static const char *id_token(const signer_t *signer, const char *claims, apr_pool_t *p)
{
    apr_time_t now = apr_time_sec(apr_time_now());
    const char *whole = apr_psprintf(
        p, "{\"iss\":\"" EHR_ISSUER "\",\"iat\":%" APR_TIME_T_FMT ",\"exp\":%" APR_TIME_T_FMT "%s}",
        now, now + 300, claims);

    return apr_psprintf(
        p, "{" BOTH ",\"id_token\":\"%s\"}",
        signer_jwt(p, signer, apr_psprintf(p, "{\"alg\":\"%s\"}", signer->alg), whole));
}

static void id_tokens(apr_pool_t *p)
{
    const signer_t ours = signer_new(p, "ES256"), foreign = signer_new(p, "ES256");
    const struct {
        const char *name;
        const signer_t *signer;
        const char *claims;
        sl_rc_t rc;
        bool dropped;
    } tokens[] = {
        {"RFR-8 the same user", &ours, ",\"aud\":\"me\",\"sub\":\"user-1\"", SL_OK, false},
        {"RFR-8 another user", &ours, ",\"aud\":\"me\",\"sub\":\"user-2\"", SL_EXPIRED, false},
        {"RFR-8 no aud", &ours, ",\"sub\":\"user-2\"", SL_OK, true},
        {"RFR-8 another signer", &foreign, ",\"aud\":\"me\",\"sub\":\"user-2\"", SL_OK, true},
    };

    token_ehr.keys = apr_pstrcat(p, "{\"keys\":[", signer_jwk(p, &ours, ""), "]}", NULL);
    for (size_t i = 0; i < sizeof(tokens) / sizeof(tokens[0]); i++) {
        sl_runtime_t rt = host(true, p);

        fill(ENDED);
        token_ehr.body = id_token(tokens[i].signer, tokens[i].claims, p);
        if (tokens[i].rc == SL_OK) {
            gets(&rt, ENDED, "access-2", 1, tokens[i].name, p);
        } else {
            gets_none(&rt, ENDED, tokens[i].rc, 1, tokens[i].name, p);
            ok(!table.row.is_live, "%s: the launch has ended", tokens[i].name);
        }
        is_int(said("SL4531"), tokens[i].dropped, tokens[i].name);
    }
    fill(ENDED);
    table.row.sub = NULL;
    token_ehr.body = id_token(&ours, ",\"aud\":\"me\",\"sub\":\"user-2\"", p);
    {
        sl_runtime_t rt = host(true, p);

        gets(&rt, ENDED, "access-2", 1, "RFR-8 the launch had none: nothing to compare", p);
    }
}

/* ---- without a renewal ---- */

static void no_need(apr_pool_t *p)
{
    sl_runtime_t rt = host(true, p);

    fill(REFUSED);
    gets(&rt, ENDED, "access-1", 0, "valid for long", p);
    rt = host(true, p);
    fill(ENDED);
    table_seal("access-1", NULL);
    gets_none(&rt, ENDED, SL_EXPIRED, 0, "RFR-10 ended, no refresh token", p);
    ok(table.row.is_live && table.row.token.status == SL_TOKEN_ACTIVE,
       "RFR-10 the launch goes on without FHIR");
    rt = host(true, p);
    fill(REFUSED);
    table_seal("access-1", NULL);
    gets_none(&rt, REFUSED, SL_EXPIRED, 0, "RFR-10 refused, no refresh token", p);
    is_int(table.leases, 0, "RFR-10 nobody leases anything");
}

/** RFR-5: a new token that is refused, too, is not renewed once more. */
static void no_loop(apr_pool_t *p)
{
    sl_runtime_t rt = host(true, p);

    fill(REFUSED);
    gets(&rt, REFUSED, "access-2", 1, "RFR-5 refused once", p);
    gets_none(&rt, REFUSED, SL_EXPIRED, 0, "RFR-5 refused twice", p);
    ok(table.row.is_live && table.row.token.status == SL_TOKEN_ACTIVE, "RFR-5 nothing ends for it");
    sl_shm_age(rt.shm, 'X', 0, 0); /* half a minute later */
    gets(&rt, REFUSED, "access-3", 1, "RFR-5 refused later", p);
    rt = host(true, p);
    fill(ENDED);
    gets(&rt, ENDED, "access-2", 1, "renewed because it had ended", p);
    gets(&rt, REFUSED, "access-3", 1, "RFR-5 refused for the first time", p);
}

/** Somebody refused with an old generation gets the new one that is there already. */
static void newer(apr_pool_t *p)
{
    sl_runtime_t rt = host(true, p), other = host(false, p);
    sl_grant_t grant = {0}, old;
    sl_err_t err;
    sl_trace_t *trace = sl_trace_new(p, "ref-1");

    fill(REFUSED);
    is_int(call(&grant, &rt, ENDED, p, &err), SL_OK, "the first generation");
    old = grant;
    gets(&rt, REFUSED, "access-2", 1, "renewed by somebody here", p);
    is_int(sl_renew_refused(&grant, &rt, &ehr, trace, p, &err), SL_OK, "refused with the old one");
    is_str(sl_secret_reveal(grant.access), "access-2", "memory has the new one");
    is_int(sl_renew_refused(&old, &other, &ehr, trace, p, &err), SL_OK, "on another host");
    is_str(sl_secret_reveal(old.access), "access-2", "the row has the new one");
    is_int(token_ehr.posts, 1, "one request to the EHR");
    is_int(token_ehr.reuses, 0, "RFR-4 and no refresh token twice");
}

/* ---- when PostgreSQL goes away, or somebody dies ---- */

static void lose_database(void)
{
    table.is_away = true;
}

static void outage(apr_pool_t *p)
{
    for (int with_journal = 1; with_journal >= 0; with_journal--) {
        sl_runtime_t rt = host(with_journal != 0, p);
        const char *got;
        int left = -1;
        sl_err_t err;

        fill(ENDED);
        token_ehr.during = lose_database;
        gets(&rt, ENDED, "access-2", 1, "RFR-3 PostgreSQL goes away during the call", p);
        gets(&rt, ENDED, "access-2", 0, "RFR-3 the new token is used", p);
        ok(said("SL4543"), "RFR-3 one line says that it waits");
        is_int(table.row.token.generation, 1, "RFR-3 the row is behind");
        if (!with_journal) {
            continue;
        }
        is_str(journal_of(&rt, p), "token." TABLE_LAUNCH ".1", "RFR-3 it is in the journal");
        is_int(sl_renew_replay(&left, &rt, p, &err), SL_UNAVAILABLE, "RFR-3 and has to wait");
        is_int(left, 1, "RFR-3 one");
        table.is_away = false;
        sl_grant_forget(&rt, TABLE_LAUNCH, "a");
        is_int(call_once(&got, &rt, ENDED, p), SL_OK, "RFR-3 PostgreSQL is back");
        is_str(got, "access-2", "RFR-3 the reader brings it home");
        is_int(table.row.token.generation, 2, "RFR-3 stored");
        is_str(table_holds("refresh", p), "refresh-2", "RFR-3 with its refresh token");
        is_str(journal_of(&rt, p), "", "RFR-3 and out of the journal");
        is_int(sl_renew_replay(&left, &rt, p, &err), SL_OK, "nothing to do");
        is_int(left, 0, "none");
        is_int(token_ehr.reuses, 0, "RFR-4 no refresh token twice");
    }
}

/** The watchdog does it; another host had given the token up meanwhile. */
static void given_up(apr_pool_t *p)
{
    sl_runtime_t rt = host(true, p), other = host(false, p);
    int left = -1;
    sl_err_t err;

    fill(ENDED);
    token_ehr.during = lose_database;
    gets(&rt, ENDED, "access-2", 1, "in the journal", p);
    table.is_away = false;
    table.row.lease_until = table_now() - 1;
    gets_none(&other, ENDED, SL_EXPIRED, 0, "RFR-4 another host does not use the token again", p);
    is_int(table.row.token.status, SL_TOKEN_RELAUNCH, "RFR-4 it gives the token up");
    ok(table.row.is_live, "RFR-4 but not the launch");
    is_int(sl_renew_replay(&left, &rt, p, &err), SL_OK, "RFR-3 the journal comes home");
    is_int(table.row.token.status, SL_TOKEN_ACTIVE, "RFR-3 which puts it right");
    sl_grant_forget(&other, TABLE_LAUNCH, "a"); /* the hint */
    gets(&other, ENDED, "access-2", 0, "RFR-3 there, too", p);
    fill(ENDED);
    token_ehr.during = lose_database;
    rt = host(true, p);
    gets(&rt, ENDED, "access-2", 1, "in the journal", p);
    table.is_away = false;
    table.row.token.status = SL_TOKEN_REVOKED;
    is_int(sl_renew_replay(&left, &rt, p, &err), SL_OK, "revoked meanwhile");
    is_int(table.row.token.status, SL_TOKEN_REVOKED, "and stays so");
    is_int(table.handed_over, 1, "SEC-10 the EHR will hear of the tokens that came too late");
    is_str(journal_of(&rt, p), "", "the journal is empty");
}

static void interrupted(apr_pool_t *p)
{
    sl_runtime_t rt = host(true, p);

    fill(ENDED);
    table.row.lease_until = table_now() - 1;
    gets_none(&rt, ENDED, SL_EXPIRED, 0, "RFR-4 interrupted, ended", p);
    is_int(table.row.token.status, SL_TOKEN_RELAUNCH, "RFR-4 only a new launch helps");
    ok(table.row.is_live, "RFR-4 the launch lives on");
    rt = host(true, p);
    fill(ENDS_SOON);
    table.row.lease_until = table_now() - 1;
    gets(&rt, ENDS_SOON, "access-1", 0, "RFR-4 interrupted, still valid", p);
    is_int(table.row.token.status, SL_TOKEN_ACTIVE, "RFR-4 it serves to its end");
    table.leases = 0;
    gets(&rt, ENDS_SOON, "access-1", 0, "RFR-4 again", p);
    is_int(table.leases, 0, "RFR-4 without asking each time");
    gets_none(&rt, REFUSED, SL_EXPIRED, 0, "RFR-4 unless the EHR refuses it", p);
}

/** Nobody knows whether a lease was taken: it is given back, and passes for no interruption. */
static void doubt(apr_pool_t *p)
{
    sl_runtime_t rt = host(true, p);

    fill(ENDED);
    table.lease_answer_lost = true;
    gets_none(&rt, ENDED, SL_UNAVAILABLE, 0, "the answer to the lease is lost", p);
    ok(table.lease_by == NULL, "it is given back at once");
    rt = host(true, p);
    fill(ENDED);
    table.lease_answer_lost = table.goes_after_lease = true;
    gets_none(&rt, ENDED, SL_UNAVAILABLE, 0, "and PostgreSQL is away", p);
    ok(table.lease_by != NULL, "nobody can give it back");
    table.is_away = table.lease_answer_lost = table.goes_after_lease = false;
    table.row.lease_until = table_now() - 1;
    sl_shm_age(rt.shm, 'T', 0, 0);
    gets(&rt, ENDED, "access-2", 1, "it is given back before the next one", p);
}

static void die(void)
{
    table.is_away = true; /* so that what is renewed gets no further than the journal */
}

/** A process that dies between the EHR's answer and PostgreSQL. */
static void killed(apr_pool_t *p)
{
    sl_runtime_t rt = host(true, p);
    pid_t child;

    fill(ENDED);
    child = fork();
    if (child == 0) {
        const char *got;

        token_ehr.during = die;
        _exit(call_once(&got, &rt, ENDED, p) == SL_OK ? 0 : 1);
    }
    is_int(waitpid(child, NULL, 0), child, "a process dies");
    rt = host(true, p); /* memory is gone, too */
    table.row.lease_until = table_now() - 1;
    gets(&rt, ENDED, "access-2", 0, "RFR-3 its tokens are in the journal", p);
    is_str(table_holds("refresh", p), "refresh-2", "RFR-3 and in the row");
}

static void revoke_row(void)
{
    table.row.token.status = SL_TOKEN_REVOKED;
}

/** What happens to the row while the EHR is asked. */
static void meanwhile(apr_pool_t *p)
{
    sl_runtime_t rt = host(true, p);
    int left;
    sl_err_t err;

    fill(ENDED);
    token_ehr.during = revoke_row;
    gets_none(&rt, ENDED, SL_EXPIRED, 1, "revoked during the call", p);
    is_int(table.row.token.status, SL_TOKEN_REVOKED, "stays revoked");
    is_str(journal_of(&rt, p), "", "nothing waits to bring it back");
    rt = host(true, p);
    fill(ENDED);
    table.row.app_user = table.row.token.app_user = NULL;
    table_seal("access-1", "refresh-1");
    table.link_in_between = "alice";
    gets(&rt, ENDED, "access-2", 1, "a link is made during the call", p);
    is_str(table_holds("refresh", p), "refresh-2", "sealed for the new user");
    is_str(journal_of(&rt, p), "", "stored");
    rt = host(true, p);
    fill(ENDED);
    table.row.app_user = table.row.token.app_user = NULL;
    table_seal("access-1", "refresh-1");
    token_ehr.during = lose_database;
    gets(&rt, ENDED, "access-2", 1, "in the journal, without a user", p);
    table.is_away = false;
    table.row.app_user = table.row.token.app_user = "alice";
    is_int(sl_renew_replay(&left, &rt, p, &err), SL_OK, "brought home");
    is_str(table_holds("refresh", p), "refresh-2", "sealed for the new user");
}

/** Records that do not fit are put aside, and never stored. */
static void odd_records(apr_pool_t *p)
{
    sl_runtime_t rt = host(true, p);
    int left;
    sl_err_t err;
    const char *name = "token." TABLE_LAUNCH ".1";

    fill(ENDED);
    is_int(sl_spool_put(rt.spool, name, sl_secret_str(p, "{}"), p, &err), SL_OK, "an odd record");
    is_int(sl_renew_replay(&left, &rt, p, &err), SL_OK, "is no reason to stop");
    is_str(journal_of(&rt, p), "", "and put aside");
    ok(said("SL4526"), "with a line");
    token_ehr.during = lose_database;
    gets(&rt, ENDED, "access-2", 1, "a record", p);
    table.is_away = false;
    table.row.token.generation = 7;
    is_int(sl_renew_replay(&left, &rt, p, &err), SL_OK, "that follows an old generation");
    is_int(table.row.token.generation, 7, "is not stored");
    is_str(journal_of(&rt, p), "", "and goes");
}

/* ---- many at once ---- */

#define CROWD 100

typedef struct {
    const sl_runtime_t *rt;
    need_t need;
    sl_rc_t rc;
    char access[32];
} member_t;

static void *APR_THREAD_FUNC member(apr_thread_t *thread, void *data)
{
    member_t *one = data;
    const char *access = NULL;
    apr_pool_t *p;

    (void)thread;
    apr_pool_create(&p, NULL);
    one->rc = call_once(&access, one->rt, one->need, p);
    apr_cpystrn(one->access, access == NULL ? "" : access, sizeof(one->access));
    apr_pool_destroy(p);
    return NULL;
}

static int crowd(const sl_runtime_t *hosts, int count, need_t need, sl_rc_t rc, const char *access,
                 apr_pool_t *p)
{
    static member_t members[CROWD];
    apr_thread_t *threads[CROWD];
    apr_status_t status;
    int right = 0;

    for (int i = 0; i < CROWD; i++) {
        members[i].rt = &hosts[i % count];
        members[i].need = need;
        if (apr_thread_create(&threads[i], NULL, member, &members[i], p) != APR_SUCCESS) {
            abort();
        }
    }
    for (int i = 0; i < CROWD; i++) {
        apr_thread_join(&status, threads[i]);
        right += members[i].rc == rc && strcmp(members[i].access, access) == 0;
    }
    return right;
}

static void crowds(apr_pool_t *p)
{
    sl_runtime_t hosts[2] = {host(true, p), host(false, p)};

    fill(ENDED);
    token_ehr.takes = apr_time_from_msec(200);
    is_int(crowd(hosts, 1, ENDED, SL_OK, "access-2", p), CROWD, "RFR-4 100 at once, all served");
    is_int(token_ehr.posts, 1, "RFR-4 by one request");
    is_int(table.leases, 1, "RFR-4 and one lease");
    hosts[0] = host(true, p);
    fill(ENDED);
    token_ehr.takes = apr_time_from_msec(200);
    is_int(crowd(hosts, 2, ENDED, SL_OK, "access-2", p), CROWD, "RFR-4 100 on two hosts");
    is_int(token_ehr.posts, 1, "RFR-4 by one request");
    hosts[0] = host(true, p);
    fill(ENDED);
    token_ehr.takes = apr_time_from_msec(200);
    token_ehr.status = 400;
    token_ehr.body = "{\"error\":\"invalid_grant\"}";
    is_int(crowd(hosts, 1, ENDED, SL_EXPIRED, "", p), CROWD, "RFR-6 100 at once, all refused");
    is_int(token_ehr.posts, 1, "RFR-6 by one request");
    hosts[0] = host(true, p);
    fill(ENDED);
    token_ehr.takes = apr_time_from_msec(200);
    token_ehr.status = 500;
    is_int(crowd(hosts, 1, ENDED, SL_UPSTREAM, "", p), CROWD, "RFR-7 100 at once, all put off");
    is_int(token_ehr.posts, 1, "RFR-7 by one request");
    hosts[0] = host(true, p);
    fill(ENDS_SOON);
    token_ehr.takes = apr_time_from_msec(200);
    is_int(crowd(hosts, 1, ENDS_SOON, SL_OK, "access-1", p), CROWD - 1,
           "RFR-5 renewed ahead: nobody waits but the one who does it");
    is_int(token_ehr.posts, 1, "RFR-5 by one request");
}

/** Another host holds the lease and is not heard of again. */
static void patience(apr_pool_t *p)
{
    sl_runtime_t rt = host(true, p);
    apr_time_t began;

    fill(ENDS_SOON);
    table.row.lease_until = table_now() + SECONDS(60);
    began = apr_time_now();
    gets(&rt, ENDS_SOON, "access-1", 0, "renewed elsewhere, still valid", p);
    ok(apr_time_now() - began < SECONDS(1), "nobody waits");
    rt = host(true, p);
    fill(ENDED);
    table.row.lease_until = table_now() + SECONDS(60);
    began = apr_time_now();
    gets_none(&rt, ENDED, SL_BUSY, 0, "renewed elsewhere, ended", p);
    ok(apr_time_now() - began < SL_RENEW_PATIENCE + SECONDS(2), "nobody waits for ever");
    ok(table.leases > 5 && table.leases < 40, "the database is asked twice a second");
    diag("%d times", table.leases);
}

/* ---- the watchdog ---- */

static void due(apr_pool_t *p)
{
    sl_runtime_t rt = host(true, p);
    int renewed = -1;
    sl_err_t err;

    fill(REFUSED);
    is_int(sl_renew_due(&renewed, &rt, 8, p, &err), SL_OK, "nothing is due");
    is_int(renewed, 0, "none");
    fill(ENDS_SOON);
    is_int(sl_renew_due(&renewed, &rt, 8, p, &err), SL_OK, "one is due");
    is_int(renewed, 1, "one");
    ok(token_ehr.saw_gate, "within the bound of the EHR");
    is_int(table.row.token.generation, 2, "renewed");
    gets(&rt, ENDED, "access-2", 0, "and used", p);
    rt = host(true, p);
    fill(ENDS_SOON);
    token_ehr.status = 500;
    is_int(sl_renew_due(&renewed, &rt, 8, p, &err), SL_OK, "the EHR is ill");
    is_int(renewed, 0, "none");
    is_int(table.row.token.status, SL_TOKEN_ACTIVE, "nothing ends");
    rt = host(true, p);
    fill(ENDS_SOON);
    table.row.lease_until = table_now() - 1;
    is_int(sl_renew_due(&renewed, &rt, 8, p, &err), SL_OK, "interrupted");
    is_int(token_ehr.posts, 0, "RFR-4 not sent again");
    is_int(table.row.token.status, SL_TOKEN_ACTIVE, "while it serves");
    table.is_away = true;
    is_int(sl_renew_due(&renewed, &rt, 8, p, &err), SL_UNAVAILABLE, "PostgreSQL is away");
}

static int unlink_it(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    if (mkdtemp(state_dir) == NULL) {
        abort();
    }
    table_begin(p);
    ehr = token_ehr_config();
    good_answers(p);
    passing_trouble(p);
    recovery(p);
    final_trouble(p);
    id_tokens(p);
    no_need(p);
    no_loop(p);
    newer(p);
    outage(p);
    given_up(p);
    interrupted(p);
    doubt(p);
    killed(p);
    meanwhile(p);
    odd_records(p);
    crowds(p);
    patience(p);
    due(p);
    ok(strstr(logged, "refresh-") == NULL && strstr(logged, "access-") == NULL,
       "no token in the log");
    is_int(nftw(state_dir, unlink_it, 4, FTW_DEPTH | FTW_PHYS), 0, "nothing is left behind");
    rule_release(p);
    return tap_done();
}
