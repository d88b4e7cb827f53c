/* SPDX-License-Identifier: Apache-2.0 */
/* A record is fetched by one at a time, over all hosts. */
#include "flow/sl_cdp_hold.h"

#include "base/sl_text.h"
#include "flow/sl_cdp_dates.h"
#include "flow/sl_cdp_vault.h"
#include "store/sl_store_cdp_record.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define MRN_MAX 200
#define UNATTENDED_LEASE apr_time_from_sec(600)
#define UNREADABLE_AGAIN apr_time_from_sec(3600)

/** Without blanks around it; NULL: no medical record number. */
static const char *trim_mrn(const char *text, apr_pool_t *p)
{
    apr_size_t len;

    while (apr_isspace(*text)) {
        text++;
    }
    len = strlen(text);
    while (len > 0 && apr_isspace(text[len - 1])) {
        len--;
    }
    if (len == 0 || len > MRN_MAX || !sl_text_is_utf8(text, len)) {
        return NULL;
    }
    for (apr_size_t i = 0; i < len; i++) {
        if ((unsigned char)text[i] < ' ' || text[i] == 0x7f) {
            return NULL;
        }
    }
    return apr_pstrndup(p, text, len);
}

/** What the record has of its own, opened. */
static sl_rc_t open_claim(sl_cdp_claim_t *out, const sl_cdp_t *cdp,
                          const sl_store_cdp_claimed_t *got, apr_pool_t *p, sl_err_t *err)
{
    sl_cdp_record_place_t place = {out->project->name, out->record, SL_CDP_MRN};
    const char *text = NULL;
    sl_rc_t rc = sl_cdp_vault_open_record(&out->mrn, cdp->rt->ring, &place, &got->mrn, p, err);

    if (rc != SL_OK || got->dates.bytes.bytes == NULL) {
        return rc;
    }
    place.column = SL_CDP_DATES;
    rc = sl_cdp_vault_open_record(&text, cdp->rt->ring, &place, &got->dates, p, err);
    return rc == SL_OK ? sl_cdp_dates_read(&out->dates, text, p, err) : rc;
}

/** A claim nobody can work with goes back at once. */
static sl_rc_t give_back(const sl_cdp_t *cdp, const sl_cdp_claim_t *claim, sl_rc_t rc)
{
    const sl_cdp_finish_t finish = {.outcome = "failed",
                                    .has_future = true, /* nobody looked: it stays due */
                                    .again = claim->unattended ? UNREADABLE_AGAIN : 0};
    sl_err_t ignored = {0};

    if (sl_cdp_hold_finish(cdp, claim, &finish, &ignored) != SL_OK) {
        sl_log(&cdp->rt->log, SL_LOG_WARN, "SL8008",
               "a record of project %s could not be given back (%s); its claim runs out by itself",
               claim->project->name, ignored.text);
    }
    return rc;
}

static sl_rc_t finish_claim(sl_cdp_claim_t *out, const sl_cdp_t *cdp,
                            const sl_store_cdp_claimed_t *got, apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc = open_claim(out, cdp, got, p, err);

    return rc == SL_OK ? rc : give_back(cdp, out, rc);
}

static sl_rc_t new_lease(apr_int64_t *lease, sl_err_t *err)
{
    sl_rc_t rc = sl_digest_random(lease, sizeof(*lease), err);

    *lease = (*lease & APR_INT64_MAX) | 1; /* 0 is none */
    return rc;
}

/** A question, and what it becomes. */
typedef struct {
    sl_cdp_claim_ask_t ask;
    sl_cdp_sealed_t mrn, dates;
    sl_store_cdp_claim_t claim;
} asking_t;

static sl_rc_t check(asking_t *a, apr_pool_t *p, sl_err_t *err)
{
    if (!sl_cdp_is_record(a->ask.record)) {
        return sl_err_set(err, SL_INVALID, "SL8009", "that cannot be the name of a record");
    }
    if (a->ask.mrn != NULL) {
        a->ask.mrn = trim_mrn(a->ask.mrn, p);
        if (a->ask.mrn == NULL) {
            return sl_err_set(err, SL_INVALID, "SL8010", "that is no medical record number");
        }
    }
    return SL_OK;
}

static sl_rc_t seal_mrn(asking_t *a, const sl_cdp_t *cdp, apr_pool_t *p, sl_err_t *err)
{
    const sl_cdp_record_place_t place = {a->ask.project->name, a->ask.record, SL_CDP_MRN};
    const char *const parts[] = {"mrn", place.project, place.record, a->ask.mrn, NULL};
    const sl_secret_t *print_key = NULL;
    sl_rc_t rc;

    if (a->ask.mrn == NULL) {
        return SL_OK;
    }
    rc = sl_cdp_vault_print_key(&print_key, cdp->rt, p, err);
    if (rc != SL_OK) {
        return rc;
    }
    a->claim.print = sl_cdp_vault_print(print_key, parts, p);
    a->claim.mrn = &a->mrn;
    return sl_cdp_vault_seal_record(&a->mrn, cdp->rt->ring, &place, a->ask.mrn, p, err);
}

static sl_rc_t seal_dates(asking_t *a, const sl_cdp_t *cdp, apr_pool_t *p, sl_err_t *err)
{
    const sl_cdp_record_place_t place = {a->ask.project->name, a->ask.record, SL_CDP_DATES};

    if (a->ask.dates == NULL) {
        return SL_OK;
    }
    a->claim.dates = &a->dates;
    return sl_cdp_vault_seal_record(&a->dates, cdp->rt->ring, &place,
                                    sl_cdp_dates_write(a->ask.dates, p), p, err);
}

