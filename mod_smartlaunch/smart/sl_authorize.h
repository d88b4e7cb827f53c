/* SPDX-License-Identifier: Apache-2.0 */
/** The authorize request: where we send the browser (SMART App Launch step 4; AZR-*). */
#ifndef SL_AUTHORIZE_H
#define SL_AUTHORIZE_H

#include "smart/sl_ehr.h"
#include <apr_pools.h>
#include <stdbool.h>

typedef struct {
    const char *endpoint;
    const char *client_id;
    const char *redirect_uri;
    const char *scope; /* from sl_authorize_scope() */
    const char *state;
    const char *aud;       /* from sl_authorize_aud(); NULL: not sent */
    const char *launch;    /* NULL: standalone */
    const char *challenge; /* NULL: no PKCE */
    bool form_post;        /* ask for the answer by POST (form-post) */
} sl_authorize_t;

/**
 * The scopes to ask for (AZR-4): an EHR launch has `launch` among them (put first when the
 * configuration forgot it), a standalone launch has not. Blanks are made single.
 */
const char *sl_authorize_scope(apr_pool_t *p, const char *configured, bool is_ehr_launch);

/**
 * The audience (AZR-3, SmartAud).
 * @param iss as received in the launch, byte for byte; NULL: the configured issuer
 * @return NULL when none is to be sent
 */
const char *sl_authorize_aud(apr_pool_t *p, const sl_ehr_t *ehr, const char *iss);

/** Take what SmartAud says, which lives as long as `ehr`. @return false: it says none of these */
bool sl_authorize_take_aud(sl_ehr_t *ehr, const char *text);

/** The URL of the GET request (AZR-1, 5 to 7), every parameter percent-encoded. */
const char *sl_authorize_url(apr_pool_t *p, const sl_authorize_t *request);

#endif
