/* SPDX-License-Identifier: Apache-2.0 */
/* The sheet of a record: what the EHR has for it, to be looked at, chosen and saved. */
#include "httpd/sl_cdp_pages.h"

#include <apr_strings.h>
#include <string.h>

bool sl_cdp_pages_is_open(const sl_cdp_target_t *target)
{
    return target->candidates->nelts > 0;
}

/* ---- how the last fetch went ---- */

static const char *outcome_text(const sl_cdp_record_t *record, int offered)
{
    static const struct {
        const char *outcome, *text;
    } texts[] = {
        {"partial", "Some of the chart could not be read at the last fetch; what is missing is "
                    "named below. What was read is here."},
        {"failed", "The last fetch failed. What was fetched before is unchanged."},
        {"protected", "The EHR protects this patient's chart (\"break the glass\") and gave "
                      "nothing. That does not mean that the chart is empty. Please open the chart "
                      "in the EHR first, then fetch again."},
        {"not_found", "At the last fetch the EHR had no patient with this record's number."},
        {"ambiguous", "At the last fetch the EHR had several patients with this record's number, "
                      "so nothing was fetched."},
        {"relaunch", "The last fetch needed a new sign-in at the EHR. Please open the patient's "
                     "chart there, or sign in again, then fetch again."},
    };

    for (size_t i = 0; record->outcome != NULL && i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (strcmp(texts[i].outcome, record->outcome) == 0) {
            return texts[i].text;
        }
    }
    return offered == 0 && record->outcome != NULL
               ? "The chart was read as a whole, and there is nothing new in it for this record."
               : NULL;
}

static void put_warnings(sl_cdp_html_t *html, const char *text)
{
    sl_json_t *list;

    if (text == NULL || sl_json_parse_any(&list, text, strlen(text), html->p, NULL) != SL_OK ||
        json_object_get_type(list) != json_type_array || json_object_array_length(list) == 0) {
        return;
    }
    sl_cdp_html_put(html, "<div class=\"note\"><p>From the last fetch:</p><ul>");
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        const sl_json_t *one = json_object_array_get_idx(list, i);
        const char *source = sl_json_str(one, "source");

        sl_cdp_html_put(html, "<li>%s%s%s</li>", source, source != NULL && *source ? ": " : "",
                        sl_json_str(one, "message"));
    }
    sl_cdp_html_put(html, "</ul></div>");
}

static void put_fetch(sl_cdp_html_t *html, request_rec *r, const sl_cdp_visit_t *visit,
                      const sl_cdp_record_t *record)
{
    sl_cdp_html_put(html, "<p class=\"quiet\">Last fetch: %s%s%s.</p>",
                    sl_cdp_pages_time(record->fetched_at, html->p),
                    record->fetched_by != NULL ? ", with the sign-in of " : "", record->fetched_by);
    if (record->state == SL_CDP_FETCHING) {
        sl_cdp_html_put(html, "<p class=\"note\">It is being fetched right now. Please open this "
                              "page again in a minute.</p>");
        return;
    }
    if (record->state == SL_CDP_QUEUED) {
        sl_cdp_html_put(html, "<p class=\"note\">The rest is fetched by itself soon.</p>");
    }
    sl_cdp_frame_form(html, visit, sl_cdp_pages_href(visit, record->record, "fetch", html->p),
                      sl_cdp_pages_fetch_subject(record, "", html->p));
    sl_cdp_html_put(html, "<p class=\"row\"><button>Fetch again</button>");
    if (record->outcome != NULL && strcmp(record->outcome, "relaunch") == 0) {
        sl_cdp_pages_put_start(html, r, visit, "Sign in to the EHR");
    }
    sl_cdp_html_put(html, "<a href=\"%s\">Who did what to this record</a></p></form>",
                    sl_cdp_pages_href(visit, record->record, "log", html->p));
}

/* ---- what became of what was saved ---- */

static void put_deliveries(sl_cdp_html_t *html, const sl_cdp_sheet_t *sheet)
{
    if (sheet->waiting > 0) {
        sl_cdp_html_put(html,
                        "<p class=\"note\">%s for the study's application, which cannot "
                        "take it at the moment. This is tried again by itself; nothing is "
                        "lost.</p>",
                        sheet->waiting == 1
                            ? "1 saved value waits"
                            : apr_psprintf(html->p, "%d saved values wait", sheet->waiting));
    }
    if (sheet->aside > 0) {
        sl_cdp_html_put(html,
                        "<p class=\"trouble\">%s cannot be sent to the study's application. The "
                        "reason stands beside the field.</p>",
                        sl_cdp_pages_number(sheet->aside, "saved value", "saved values", html->p));
    }
    if (sheet->refused > 0) {
        sl_cdp_html_put(
            html,
            "<p class=\"trouble\">The study's application refused %s. The reason "
            "stands beside the field.</p>",
            sl_cdp_pages_number(sheet->refused, "saved value", "saved values", html->p));
    }
    if (sheet->revised > 0) {
        sl_cdp_html_put(
            html,
            "<p class=\"trouble\">The EHR has since corrected or withdrawn %s. It stands beside "
            "the field; what the study has is not changed by itself.</p>",
            sl_cdp_pages_number(sheet->revised, "saved value", "saved values", html->p));
    }
    if (sheet->app_is_away) {
        sl_cdp_html_put(html, "<p class=\"note\">The study's application cannot be asked at the "
                              "moment. What the record has now is not shown, and what has to be "
                              "checked by it cannot be saved.</p>");
    }
}

