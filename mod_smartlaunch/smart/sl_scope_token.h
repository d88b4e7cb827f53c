/* SPDX-License-Identifier: Apache-2.0 */
/** One scope taken apart (SMART scopes and launch context; SCP-1 to 4). */
#ifndef SL_SCOPE_TOKEN_H
#define SL_SCOPE_TOKEN_H

#include "base/sl_rc.h"
#include <apr_pools.h>

typedef enum {
    SL_SCOPE_RESOURCE, /* patient/Observation.rs?category=x */
    SL_SCOPE_LAUNCH,   /* launch, launch/patient?role=x */
    SL_SCOPE_OTHER     /* openid, offline_access, URIs, extensions */
} sl_scope_kind_t;

/**
 * How many bytes at the beginning of a scope only say whose vocabulary it is of: SMART and OpenID
 * scopes may be written as URIs (SMART scopes, "Scopes as URIs"; SCP-7). 0: it is written plainly.
 */
apr_size_t sl_scope_prefix(const char *text);

#define SL_SCOPE_CREATE 1U
#define SL_SCOPE_READ 2U
#define SL_SCOPE_UPDATE 4U
#define SL_SCOPE_DELETE 8U
#define SL_SCOPE_SEARCH 16U

typedef struct {
    sl_scope_kind_t kind;
    const char *text;
    /* SL_SCOPE_RESOURCE only: */
    const char *level; /* "patient", "user" or "system" */
    const char *type;  /* resource type or "*" */
    unsigned rights;   /* of SL_SCOPE_CREATE … SL_SCOPE_SEARCH, never 0 */
    const char *query; /* constraints without "?"; NULL: none */
} sl_scope_token_t;

/** SL_INVALID: malformed, and the text of `err` says what to write instead. */
SL_MUST_USE sl_rc_t sl_scope_token_parse(sl_scope_token_t *out, const char *text, apr_pool_t *p,
                                         sl_err_t *err);

#endif
