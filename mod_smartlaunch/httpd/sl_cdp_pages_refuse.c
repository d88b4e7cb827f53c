/* SPDX-License-Identifier: Apache-2.0 */
/* What did not work, in plain words, with a way on. */
#include "httpd/sl_cdp_pages.h"

#include <apr_strings.h>
#include <http_log.h>

APLOG_USE_MODULE(smartlaunch_cdp);

int sl_cdp_pages_refuse(request_rec *r, const sl_cdp_visit_t *visit, const sl_cdp_pages_no_t *no,
                        const sl_err_t *err)
{
    const sl_cdp_frame_t frame = {
        .status = no->status,
        .title = no->title,
        .said = no->text,
        .is_trouble = true,
        .up_href = sl_cdp_pages_href(visit, no->record, NULL, r->pool),
        .up_text = no->record != NULL ? no->record : visit->project->name,
    };
    sl_cdp_html_t *html = sl_cdp_html_new(r->pool);

    ap_log_rerror(APLOG_MARK, no->status >= 500 ? APLOG_ERR : APLOG_WARNING, 0, r,
                  "%s: %s (status %d, reference %s)", err->id != NULL ? err->id : "SL8572",
                  err->id != NULL ? err->text : "a screen that cannot be shown", no->status,
                  visit->core->reference(r));
    if (err->retry_after > 0) {
        apr_table_setn(r->err_headers_out, "Retry-After", apr_itoa(r->pool, err->retry_after));
    }
    sl_cdp_html_put(html, "<p class=\"row\">");
    if (no->relaunch) {
        sl_cdp_pages_put_start(html, r, visit, "Sign in to the EHR");
    }
    sl_cdp_html_put(html, "<a class=\"button\" href=\"%s\">Back</a></p>", frame.up_href);
    return sl_cdp_frame_send(r, visit, &frame, html);
}

static const sl_cdp_pages_no_t protected_chart = {
    HTTP_FORBIDDEN, "The EHR protects this chart",
    "The EHR shows this patient's data only to somebody who says why (\"break the glass\"). The "
    "chart is not empty: nothing was read. Please open the chart in the EHR first, then fetch "
    "again.",
    NULL, false};

/** By what the search for a patient, or a fetch, ended with; NULL: nothing of its own. */
static const sl_cdp_pages_no_t *no_of(sl_rc_t rc)
{
    static const sl_cdp_pages_no_t none = {
        HTTP_NOT_FOUND, "No such patient",
        "The EHR has no patient with this medical record number. Please look at the number again.",
        NULL, false};
    static const sl_cdp_pages_no_t several = {
        HTTP_CONFLICT, "More than one patient",
        "The EHR has several patients with this medical record number, and nobody can tell which "
        "one is meant. Nothing was fetched. Please have the number corrected in the EHR.",
        NULL, false};
    static const sl_cdp_pages_no_t refused = {
        HTTP_FORBIDDEN, "The EHR refused",
        "The EHR does not let you read this patient's data. Nothing was fetched.", NULL, true};
    static const sl_cdp_pages_no_t relaunch = {
        HTTP_UNAUTHORIZED, "Please sign in to the EHR",
        "You have no sign-in at the EHR that covers this patient. Open this patient's chart in the "
        "EHR and start from there, or sign in to the EHR without a chart.",
        NULL, true};
    static const sl_cdp_pages_no_t away = {
        HTTP_BAD_GATEWAY, "The EHR cannot be read at the moment",
        "It gave no answer that can be used. What was fetched before is unchanged. Please try "
        "again in some minutes.",
        NULL, false};
    static const sl_cdp_pages_no_t slow = {
        HTTP_GATEWAY_TIME_OUT, "The EHR does not answer",
        "It took too long. What was fetched before is unchanged. Please try again in some minutes.",
        NULL, false};
    static const sl_cdp_pages_no_t busy = {
        HTTP_SERVICE_UNAVAILABLE, "Too much is going on at once",
        "Somebody is fetching this record right now, or the EHR asks us to wait. Please try again "
        "in a minute.",
        NULL, false};

    switch (rc) {
    case SL_NONE:
        return &none;
    case SL_CONFLICT:
        return &several;
    case SL_DENIED:
        return &refused;
    case SL_EXPIRED:
        return &relaunch;
    case SL_UPSTREAM:
        return &away;
    case SL_TIMEOUT:
        return &slow;
    case SL_BUSY:
        return &busy;
    case SL_OK:
    case SL_INVALID:
    case SL_UNKNOWN_EHR:
    case SL_FOREIGN:
    case SL_USED:
    case SL_UNAVAILABLE:
    case SL_FAILED:
        break;
    }
    return NULL;
}

int sl_cdp_pages_no_fetch(request_rec *r, const sl_cdp_visit_t *visit,
                          const sl_cdp_pages_end_t *end, const sl_err_t *err)
{
    const sl_cdp_pages_no_t *known = end->is_protected ? &protected_chart : no_of(end->rc);
    sl_cdp_pages_no_t no = {HTTP_BAD_REQUEST, "This cannot be fetched", NULL, NULL, false};

    if (known != NULL) {
        no = *known;
    } else if (end->rc == SL_INVALID) { /* no mapping yet, or no number at all */
        no.text = apr_psprintf(r->pool, "The reason: %s.", err->text);
    } else {
        return visit->core->error(r, end->rc, err);
    }
    no.record = end->record;
    return sl_cdp_pages_refuse(r, visit, &no, err);
}