/* ---- the fields ---- */

static bool is_other_part(const sl_cdp_target_t *was, const sl_cdp_target_t *target)
{
    return was == NULL || was->instance != target->instance ||
           strcmp(was->event != NULL ? was->event : "",
                  target->event != NULL ? target->event : "") != 0;
}

static void put_part(sl_cdp_html_t *html, const sl_cdp_target_t *target)
{
    bool has_event = target->event != NULL && target->event[0] != '\0';
    const char *number =
        target->instance > 0 ? apr_psprintf(html->p, "Instance %d", target->instance) : NULL;

    sl_cdp_html_put(html, "<h2>%s%s%s</h2>",
                    has_event        ? target->event_label
                    : number == NULL ? "Values to decide about"
                                     : NULL,
                    has_event && number != NULL ? ", " : NULL, number);
}

static int put_open(sl_cdp_html_t *html, const sl_cdp_sheet_t *sheet, const sl_cdp_choices_t *kept)
{
    const sl_cdp_target_t *was = NULL;
    int count = 0;

    for (int i = 0; i < sheet->targets->nelts; i++) {
        const sl_cdp_target_t *target = &APR_ARRAY_IDX(sheet->targets, i, sl_cdp_target_t);

        if (!sl_cdp_pages_is_open(target)) {
            continue;
        }
        if (is_other_part(was, target)) {
            put_part(html, target);
        }
        sl_cdp_pages_put_target(html, target, i, kept);
        was = target;
        count++;
    }
    return count;
}

static const char *sent_text(const sl_cdp_target_t *target, apr_pool_t *p)
{
    switch (target->sent) {
    case SL_CDP_WAITING:
        return "saved; waits for the study's application";
    case SL_CDP_ASIDE:
        return apr_psprintf(p, "saved, and cannot be sent. %s", target->refusal);
    case SL_CDP_DELIVERED:
        return "saved";
    case SL_CDP_REFUSED:
        return target->refusal != NULL ? target->refusal : "refused by the study's application";
    case SL_CDP_NOT_SENT:
        break;
    }
    return "nothing new";
}

static void put_settled(sl_cdp_html_t *html, const sl_cdp_sheet_t *sheet, int count)
{
    if (count == 0) {
        return;
    }
    sl_cdp_html_put(html,
                    "<details%s><summary>%s without anything to decide</summary><table><thead><tr>"
                    "<th scope=\"col\">Field</th><th scope=\"col\">In the study now</th>"
                    "<th scope=\"col\">State</th></tr></thead><tbody>",
                    sheet->aside > 0 || sheet->revised > 0 ? " open" : NULL,
                    sl_cdp_pages_number(count, "field", "fields", html->p));
    for (int i = 0; i < sheet->targets->nelts; i++) {
        const sl_cdp_target_t *target = &APR_ARRAY_IDX(sheet->targets, i, sl_cdp_target_t);

        if (!sl_cdp_pages_is_open(target)) {
            const char *revised = sl_cdp_pages_revised(target);

            sl_cdp_html_put(html, "<tr><th scope=\"row\">%s<small>%s%s%s</small></th>",
                            target->label, target->event_label,
                            target->event != NULL && target->event[0] != '\0' ? ", " : NULL,
                            target->field);
            sl_cdp_html_put(html,
                            "<td data-head=\"In the study now\">%s</td>"
                            "<td data-head=\"State\">%s%s%s</td></tr>",
                            target->current == NULL      ? "not known"
                            : target->current[0] == '\0' ? "empty"
                                                         : target->current,
                            sent_text(target, html->p), revised != NULL ? ". " : NULL, revised);
        }
    }
    sl_cdp_html_put(html, "</tbody></table></details>");
}

