/* SPDX-License-Identifier: Apache-2.0 */
/** Which requests a fetch makes, and for which fields: overlapping windows are one request (W9). */
#ifndef SL_CDP_PLAN_H
#define SL_CDP_PLAN_H

#include "cdp/sl_cdp_catalogue.h"
#include "cdp/sl_cdp_when.h"

/** The value of a date field of the record. */
typedef struct {
    const char *event;
    int instance; /* of a repeating instrument or event; 0: none */
    const char *field;
    const char *value;
} sl_cdp_date_t;

/** A field that wants a value: one for each mapping, and for each instance that has its date. */
typedef struct {
    const sl_cdp_map_t *map;
    sl_cdp_source_t source;
    int instance;
    const char *date;       /* NULL: one-time */
    sl_cdp_window_t window; /* where there is a date */
} sl_cdp_want_t;

typedef enum {
    SL_CDP_PATIENT,
    SL_CDP_OBSERVATIONS,
    SL_CDP_PROBLEMS,
    SL_CDP_DIAGNOSES,
    SL_CDP_MEDICATIONS,
    SL_CDP_ALLERGIES,
    SL_CDP_IMMUNIZATIONS,
    SL_CDP_PROCEDURES,
    SL_CDP_ENCOUNTERS,
    SL_CDP_DOCUMENTS
} sl_cdp_category_t;

typedef struct {
    sl_cdp_category_t category;
    const char *label;               /* for warnings: "laboratory results and vital signs" */
    const char *type;                /* FHIR resource type, for the audit */
    const char *query;               /* below the FHIR base: "Observation?patient=…" */
    const char *fallback;            /* where the server answers 400 to `query` (a status or date it
                                        wants or does not take); NULL: none */
    const apr_array_header_t *wants; /* of sl_cdp_want_t */
} sl_cdp_request_t;

/** The search for a patient: "Patient?identifier=system%7Cvalue". */
const char *sl_cdp_plan_patient(const char *mrn_system, const char *mrn, apr_pool_t *p);

/** Wants of Patient itself (it was read by its MRN already), in `patient`. */
typedef struct {
    sl_cdp_request_t patient;           /* query NULL */
    apr_array_header_t *requests;       /* of sl_cdp_request_t */
    apr_array_header_t *without_window; /* of sl_cdp_fault_t: dates that are none */
    bool has_future;                    /* a date of the record lies after `today` (H8) */
} sl_cdp_plan_t;

typedef struct {
    const sl_cdp_mapping_t *mapping;
    const apr_array_header_t *dates; /* of sl_cdp_date_t */
    const char *patient;             /* id of Patient; NULL: only the wants are of interest, no
                                        request has a query */
    sl_cdp_when_t today;
} sl_cdp_plan_ask_t;
void sl_cdp_plan(sl_cdp_plan_t *out, const sl_cdp_plan_ask_t *ask, apr_pool_t *p);

#endif
