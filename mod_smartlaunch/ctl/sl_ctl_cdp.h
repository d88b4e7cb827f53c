/* SPDX-License-Identifier: Apache-2.0 */
/** Parts of the verb cdp, for one another and for check. */
#ifndef SL_CTL_CDP_H
#define SL_CTL_CDP_H

#include "ctl/sl_ctl_runtime.h"
#include "flow/sl_cdp.h"

/** A project of httpd's configuration. */
typedef struct {
    sl_cdp_project_t project;
    const char *secret_source; /* "file:…" */
    sl_err_t secret_err;       /* rc is not SL_OK: why token or secret could not be read */
} sl_ctl_cdp_project_t;

/**
 * All projects of a dump, with their secrets: array of sl_ctl_cdp_project_t *. SL_FAILED: the dump
 * is not one that this version understands.
 * @param ehrs array of sl_ctl_ehr_t *, which the projects point into
 */
SL_MUST_USE sl_rc_t sl_ctl_cdp_projects(apr_array_header_t **out, const sl_json_t *dump,
                                        const apr_array_header_t *ehrs, apr_pool_t *p,
                                        sl_err_t *err);

/** The project as httpd's configuration has it; its EHR's name is all of its EHR that is read.
 * SL_NONE: there is none. */
SL_MUST_USE sl_rc_t sl_ctl_cdp_find(const sl_ctl_cdp_project_t **out, sl_ctl_t *ctl,
                                    const char *name, sl_err_t *err);

/**
 * PostgreSQL alone, for what needs no more. Without --db the project has to be one that httpd is
 * configured for, unless `name` is NULL: SL_NONE.
 */
SL_MUST_USE sl_rc_t sl_ctl_cdp_open(sl_cdp_t *out, sl_ctl_t *ctl, const char *name, sl_err_t *err);

/** Who does it, for the tables: before sl_ctl_open(), which may change who we are. */
const char *sl_ctl_cdp_who(apr_pool_t *p);

/** As sl_ctl_missing(), and whose role is wanted where this one may not. */
int sl_ctl_cdp_fail(const sl_err_t *err);

/** The projects as a dump has them; NULL: the second module is not loaded, or has none. */
const sl_json_t *sl_ctl_cdp_dumped(const sl_json_t *dump);

sl_ctl_verb_t sl_ctl_cdp_list; /* projects */
sl_ctl_verb_t sl_ctl_cdp_mapping;
sl_ctl_verb_t sl_ctl_cdp_refetch;
sl_ctl_verb_t sl_ctl_cdp_status;

#endif