static void put_form(sl_cdp_html_t *html, const sl_cdp_visit_t *visit, const sl_cdp_sheet_t *sheet,
                     const sl_cdp_choices_t *kept)
{
    const char *record = sheet->record.record;
    sl_cdp_html_t *fields = sl_cdp_html_new(html->p);
    int count = put_open(fields, sheet, kept);

    if (count > 0) {
        sl_cdp_html_put(
            html,
            "<form method=\"post\" action=\"%s\"><input type=\"hidden\" name=\"token\" "
            "value=\"%s\">",
            sl_cdp_pages_href(visit, record, NULL, html->p),
            sl_cdp_sheet_token(visit->cdp, visit->project, sheet, &visit->actor, html->p));
        sl_cdp_html_add(html, fields);
        sl_cdp_html_put(html,
                        "<div class=\"row bar\"><button class=\"main\" name=\"do\" value=\"save\">"
                        "Save</button><button class=\"risk\" name=\"do\" value=\"exclude\">"
                        "Exclude only</button><a class=\"button\" href=\"%s\">Later</a>"
                        "<small>Save writes what is chosen into the study, and excludes what is "
                        "marked. Exclude only writes nothing. Later leaves all as it is.</small>"
                        "</div></form>",
                        sl_cdp_pages_href(visit, NULL, NULL, html->p));
    }
    put_settled(html, sheet, sheet->targets->nelts - count);
}

/** A record that the study may have, and nobody has fetched. */
static int show_unknown(request_rec *r, const sl_cdp_visit_t *visit, sl_cdp_frame_t *frame,
                        const char *record)
{
    sl_cdp_html_t *html = sl_cdp_html_new(r->pool);

    frame->status = HTTP_NOT_FOUND;
    frame->said = "Nothing has been fetched for this record yet.";
    sl_cdp_pages_put_find(html, visit, record);
    return sl_cdp_frame_send(r, visit, frame, html);
}

int sl_cdp_pages_sheet_send(request_rec *r, const sl_cdp_visit_t *visit, const char *record,
                            const sl_cdp_pages_again_t *again)
{
    sl_cdp_frame_t frame = {.status = again->status,
                            .title = apr_pstrcat(r->pool, "Record ", record, NULL),
                            .said = again->said,
                            .is_trouble = again->is_trouble,
                            .up_href = sl_cdp_pages_href(visit, NULL, NULL, r->pool),
                            .up_text = visit->project->name};
    sl_cdp_html_t *html = sl_cdp_html_new(r->pool);
    sl_cdp_sheet_t sheet;
    const char *text;
    sl_err_t err = {0};
    /* HEAD shows nothing, so that nobody has seen anything. */
    sl_rc_t rc = sl_cdp_sheet_load(&sheet, visit->cdp, visit->project, record,
                                   r->header_only ? NULL : &visit->actor, r->pool, &err);

    if (rc != SL_OK) {
        return rc == SL_NONE ? show_unknown(r, visit, &frame, record)
                             : visit->core->error(r, rc, &err);
    }
    frame.lead = apr_psprintf(r->pool, "%s: %s", visit->project->name,
                              sl_cdp_pages_news(sheet.record.fresh, r->pool));
    sl_cdp_pages_put_other(html, visit, sheet.record.patient);
    text = outcome_text(&sheet.record, sheet.record.fresh);
    if (text != NULL) {
        sl_cdp_html_put(html, "<p class=\"note\">%s</p>", text);
    }
    put_warnings(html, sheet.record.warnings);
    put_deliveries(html, &sheet);
    put_fetch(html, r, visit, &sheet.record);
    put_form(html, visit, &sheet, again->kept);
    return sl_cdp_frame_send(r, visit, &frame, html);
}

/** A small number of the query. */
static int number(const sl_params_t *query, const char *name)
{
    const char *text = sl_params_one(query, name);
    apr_size_t len = text != NULL ? strspn(text, "0123456789") : 0;

    return len > 0 && len < 7 && text[len] == '\0' ? atoi(text) : -1;
}

static const char *part(const char *text, int n, const char *one, const char *many, apr_pool_t *p)
{
    return n <= 0 ? text
                  : apr_pstrcat(p, text, *text != '\0' ? " " : "",
                                sl_cdp_pages_number(n, one, many, p), NULL);
}

/** What the form before this page did; NULL: there was none. */
static const char *said(const sl_params_t *query, apr_pool_t *p)
{
    int held = number(query, "held");
    const char *text;

    if (held >= 0) {
        return held == 0
                   ? "Fetched: nothing in the chart has changed."
                   : apr_pstrcat(p, "Fetched: ",
                                 sl_cdp_pages_number(held, "new value.", "new values.", p), NULL);
    }
    if (number(query, "saved") < 0) {
        return NULL;
    }
    text = part("", number(query, "saved"), "value saved.", "values saved.", p);
    text = part(text, number(query, "refused"), "of them was refused by the study's application.",
                "of them were refused by the study's application.", p);
    text = part(text, number(query, "excluded"), "value excluded.", "values excluded.", p);
    text = part(text, number(query, "included"), "value is offered again.",
                "values are offered again.", p);
    return *text != '\0' ? text : "Nothing was chosen, so nothing was changed.";
}

int sl_cdp_pages_sheet(request_rec *r, const sl_cdp_visit_t *visit, const char *record)
{
    const sl_params_t *query = sl_cdp_pages_query(r);
    const sl_cdp_pages_again_t again = {.said = said(query, r->pool),
                                        .is_trouble = number(query, "refused") > 0};

    return sl_cdp_pages_sheet_send(r, visit, record, &again);
}
