/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Tickets that take a launch from the EHR's frame to a window of its own (design section 12,
 * "Windows"). Stored hashed, good once; a second use ends the launch.
 */
#ifndef SL_STORE_TICKET_H
#define SL_STORE_TICKET_H

#include "store/sl_store_launch.h"

/** For a live launch: it moves to the browser that uses the ticket. */
typedef struct {
    const unsigned char *ticket_hash;
    const char *launch;
    const unsigned char
        *browser_hash; /* the launch has to be this browser's, by its present cookie */
    apr_interval_time_t life;
    int most; /* tickets of one launch in a minute */
} sl_ticket_new_t;

/** SL_EXPIRED: the launch is not live in this browser. SL_BUSY: it has too many tickets. */
SL_MUST_USE sl_rc_t sl_store_ticket_make(sl_db_t *db, const sl_ticket_new_t *ticket, apr_pool_t *p,
                                         sl_err_t *err);

/** For a pending launch whose callback came without any cookie: it keeps the code. */
typedef struct {
    const unsigned char *ticket_hash;
    const unsigned char *state_hash; /* names the launch */
    const char *app, *redirect_path;
    sl_bytes_t code_sealed;
    const char *key_id;          /* sealed the code */
    apr_interval_time_t max_age; /* of a pending launch, and so of the ticket; 0: 10 min */
    int most;
} sl_ticket_code_t;

/** SL_NONE: no such launch is waiting, or too many such tickets: nothing is stored. */
SL_MUST_USE sl_rc_t sl_store_ticket_keep(sl_db_t *db, const sl_ticket_code_t *ticket, apr_pool_t *p,
                                         sl_err_t *err);

typedef enum {
    SL_TICKET_USED,   /* now, by you and nobody else */
    SL_TICKET_AGAIN,  /* it was used before: the launch has ended */
    SL_TICKET_LATE,   /* too late; nothing has happened */
    SL_TICKET_UNKNOWN /* or of another app */
} sl_ticket_outcome_t;

typedef struct {
    sl_ticket_outcome_t outcome;
    bool has_code;                     /* of sl_store_ticket_keep */
    const char *code_key;              /* opens code_sealed */
    sl_bytes_t code_sealed;            /* USED, with a code: the row has forgotten it */
    const unsigned char *state_hash;   /* of the launch; with a code */
    const char *redirect_path;         /* of the launch; NULL: a session has none */
    sl_launch_state_t state;           /* of the launch, before */
    const unsigned char *browser_hash; /* whose it is */
    const char *launch, *ehr, *key_id; /* key_id: the launch's */
    sl_bytes_t pending_sealed;         /* with a code, while the launch is pending */
} sl_ticket_t;

/** Use a ticket; of any number of callers one wins. SL_OK whenever the database answered. */
SL_MUST_USE sl_rc_t sl_store_ticket_use(sl_ticket_t *out, sl_db_t *db,
                                        const unsigned char *ticket_hash, const char *app,
                                        apr_pool_t *p, sl_err_t *err);

/** A live launch goes to another browser. */
typedef struct {
    const char *id;
    const unsigned char *browser_hash;     /* of the window's cookie; NULL: it has none */
    const unsigned char *new_browser_hash; /* it gets this one, if `moved` comes back */
    const char *stand_in;                  /* id of the row that stays behind */
    bool toplevel;                         /* the window is none in a frame */
    apr_interval_time_t max, idle;         /* SmartSession */
    const sl_steps_t *steps;
} sl_launch_move_t;

/**
 * The launch is the new browser's, and the old one keeps a row that remembers which patient was
 * open there: what it had counts on, whenever a request names no launch. Held, where other people
 * live in the new browser. `moved` false and not held: it was this browser's all the time.
 * SL_EXPIRED: the launch is not live, or the window's cookie was renewed seconds ago.
 */
SL_MUST_USE sl_rc_t sl_store_launch_move(sl_launch_finished_t *out, sl_db_t *db,
                                         const sl_launch_move_t *move, apr_pool_t *p,
                                         sl_err_t *err);

/** A pending launch goes to the browser that will finish it. */
typedef struct {
    const char *id;
    const unsigned char *was_hash, *browser_hash;
    sl_bytes_t pending_sealed; /* the same particulars for the new browser */
    const char *key_id;
} sl_launch_adopt_t;

/** SL_EXPIRED: it is not pending any more, or not `was_hash`'s. */
SL_MUST_USE sl_rc_t sl_store_launch_adopt(sl_db_t *db, const sl_launch_adopt_t *adopt,
                                          apr_pool_t *p, sl_err_t *err);

#endif
