/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The sign-on message (design section 6; Redox' data model SSO, event Sign-on): what is said, how
 * it is signed for, and which answers a browser may follow. Pure: time and random values are
 * arguments. A token of the EHR is never in it.
 */
#ifndef SL_SIGNON_H
#define SL_SIGNON_H

#include "base/sl_json.h"
#include "base/sl_rc.h"
#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>

#define SL_SIGNON_LIFETIME 60 /* seconds that a message is good for */

/** Between whom: ids and names of the configuration. Names may be NULL. */
typedef struct {
    const char *source_id, *source_name;
    const char *destination_id, *destination_name;
} sl_signon_parties_t;

/** Who signed on, and to what. A member that is NULL is not known, or not to be told. */
typedef struct {
    const char *user; /* in the app; NULL: nobody knows yet */
    const char *ehr, *ehr_user, *fhir_user;
    const sl_json_t *claims; /* of the id_token, verified */
    const char *patient;     /* FHIR id */
    const char *encounter;   /* FHIR id */
    const char *kind;        /* "ehr", "standalone" or "site" */
    const char *link;        /* "linked", "pending" or "none" */
    const char *return_to;   /* the path that a standalone launch was asked to come back to */
    const char *session_id, *session_base_url; /* both or none */
} sl_signon_who_t;

typedef struct {
    const sl_signon_parties_t *parties;
    const sl_signon_who_t *who;
    apr_time_t now;
    const char *jti;         /* 128 random bits */
    apr_uint64_t message_id; /* 48 random bits, so that any JSON number holds them */
} sl_signon_t;

/** The body: Meta, Person, Patient, Visit, Launch. Holds the session id. */
const char *sl_signon_body(const sl_signon_t *signon, apr_pool_t *p);

/** Claims of the JWT that goes with `body`; bound to it by body_sha256. */
sl_json_t *sl_signon_claims(const sl_signon_t *signon, const char *body, apr_pool_t *p);

/** What the app answered. */
typedef struct {
    int status;
    const char *content_type; /* "" where there was none */
    const char *location;     /* NULL: none */
    int locations;            /* how many there were */
} sl_signon_answer_t;

/** What the administrator lets an answer do. */
typedef struct {
    const apr_array_header_t *allow; /* of const char *: origins, as sl_url_origin() writes them */
    bool html;
} sl_signon_rule_t;

typedef struct {
    const char *location; /* the browser goes there; NULL: the body is a page to be shown */
    const char *charset;  /* of that page */
} sl_signon_verdict_t;

/**
 * May the browser follow? A redirect to one absolute URL of an allowed origin (https; http on
 * loopback only), or, where `html` is on, 200 with text/html. Everything else is SL_UPSTREAM; the
 * text says what was wrong and never quotes the answer.
 */
SL_MUST_USE sl_rc_t sl_signon_judge(sl_signon_verdict_t *out, const sl_signon_answer_t *answer,
                                    const sl_signon_rule_t *rule, apr_pool_t *p, sl_err_t *err);

/**
 * Was the endpoint's challenge answered: 2xx, and the challenge anywhere in the body?
 * @param challenge not empty
 */
bool sl_signon_is_echo(int status, const char *body, apr_size_t len, const char *challenge);

/** The challenge as JSON, and as query parameters of the endpoint's URL. */
const char *sl_signon_challenge(const char *token, const char *challenge, apr_pool_t *p);
const char *sl_signon_challenge_url(const char *url, const char *token, const char *challenge,
                                    apr_pool_t *p);

#endif
