/* SPDX-License-Identifier: Apache-2.0 */
/** smartlaunchctl check: what is tried here, beside the EHRs (flow/sl_examine). */
#ifndef SL_CTL_CHECK_H
#define SL_CTL_CHECK_H

#include "ctl/sl_ctl.h"
#include "flow/sl_cdp.h"
#include "smart/sl_finding.h"

/** The key ring, which root reads. @param ring NULL: it cannot be used, and why is told */
void sl_ctl_check_ring(const sl_findings_t *findings, const sl_keyring_t **ring,
                       const sl_json_t *dump, apr_pool_t *p);

/**
 * Database, schema, role, the keys that rows need, state directory: as httpd's user.
 * @return the database; NULL: it cannot be used
 */
sl_db_t *sl_ctl_check_store(const sl_findings_t *findings, const sl_json_t *dump,
                            const sl_keyring_t *ring, apr_pool_t *p);

/**
 * Projects of the Clinical Data Pull: application, mapping, scopes, rights. `cdp->rt` has an HTTP
 * client and memory; without a database only the application is asked.
 * @param projects array of sl_ctl_cdp_project_t *
 */
void sl_ctl_check_cdp(const sl_findings_t *findings, const sl_cdp_t *cdp,
                      const apr_array_header_t *projects, apr_pool_t *p);

/** The Redirect URLs of all virtual hosts in the dump, each once: array of const sl_json_t *. */
apr_array_header_t *sl_ctl_check_all_redirects(const sl_json_t *dump, apr_pool_t *p);

/** Where SmartNotify goes, each once: array of sl_destination_t. Root reads their tokens. */
apr_array_header_t *sl_ctl_check_destinations(const sl_findings_t *findings, const sl_json_t *dump,
                                              apr_pool_t *p);

/** Every Redirect URL, by its public URL. @param ehrs array of sl_ctl_ehr_t * */
void sl_ctl_check_redirects(const sl_findings_t *findings, const sl_json_t *dump,
                            const apr_array_header_t *ehrs, sl_http_t *http, apr_pool_t *p);

/**
 * What to register at an EHR: every redirect URI that serves it.
 * @return one of them; NULL: there is none
 */
const char *sl_ctl_check_registered(const sl_findings_t *findings, const sl_json_t *dump,
                                    const char *ehr);

/** Do answers of other EHRs come to a Redirect URL that serves this one? */
bool sl_ctl_check_shared(const sl_json_t *dump, const char *ehr, apr_pool_t *p);

/** The table, or JSON with --json. */
void sl_ctl_check_print(const sl_findings_t *findings, const sl_ctl_t *ctl);

#endif
