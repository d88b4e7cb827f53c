/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_deliver.h"

#include "base/sl_text.h"
#include "flow/sl_cdp_redcap.h"
#include "flow/sl_cdp_signed.h"
#include "flow/sl_cdp_vault.h"
#include "store/sl_store_cdp_outbox.h"

#include <apr_strings.h>
#include <string.h>

#define AT_ONCE 100                   /* values in one delivery */
#define LEASE apr_time_from_sec(90)   /* longer than PATIENCE, and one request that has begun */
#define PATIENCE apr_time_from_sec(8) /* of the watchdog: a turn is short */
#define WHILE_WATCHED apr_time_from_sec(15) /* somebody waits for the page */
#define FIRST_WAIT apr_time_from_sec(5)
#define LONGEST_WAIT apr_time_from_sec(600)
#define NONCE_BYTES 12

/** One delivery of what waits for one record. */
typedef struct {
    const sl_cdp_t *cdp;
    sl_cdp_shipment_t shipment;
    const sl_cdp_outbox_claim_t *claim;
    const apr_array_header_t *rows; /* of sl_cdp_outbox_row_t, as the parcels */
    bool is_done;                   /* none of them waits any longer */
} delivery_t;

static const sl_cdp_outbox_row_t *row_at(const delivery_t *delivery, int i)
{
    return &APR_ARRAY_IDX(delivery->rows, i, sl_cdp_outbox_row_t);
}

static sl_cdp_outbox_place_t place_of(const delivery_t *delivery, const sl_cdp_outbox_row_t *row,
                                      bool is_reason)
{
    return (sl_cdp_outbox_place_t){.project = delivery->shipment.project->name,
                                   .record = delivery->shipment.record,
                                   .event = row->event,
                                   .instance = row->instance,
                                   .field = row->field,
                                   .key = row->key,
                                   .is_reason = is_reason};
}

/** 5 s, 10 s, 20 s … 10 min; longer where the app says so. */
static apr_interval_time_t wait_after(int tries, int retry_after)
{
    apr_interval_time_t wait = FIRST_WAIT;

    for (int i = 1; i < tries && wait < LONGEST_WAIT; i++) {
        wait *= 2;
    }
    if (apr_time_from_sec(retry_after) > wait) {
        wait = apr_time_from_sec(retry_after);
    }
    return wait > LONGEST_WAIT ? LONGEST_WAIT : wait;
}

/** Open one; its key is in the ring. */
static void open_parcel(sl_cdp_parcel_t *out, const delivery_t *delivery,
                        const sl_cdp_outbox_row_t *row, apr_pool_t *p)
{
    const sl_cdp_outbox_place_t place = place_of(delivery, row, false);
    const sl_cdp_sealed_t sealed = {row->key_id, row->value_sealed};
    sl_err_t err;

    memset(out, 0, sizeof(*out));
    out->key = row->key;
    out->user = row->saved_by;
    out->value = (sl_cdp_current_t){row->event, row->instance, row->field, NULL};
    out->again = row->tries > 1;
    if (sl_cdp_vault_open_outbox(&out->value.value, delivery->cdp->rt->ring, &place, &sealed, p,
                                 &err) != SL_OK) {
        sl_log(&delivery->cdp->rt->log, SL_LOG_ERROR, err.id, "a saved value of project %s: %s",
               place.project, err.text);
        out->state = SL_CDP_PARCEL_REFUSED;
        out->reason = "What was saved can no longer be read here, and was not sent.";
    }
}

static void pack(delivery_t *delivery, apr_pool_t *p)
{
    sl_cdp_shipment_t *shipment = &delivery->shipment;

    shipment->parcels = apr_array_make(p, delivery->rows->nelts, sizeof(sl_cdp_parcel_t));
    for (int i = 0; i < delivery->rows->nelts; i++) {
        open_parcel(apr_array_push(shipment->parcels), delivery, row_at(delivery, i), p);
    }
}

static sl_rc_t ship(delivery_t *delivery, apr_pool_t *p, sl_err_t *err)
{
    switch (delivery->shipment.project->delivery.protocol) {
    case SL_CDP_TO_REDCAP:
        return sl_cdp_redcap_ship(delivery->cdp, &delivery->shipment, p, err);
    case SL_CDP_TO_HTTP:
        break;
    }
    return sl_cdp_signed_ship(delivery->cdp, &delivery->shipment, p, err);
}

