/* SPDX-License-Identifier: Apache-2.0 */
/** What a request to the gateway asks of a FHIR server, read from method and path (FHIR R4 http).
 */
#ifndef SL_FHIR_REQUEST_H
#define SL_FHIR_REQUEST_H

#include "base/sl_rc.h"
#include <apr_pools.h>

/** Interactions as far as anybody decides by them. */
typedef enum {
    SL_FHIR_READ,    /* GET Type/id, Type/id/_history/vid */
    SL_FHIR_HISTORY, /* GET Type/id/_history; type- and system-level: see `type` and `id` */
    SL_FHIR_SEARCH,  /* GET Type?…, GET or POST Type/_search, compartments Patient/id/Type; GET
                        of the base */
    SL_FHIR_CAPABILITIES, /* GET metadata, GET .well-known/… */
    SL_FHIR_OPERATION,    /* …/$name by GET or POST */
    SL_FHIR_BATCH,        /* POST on the base */
    SL_FHIR_WRITE,        /* POST Type, PUT, PATCH, DELETE, the conditional ones, too */
    SL_FHIR_OTHER         /* a path and method that are no FHIR interaction we know */
} sl_fhir_kind_t;

typedef struct {
    const char *method; /* GET, HEAD, POST, PUT, PATCH or DELETE; literals */
    const char *path;   /* below the base, without a slash in front: "Patient/p1"; "" is the base */
    sl_fhir_kind_t kind;
    bool is_read;     /* GET, HEAD, or POST …/_search; everything else SmartWrites lets through */
    const char *type; /* resource type the path begins with; NULL: none (system level) */
    const char *id;   /* NULL: none */
    const char *in;   /* compartment search Patient/p1/Observation: "Observation"; NULL: none */
    const char *operation; /* "$everything"; NULL: none */
} sl_fhir_request_t;

/**
 * Take method and path apart. Every segment is one of letters, digits and `._$~:|=,+-`, none is
 * `.`, `..` or empty (one slash at the end is dropped): so whatever passes stays below the base
 * (FHR-2). SL_INVALID: anything else, or a method FHIR has not.
 * @param path below the EHR's name in the gateway, decoded: "/Patient/p1" or ""
 */
SL_MUST_USE sl_rc_t sl_fhir_request_parse(sl_fhir_request_t *out, const char *method,
                                          const char *path, apr_pool_t *p, sl_err_t *err);

#endif
