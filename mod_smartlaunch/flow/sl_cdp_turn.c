/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_turn.h"

#include "flow/sl_cdp_deliver.h"
#include "flow/sl_cdp_fetch.h"

#include <apr_strings.h>
#include <string.h>

#define KIND_TROUBLE 'E'
#define KIND_KEPT 'K'

#define TURN apr_time_from_sec(5) /* no further record is begun after it */
#define DELIVER_AT_ONCE 20        /* records of a project */
#define KEEP_EVERY apr_time_from_sec(60)
#define TROUBLE_MIN 15        /* seconds that an EHR in trouble is left alone, */
#define TROUBLE_MAX (10 * 60) /* twice as long each time, up to this */
#define TROUBLE_KNOWN 2       /* how many times as long its trouble is remembered */

/** One turn. */
typedef struct {
    const sl_cdp_t *cdp;
    const volatile apr_uint32_t *stop;
    apr_time_t until;
    int first; /* project that begins, another one each time */
    apr_pool_t *tmp;
} turn_t;

static bool goes_on(const turn_t *turn)
{
    return *turn->stop == 0 && apr_time_now() < turn->until;
}

static const sl_cdp_project_t *project_of(const turn_t *turn, int i)
{
    return APR_ARRAY_IDX(turn->cdp->projects, (turn->first + i) % turn->cdp->projects->nelts,
                         const sl_cdp_project_t *);
}

/** That PostgreSQL is away is said elsewhere. */
static void complain(const turn_t *turn, const sl_cdp_project_t *project, const char *what,
                     const sl_err_t *err)
{
    if (err->rc != SL_UNAVAILABLE && err->rc != SL_BUSY) {
        sl_log(&turn->cdp->rt->log, SL_LOG_WARN, "SL8601", "project %s: %s: %s (%s)", project->name,
               what, err->text, err->id);
    }
}

/* An EHR in trouble: known to all processes of this host, so that nobody's turn goes by waiting. */

typedef struct {
    apr_time_t until;
    int seconds;
} trouble_t;

static sl_shm_key_t key_of(char kind, const char *name, apr_pool_t *p)
{
    const char *text = apr_pstrcat(p, "cdp\n", name, NULL);

    return sl_shm_key((unsigned char)kind, text, strlen(text));
}

static trouble_t trouble_of(const turn_t *turn, const sl_ehr_t *ehr, apr_pool_t *p)
{
    const sl_shm_key_t key = key_of(KIND_TROUBLE, ehr->name, p);
    trouble_t trouble = {0, 0};
    sl_shm_entry_t entry;

    if (sl_shm_get(turn->cdp->rt->shm, &key, apr_time_now(), &entry, p) == SL_OK &&
        entry.value.len == sizeof(trouble)) {
        memcpy(&trouble, entry.value.bytes, sizeof(trouble));
    }
    return trouble;
}

static bool is_in_trouble(const turn_t *turn, const sl_ehr_t *ehr, apr_pool_t *p)
{
    return apr_time_now() < trouble_of(turn, ehr, p).until;
}

static void tell_trouble(const turn_t *turn, const sl_ehr_t *ehr, const sl_err_t *err,
                         apr_pool_t *p)
{
    const sl_shm_key_t key = key_of(KIND_TROUBLE, ehr->name, p);
    trouble_t trouble = trouble_of(turn, ehr, p);
    sl_shm_put_t put = {.now = apr_time_now(), .rank = SL_SHM_LOW};
    sl_err_t ignored;

    trouble.seconds = trouble.seconds == 0 ? TROUBLE_MIN : 2 * trouble.seconds;
    if (trouble.seconds < err->retry_after) {
        trouble.seconds = err->retry_after;
    }
    if (trouble.seconds > TROUBLE_MAX) {
        trouble.seconds = TROUBLE_MAX;
    }
    trouble.until = put.now + apr_time_from_sec(trouble.seconds);
    put.expires = put.now + TROUBLE_KNOWN * apr_time_from_sec(trouble.seconds);
    put.value.bytes = (const unsigned char *)&trouble;
    put.value.len = sizeof(trouble);
    if (sl_shm_put(turn->cdp->rt->shm, &key, &put, &ignored) == SL_OK) {
        sl_log(&turn->cdp->rt->log, SL_LOG_INFO, "SL8602",
               "%s: no unattended fetches for %d seconds: %s", ehr->name, trouble.seconds,
               err->text);
    }
}

