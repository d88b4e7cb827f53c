/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a study maps: fields of the EHR to fields of the project, with the date field that opens a
 * window and the rule that preselects. As JSON and as CSV (REDCap's columns); both read all or
 * nothing, and name every row that is wrong.
 */
#ifndef SL_CDP_MAPPING_H
#define SL_CDP_MAPPING_H

#include "base/sl_json.h"
#include "base/sl_rc.h"
#include "cdp/sl_cdp_dictionary.h"
#include <apr_tables.h>

#define SL_CDP_PREVIEWS 5
#define SL_CDP_MAX_FIELDS 2000
#define SL_CDP_DAY 100      /* in the unit of sl_cdp_offset_t */
#define SL_CDP_MAX_DAYS 365 /* of a window */
#define SL_CDP_MAX_NAME 100 /* bytes of a field's or event's name */
#define SL_CDP_MAX_UNIT 64  /* bytes of a unit */

typedef enum {
    SL_CDP_PICK_NONE,
    SL_CDP_PICK_MIN,
    SL_CDP_PICK_MAX,
    SL_CDP_PICK_FIRST,
    SL_CDP_PICK_LAST,
    SL_CDP_PICK_NEAR
} sl_cdp_pick_t;

/** Which way a window opens from its date: "+-", "+", "-". */
typedef enum { SL_CDP_AROUND, SL_CDP_AFTER, SL_CDP_BEFORE } sl_cdp_direction_t;

/** A window: 0.01 to 365 days, in hundredths. centidays 0: not said. */
typedef struct {
    int centidays;
    sl_cdp_direction_t direction;
} sl_cdp_offset_t;

/** How far the study wants its values saved without a person; the site's switch decides, too. */
typedef enum { SL_CDP_MANUAL, SL_CDP_AUTO, SL_CDP_INSTANT } sl_cdp_adjudication_t;

typedef struct {
    apr_int64_t id;             /* cdp_mapping.id; 0: not stored */
    const char *source;         /* a name of the catalogue, or LOINC codes "2951-2,2947-0" */
    const char *event;          /* "": a project without events */
    const char *field;          /* of the project */
    const char *temporal_field; /* NULL: one-time */
    sl_cdp_pick_t pick;
    const char *unit;       /* UCUM code the field wants; NULL: any */
    sl_cdp_offset_t offset; /* its own; centidays 0: the project's */
} sl_cdp_map_t;

typedef struct {
    const char *project, *ehr; /* ehr NULL: not said */
    sl_cdp_offset_t offset;    /* 7 days, around, where not said */
    bool convert_gmt;          /* instants are shown and stored in local time; else as sent */
    sl_cdp_adjudication_t adjudication;
    const apr_array_header_t
        *preview;            /* of const char *: one-time sources, SL_CDP_PREVIEWS at most */
    sl_cdp_map_t identifier; /* source "id" */
    const apr_array_header_t *fields; /* of sl_cdp_map_t, without the identifier */
} sl_cdp_mapping_t;

/** What is wrong, and where. */
typedef struct {
    int row;          /* CSV: line, the header is 1; JSON: place in "fields" from 1; 0: the whole */
    const char *name; /* source or field it is about; NULL: none */
    const char *reason; /* a plain sentence */
} sl_cdp_fault_t;

/** What mappings are judged by. */
typedef struct {
    const char *project, *ehr;
    const sl_cdp_dictionary_t
        *dictionary; /* of the app; NULL: it does not tell, names are believed */
    bool may_email;  /* e-mail sources are allowed (R8) */
} sl_cdp_mapping_rules_t;

/**
 * Read the JSON of `reference` 4.1; a member that is not in it is a fault, too. Where the project
 * has no events, REDCap's own name for the only one (event_1_arm_1) is read as none. SL_INVALID:
 * `faults` (of sl_cdp_fault_t) is not empty, nothing of `out` counts.
 */
SL_MUST_USE sl_rc_t sl_cdp_mapping_parse(sl_cdp_mapping_t *out, apr_array_header_t **faults,
                                         const char *text, apr_size_t len,
                                         const sl_cdp_mapping_rules_t *rules, apr_pool_t *p);

/** The same JSON; parsed again it is equal. */
sl_json_t *sl_cdp_mapping_json(const sl_cdp_mapping_t *mapping, apr_pool_t *p);

/**
 * Read REDCap's CSV: external_source_field_name,is_record_identifier,field_name,temporal_field,
 * preselect,event_name; columns may stand in any order, the last three may be missing, and our own
 * day_offset, direction and unit may be there. Semicolons and tabs separate as well as commas. What
 * a CSV does not have (previews, offset of the project, …) comes from `was`, which may be NULL.
 * SL_INVALID as above.
 */
SL_MUST_USE sl_rc_t sl_cdp_mapping_from_csv(sl_cdp_mapping_t *out, apr_array_header_t **faults,
                                            const char *text, apr_size_t len,
                                            const sl_cdp_mapping_t *was,
                                            const sl_cdp_mapping_rules_t *rules, apr_pool_t *p);

/** The CSV; imported it gives the same mapping, and exported again the same bytes. */
const char *sl_cdp_mapping_csv(const sl_cdp_mapping_t *mapping, apr_pool_t *p);

/** Judge a mapping that was put together otherwise (a form). `faults` may come back empty: SL_OK.
 */
SL_MUST_USE sl_rc_t sl_cdp_mapping_check(apr_array_header_t **faults,
                                         const sl_cdp_mapping_t *mapping,
                                         const sl_cdp_mapping_rules_t *rules, apr_pool_t *p);

/** The offset that holds for one of its fields. */
sl_cdp_offset_t sl_cdp_mapping_offset(const sl_cdp_mapping_t *mapping, const sl_cdp_map_t *map);

/** The mapping with this cdp_mapping.id; NULL: none. */
const sl_cdp_map_t *sl_cdp_mapping_by_id(const sl_cdp_mapping_t *mapping, apr_int64_t id);

/* Words of JSON, CSV and tables, and back, whatever their case (SL_INVALID). */
const char *sl_cdp_pick_word(sl_cdp_pick_t pick); /* "" for none */
const char *sl_cdp_direction_word(sl_cdp_direction_t direction);
const char *sl_cdp_adjudication_word(sl_cdp_adjudication_t adjudication);
SL_MUST_USE sl_rc_t sl_cdp_pick_parse(sl_cdp_pick_t *out, const char *word);
SL_MUST_USE sl_rc_t sl_cdp_direction_parse(sl_cdp_direction_t *out, const char *word);
SL_MUST_USE sl_rc_t sl_cdp_adjudication_parse(sl_cdp_adjudication_t *out, const char *word);
/** "1.5" → 150; 0.01 to 365, two decimals at most. */
SL_MUST_USE sl_rc_t sl_cdp_days_parse(int *centidays, const char *text);
const char *sl_cdp_days_text(apr_pool_t *p, int centidays);
bool sl_cdp_days_are_valid(int centidays);
/** Where nothing is said: 7 days, around. */
sl_cdp_offset_t sl_cdp_offset_default(void);

#endif
