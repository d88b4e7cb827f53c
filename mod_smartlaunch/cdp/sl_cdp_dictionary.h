/* SPDX-License-Identifier: Apache-2.0 */
/** The project's own fields, as the app that holds it describes them, and what fits into one. */
#ifndef SL_CDP_DICTIONARY_H
#define SL_CDP_DICTIONARY_H

#include "base/sl_json.h"
#include "base/sl_rc.h"
#include <apr_tables.h>
#include <stdbool.h>

typedef enum {
    SL_CDP_FIELD_TEXT,
    SL_CDP_FIELD_NOTES,
    SL_CDP_FIELD_CHOICE,   /* radio, dropdown, yesno, truefalse */
    SL_CDP_FIELD_CHECKBOX, /* several choices */
    SL_CDP_FIELD_OTHER     /* calc, file, descriptive, …: nothing can be imported */
} sl_cdp_field_kind_t;

typedef enum {
    SL_CDP_VALID_ANY,
    SL_CDP_VALID_DATE,
    SL_CDP_VALID_DATETIME, /* to the minute */
    SL_CDP_VALID_DATETIME_SECONDS,
    SL_CDP_VALID_INTEGER,
    SL_CDP_VALID_NUMBER,
    SL_CDP_VALID_EMAIL,
    SL_CDP_VALID_OTHER /* the app judges */
} sl_cdp_valid_t;

typedef struct {
    const char *code, *label;
} sl_cdp_choice_t;

typedef struct {
    const char *name, *label, *form;
    sl_cdp_field_kind_t kind;
    sl_cdp_valid_t valid;
    const char *min, *max;             /* as the app has them; NULL: none */
    const apr_array_header_t *choices; /* of sl_cdp_choice_t; NULL: none */
    const apr_array_header_t *events;  /* of const char *; NULL: the project has no events */
    bool is_record_id;                 /* the project's first field */
    int decimals;                      /* NUMBER: it has just so many; 0: any */
    bool has_comma;                    /* NUMBER: a comma before the decimals */
} sl_cdp_field_t;

typedef struct {
    const apr_array_header_t *fields; /* of sl_cdp_field_t */
    const apr_array_header_t *events; /* of const char *; empty: no events */
    const apr_array_header_t *labels; /* of const char *: what people call each of them */
} sl_cdp_dictionary_t;

/** What REDCap's API answered; the last two may be NULL: no events. */
typedef struct {
    const sl_json_t *metadata;           /* content=metadata: array */
    const sl_json_t *events;             /* content=event */
    const sl_json_t *form_event_mapping; /* content=formEventMapping */
} sl_cdp_redcap_t;
/** Labels come without their markup. SL_INVALID: an answer is not what REDCap's API gives. */
SL_MUST_USE sl_rc_t sl_cdp_dictionary_parse(sl_cdp_dictionary_t *out,
                                            const sl_cdp_redcap_t *answers, apr_pool_t *p,
                                            sl_err_t *err);

/** What people call an event: "Baseline". Its name where the app tells no other. */
const char *sl_cdp_dictionary_event(const sl_cdp_dictionary_t *dictionary, const char *event);

/** NULL: no such field, or not in this event. */
const sl_cdp_field_t *sl_cdp_dictionary_field(const sl_cdp_dictionary_t *dictionary,
                                              const char *event, const char *field);

#define SL_CDP_MAX_FIT 65535 /* bytes that a field takes */

/**
 * The text that is saved for a value of the EHR: of a choice its code (`code` first, then `value`,
 * then a label), of a checkbox all codes with commas, of a date or datetime field the form REDCap's
 * API takes (Y-M-D, Y-M-D H:M[:S]), of a number its own text, byte for byte, but for the zeros or
 * the comma that the field wants. NULL: it does not fit, and `reason` is a plain sentence for the
 * screen; nothing of the value is in it.
 * @param code coded form of the value; NULL: none
 */
const char *sl_cdp_fit(const char **reason, const sl_cdp_field_t *field, const char *value,
                       const char *code, apr_pool_t *p);

#endif
