/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_redcap.h"

#include "flow/sl_cdp_redcap_call.h"

#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

static sl_cdp_parcel_t *parcel_at(const sl_cdp_shipment_t *shipment, int i)
{
    return &APR_ARRAY_IDX(shipment->parcels, i, sl_cdp_parcel_t);
}

static void refuse(sl_cdp_parcel_t *parcel, const char *reason)
{
    parcel->state = SL_CDP_PARCEL_REFUSED;
    parcel->reason = reason;
}

/** Nobody knows what came of the last try: what is there already need not be sent. */
static sl_rc_t look_up(const sl_cdp_redcap_app_t *app, sl_cdp_shipment_t *shipment, apr_pool_t *p,
                       sl_err_t *err)
{
    apr_array_header_t *fields = apr_array_make(p, 8, sizeof(const char *));
    apr_array_header_t *events = apr_array_make(p, 2, sizeof(const char *));
    const sl_cdp_redcap_ask_t ask = {shipment->record, fields, events};
    apr_array_header_t *there = NULL;
    sl_rc_t rc;

    for (int i = 0; i < shipment->parcels->nelts; i++) {
        const sl_cdp_parcel_t *parcel = parcel_at(shipment, i);

        if (parcel->again) {
            sl_cdp_redcap_want(fields, parcel->value.field);
            sl_cdp_redcap_want(events, parcel->value.event);
        }
    }
    rc = fields->nelts == 0 ? SL_NONE : sl_cdp_redcap_record(&there, app, &ask, p, err);
    for (int i = 0; rc == SL_OK && i < shipment->parcels->nelts; i++) {
        sl_cdp_parcel_t *parcel = parcel_at(shipment, i);
        const sl_cdp_current_t *ours = &parcel->value;
        const char *theirs = sl_cdp_redcap_find(there, ours->event, ours->instance, ours->field);

        if (parcel->again && theirs != NULL && sl_cdp_redcap_same(ours->value, theirs)) {
            parcel->state = SL_CDP_PARCEL_DELIVERED;
        }
    }
    return rc == SL_NONE ? SL_OK : rc;
}

/** The form of one import. */
static const apr_table_t *import_form(const sl_cdp_redcap_app_t *app,
                                      const sl_cdp_shipment_t *shipment,
                                      const apr_array_header_t *values, apr_pool_t *p)
{
    apr_table_t *form = apr_table_make(p, 8);
    const sl_json_t *rows = sl_cdp_redcap_rows(
        &app->shape, shipment->record, (const sl_cdp_current_t *)values->elts, values->nelts, p);

    apr_table_addn(form, "content", "record");
    apr_table_addn(form, "action", "import");
    apr_table_addn(form, "type", "flat");
    apr_table_addn(form, "overwriteBehavior", "normal");
    apr_table_addn(form, "forceAutoNumber", "false");
    apr_table_addn(form, "dateFormat", "YMD");
    apr_table_addn(form, "returnContent", "count");
    apr_table_addn(form, "data", sl_json_text(p, rows));
    return form;
}

static bool has_taken(const sl_json_t *json)
{
    sl_json_t *count = sl_json_get(json, "count");

    return count != NULL && json_object_get_int(count) > 0;
}

/** Import `count` open parcels from `first` on. `*error`: it refuses, in these words; NULL: taken.
 */
typedef struct {
    int first, count;
} part_t;
static sl_rc_t import(const char **error, const sl_cdp_redcap_app_t *app,
                      sl_cdp_shipment_t *shipment, part_t part, apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *values = apr_array_make(p, part.count, sizeof(sl_cdp_current_t));
    sl_cdp_redcap_reply_t reply;
    sl_rc_t rc;

    for (int i = part.first; i < part.first + part.count; i++) {
        if (parcel_at(shipment, i)->state == SL_CDP_PARCEL_OPEN) {
            APR_ARRAY_PUSH(values, sl_cdp_current_t) = parcel_at(shipment, i)->value;
        }
    }
    *error = NULL;
    if (values->nelts == 0 || apr_time_now() >= shipment->until) {
        return SL_OK;
    }
    rc = sl_cdp_redcap_call(&reply, app->cdp, app->project, import_form(app, shipment, values, p),
                            p, err);
    if (rc != SL_OK) {
        return rc;
    }
    *error = reply.json == NULL      ? reply.error
             : has_taken(reply.json) ? NULL
                                     : "The project took nothing.";
    for (int i = part.first; *error == NULL && i < part.first + part.count; i++) {
        if (parcel_at(shipment, i)->state == SL_CDP_PARCEL_OPEN) {
            parcel_at(shipment, i)->state = SL_CDP_PARCEL_DELIVERED;
        }
    }
    return SL_OK;
}

