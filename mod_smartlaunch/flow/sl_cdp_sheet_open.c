/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_sheet_open.h"

#include "flow/sl_cdp_dates.h"
#include "flow/sl_cdp_vault.h"
#include "store/sl_store_cdp_sheet.h"
#include <string.h>

static const char unreadable[] = "This value is unreadable: the key that sealed it is missing, or "
                                 "somebody has altered it. Please tell your administrator.";

/** A row that was moved or whose key is gone is one bad item, never a failure of the page. */
static sl_rc_t or_unreadable(sl_rc_t rc, const char **problem)
{
    if (rc != SL_DENIED) {
        return rc;
    }
    *problem = unreadable;
    return SL_OK;
}

static const char aside[] =
    "The key that sealed the value is not in the server's key ring. Please tell your "
    "administrator: "
    "once the key is back it is sent by itself. Or fetch again, and decide about it anew.";

static apr_int64_t newer(apr_int64_t a, apr_int64_t b)
{
    return a > b ? a : b;
}

static sl_cdp_value_state_t state_of(const char *word)
{
    return strcmp(word, "excluded") == 0 ? SL_CDP_EXCLUDED : SL_CDP_NEW;
}

/** All but what is sealed. */
static void copy_row(sl_cdp_opened_t *out, const sl_store_cdp_open_t *row)
{
    memset(out, 0, sizeof(*out));
    out->id = row->id;
    out->mapping = row->mapping;
    out->instance = row->instance;
    out->unit = row->unit;
    if (row->taken_at != NULL && sl_cdp_when_parse(&out->when, row->taken_at) != SL_OK) {
        out->problem = unreadable;
    }
}

static sl_rc_t open_value(sl_cdp_opened_t *out, const sl_cdp_sheet_ask_t *ask,
                          const sl_store_cdp_open_t *row, apr_pool_t *p, sl_err_t *err)
{
    const sl_cdp_value_place_t place = {ask->project->name,
                                        ask->record,
                                        row->mapping,
                                        row->instance,
                                        row->taken_at != NULL ? row->taken_at : "",
                                        row->print,
                                        row->unit};
    const sl_cdp_sealed_t sealed = {row->key_id, row->sealed};
    sl_cdp_content_t content = {0};
    sl_rc_t rc = sl_cdp_vault_open_value(&content, ask->cdp->rt->ring, &place, &sealed, p, err);

    copy_row(out, row);
    out->state = state_of(row->state);
    if (rc == SL_OK) {
        out->value = content.value;
        out->code = content.code;
        out->note = content.note;
        out->problem = out->problem != NULL ? out->problem : content.problem;
    }
    out->is_closed = rc == SL_DENIED;
    return or_unreadable(rc, &out->problem);
}

