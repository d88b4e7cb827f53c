/* SPDX-License-Identifier: Apache-2.0 */
/* Is this the patient? Only a yes fetches anything. The MRN is in bodies of forms, nowhere else. */
#include "httpd/sl_cdp_pages.h"

#include "cdp/sl_cdp_trim.h"
#include "flow/sl_cdp_fetch.h"

#include <apr_strings.h>
#include <string.h>

/** What the record's address would be somebody else's. */
static bool is_free(const char *record)
{
    static const char *const taken[] = {"setup", "find", ".", ".."};

    for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++) {
        if (strcmp(record, taken[i]) == 0) {
            return false;
        }
    }
    return sl_cdp_is_record(record);
}

static int refuse_name(request_rec *r, const sl_cdp_visit_t *visit)
{
    static const sl_cdp_pages_no_t no = {
        .status = HTTP_BAD_REQUEST,
        .title = "This cannot be the name of a record",
        .text = "A record has a name of 1 to 100 letters, digits and signs, without a slash. "
                "\"setup\" and \"find\" are taken."};
    sl_err_t err = {0};

    (void)sl_err_set(&err, SL_INVALID, "SL8573", "a form with no name of a record");
    return sl_cdp_pages_refuse(r, visit, &no, &err);
}

/** Somebody else's data would go. */
static void put_change(sl_cdp_html_t *html, const sl_cdp_visit_t *visit, const char *record,
                       const char *mrn)
{
    const char *known;
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_hold_mrn(&known, visit->cdp, visit->project->name, record, html->p, &err);

    if (rc == SL_OK && strcmp(known, mrn) != 0) {
        sl_cdp_html_put(html, "<p class=\"note\">This record has another medical record number so "
                              "far. If you say yes, what was fetched for that one and not yet "
                              "saved is deleted.</p>");
    }
}

static void put_previews(sl_cdp_html_t *html, const apr_array_header_t *previews)
{
    if (previews->nelts == 0) {
        sl_cdp_html_put(html, "<p>The EHR has exactly one patient with this number. (Whoever sets "
                              "the project up can choose what is shown here.)</p>");
        return;
    }
    sl_cdp_html_put(html, "<table><thead><tr><th scope=\"col\">In the EHR</th>"
                          "<th scope=\"col\">Value</th></tr></thead><tbody>");
    for (int i = 0; i < previews->nelts; i++) {
        const sl_cdp_preview_t *preview = &APR_ARRAY_IDX(previews, i, sl_cdp_preview_t);

        sl_cdp_html_put(html,
                        "<tr><th scope=\"row\">%s</th><td><span class=\"%s\">%s</span></td>"
                        "</tr>",
                        preview->label, preview->value != NULL ? "value" : "quiet",
                        preview->value != NULL ? preview->value : "not in the chart");
    }
    sl_cdp_html_put(html, "</tbody></table>");
}

static int ask(request_rec *r, const sl_cdp_visit_t *visit, const sl_cdp_record_t *record,
               const char *mrn, const sl_cdp_lookup_t *lookup)
{
    const char *back = sl_cdp_pages_href(visit, NULL, NULL, r->pool);
    const sl_cdp_frame_t frame = {
        .title = "Is this the patient?",
        .lead =
            apr_psprintf(r->pool, "For record %s. Nothing has been stored yet.", record->record),
        .up_href = back,
        .up_text = visit->project->name};
    sl_cdp_html_t *html = sl_cdp_html_new(r->pool);

    sl_cdp_pages_put_other(html, visit, lookup->patient);
    put_change(html, visit, record->record, mrn);
    put_previews(html, lookup->previews);
    sl_cdp_frame_form(html, visit, sl_cdp_pages_href(visit, record->record, "fetch", r->pool),
                      sl_cdp_pages_fetch_subject(record, mrn, r->pool));
    sl_cdp_html_put(html,
                    "<input type=\"hidden\" name=\"mrn\" value=\"%s\"><p class=\"row\">"
                    "<button class=\"main\">Yes, fetch the values</button>"
                    "<a class=\"button\" href=\"%s\">No, go back</a></p></form>",
                    mrn, back);
    return sl_cdp_frame_send(r, visit, &frame, html);
}