/** The one open parcel that a refusal is about; NULL: none, or it could be several. */
static sl_cdp_parcel_t *parcel_meant(const sl_cdp_shipment_t *shipment,
                                     const sl_cdp_redcap_refusal_t *refusal)
{
    sl_cdp_parcel_t *found = NULL;

    for (int i = 0; i < shipment->parcels->nelts; i++) {
        sl_cdp_parcel_t *parcel = parcel_at(shipment, i);

        if (parcel->state == SL_CDP_PARCEL_OPEN &&
            sl_cdp_redcap_is_about(refusal, &parcel->value)) {
            if (found != NULL) {
                return NULL;
            }
            found = parcel;
        }
    }
    return found;
}

/** Those it names. @return how many */
static int refuse_named(sl_cdp_shipment_t *shipment, const char *error, apr_pool_t *p)
{
    const apr_array_header_t *refusals = sl_cdp_redcap_refusals(error, p);
    int n = 0;

    for (int i = 0; i < refusals->nelts; i++) {
        const sl_cdp_redcap_refusal_t *refusal =
            &APR_ARRAY_IDX(refusals, i, sl_cdp_redcap_refusal_t);
        sl_cdp_parcel_t *parcel = parcel_meant(shipment, refusal);

        if (parcel != NULL) {
            refuse(parcel, refusal->reason);
            n++;
        }
    }
    return n;
}

/** It does not say which: each by itself. */
static sl_rc_t import_singly(const sl_cdp_redcap_app_t *app, sl_cdp_shipment_t *shipment,
                             apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc = SL_OK;

    for (int i = 0; rc == SL_OK && i < shipment->parcels->nelts; i++) {
        const char *error = NULL;

        rc = import(&error, app, shipment, (part_t){i, 1}, p, err);
        if (error != NULL) {
            const apr_array_header_t *named = sl_cdp_redcap_refusals(error, p);

            refuse(parcel_at(shipment, i),
                   named->nelts == 1 ? APR_ARRAY_IDX(named, 0, sl_cdp_redcap_refusal_t).reason
                                     : sl_cdp_plain_reason(error, p));
        }
    }
    return rc;
}

/** A field that repeats wants an instance, and only such a field has one. */
static void check_instances(const sl_cdp_redcap_app_t *app, sl_cdp_shipment_t *shipment)
{
    for (int i = 0; i < shipment->parcels->nelts; i++) {
        sl_cdp_parcel_t *parcel = parcel_at(shipment, i);
        const sl_cdp_current_t *value = &parcel->value;
        bool repeats = sl_cdp_redcap_repeats(&app->shape, value->event, value->field) != NULL;

        if (repeats && value->instance == 0) {
            refuse(parcel, "This field repeats in the project now, and the value is for none of "
                           "its instances.");
        } else if (!repeats && value->instance != 0) {
            refuse(parcel, "This field does not repeat in the project any more.");
        }
    }
}

sl_rc_t sl_cdp_redcap_ship(const sl_cdp_t *cdp, sl_cdp_shipment_t *shipment, apr_pool_t *p,
                           sl_err_t *err)
{
    const part_t all = {0, shipment->parcels->nelts};
    const char *error = NULL;
    sl_cdp_redcap_app_t app;
    sl_rc_t rc = sl_cdp_redcap_open(&app, cdp, shipment->project, p, err);

    if (rc == SL_OK) {
        check_instances(&app, shipment);
        rc = look_up(&app, shipment, p, err);
    }
    if (rc == SL_OK) {
        rc = import(&error, &app, shipment, all, p, err);
    }
    while (rc == SL_OK && error != NULL) {
        if (refuse_named(shipment, error, p) == 0) {
            return import_singly(&app, shipment, p, err);
        }
        rc = import(&error, &app, shipment, all, p, err);
    }
    return rc;
}
