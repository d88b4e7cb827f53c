/* SPDX-License-Identifier: Apache-2.0 */
/* smartlaunchctl check: the projects of the Clinical Data Pull. */
#include "cdp/sl_cdp_plan.h"
#include "ctl/sl_ctl_cdp.h"
#include "ctl/sl_ctl_check.h"
#include "flow/sl_cdp_deliver_parcel.h"
#include "flow/sl_cdp_right.h"
#include "flow/sl_cdp_setup.h"
#include "flow/sl_examine_fault.h"
#include "smart/sl_scope.h"
#include "store/sl_store_admin.h"

#include <apr_strings.h>
#include <string.h>

/** One project being looked at. */
typedef struct {
    const sl_findings_t *findings;
    const sl_cdp_t *cdp;
    const sl_cdp_project_t *project;
    const sl_cdp_dictionary_t *dictionary; /* NULL: not known */
    apr_pool_t *p;
} case_t;

/** Does anybody answer there? A GET delivers nothing. */
static bool is_there(const case_t *c)
{
    const sl_cdp_delivery_t *delivery = &c->project->delivery;
    sl_http_request_t request;
    sl_http_reply_t reply = {0};
    sl_err_t err = {0};
    sl_examine_fault_t fault = {"CDP app", SL_HTTP_NO_FAULT,
                                "SmartCDPDeliver ca=", delivery->ca_file != NULL, &err};

    sl_cdp_app_request(&request, c->project);
    request.method = SL_HTTP_GET;
    if (sl_http_do(c->cdp->rt->http, &request, &reply, c->p, &err) == SL_OK) {
        return true;
    }
    fault.fault = reply.fault;
    sl_examine_fault(c->findings, &fault);
    return false;
}

static const char *advice(sl_rc_t rc)
{
    return rc == SL_DENIED ? "have a token made in the project, with the rights to export and "
                             "import by the API, and put it into the file of token="
                           : "look at the URL of SmartCDPDeliver, and at the application";
}

/** The app itself; its fields are kept for what comes. */
static void check_app(case_t *c, const sl_ctl_cdp_project_t *one)
{
    sl_cdp_dictionary_t *dictionary = apr_pcalloc(c->p, sizeof(*dictionary));
    const char *name = c->project->name;
    sl_err_t err = {0};
    sl_rc_t rc;

    if (one->secret_err.rc != SL_OK) {
        sl_finding_wrong(c->findings, "CDP app", "let httpd's start and root read it, nobody else",
                         "project %s: %s", name, one->secret_err.text);
        return;
    }
    if (!is_there(c)) {
        return;
    }
    rc = sl_cdp_app_dictionary(dictionary, c->cdp, c->project, c->p, &err);
    if (rc == SL_OK) {
        c->dictionary = dictionary;
        sl_finding_ok(c->findings, "CDP app",
                      "project %s: its application takes our token, and has %d fields", name,
                      dictionary->fields->nelts);
    } else if (rc == SL_NONE) {
        sl_finding_ok(c->findings, "CDP app",
                      "project %s: its application answers; whether it takes our signature shows "
                      "with the first value",
                      name);
    } else {
        sl_finding_wrong(c->findings, "CDP app", advice(rc), "project %s: %s", name, err.text);
    }
}

/** @return false: there is none to go by */
static bool check_mapping(const case_t *c, sl_cdp_mapping_t *mapping)
{
    const char *name = c->project->name;
    const sl_cdp_mapping_rules_t rules = {name, c->project->ehr->name, c->dictionary,
                                          c->cdp->may_email};
    apr_array_header_t *faults = apr_array_make(c->p, 1, sizeof(sl_cdp_fault_t));
    apr_int64_t revision;
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_setup_load(mapping, &revision, c->cdp, name, c->p, &err);

    if (rc == SL_NONE) {
        sl_finding_warn(c->findings, "CDP mapping",
                        apr_psprintf(c->p,
                                     "open its setup page, or: smartlaunchctl cdp mapping "
                                     "import %s FILE",
                                     name),
                        "project %s: nobody has saved a mapping yet, so nothing can be fetched",
                        name);
        return false;
    }
    if (rc != SL_OK) {
        sl_finding_wrong(c->findings, "CDP mapping", "look at the database's log", "project %s: %s",
                         name, err.text);
        return false;
    }
    if (sl_cdp_mapping_check(&faults, mapping, &rules, c->p) == SL_OK) {
        sl_finding_ok(c->findings, "CDP mapping", "project %s: %d fields%s", name,
                      mapping->fields->nelts,
                      c->dictionary != NULL ? ", as its application has them" : "");
    }
    for (int i = 0; i < faults->nelts; i++) {
        const sl_cdp_fault_t *fault = &APR_ARRAY_IDX(faults, i, sl_cdp_fault_t);

        sl_finding_wrong(c->findings, "CDP mapping",
                         "mend the mapping on its setup page, or the field in the application",
                         "project %s: %s%s%s", name, fault->name != NULL ? fault->name : "",
                         fault->name != NULL ? ": " : "", fault->reason);
    }
    return true;
}

