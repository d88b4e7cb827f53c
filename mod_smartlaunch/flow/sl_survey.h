/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What an administrator wants to see at a glance: the status page's content. Numbers and names of
 * the configuration only: no user, no patient, no id of a launch, nothing secret.
 */
#ifndef SL_SURVEY_H
#define SL_SURVEY_H

#include "flow/sl_pulse.h"
#include "flow/sl_runtime.h"

#define SL_SURVEY_FRESH apr_time_from_sec(10) /* PostgreSQL is asked once in so long, per host */

typedef enum {
    SL_SURVEY_UP,
    SL_SURVEY_AWAY, /* it cannot be asked */
    SL_SURVEY_ODD   /* it answers, and has other tables than we know */
} sl_survey_db_t;

/** Launches that are not over, by what they are; and their tokens. */
typedef struct {
    int64_t live, held;                         /* held: waits for the user to say who she is */
    int64_t linked, pending, unlinked;          /* of live ones: joined, yet to be, never to be */
    int64_t active, expired, relaunch, revoked; /* tokens */
} sl_survey_counts_t;

typedef struct {
    const sl_ehr_t *ehr;
    sl_http_gate_stats_t gate;
    sl_survey_counts_t counts;
} sl_survey_ehr_t;

typedef struct {
    sl_survey_db_t database;
    const char *problem;       /* of the database; NULL: none */
    bool has_counts;           /* the numbers of launches and tokens are known */
    bool is_cut;               /* there are more launches than were looked at */
    sl_survey_counts_t counts; /* of all, sessions without an EHR among them */
    apr_array_header_t *ehrs;  /* of sl_survey_ehr_t */
    sl_shm_stats_t shm;
    sl_pulse_sum_t pulse;
    bool has_journal;
    sl_spool_count_t journal;
} sl_survey_t;

/**
 * Take it. PostgreSQL is asked within the bounds of its pool; while it is away everything else is
 * told all the same.
 * @param pids array of pid_t: the children
 */
void sl_survey_take(sl_survey_t *out, const sl_runtime_t *rt, const apr_array_header_t *pids,
                    apr_pool_t *p);

/** Is everything as it should be: database there, nothing lost, no EHR failing? */
bool sl_survey_is_well(const sl_survey_t *survey);

#endif
