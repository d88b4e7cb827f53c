/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The rows that REDCap's public API takes and gives (content=record, format json, type flat), and
 * what it says of those it refuses. Text in, text out.
 */
#ifndef SL_CDP_REDCAP_ANSWER_H
#define SL_CDP_REDCAP_ANSWER_H

#include "cdp/sl_cdp_dictionary.h"

/** One field of a record: what it holds, or what is to be written into it. */
typedef struct {
    const char *event; /* "": a project without events */
    int instance;      /* of a repeating instrument or event; 0: none */
    const char *field;
    const char *value; /* "" when empty */
} sl_cdp_current_t;

/** What rows of a project look like. */
typedef struct {
    const sl_cdp_dictionary_t *dictionary;
    const sl_json_t *repeating; /* content=repeatingFormsEvents: array; NULL: nothing repeats */
} sl_cdp_redcap_shape_t;

/** Name of the field that holds the name of the record; NULL: a project without fields. */
const char *sl_cdp_redcap_id_field(const sl_cdp_redcap_shape_t *shape);

/** The instrument a field repeats with in this event; "": the whole event repeats; NULL: it does
 * not. */
const char *sl_cdp_redcap_repeats(const sl_cdp_redcap_shape_t *shape, const char *event,
                                  const char *field);

/** Rows for an import: fields of one event and instance share a row. Of a checkbox ("1,3") the
 * other codes are unticked. */
sl_json_t *sl_cdp_redcap_rows(const sl_cdp_redcap_shape_t *shape, const char *record,
                              const sl_cdp_current_t *values, int count, apr_pool_t *p);

/**
 * From the rows of an export: what the record has in `fields` (of const char *), of
 * sl_cdp_current_t, in document order. A field stands only in rows of its own kind: of its
 * instrument where that repeats, else of the record itself. Rows of other records are left out.
 */
apr_array_header_t *sl_cdp_redcap_values(const sl_cdp_redcap_shape_t *shape, const char *record,
                                         const sl_json_t *rows, const apr_array_header_t *fields,
                                         apr_pool_t *p);

/** What the record has in this field; NULL: nothing is said of it. */
const char *sl_cdp_redcap_find(const apr_array_header_t *values, const char *event, int instance,
                               const char *field);

/** Is this what we wrote? Line ends and blanks around count for nothing. */
bool sl_cdp_redcap_same(const char *ours, const char *theirs);

/** A value that REDCap refuses. */
typedef struct {
    const char *field; /* or a column of a checkbox */
    const char *value;
    const char *reason; /* as it stands beside the value, for the screen */
} sl_cdp_redcap_refusal_t;

/** Is it this value that is meant? */
bool sl_cdp_redcap_is_about(const sl_cdp_redcap_refusal_t *refusal, const sl_cdp_current_t *value);

/**
 * The lines "record","field","value","reason" of an import's error: of sl_cdp_redcap_refusal_t.
 * Empty: it is written otherwise.
 */
apr_array_header_t *sl_cdp_redcap_refusals(const char *error, apr_pool_t *p);

/** An app's reason as one plain line for the screen: no tags, no control characters, 500 bytes at
 * most, never empty. */
const char *sl_cdp_plain_reason(const char *text, apr_pool_t *p);

#endif