static void check_rights(const case_t *c)
{
    const char *name = c->project->name;
    apr_array_header_t *rows = NULL;
    int setup = 0, adjudicate = 0;
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_right_list(&rows, c->cdp, name, c->p, &err);

    if (rc != SL_OK) {
        sl_finding_wrong(c->findings, "CDP rights", "look at the database's log", "project %s: %s",
                         name, err.text);
        return;
    }
    for (int i = 0; i < rows->nelts; i++) {
        const sl_cdp_right_row_t *row = &APR_ARRAY_IDX(rows, i, sl_cdp_right_row_t);

        setup += row->rights.setup;
        adjudicate += row->rights.adjudicate;
    }
    if (setup == 0 || adjudicate == 0) {
        sl_finding_warn(c->findings, "CDP rights",
                        apr_psprintf(c->p, "smartlaunchctl cdp grant %s USER %s", name,
                                     setup == 0 ? "setup" : "adjudicate"),
                        "project %s: nobody may %s", name,
                        setup == 0 ? "set it up" : "fetch and see values");
        return;
    }
    sl_finding_ok(c->findings, "CDP rights", "project %s: %d may set up, %d may adjudicate", name,
                  setup, adjudicate);
}

static void want_type(apr_array_header_t *types, const char *type)
{
    for (int i = 0; i < types->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(types, i, const char *), type) == 0) {
            return;
        }
    }
    APR_ARRAY_PUSH(types, const char *) = type;
}

/** Resource types a fetch asks for, when every date is there. */
static apr_array_header_t *types_of(const sl_cdp_mapping_t *mapping, apr_pool_t *p)
{
    apr_array_header_t *dates = apr_array_make(p, 16, sizeof(sl_cdp_date_t));
    apr_array_header_t *types = apr_array_make(p, 8, sizeof(const char *));
    const sl_cdp_plan_ask_t ask = {mapping, dates, "a", sl_cdp_when_at(apr_time_now())};
    sl_cdp_plan_t plan;

    for (int i = 0; i < mapping->fields->nelts; i++) {
        const sl_cdp_map_t *map = &APR_ARRAY_IDX(mapping->fields, i, sl_cdp_map_t);

        if (map->temporal_field != NULL) {
            const sl_cdp_date_t date = {map->event, 0, map->temporal_field, "2024-03-15"};

            APR_ARRAY_PUSH(dates, sl_cdp_date_t) = date;
        }
    }
    sl_cdp_plan(&plan, &ask, p);
    want_type(types, "Patient");
    for (int i = 0; i < plan.requests->nelts; i++) {
        const sl_cdp_request_t *request = &APR_ARRAY_IDX(plan.requests, i, sl_cdp_request_t);

        want_type(types, request->type);
        if (request->category == SL_CDP_DOCUMENTS) {
            want_type(types, "Binary"); /* where the text of a note may be */
        }
    }
    return types;
}

/** Those of `types` that no scope of a person's token covers, as scopes; "": none. */
static const char *missing(const char *scopes, const apr_array_header_t *types, apr_pool_t *p)
{
    const char *out = "";

    for (int i = 0; i < types->nelts; i++) {
        const char *type = APR_ARRAY_IDX(types, i, const char *);
        const char *patient = apr_pstrcat(p, "patient/", type, ".rs", NULL);

        if (!sl_scope_covers(scopes, patient, p) &&
            !sl_scope_covers(scopes, apr_pstrcat(p, "user/", type, ".rs", NULL), p)) {
            out = apr_pstrcat(p, out, out[0] != '\0' ? " " : "", patient, NULL);
        }
    }
    return out;
}

/** What the newest token there is was given; NULL: there is none, or the EHR does not say. */
static const char *granted(const case_t *c)
{
    const sl_admin_filter_t filter = {c->project->app, c->project->ehr->name, NULL, NULL, false, 1};
    sl_rows_t *rows = NULL;
    sl_err_t err = {0};

    return sl_store_admin_tokens(&rows, c->cdp->rt->db, &filter, c->p, &err) == SL_OK &&
                   sl_rows_count(rows) > 0
               ? sl_rows_text(rows, 0, "scope_granted")
               : NULL;
}

static void check_scopes(const case_t *c, const sl_cdp_mapping_t *mapping)
{
    const sl_ehr_t *ehr = c->project->ehr;
    const char *name = c->project->name;
    apr_array_header_t *types = types_of(mapping, c->p);
    const char *asked =
        apr_pstrcat(c->p, ehr->scope != NULL ? ehr->scope : "", " ",
                    ehr->standalone_scope != NULL ? ehr->standalone_scope : "", NULL);
    const char *lacks = missing(asked, types, c->p);
    const char *had = granted(c);

    if (lacks[0] != '\0') {
        sl_finding_wrong(c->findings, "CDP scopes",
                         "add them to SmartScope, and have them registered at the EHR",
                         "project %s: %s is not asked for %s", name, ehr->name, lacks);
        return;
    }
    lacks = had != NULL ? missing(had, types, c->p) : "";
    if (lacks[0] != '\0') {
        sl_finding_warn(c->findings, "CDP scopes",
                        "ask the EHR's people to let the application have them; its users then "
                        "launch again",
                        "project %s: %s did not give %s with its newest token", name, ehr->name,
                        lacks);
        return;
    }
    sl_finding_ok(c->findings, "CDP scopes", "project %s: %s for all of its %d kinds of resource",
                  name, had != NULL ? "the EHR gives tokens" : "tokens are asked for",
                  types->nelts);
}

void sl_ctl_check_cdp(const sl_findings_t *findings, const sl_cdp_t *cdp,
                      const apr_array_header_t *projects, apr_pool_t *p)
{
    for (int i = 0; i < projects->nelts; i++) {
        const sl_ctl_cdp_project_t *one = APR_ARRAY_IDX(projects, i, const sl_ctl_cdp_project_t *);
        case_t c = {findings, cdp, &one->project, NULL, p};
        sl_cdp_mapping_t mapping;

        check_app(&c, one);
        if (cdp->rt->db != NULL) {
            if (check_mapping(&c, &mapping)) {
                check_scopes(&c, &mapping);
            }
            check_rights(&c);
        }
    }
}