static sl_rc_t open_values(apr_array_header_t **out, apr_int64_t *newest,
                           const sl_cdp_sheet_ask_t *ask, apr_pool_t *p, sl_err_t *err)
{
    const sl_store_cdp_place_t place = {ask->project->name, ask->record};
    apr_array_header_t *rows;
    sl_rc_t rc = sl_store_cdp_open(&rows, ask->cdp->rt->db, &place, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *newest = 0;
    *out = apr_array_make(p, rows->nelts, sizeof(sl_cdp_opened_t));
    for (int i = 0; rc == SL_OK && i < rows->nelts; i++) {
        const sl_store_cdp_open_t *row = &APR_ARRAY_IDX(rows, i, sl_store_cdp_open_t);

        *newest = newer(*newest, row->id);
        rc = open_value(apr_array_push(*out), ask, row, p, err);
    }
    return rc;
}

static sl_cdp_sent_t sent_of(const sl_store_cdp_last_t *row)
{
    if (strcmp(row->state, "waiting") == 0) {
        return row->is_aside ? SL_CDP_ASIDE : SL_CDP_WAITING;
    }
    return strcmp(row->state, "refused") == 0 ? SL_CDP_REFUSED : SL_CDP_DELIVERED;
}

static sl_cdp_revised_t revised_of(const char *word)
{
    if (word == NULL) {
        return SL_CDP_AS_IT_WAS;
    }
    return strcmp(word, "corrected") == 0 ? SL_CDP_CORRECTED : SL_CDP_WITHDRAWN;
}

/** What the app refused: its reason, and the value, which can be chosen once more, unless the EHR
 * has another by now. */
static sl_rc_t open_refused(sl_cdp_last_t *out, const sl_cdp_sheet_ask_t *ask,
                            const sl_store_cdp_last_t *row, apr_pool_t *p, sl_err_t *err)
{
    sl_cdp_outbox_place_t place = {ask->project->name, ask->record, row->event, row->instance,
                                   row->field,         row->key,    true};
    const sl_cdp_sealed_t reason = {row->reason_key, row->reason_sealed};
    const sl_cdp_sealed_t sealed = {row->key_id, row->sealed};
    const sl_keyring_t *ring = ask->cdp->rt->ring;
    sl_cdp_opened_t *value;
    sl_rc_t rc = SL_OK;

    out->refusal = "The application gave no reason.";
    if (reason.key_id != NULL) {
        rc = or_unreadable(sl_cdp_vault_open_outbox(&out->refusal, ring, &place, &reason, p, err),
                           &out->refusal);
    }
    if (rc != SL_OK || sealed.bytes.bytes == NULL || row->value.mapping == 0 ||
        row->revised != NULL) {
        return rc;
    }
    value = apr_palloc(p, sizeof(*value));
    copy_row(value, &row->value);
    value->state = SL_CDP_SAVED;
    place.is_reason = false;
    out->refused = value;
    return or_unreadable(sl_cdp_vault_open_outbox(&value->value, ring, &place, &sealed, p, err),
                         &value->problem);
}

/** @param newest what was refused is on the sheet, too, and may be all there is */
static sl_rc_t open_last(apr_array_header_t **out, apr_int64_t *newest,
                         const sl_cdp_sheet_ask_t *ask, apr_pool_t *p, sl_err_t *err)
{
    const sl_store_cdp_place_t place = {ask->project->name, ask->record};
    apr_array_header_t *rows;
    sl_rc_t rc = sl_store_cdp_last(&rows, ask->cdp->rt->db, &place, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, rows->nelts, sizeof(sl_cdp_last_t));
    for (int i = 0; rc == SL_OK && i < rows->nelts; i++) {
        const sl_store_cdp_last_t *row = &APR_ARRAY_IDX(rows, i, sl_store_cdp_last_t);
        sl_cdp_last_t *last = apr_array_push(*out);

        memset(last, 0, sizeof(*last));
        last->event = row->event;
        last->instance = row->instance;
        last->field = row->field;
        last->sent = sent_of(row);
        last->revised = revised_of(row->revised);
        last->refusal = last->sent == SL_CDP_ASIDE ? aside : NULL;
        if (last->sent == SL_CDP_REFUSED) {
            rc = open_refused(last, ask, row, p, err);
        }
        if (last->refused != NULL) {
            *newest = newer(*newest, last->refused->id);
        }
    }
    return rc;
}

/** Dates that cannot be opened decide nothing: nothing is ticked by them. */
static sl_rc_t open_dates(const apr_array_header_t **out, const sl_cdp_sheet_ask_t *ask,
                          apr_pool_t *p, sl_err_t *err)
{
    const sl_store_cdp_place_t place = {ask->project->name, ask->record};
    const sl_cdp_record_place_t column = {ask->project->name, ask->record, SL_CDP_DATES};
    const char *text = NULL;
    sl_cdp_sealed_t sealed = {0};
    sl_rc_t rc = sl_store_cdp_dates(&sealed, ask->cdp->rt->db, &place, p, err);

    if (rc == SL_OK) {
        rc = sl_cdp_vault_open_record(&text, ask->cdp->rt->ring, &column, &sealed, p, err);
    }
    if (rc == SL_OK) {
        rc = sl_cdp_dates_read(out, text, p, err);
    }
    return rc == SL_NONE || rc == SL_DENIED ? SL_OK : rc;
}

sl_rc_t sl_cdp_sheet_open(sl_cdp_sheet_parts_t *parts, apr_int64_t *newest,
                          const sl_cdp_sheet_ask_t *ask, apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *values = NULL;
    apr_array_header_t *last = NULL;
    sl_rc_t rc = open_values(&values, newest, ask, p, err);

    if (rc == SL_OK) {
        rc = open_last(&last, newest, ask, p, err);
    }
    if (rc == SL_OK && parts->current == NULL && !ask->without_current) {
        rc = open_dates(&parts->dates, ask, p, err);
    }
    parts->values = values;
    parts->last = last;
    return rc;
}
