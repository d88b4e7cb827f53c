/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_audit_queue.h"

#include <stdlib.h>
#include <string.h>

#define TEXTS 11

struct sl_audit_row {
    sl_audit_row_t *next;
    sl_audit_verdict_t *verdict;
    apr_size_t size;
    sl_access_t row;
    char text[];
};

/** Where the texts of a row are, so that one loop measures and one copies them. */
static void texts_of(const char **texts[TEXTS], sl_access_t *row)
{
    const char **all[TEXTS] = {&row->caller,        &row->app,    &row->app_user,
                               &row->session_print, &row->ehr,    &row->patient,
                               &row->asked_patient, &row->method, &row->resource,
                               &row->reference,     NULL};

    memcpy(texts, all, sizeof(all));
}

static void append(sl_audit_queue_t *queue, sl_audit_row_t *row)
{
    row->next = NULL;
    if (queue->last == NULL) {
        queue->first = row;
    } else {
        queue->last->next = row;
    }
    queue->last = row;
    queue->count++;
    queue->bytes += row->size;
}

static sl_audit_row_t *take_first(sl_audit_queue_t *queue)
{
    sl_audit_row_t *row = queue->first;

    queue->first = row->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    queue->count--;
    queue->bytes -= row->size;
    return row;
}

bool sl_audit_queue_add(sl_audit_queue_t *queue, const sl_access_t *row,
                        sl_audit_verdict_t *verdict)
{
    apr_size_t lengths[TEXTS] = {0};
    apr_size_t size = sizeof(sl_audit_row_t);
    sl_access_t copy = *row;
    const char **texts[TEXTS];
    sl_audit_row_t *made;
    char *end;

    texts_of(texts, &copy);
    for (int i = 0; texts[i] != NULL; i++) {
        lengths[i] = *texts[i] != NULL ? strlen(*texts[i]) + 1 : 0;
        size += lengths[i];
    }
    /* Not from a pool: it is made by one thread, freed by another, and lives as long as it must. */
    made = malloc(size);
    if (made == NULL) {
        return false;
    }
    end = made->text;
    for (int i = 0; texts[i] != NULL; i++) {
        if (lengths[i] > 0) {
            *texts[i] = memcpy(end, *texts[i], lengths[i]);
            end += lengths[i];
        }
    }
    made->row = copy;
    made->size = size;
    made->verdict = verdict;
    if (queue->count == 0) {
        queue->since = apr_time_now();
    }
    append(queue, made);
    return true;
}

void sl_audit_queue_take(sl_audit_queue_t *out, sl_audit_queue_t *queue, int rows)
{
    memset(out, 0, sizeof(*out));
    out->since = queue->since;
    while (queue->count > 0 && out->count < rows &&
           (out->count == 0 || out->bytes + queue->first->size <= SL_AUDIT_BATCH_BYTES)) {
        append(out, take_first(queue));
    }
}

void sl_audit_queue_put_back(sl_audit_queue_t *queue, sl_audit_queue_t *back)
{
    sl_audit_queue_t all = *back;

    while (queue->count > 0) {
        append(&all, take_first(queue));
    }
    *queue = all;
    memset(back, 0, sizeof(*back));
}

static void tell(sl_audit_row_t *row, sl_rc_t rc)
{
    row->verdict->rc = rc;
    row->verdict->is_known = true;
    /* It is on a stack that will soon be another's. */
    row->verdict = NULL;
}

void sl_audit_queue_tell(sl_audit_queue_t *queue, sl_rc_t rc)
{
    for (sl_audit_row_t *row = queue->first; row != NULL; row = row->next) {
        if (row->verdict != NULL) {
            tell(row, rc);
        }
    }
}

void sl_audit_queue_refuse(sl_audit_queue_t *queue, sl_rc_t rc)
{
    sl_audit_queue_t kept = {0};

    kept.since = queue->since;
    while (queue->count > 0) {
        sl_audit_row_t *row = take_first(queue);

        if (row->verdict != NULL) {
            tell(row, rc);
            free(row);
        } else {
            append(&kept, row);
        }
    }
    *queue = kept;
}

void sl_audit_queue_free(sl_audit_queue_t *queue)
{
    while (queue->count > 0) {
        free(take_first(queue));
    }
}

apr_array_header_t *sl_audit_queue_rows(const sl_audit_queue_t *queue, apr_pool_t *p)
{
    apr_array_header_t *rows = apr_array_make(p, queue->count + 1, sizeof(sl_access_t));

    for (const sl_audit_row_t *row = queue->first; row != NULL; row = row->next) {
        APR_ARRAY_PUSH(rows, sl_access_t) = row->row;
    }
    return rows;
}