int sl_cdp_pages_find(request_rec *r, const sl_cdp_visit_t *visit)
{
    const sl_params_t *form;
    const char *name, *mrn;
    sl_cdp_lookup_t lookup = {0};
    sl_cdp_record_t record;
    sl_err_t err = {0};
    sl_rc_t rc;

    if (!sl_cdp_pages_form(&form, r, visit)) {
        return DONE;
    }
    if (!sl_cdp_frame_is_token(visit, "find", sl_params_one(form, "token"), r->pool)) {
        return sl_cdp_frame_forged(r, visit);
    }
    name = sl_params_one(form, "record");
    mrn = sl_params_one(form, "mrn");
    mrn = mrn != NULL ? sl_cdp_trim(r->pool, mrn, strlen(mrn)) : "";
    if (name == NULL || !is_free(name)) {
        return refuse_name(r, visit);
    }
    rc = sl_cdp_pages_record(&record, visit, name, r->pool, &err);
    if (rc == SL_OK) {
        rc = sl_cdp_find(&lookup, visit->cdp, visit->project, mrn, &visit->actor, r->pool, &err);
    }
    return rc == SL_OK ? ask(r, visit, &record, mrn, &lookup)
                       : sl_cdp_pages_no_fetch(
                             r, visit, &(sl_cdp_pages_end_t){rc, lookup.is_protected, NULL}, &err);
}

/** There is no number to ask the EHR for, or none that can be read. */
static int refuse_number(request_rec *r, const sl_cdp_visit_t *visit, const sl_err_t *err)
{
    static const sl_cdp_pages_no_t no = {
        .status = HTTP_CONFLICT,
        .title = "The number of this record is not known",
        .text = "Its medical record number is not stored here, or cannot be read any more. Please "
                "look for the patient again; what was fetched so far stays as it is."};

    return sl_cdp_pages_refuse(r, visit, &no, err);
}

static int refuse_fetch(request_rec *r, const sl_cdp_visit_t *visit,
                        const sl_cdp_fetched_t *fetched, sl_cdp_pages_end_t *end,
                        const sl_err_t *err)
{
    if (fetched->outcome == NULL && (end->rc == SL_NONE || end->rc == SL_DENIED)) {
        return refuse_number(r, visit, err);
    }
    end->is_protected = fetched->outcome != NULL && strcmp(fetched->outcome, "protected") == 0;
    return sl_cdp_pages_no_fetch(r, visit, end, err);
}

int sl_cdp_pages_fetch(request_rec *r, const sl_cdp_visit_t *visit, const char *record)
{
    const sl_params_t *form;
    const char *mrn;
    sl_cdp_record_t was;
    sl_cdp_fetched_t fetched = {0};
    sl_cdp_pages_end_t end = {SL_OK, false, NULL};
    sl_err_t err = {0};
    sl_rc_t rc;

    if (!sl_cdp_pages_form(&form, r, visit)) {
        return DONE;
    }
    rc = sl_cdp_pages_record(&was, visit, record, r->pool, &err);
    if (rc != SL_OK) {
        return visit->core->error(r, rc, &err);
    }
    end.record = was.version > 0 ? record : NULL;
    mrn = sl_params_one(form, "mrn");
    if (!sl_cdp_frame_is_token(visit,
                               sl_cdp_pages_fetch_subject(&was, mrn != NULL ? mrn : "", r->pool),
                               sl_params_one(form, "token"), r->pool)) {
        return sl_cdp_frame_forged(r, visit);
    }
    rc =
        sl_cdp_fetch(&fetched, visit->cdp, &(sl_cdp_fetch_ask_t){visit->project, record, mrn, NULL},
                     &visit->actor, r->pool, &err);
    if (rc != SL_OK) {
        end.rc = rc;
        return refuse_fetch(r, visit, &fetched, &end, &err);
    }
    return visit->core->redirect(
        r, HTTP_SEE_OTHER,
        sl_cdp_visit_href(visit, r->pool, apr_psprintf(r->pool, "held=%d", fetched.held.rows),
                          (const char *const[]){visit->project->name, record, NULL}));
}
