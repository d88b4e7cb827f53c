/* SPDX-License-Identifier: Apache-2.0 */
/* A project: its records, the sign-in at the EHR, and the way to a new record. */
#include "httpd/sl_cdp_pages.h"

#include "base/sl_text.h"
#include "flow/sl_cdp_fetch.h"

#include <apr_strings.h>

#define PAGE 50 /* records of a page */
#define SOON apr_time_from_sec(14 * 24 * 3600)

/* ---- the sign-in ---- */

static const char *time_left(apr_interval_time_t left, apr_pool_t *p)
{
    apr_int64_t minutes = apr_time_sec(left) / 60;

    if (minutes < 120) {
        return sl_cdp_pages_number((int)minutes, "minute", "minutes", p);
    }
    return minutes < 48 * 60 ? sl_cdp_pages_number((int)(minutes / 60), "hour", "hours", p)
                             : sl_cdp_pages_number((int)(minutes / 60 / 24), "day", "days", p);
}

static void put_lapses(sl_cdp_html_t *html, request_rec *r, const sl_cdp_visit_t *visit,
                       apr_interval_time_t left)
{
    sl_cdp_html_put(html, "<p class=\"%s\">Your sign-in at the EHR lapses in %s.</p>",
                    left < SOON ? "note" : "quiet", time_left(left, html->p));
    if (left < SOON) {
        sl_cdp_html_put(html, "<p class=\"row\">");
        sl_cdp_pages_put_start(html, r, visit, "Sign in again");
        sl_cdp_html_put(html, "</p>");
    }
}

static void put_signin(sl_cdp_html_t *html, request_rec *r, const sl_cdp_visit_t *visit)
{
    sl_cdp_signin_t signin;
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_signin(&signin, visit->cdp, visit->project, &visit->actor, html->p, &err);

    if (rc == SL_NONE) {
        sl_cdp_html_put(html, "<p class=\"note\">You are not signed in to the EHR. To fetch "
                              "anything, open the patient's chart in the EHR and start from "
                              "there, or sign in here.</p><p class=\"row\">");
        sl_cdp_pages_put_start(html, r, visit, "Sign in to the EHR");
        sl_cdp_html_put(html, "</p>");
    } else if (rc != SL_OK) {
        sl_cdp_html_put(html, "<p class=\"note\">Whether you are signed in to the EHR cannot be "
                              "told at the moment.</p>");
    } else if (signin.expires_at == 0) {
        sl_cdp_html_put(html, "<p class=\"quiet\">You are signed in to the EHR; this is renewed "
                              "by itself.</p>");
    } else {
        put_lapses(html, r, visit, signin.expires_at - apr_time_now());
    }
}

/* ---- look for a patient ---- */

void sl_cdp_pages_put_find(sl_cdp_html_t *html, const sl_cdp_visit_t *visit, const char *record)
{
    sl_cdp_frame_form(html, visit, sl_cdp_pages_href(visit, "find", NULL, html->p), "find");
    sl_cdp_html_put(html,
                    "<div class=\"fields\"><label for=\"record\">Record"
                    "<input type=\"text\" id=\"record\" name=\"record\" required "
                    "maxlength=\"100\" autocomplete=\"off\" value=\"%s\"></label>"
                    "<label for=\"mrn\">Medical record number"
                    "<input type=\"text\" id=\"mrn\" name=\"mrn\" required "
                    "maxlength=\"200\" autocomplete=\"off\"></label></div>"
                    "<p class=\"row\"><button class=\"main\">Look for the patient</button>"
                    "<span class=\"quiet\">Nothing is stored before you have said that it "
                    "is the right one.</span></p></form>",
                    record);
}

/* ---- records ---- */

static const char *state_text(const sl_cdp_record_t *record)
{
    static const struct {
        const char *outcome, *text;
    } texts[] = {
        {"ok", "complete"},
        {"partial", "some of it is missing"},
        {"failed", "failed"},
        {"protected", "protected in the EHR"},
        {"not_found", "no such patient"},
        {"ambiguous", "several patients"},
        {"relaunch", "a sign-in at the EHR is needed"},
    };

    if (record->state != SL_CDP_IDLE) {
        return record->state == SL_CDP_FETCHING ? "being fetched" : "waits to be fetched";
    }
    for (size_t i = 0; record->outcome != NULL && i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(texts[i].outcome, record->outcome) == 0) {
            return texts[i].text;
        }
    }
    return "not fetched yet";
}

