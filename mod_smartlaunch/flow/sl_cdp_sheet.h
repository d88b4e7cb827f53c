/* SPDX-License-Identifier: Apache-2.0 */
/** What the adjudication screen shows of a record, and what is decided on it (4.3, 4.5, H1 to H6).
 */
#ifndef SL_CDP_SHEET_H
#define SL_CDP_SHEET_H

#include "cdp/sl_cdp_when.h"
#include "flow/sl_cdp_hold.h"
#include "flow/sl_cdp_setup.h"

typedef enum {
    SL_CDP_NEW,
    SL_CDP_SAVED,
    SL_CDP_PASSED,
    SL_CDP_EXCLUDED,
    SL_CDP_SUPERSEDED
} sl_cdp_value_state_t;

typedef struct {
    apr_int64_t id;
    const sl_cdp_map_t *map;
    const char *source_label;
    const char *value;       /* NULL: unreadable, see problem */
    const char *saved_as;    /* what Save would write; NULL: it cannot be saved, see problem */
    const char *unit, *note; /* NULL: none */
    sl_cdp_when_t when;
    sl_cdp_value_state_t state; /* NEW, EXCLUDED, or SAVED: refused by the app, can be chosen
                                   again; the others hold no value any more */
    const char *problem; /* a plain sentence: does not fit, other unit, unreadable; NULL: none */
    bool is_closed;      /* its seal cannot be opened: nobody saw it, and it is never passed over */
    bool ticked;
} sl_cdp_shown_t;

typedef enum {
    SL_CDP_NOT_SENT,
    SL_CDP_WAITING,
    SL_CDP_ASIDE, /* it waits for its key, which is not in the key ring */
    SL_CDP_DELIVERED,
    SL_CDP_REFUSED
} sl_cdp_sent_t;

/** What the EHR has done to a value since it was saved. */
typedef enum { SL_CDP_AS_IT_WAS, SL_CDP_CORRECTED, SL_CDP_WITHDRAWN } sl_cdp_revised_t;

/** One field of the record, with what it could get. */
typedef struct {
    const char *event;
    const char *event_label; /* what people call it */
    int instance;
    const char *field, *label;
    const char *current;                  /* NULL: not known; "": empty */
    const char *date;                     /* of the temporal field; NULL: one-time */
    const apr_array_header_t *candidates; /* of sl_cdp_shown_t, by time */
    int fresh;                            /* candidates in state NEW */
    apr_int64_t clear;                    /* the one that needs nobody's eyes (H7); 0: none */
    sl_cdp_sent_t sent;                   /* what became of the last value saved here */
    sl_cdp_revised_t revised;             /* and what the EHR says of it now */
    const char *refusal;                  /* REFUSED: the app's reason; ASIDE: ours */
} sl_cdp_target_t;

typedef struct {
    sl_cdp_record_t record;
    const apr_array_header_t *targets; /* of sl_cdp_target_t, in the order of the mapping */
    apr_int64_t version;
    apr_int64_t seen;            /* the newest value that is shown */
    bool app_is_away;            /* current values and fields could not be asked */
    int waiting, aside, refused; /* fields, by what became of the last value */
    int revised;                 /* … and those where the EHR has another, or none, by now */
} sl_cdp_sheet_t;

/** Load it, and write the view log (a row per shown value, H6) unless `actor` is NULL: somebody
 * works on the record (H8). SL_NONE. */
SL_MUST_USE sl_rc_t sl_cdp_sheet_load(sl_cdp_sheet_t *out, const sl_cdp_t *cdp,
                                      const sl_cdp_project_t *project, const char *record,
                                      const sl_cdp_actor_t *actor, apr_pool_t *p, sl_err_t *err);

/** Bound to session or user, project, record, version and newest shown value. */
const char *sl_cdp_sheet_token(const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                               const sl_cdp_sheet_t *sheet, const sl_cdp_actor_t *actor,
                               apr_pool_t *p);

typedef struct {
    const apr_array_header_t *choose;  /* of apr_int64_t: value ids, one a target at most */
    const apr_array_header_t *exclude; /* of apr_int64_t */
    const apr_array_header_t *include; /* of apr_int64_t: excluded ones that are offered again */
    const char *token;
} sl_cdp_choices_t;

typedef struct {
    int saved, passed, excluded, included;
} sl_cdp_decided_t;

/**
 * Save: chosen values, decision and outbox in one transaction, all or none (H3). The shown
 * candidates of a chosen target are passed over, others stay new; ciphertext of what is decided is
 * erased. SL_DENIED: the token is not ours: nothing is stored. SL_CONFLICT: somebody else decided
 * since the form was made. SL_INVALID: two choices of one target, a value that does not fit (the
 * sentence is err->text), an unknown id.
 */
SL_MUST_USE sl_rc_t sl_cdp_decide(sl_cdp_decided_t *out, const sl_cdp_t *cdp,
                                  const sl_cdp_project_t *project, const char *record,
                                  const sl_cdp_choices_t *choices, const sl_cdp_actor_t *actor,
                                  apr_pool_t *p, sl_err_t *err);

/** After which fetch. Of what could be had only in part nobody knows whether it is unambiguous. */
typedef struct {
    bool scheduled;           /* it was unattended */
    bool is_partial;          /* some category is missing, or was cut off */
    bool is_measured_in_part; /* … that of observations */
} sl_cdp_alone_t;

/** Instant or auto adjudication: what is unambiguous, as SYSTEM. Does nothing unless both switches
 * say so (H7). */
SL_MUST_USE sl_rc_t sl_cdp_decide_alone(sl_cdp_decided_t *out, const sl_cdp_t *cdp,
                                        const sl_cdp_project_t *project, const char *record,
                                        const sl_cdp_alone_t *after, apr_pool_t *p, sl_err_t *err);

/** Who did what to a record, newest first: of sl_cdp_event_t. No values. */
typedef struct {
    apr_time_t at;
    const char *user;
    const char
        *what; /* fetched, viewed, saved, passed, excluded, included, delivered, refused, … */
    const char *event, *field, *source; /* NULL where it is about the whole record */
    int instance;
    sl_cdp_when_t when; /* of the value */
    const char *detail; /* NULL: none */
} sl_cdp_event_t;
SL_MUST_USE sl_rc_t sl_cdp_log(apr_array_header_t **out, const sl_cdp_t *cdp, const char *project,
                               const char *record, int limit, apr_pool_t *p, sl_err_t *err);

#endif