static sl_rc_t add_mark(apr_array_header_t *marks, const delivery_t *delivery, int i, apr_pool_t *p,
                        sl_err_t *err)
{
    const sl_cdp_outbox_row_t *row = row_at(delivery, i);
    const sl_cdp_outbox_place_t place = place_of(delivery, row, true);
    const sl_cdp_parcel_t *parcel = &APR_ARRAY_IDX(delivery->shipment.parcels, i, sl_cdp_parcel_t);
    sl_cdp_outbox_mark_t *mark = apr_array_push(marks);
    sl_cdp_sealed_t sealed = {0};
    sl_rc_t rc = SL_OK;

    mark->key = row->key;
    if (parcel->state == SL_CDP_PARCEL_DELIVERED) {
        mark->state = SL_OUTBOX_DELIVERED;
    } else if (parcel->state == SL_CDP_PARCEL_REFUSED) {
        mark->state = SL_OUTBOX_REFUSED;
        rc = sl_cdp_vault_seal_outbox(&sealed, delivery->cdp->rt->ring, &place, parcel->reason, p,
                                      err);
        mark->reason_sealed = sealed.bytes;
        mark->reason_key = sealed.key_id;
    }
    return rc;
}

/** Write down what came of it. @param wait for those that stay */
static sl_rc_t settle(sl_cdp_delivered_t *out, delivery_t *delivery, apr_interval_time_t wait,
                      apr_pool_t *p, sl_err_t *err)
{
    const apr_array_header_t *rows = delivery->rows;
    apr_array_header_t *marks = apr_array_make(p, rows->nelts, sizeof(sl_cdp_outbox_mark_t));
    int delivered = 0;
    int refused = 0;
    sl_rc_t rc = SL_OK;

    for (int i = 0; rc == SL_OK && i < rows->nelts; i++) {
        rc = add_mark(marks, delivery, i, p, err);
        delivered += APR_ARRAY_IDX(marks, i, sl_cdp_outbox_mark_t).state == SL_OUTBOX_DELIVERED;
        refused += APR_ARRAY_IDX(marks, i, sl_cdp_outbox_mark_t).state == SL_OUTBOX_REFUSED;
    }
    if (rc == SL_OK) {
        rc = sl_store_cdp_outbox_mark(delivery->cdp->rt->db, delivery->claim, marks, wait, p, err);
    }
    if (rc == SL_OK) {
        out->delivered += delivered;
        out->refused += refused;
        delivery->is_done = delivered + refused == rows->nelts;
    }
    return rc;
}

/** One delivery that was claimed. `*why`: the app's trouble, SL_OK: none. */
static sl_rc_t deliver(sl_cdp_delivered_t *out, sl_rc_t *why, delivery_t *delivery, apr_pool_t *p,
                       sl_err_t *err)
{
    const char *name = delivery->shipment.project->name;
    apr_interval_time_t wait = 0;
    sl_err_t trouble = {0};

    pack(delivery, p);
    *why = ship(delivery, p, &trouble);
    if (*why != SL_OK) {
        wait = wait_after(row_at(delivery, 0)->tries, trouble.retry_after);
        sl_log(&delivery->cdp->rt->log, SL_LOG_WARN, trouble.id,
               "saved values of project %s wait: %s", name, trouble.text);
    }
    return settle(out, delivery, wait, p, err);
}

/** What has no key here: it is said, in the log and in the table, and goes when the key is back. */
static sl_rc_t put_aside(const sl_cdp_t *cdp, const sl_cdp_outbox_of_t *of, apr_pool_t *p,
                         sl_err_t *err)
{
    int n = 0;
    sl_rc_t rc = sl_store_cdp_outbox_aside(&n, cdp->rt->db, of, p, err);

    if (rc == SL_OK && n > 0) {
        sl_log(&cdp->rt->log, SL_LOG_ERROR, "SL8309",
               "%d saved value%s of project %s put aside: the key that sealed %s is not in the key "
               "ring",
               n, n == 1 ? " is" : "s are", of->project, n == 1 ? "it" : "them");
    }
    return rc;
}