static void put_record(sl_cdp_html_t *html, const sl_cdp_visit_t *visit,
                       const sl_cdp_record_t *record)
{
    sl_cdp_html_put(html, "<tr><th scope=\"row\"><a href=\"%s\">%s</a></th>",
                    sl_cdp_pages_href(visit, record->record, NULL, html->p), record->record);
    sl_cdp_html_put(html, "<td data-head=\"New items\"><span class=\"%s\">%s</span></td>",
                    record->fresh > 0 ? "badge" : "quiet",
                    sl_cdp_pages_news(record->fresh, html->p));
    sl_cdp_html_put(html,
                    "<td data-head=\"Last fetch\">%s</td><td data-head=\"How it went\">%s</td>"
                    "</tr>",
                    sl_cdp_pages_time(record->fetched_at, html->p), state_text(record));
}

static const char *list_href(const sl_cdp_visit_t *visit, bool only_fresh, const char *after,
                             apr_pool_t *p)
{
    const char *const parts[] = {visit->project->name, "", NULL};
    const char *query = only_fresh ? "show=new" : "show=all";

    if (after != NULL) {
        query = apr_pstrcat(p, query, "&after=", sl_text_percent(p, after), NULL);
    }
    return sl_cdp_visit_href(visit, p, query, parts);
}

static void put_table(sl_cdp_html_t *html, const sl_cdp_visit_t *visit,
                      const apr_array_header_t *records)
{
    int count = records->nelts < PAGE ? records->nelts : PAGE;

    sl_cdp_html_put(html, "<table><thead><tr><th scope=\"col\">Record</th>"
                          "<th scope=\"col\">New items</th><th scope=\"col\">Last fetch</th>"
                          "<th scope=\"col\">How it went</th></tr></thead><tbody>");
    for (int i = 0; i < count; i++) {
        put_record(html, visit, &APR_ARRAY_IDX(records, i, sl_cdp_record_t));
    }
    sl_cdp_html_put(html, "</tbody></table>");
}

static sl_rc_t put_records(sl_cdp_html_t *html, request_rec *r, const sl_cdp_visit_t *visit,
                           sl_err_t *err)
{
    const sl_params_t *query = sl_cdp_pages_query(r);
    const char *show = sl_params_one(query, "show");
    bool only_fresh = show != NULL && strcmp(show, "new") == 0;
    const char *after = sl_params_one(query, "after");
    const sl_cdp_record_page_t page = {after, PAGE + 1, only_fresh};
    apr_array_header_t *records;
    sl_rc_t rc =
        sl_cdp_hold_records(&records, visit->cdp, visit->project->name, &page, html->p, err);

    if (rc != SL_OK) {
        return rc;
    }
    sl_cdp_html_put(html, "<h2 id=\"records\">%s</h2>",
                    only_fresh ? "Records with new items" : "Records");
    if (records->nelts > 0) {
        put_table(html, visit, records);
    } else {
        sl_cdp_html_put(html, "<p>%s</p>",
                        after != NULL ? "There are no more of them."
                        : only_fresh  ? "There is nothing new to look at."
                                      : "Nothing has been fetched yet.");
    }
    sl_cdp_html_put(html, "<p class=\"row\">");
    if (records->nelts > PAGE) {
        sl_cdp_html_put(html, "<a class=\"button\" href=\"%s\">More records</a>",
                        list_href(visit, only_fresh,
                                  APR_ARRAY_IDX(records, PAGE - 1, sl_cdp_record_t).record,
                                  html->p));
    }
    sl_cdp_html_put(html, "<a href=\"%s\">%s</a></p>", list_href(visit, !only_fresh, NULL, html->p),
                    only_fresh ? "Show all records" : "Show only those with new items");
    return SL_OK;
}

int sl_cdp_pages_project(request_rec *r, const sl_cdp_visit_t *visit)
{
    const sl_cdp_frame_t frame = {.title = visit->project->name,
                                  .lead = "Values from the EHR, to be looked at before they go "
                                          "into the study.",
                                  .up_href = sl_cdp_visit_href(visit, r->pool, NULL, NULL),
                                  .up_text = "Your projects"};
    sl_cdp_html_t *html = sl_cdp_html_new(r->pool);
    sl_err_t err = {0};
    sl_rc_t rc = SL_OK;

    if (visit->rights.adjudicate) {
        put_signin(html, r, visit);
        rc = put_records(html, r, visit, &err);
        sl_cdp_html_put(html, "<h2 id=\"find\">Fetch a record</h2>");
        sl_cdp_pages_put_find(html, visit, sl_params_one(sl_cdp_pages_query(r), "record"));
    }
    if (rc != SL_OK) {
        return visit->core->error(r, rc, &err);
    }
    if (visit->rights.setup) {
        sl_cdp_html_put(html,
                        "<h2>Set up</h2><p class=\"row\"><a class=\"button\" href=\"%s\">Fields "
                        "and rights of this project</a></p>",
                        sl_cdp_pages_href(visit, "setup", NULL, html->p));
    }
    return sl_cdp_frame_send(r, visit, &frame, html);
}
