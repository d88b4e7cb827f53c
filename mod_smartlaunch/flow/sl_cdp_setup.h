/* SPDX-License-Identifier: Apache-2.0 */
/** The mapping as it is stored, and the project's fields as its app describes them. */
#ifndef SL_CDP_SETUP_H
#define SL_CDP_SETUP_H

#include "cdp/sl_cdp_redcap_answer.h" /* sl_cdp_current_t */
#include "flow/sl_cdp.h"

/**
 * Read the mapping, ids included. SL_NONE: nobody has saved one.
 * @param revision counts saves: 1, 2, …; 0 with SL_NONE
 */
SL_MUST_USE sl_rc_t sl_cdp_setup_load(sl_cdp_mapping_t *out, apr_int64_t *revision,
                                      const sl_cdp_t *cdp, const char *project, apr_pool_t *p,
                                      sl_err_t *err);

/**
 * Store it, in one transaction, if `revision` is still what it was read with (-1: whatever).
 * A field (event, field, source) that stays keeps its id and its held values; held values of those
 * that go, or whose date field changes, are dropped, with what was decided about saved ones kept.
 * SL_CONFLICT: somebody else saved meanwhile.
 */
typedef struct {
    const sl_cdp_mapping_t *mapping;
    apr_int64_t revision;
    const char *by;
} sl_cdp_saving_t;
SL_MUST_USE sl_rc_t sl_cdp_setup_save(const sl_cdp_t *cdp, const char *project,
                                      const sl_cdp_saving_t *saving, apr_pool_t *p, sl_err_t *err);

/** Who saved it last, and when. SL_NONE: nobody has. */
SL_MUST_USE sl_rc_t sl_cdp_setup_last(const char **by, apr_time_t *at, const sl_cdp_t *cdp,
                                      const char *project, apr_pool_t *p, sl_err_t *err);

/**
 * The app's fields. SL_NONE: its protocol has no such question (http). Remembered for a minute in
 * shared memory. SL_UPSTREAM, SL_TIMEOUT: the app; SL_DENIED: it refuses our token.
 */
SL_MUST_USE sl_rc_t sl_cdp_app_dictionary(sl_cdp_dictionary_t *out, const sl_cdp_t *cdp,
                                          const sl_cdp_project_t *project, apr_pool_t *p,
                                          sl_err_t *err);

/**
 * What the record holds now in all fields of the mapping, dates among them: of sl_cdp_current_t.
 * SL_NONE: the app has no such record (a new one), or no such question.
 */
SL_MUST_USE sl_rc_t sl_cdp_app_record(apr_array_header_t **out, const sl_cdp_t *cdp,
                                      const sl_cdp_project_t *project,
                                      const sl_cdp_mapping_t *mapping, const char *record,
                                      apr_pool_t *p, sl_err_t *err);

#endif