/** The fetch under way may have begun with other dates: then there is one more after it. */
static sl_rc_t busy(asking_t *a, const sl_cdp_t *cdp, const sl_store_cdp_claimed_t *got,
                    apr_pool_t *p, sl_err_t *err)
{
    const sl_cdp_record_place_t place = {a->ask.project->name, a->ask.record, SL_CDP_DATES};
    const char *known = NULL;
    int n = 0;
    sl_rc_t rc = SL_OK;

    if (a->ask.dates != NULL && got->dates.bytes.bytes != NULL) {
        rc = sl_cdp_vault_open_record(&known, cdp->rt->ring, &place, &got->dates, p, err);
    }
    if (a->ask.dates != NULL &&
        (known == NULL || strcmp(known, sl_cdp_dates_write(a->ask.dates, p)) != 0)) {
        rc = sl_store_cdp_redate(&n, cdp->rt->db, &a->claim, err);
    }
    return rc == SL_OK || rc == SL_DENIED
               ? sl_err_set(err, SL_BUSY, "SL8011",
                            n > 0 ? "this record is being fetched right now; afterwards it is "
                                    "fetched once more, with its new dates"
                                  : "this record is being fetched right now")
               : rc;
}

sl_rc_t sl_cdp_hold_claim(sl_cdp_claim_t *out, const sl_cdp_t *cdp, const sl_cdp_claim_ask_t *ask,
                          apr_pool_t *p, sl_err_t *err)
{
    asking_t a = {.ask = *ask};
    sl_store_cdp_claimed_t got = {0};
    sl_rc_t rc = check(&a, p, err);

    a.claim.project = ask->project->name;
    a.claim.record = ask->record;
    a.claim.by = ask->by;
    a.claim.host = cdp->rt->self;
    a.claim.length = ask->lease;
    rc = rc == SL_OK ? new_lease(&a.claim.lease, err) : rc;
    rc = rc == SL_OK ? seal_mrn(&a, cdp, p, err) : rc;
    rc = rc == SL_OK ? seal_dates(&a, cdp, p, err) : rc;
    rc = rc == SL_OK ? sl_store_cdp_claim(&got, cdp->rt->db, &a.claim, p, err) : rc;
    if (rc == SL_OK && got.lease != a.claim.lease) {
        rc = busy(&a, cdp, &got, p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    *out = (sl_cdp_claim_t){.project = ask->project,
                            .record = ask->record,
                            .patient = got.patient,
                            .by = ask->by,
                            .lease = got.lease};
    return finish_claim(out, cdp, &got, p, err);
}

sl_rc_t sl_cdp_hold_claim_due(sl_cdp_claim_t *out, const sl_cdp_t *cdp,
                              const sl_cdp_project_t *project, apr_pool_t *p, sl_err_t *err)
{
    sl_store_cdp_due_t due = {.project = project->name,
                              .host = cdp->rt->self,
                              .every = project->every,
                              .inactive = project->inactive,
                              .length = UNATTENDED_LEASE};
    sl_store_cdp_claimed_t got = {0};
    sl_rc_t rc = new_lease(&due.lease, err);

    rc = rc == SL_OK ? sl_store_cdp_claim_due(&got, cdp->rt->db, &due, p, err) : rc;
    if (rc != SL_OK) {
        return rc;
    }
    *out = (sl_cdp_claim_t){.project = project,
                            .record = got.record,
                            .patient = got.patient,
                            .by = got.fetched_by,
                            .lease = due.lease,
                            .unattended = true};
    return finish_claim(out, cdp, &got, p, err);
}

static sl_store_cdp_lease_t lease_of(const sl_cdp_claim_t *claim)
{
    return (sl_store_cdp_lease_t){claim->project->name, claim->record, claim->lease,
                                  claim->unattended ? SL_CDP_SYSTEM : claim->by};
}

sl_rc_t sl_cdp_hold_patient(const sl_cdp_t *cdp, sl_cdp_claim_t *claim, const char *patient,
                            sl_err_t *err)
{
    const sl_store_cdp_lease_t lease = lease_of(claim);
    sl_rc_t rc = sl_store_cdp_patient(cdp->rt->db, &lease, patient, err);

    if (rc == SL_OK) {
        claim->patient = patient;
    }
    return rc;
}

sl_rc_t sl_cdp_hold_finish(const sl_cdp_t *cdp, const sl_cdp_claim_t *claim,
                           const sl_cdp_finish_t *finish, sl_err_t *err)
{
    const sl_store_cdp_lease_t lease = lease_of(claim);
    const sl_cdp_record_place_t place = {claim->project->name, claim->record, SL_CDP_WARNINGS};
    sl_store_cdp_finish_t back = {.outcome = finish->outcome,
                                  .has_future = finish->has_future,
                                  .again = finish->again,
                                  .unattended = claim->unattended};
    apr_pool_t *p;
    sl_rc_t rc = SL_OK;

    if (apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL8012", "out of memory");
    }
    if (finish->warnings != NULL) {
        rc = sl_cdp_vault_seal_record(&back.warnings, cdp->rt->ring, &place, finish->warnings, p,
                                      err);
    }
    rc = rc == SL_OK ? sl_store_cdp_finish(cdp->rt->db, &lease, &back, err) : rc;
    apr_pool_destroy(p);
    return rc;
}