/** A name for the lease that nobody else has. */
static sl_rc_t name_lease(const char **by, const sl_runtime_t *rt, apr_pool_t *p, sl_err_t *err)
{
    unsigned char nonce[NONCE_BYTES];
    sl_rc_t rc = sl_digest_random(nonce, sizeof(nonce), err);

    if (rc == SL_OK) {
        *by = apr_pstrcat(p, rt->self == NULL ? "" : rt->self, " ",
                          sl_text_hex(p, nonce, sizeof(nonce)), NULL);
    }
    return rc;
}

/** Everything of one record that can go now. */
typedef struct {
    const sl_cdp_t *cdp;
    const sl_cdp_project_t *project;
    const char *ring; /* names of its keys */
    apr_time_t until;
    bool not_due;
    sl_rc_t why; /* out: the app's trouble */
} run_t;

static sl_rc_t deliver_one(sl_cdp_delivered_t *out, run_t *run, const char *record, apr_pool_t *p,
                           sl_err_t *err)
{
    sl_cdp_outbox_claim_t claim = {run->project->name, record,   NULL, LEASE, AT_ONCE,
                                   run->not_due,       run->ring};
    sl_rc_t rc = name_lease(&claim.by, run->cdp->rt, p, err);

    run->why = SL_OK;
    while (rc == SL_OK && apr_time_now() < run->until) {
        delivery_t delivery = {.cdp = run->cdp, .claim = &claim};
        apr_array_header_t *rows = NULL;

        delivery.shipment.project = run->project;
        delivery.shipment.record = record;
        delivery.shipment.until = run->until;
        rc = sl_store_cdp_outbox_claim(&rows, run->cdp->rt->db, &claim, p, err);
        if (rc != SL_OK || rows->nelts == 0) {
            break;
        }
        delivery.rows = rows;
        rc = deliver(out, &run->why, &delivery, p, err);
        if (!delivery.is_done) {
            break;
        }
    }
    return rc;
}

sl_rc_t sl_cdp_deliver_record(sl_cdp_delivered_t *out, const sl_cdp_t *cdp,
                              const sl_cdp_project_t *project, const char *record, apr_pool_t *p,
                              sl_err_t *err)
{
    const char *ring = sl_keyring_names(cdp->rt->ring, p);
    const sl_cdp_outbox_of_t of = {project->name, record, ring};
    run_t run = {cdp, project, ring, apr_time_now() + WHILE_WATCHED, true, SL_OK};
    sl_rc_t rc = put_aside(cdp, &of, p, err);

    memset(out, 0, sizeof(*out));
    if (rc == SL_OK) {
        rc = deliver_one(out, &run, record, p, err);
    }
    if (rc == SL_OK) {
        rc = sl_store_cdp_outbox_waiting(&out->waiting, cdp->rt->db, project->name, record, p, err);
    }
    return rc;
}

/** The app as a whole: another record would fare no better just now. */
static bool is_away(sl_rc_t why)
{
    return why == SL_TIMEOUT || why == SL_BUSY || why == SL_DENIED || why == SL_UPSTREAM;
}

sl_rc_t sl_cdp_deliver_due(sl_cdp_delivered_t *out, const sl_cdp_t *cdp,
                           const sl_cdp_project_t *project, int limit, apr_pool_t *p, sl_err_t *err)
{
    const char *ring = sl_keyring_names(cdp->rt->ring, p);
    const sl_cdp_outbox_of_t of = {project->name, NULL, ring};
    run_t run = {cdp, project, ring, apr_time_now() + PATIENCE, false, SL_OK};
    apr_array_header_t *records = NULL;
    sl_rc_t rc = put_aside(cdp, &of, p, err);

    memset(out, 0, sizeof(*out));
    if (rc == SL_OK) {
        rc = sl_store_cdp_outbox_due(&records, cdp->rt->db, &of, limit, p, err);
    }
    for (int i = 0; rc == SL_OK && i < records->nelts && !is_away(run.why); i++) {
        const char *record = APR_ARRAY_IDX(records, i, const char *);
        int waiting = 0;

        rc = deliver_one(out, &run, record, p, err);
        if (rc == SL_OK) {
            rc = sl_store_cdp_outbox_waiting(&waiting, cdp->rt->db, project->name, record, p, err);
            out->waiting += waiting;
        }
    }
    return rc;
}
