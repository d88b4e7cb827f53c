/* SPDX-License-Identifier: Apache-2.0 */
/**
 * From FHIR resources to values (reference section 5), page by page: nothing is kept of a page but
 * the lines of lists. Decimals are the text of the JSON, byte for byte.
 */
#ifndef SL_CDP_READ_H
#define SL_CDP_READ_H

#include "cdp/sl_cdp_plan.h"

#define SL_CDP_MAX_VALUE 65536 /* bytes of one value; a longer one is an item with a problem */
#define SL_CDP_MAX_LINES 2000  /* of one list */

/** What one field was offered. */
typedef struct {
    const sl_cdp_want_t *want;
    const char *value;   /* text; NULL only with a problem */
    const char *code;    /* coded form, for choice fields; NULL: none */
    const char *unit;    /* UCUM code, else the unit's text; NULL: none */
    sl_cdp_when_t when;  /* SL_CDP_NO_TIME for one-time sources */
    const char *note;    /* "preliminary"; NULL: none */
    const char *problem; /* why it can never be saved ("longer than …", "not HTML"); NULL: none */
    const char *origin;  /* id of the resource it was read from; NULL: none, or of several */
} sl_cdp_item_t;

/** A resource that was read: what it said before, and does not say any more, is not so. */
typedef struct {
    const char *id;
    bool is_gone; /* whatever it holds: in error, cancelled, not our patient's, not understood */
} sl_cdp_origin_t;

/** Whose resources count. */
typedef struct {
    const char *patient; /* id; NULL in a search for patients */
    const char *base;    /* the EHR's FHIR base, where an absolute reference may lead */
} sl_cdp_subject_t;

typedef struct sl_cdp_reader sl_cdp_reader_t;

/** A reader for the answers to one request. `convert_gmt` as in the mapping. */
sl_cdp_reader_t *sl_cdp_reader_new(const sl_cdp_request_t *request, const sl_cdp_subject_t *subject,
                                   bool convert_gmt, apr_pool_t *p);

/** What a page of a searchset was. */
typedef struct {
    apr_array_header_t *items;    /* of sl_cdp_item_t, in `p` */
    apr_array_header_t *origins;  /* of sl_cdp_origin_t: every Observation of the page */
    apr_array_header_t *warnings; /* of const char *: what OperationOutcomes said, in plain text */
    const char *next;             /* as sent; NULL: the last page */
    const char *patient_id;   /* of a search for patients: the only one; NULL: none or several */
    const sl_json_t *patient; /* the resource of `patient_id`, part of the bundle of this page;
                                 NULL: it came with an earlier one */
    int patients;             /* how many different ones, on this page and those before */
    bool is_protected;        /* an outcome says: break the glass (C14) */
    bool has_failed;          /* an outcome is an error: what came counts, but it is not all */
    int matches;              /* resources that counted */
    int foreign;              /* resources of somebody else, which were left out */
} sl_cdp_page_t;

/**
 * Read one page. `include` entries serve matches (Medication), `outcome` entries are warnings, a
 * resource of another patient than ours is left out with a warning. SL_INVALID: no searchset.
 */
SL_MUST_USE sl_rc_t sl_cdp_reader_page(sl_cdp_page_t *out, sl_cdp_reader_t *reader,
                                       const sl_json_t *bundle, apr_pool_t *p, sl_err_t *err);

/** After the last page: the lists, of sl_cdp_item_t. */
apr_array_header_t *sl_cdp_reader_end(sl_cdp_reader_t *reader, apr_pool_t *p);

/** How a Patient is read. */
typedef struct {
    const char *mrn_system; /* NULL: identifiers of type MR */
    sl_cdp_when_t today;    /* names, addresses and numbers that ended are not read */
} sl_cdp_reading_t;

/** What is wanted of one Patient resource: of sl_cdp_item_t. */
apr_array_header_t *sl_cdp_read_patient(const sl_json_t *patient, const sl_cdp_request_t *wants,
                                        const sl_cdp_reading_t *reading, apr_pool_t *p);

/** One value of a Patient, by source name ("id": its MRN); NULL: it has none. */
const char *sl_cdp_read_preview(const sl_json_t *patient, const char *source,
                                const sl_cdp_reading_t *reading, apr_pool_t *p);

/** Does this Patient have the MRN, in the system (or of the type) where MRNs are looked for, not
 * as an old one? A search that is answered with somebody else finds nobody. */
bool sl_cdp_read_has_mrn(const sl_json_t *patient, const char *mrn,
                         const sl_cdp_reading_t *reading);

/** An error answer: plain text of an OperationOutcome for the screen, NULL: it has none. Tells a
 * protected patient apart. */
const char *sl_cdp_read_outcome(bool *is_protected, const sl_json_t *outcome, apr_pool_t *p);

/** May a `next` link be asked with the token: same origin as the FHIR base? */
bool sl_cdp_may_follow(const char *base, const char *next, apr_pool_t *p);

#endif
