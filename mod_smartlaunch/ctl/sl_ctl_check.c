/* SPDX-License-Identifier: Apache-2.0 */
/* What apachectl configtest cannot try: the network, the EHRs, the database. */
#include "ctl/sl_ctl_check.h"
#include "ctl/sl_ctl_cdp.h"
#include "ctl/sl_ctl_ehr.h"
#include "flow/sl_examine.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    sl_json_t *dump;
    apr_array_header_t *ehrs; /* of sl_ctl_ehr_t * */
    sl_http_t *http;
    const sl_keyring_t *ring;         /* NULL: it cannot be used */
    apr_array_header_t *destinations; /* of sl_destination_t */
    apr_array_header_t *projects;     /* of sl_ctl_cdp_project_t * */
} check_t;

static sl_rc_t prepare(check_t *check, sl_ctl_t *ctl, sl_err_t *err)
{
    sl_rc_t rc = sl_ctl_configuration(&check->dump, ctl, err);

    if (rc == SL_OK) {
        rc = sl_ctl_ehrs(&check->ehrs, check->dump, ctl->p, err);
    }
    if (rc == SL_OK) {
        rc = sl_ctl_cdp_projects(&check->projects, check->dump, check->ehrs, ctl->p, err);
    }
    if (rc == SL_OK) {
        rc = sl_http_init(err);
    }
    if (rc == SL_OK) {
        rc = sl_http_open(&check->http, ctl->p, err);
    }
    return rc;
}

static void check_projects(const sl_findings_t *findings, const check_t *check, sl_db_t *db,
                           apr_pool_t *p)
{
    sl_runtime_t rt = {.db = db, .http = check->http, .log = sl_ctl_log()};
    const sl_cdp_t cdp = {.rt = &rt};
    sl_err_t err = {0};

    if (check->projects->nelts == 0) {
        return;
    }
    if (sl_ctl_memory(&rt.shm, p, &err) != SL_OK) {
        sl_finding_warn(findings, "CDP", "check again", "%s", err.text);
        return;
    }
    sl_ctl_check_cdp(findings, &cdp, check->projects, p);
}

/** What is not one EHR's. */
static void check_host(const sl_findings_t *findings, const check_t *check, apr_pool_t *p)
{
    sl_db_t *db = sl_ctl_check_store(findings, check->dump, check->ring, p);

    check_projects(findings, check, db, p);
    sl_ctl_check_redirects(findings, check->dump, check->ehrs, check->http, p);
    for (int i = 0; i < check->destinations->nelts; i++) {
        sl_examine_notify(findings, check->http,
                          &APR_ARRAY_IDX(check->destinations, i, sl_destination_t), p);
    }
}

static void check_secret(const sl_findings_t *findings, const sl_ctl_ehr_t *ehr)
{
    if (ehr->secret_err.rc != SL_OK) {
        sl_finding_wrong(findings, "secret", "let httpd's start and root read it, nobody else",
                         "%s", ehr->secret_err.text);
    } else if (ehr->secret_source != NULL) {
        sl_finding_ok(findings, "secret", "the client secret can be read");
    } else if (ehr->ehr.keys != NULL) {
        sl_finding_ok(findings, "secret", "the client key can be read");
    }
}

static void check_ehr(const sl_findings_t *all, const check_t *check, const sl_ctl_ehr_t *ehr,
                      apr_pool_t *p)
{
    const sl_findings_t findings = {all->list, ehr->ehr.name};
    const sl_examine_t examine = {&ehr->ehr,
                                  sl_ctl_check_registered(&findings, check->dump, ehr->ehr.name),
                                  ehr->secret_err.rc == SL_OK ? NULL : ehr->secret_err.text,
                                  sl_ctl_check_shared(check->dump, ehr->ehr.name, p)};

    check_secret(&findings, ehr);
    sl_examine_ehr(&findings, check->http, &examine, p);
}

static bool has_wrong(const sl_findings_t *findings)
{
    for (int i = 0; i < findings->list->nelts; i++) {
        if (APR_ARRAY_IDX(findings->list, i, sl_finding_t).verdict == SL_FINDING_WRONG) {
            return true;
        }
    }
    return false;
}

int sl_ctl_check(sl_ctl_t *ctl)
{
    sl_findings_t findings = sl_finding_list(ctl->p);
    const char *only = ctl->args[0];
    check_t check = {0};
    sl_err_t err = {0};

    if (only != NULL && ctl->args[1] != NULL) {
        return sl_ctl_usage();
    }
    (void)signal(SIGPIPE, SIG_IGN);
    if (prepare(&check, ctl, &err) != SL_OK) {
        return sl_ctl_fail(&err);
    }
    if (only != NULL && sl_ctl_ehr_find(check.ehrs, only) == NULL) {
        (void)fprintf(stderr, "smartlaunchctl: httpd's configuration has no such <SmartEHR>\n");
        return SL_CTL_NOT_THERE;
    }
    if (only == NULL) {
        sl_ctl_check_ring(&findings, &check.ring, check.dump, ctl->p);
        check.destinations = sl_ctl_check_destinations(&findings, check.dump, ctl->p);
    }
    /* PostgreSQL, EHRs and files are httpd's user's to reach; root may be let in, and she not. */
    if (sl_ctl_become_httpd(check.dump, &err) != SL_OK) {
        return sl_ctl_fail(&err);
    }
    if (only == NULL) {
        check_host(&findings, &check, ctl->p);
    }
    for (int i = 0; i < check.ehrs->nelts; i++) {
        const sl_ctl_ehr_t *ehr = APR_ARRAY_IDX(check.ehrs, i, const sl_ctl_ehr_t *);

        if (only == NULL || strcmp(only, ehr->ehr.name) == 0) {
            check_ehr(&findings, &check, ehr, ctl->p);
        }
    }
    sl_ctl_check_print(&findings, ctl);
    return has_wrong(&findings) ? SL_CTL_FAILED : SL_CTL_OK;
}
