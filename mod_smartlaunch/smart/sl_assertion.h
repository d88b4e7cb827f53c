/* SPDX-License-Identifier: Apache-2.0 */
/** What a client assertion says, and which of our keys signs it (TKR-A2, TKR-A3, DIS-7). */
#ifndef SL_ASSERTION_H
#define SL_ASSERTION_H

#include "base/sl_json.h"
#include "smart/sl_ehr.h"
#include <apr_time.h>

/** How long one is good for; five minutes is the most an EHR takes, and its clock is not ours. */
#define SL_ASSERTION_LIFE apr_time_from_sec(240)

/** How far back it is dated: an EHR whose clock is a little behind takes no iat of its future. */
#define SL_ASSERTION_BACK apr_time_from_sec(30)

/** The EHR's first key that the token endpoint takes; none fits: the first. NULL: no keys. */
const sl_signer_t *sl_assertion_key(const sl_ehr_t *ehr, unsigned algs);

/** Does the token endpoint list its algorithms, and none of our keys has one of them? */
bool sl_assertion_is_unfit(const sl_ehr_t *ehr, unsigned algs);

typedef struct {
    const char *client_id;
    const char *audience; /* the token endpoint, as one string */
    const char *jti;      /* 128 random bits or more */
    apr_time_t now;
} sl_assertion_t;

/** The claims, in the pool. */
const sl_json_t *sl_assertion_claims(const sl_assertion_t *assertion, apr_pool_t *p);

#endif
