/* SPDX-License-Identifier: Apache-2.0 */
/* What was done to a record, and how much is new in it. */
#include "httpd/sl_cdp_pages.h"

#include <apr_strings.h>

#define EVENTS 500

static void put_event(sl_cdp_html_t *html, const sl_cdp_event_t *event)
{
    bool has_time = event->when.precision != SL_CDP_NO_TIME;
    const char *instance =
        event->instance > 0 ? apr_psprintf(html->p, ", instance %d", event->instance) : NULL;

    sl_cdp_html_put(html,
                    "<tr><td data-head=\"When\">%s</td><td data-head=\"Who\">%s</td>"
                    "<td data-head=\"What\">%s</td>",
                    sl_cdp_pages_time(event->at, html->p), event->user, event->what);
    sl_cdp_html_put(html, "<td data-head=\"Field\">%s%s%s%s</td>", event->event,
                    event->event != NULL && event->event[0] != '\0' ? ", " : NULL, event->field,
                    instance);
    sl_cdp_html_put(html, "<td data-head=\"Source and detail\">%s%s%s%s%s</td></tr>", event->source,
                    has_time ? ", " : NULL,
                    has_time ? sl_cdp_pages_when(event->when, html->p) : NULL,
                    event->detail != NULL ? " " : NULL, event->detail);
}

int sl_cdp_pages_log(request_rec *r, const sl_cdp_visit_t *visit, const char *record)
{
    const sl_cdp_frame_t frame = {
        .title = apr_pstrcat(r->pool, "Record ", record, ": who did what", NULL),
        .lead = "The newest first. Values themselves are not noted here.",
        .up_href = sl_cdp_pages_href(visit, record, NULL, r->pool),
        .up_text = apr_pstrcat(r->pool, "Record ", record, NULL)};
    sl_cdp_html_t *html = sl_cdp_html_new(r->pool);
    apr_array_header_t *events = NULL;
    sl_cdp_record_t known;
    sl_err_t err = {0};
    sl_rc_t rc =
        sl_cdp_hold_record(&known, visit->cdp, visit->project->name, record, r->pool, &err);

    if (rc == SL_OK) {
        rc = sl_cdp_log(&events, visit->cdp, visit->project->name, record, EVENTS, r->pool, &err);
    }
    if (rc != SL_OK) {
        return rc == SL_NONE ? sl_cdp_visit_not_found(visit, r) : visit->core->error(r, rc, &err);
    }
    sl_cdp_html_put(html, "<table><thead><tr><th scope=\"col\">When</th><th scope=\"col\">Who</th>"
                          "<th scope=\"col\">What</th><th scope=\"col\">Field</th>"
                          "<th scope=\"col\">Source and detail</th></tr></thead><tbody>");
    for (int i = 0; i < events->nelts; i++) {
        put_event(html, &APR_ARRAY_IDX(events, i, sl_cdp_event_t));
    }
    sl_cdp_html_put(html, "</tbody></table>");
    return sl_cdp_frame_send(r, visit, &frame, html);
}