static void forget_trouble(const turn_t *turn, const sl_ehr_t *ehr, apr_pool_t *p)
{
    const sl_shm_key_t key = key_of(KIND_TROUBLE, ehr->name, p);

    sl_shm_del(turn->cdp->rt->shm, &key);
}

/* What is done */

static void tell_end(const turn_t *turn, const sl_cdp_claim_t *claim, sl_rc_t rc,
                     const sl_err_t *err, apr_pool_t *p)
{
    const sl_ehr_t *ehr = claim->project->ehr;

    if (rc == SL_UPSTREAM || rc == SL_TIMEOUT || rc == SL_BUSY) {
        tell_trouble(turn, ehr, err, p);
    } else {
        forget_trouble(turn, ehr, p);
    }
    if (rc != SL_OK) {
        sl_log(&turn->cdp->rt->log, SL_LOG_INFO, "SL8603",
               "project %s: an unattended fetch came to nothing: %s (%s)", claim->project->name,
               err->text, err->id);
    }
}

/** True: there was one. */
static bool fetch_one(const turn_t *turn, const sl_cdp_project_t *project, apr_pool_t *p)
{
    sl_cdp_claim_t claim = {0};
    sl_cdp_fetched_t fetched;
    sl_err_t err = {0};
    sl_rc_t rc;

    if (is_in_trouble(turn, project->ehr, p)) {
        return false;
    }
    rc = sl_cdp_hold_claim_due(&claim, turn->cdp, project, p, &err);
    if (rc != SL_OK) {
        if (rc != SL_NONE) {
            complain(turn, project, "looking for what is due", &err);
        }
        return rc == SL_DENIED; /* this one cannot be opened, another one may */
    }
    rc = sl_cdp_fetch_claimed(&fetched, turn->cdp, &claim, turn->stop, p, &err);
    tell_end(turn, &claim, rc, &err, p);
    return true;
}

/** In rounds: a project with many records does not keep the others waiting. */
static void refetch(const turn_t *turn)
{
    bool any = true;

    while (any && goes_on(turn)) {
        any = false;
        for (int i = 0; i < turn->cdp->projects->nelts && goes_on(turn); i++) {
            any = fetch_one(turn, project_of(turn, i), turn->tmp) || any;
            apr_pool_clear(turn->tmp);
        }
    }
}

static void deliver(const turn_t *turn)
{
    for (int i = 0; i < turn->cdp->projects->nelts && goes_on(turn); i++) {
        const sl_cdp_project_t *project = project_of(turn, i);
        sl_cdp_delivered_t delivered = {0};
        sl_err_t err = {0};

        if (sl_cdp_deliver_due(&delivered, turn->cdp, project, DELIVER_AT_ONCE, turn->tmp, &err) !=
            SL_OK) {
            complain(turn, project, "delivering", &err);
        }
        apr_pool_clear(turn->tmp);
    }
}

/** Somebody on this host has done it a moment ago? */
static bool is_kept(const turn_t *turn, const sl_cdp_project_t *project)
{
    const sl_shm_key_t key = key_of(KIND_KEPT, project->name, turn->tmp);
    const sl_shm_put_t put = {.value = {(const unsigned char *)"", 0},
                              .now = apr_time_now(),
                              .expires = apr_time_now() + KEEP_EVERY,
                              .rank = SL_SHM_LOW};
    sl_err_t ignored;

    return sl_shm_add(turn->cdp->rt->shm, &key, &put, &ignored) == SL_CONFLICT;
}

static void keep(const turn_t *turn)
{
    for (int i = 0; i < turn->cdp->projects->nelts && goes_on(turn); i++) {
        const sl_cdp_project_t *project = project_of(turn, i);
        bool more = !is_kept(turn, project);
        sl_err_t err = {0};

        while (more && goes_on(turn)) {
            if (sl_cdp_hold_keep(&more, turn->cdp, project, turn->tmp, &err) != SL_OK) {
                complain(turn, project, "letting go of old values", &err);
                more = false;
            }
            apr_pool_clear(turn->tmp);
        }
    }
}

void sl_cdp_turn(const sl_cdp_t *cdp, const volatile apr_uint32_t *stop, apr_pool_t *tmp)
{
    turn_t turn = {.cdp = cdp, .stop = stop, .until = apr_time_now() + TURN};

    if (cdp->projects->nelts == 0 || apr_pool_create(&turn.tmp, tmp) != APR_SUCCESS) {
        return;
    }
    turn.first = (int)(apr_time_now() / 1000 % cdp->projects->nelts);
    deliver(&turn);
    refetch(&turn);
    keep(&turn);
    apr_pool_destroy(turn.tmp);
}
