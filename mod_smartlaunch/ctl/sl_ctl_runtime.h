/* SPDX-License-Identifier: Apache-2.0 */
/** What the flows need, in a process of our own: no memory is shared with httpd. */
#ifndef SL_CTL_RUNTIME_H
#define SL_CTL_RUNTIME_H

#include "ctl/sl_ctl.h"
#include "flow/sl_runtime.h"

/**
 * Key ring, PostgreSQL and, where one is known, the journal. With `ehrs` (of const sl_ehr_t *) also
 * the HTTP client and memory for one process. Started by root it goes on as the journal's owner,
 * who is httpd's user, for good: so it has to be the last that reads files of root's.
 */
SL_MUST_USE sl_rc_t sl_ctl_runtime(sl_runtime_t **out, sl_ctl_t *ctl,
                                   const apr_array_header_t *ehrs, sl_err_t *err);

/** Memory like that which httpd's processes share, for this one. */
SL_MUST_USE sl_rc_t sl_ctl_memory(sl_shm_t **out, apr_pool_t *p, sl_err_t *err);

/** Warnings of the flows go to stderr; the rest is said by the verbs themselves. */
sl_log_t sl_ctl_log(void);

#endif
