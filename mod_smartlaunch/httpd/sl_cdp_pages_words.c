/* SPDX-License-Identifier: Apache-2.0 */
/* Addresses, forms and small texts that the screens share. */
#include "httpd/sl_cdp_pages.h"

#include <apr_strings.h>
#include <string.h>

const char *sl_cdp_pages_href(const sl_cdp_visit_t *visit, const char *record, const char *action,
                              apr_pool_t *p)
{
    const char *const parts[] = {visit->project->name, record != NULL ? record : "", action, NULL};

    return sl_cdp_visit_href(visit, p, NULL, parts);
}

const sl_params_t *sl_cdp_pages_query(const request_rec *r)
{
    const char *args = r->args != NULL ? r->args : "";
    sl_params_t *params;

    if (sl_params_parse(&params, args, strlen(args), r->pool, NULL) != SL_OK) {
        params = apr_palloc(r->pool, sizeof(*params));
        params->pairs = apr_array_make(r->pool, 1, sizeof(sl_param_t));
    }
    return params;
}

bool sl_cdp_pages_form(const sl_params_t **out, request_rec *r, const sl_cdp_visit_t *visit)
{
    static const sl_cdp_pages_no_t no = {
        .status = HTTP_BAD_REQUEST,
        .title = "This form cannot be read",
        .text = "Nothing was changed. Please open the page again, and try once more."};
    sl_params_t *params;
    const char *body;
    apr_size_t len;
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_visit_body(&body, &len, r, "application/x-www-form-urlencoded",
                                   SL_PARAMS_LONG_BYTES, &err);

    if (rc == SL_OK) {
        rc = sl_params_parse_long(&params, body, len, r->pool, &err);
    }
    if (rc != SL_OK) {
        (void)sl_cdp_pages_refuse(r, visit, &no, &err);
        return false;
    }
    *out = params;
    return true;
}

const char *sl_cdp_pages_fetch_subject(const sl_cdp_record_t *record, const char *mrn,
                                       apr_pool_t *p)
{
    return apr_psprintf(p, "fetch\n%s\n%" APR_INT64_T_FMT "\n%s", record->record, record->version,
                        mrn);
}

sl_rc_t sl_cdp_pages_record(sl_cdp_record_t *out, const sl_cdp_visit_t *visit, const char *record,
                            apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc = sl_cdp_hold_record(out, visit->cdp, visit->project->name, record, p, err);

    out->record = record;
    return rc == SL_NONE ? SL_OK : rc;
}

void sl_cdp_pages_put_start(sl_cdp_html_t *html, request_rec *r, const sl_cdp_visit_t *visit,
                            const char *text)
{
    const char *const parts[] = {visit->project->name, "", NULL};
    sl_cdp_visit_t plain = *visit;
    const char *href;

    plain.handle = NULL; /* the new sign-in has one of its own */
    href = visit->core->start_url(r, visit->project->ehr->name,
                                  sl_cdp_visit_href(&plain, html->p, NULL, parts));
    if (href != NULL) {
        /* in a frame of the EHR's its login may not be shown: a window of its own */
        sl_cdp_html_put(html, "<a class=\"button\" href=\"%s\" target=\"%s\">%s</a>", href,
                        visit->who.patient != NULL ? "_blank" : "_self", text);
    }
}

void sl_cdp_pages_put_other(sl_cdp_html_t *html, const sl_cdp_visit_t *visit, const char *patient)
{
    const sl_core_who_t *who = &visit->who;

    if (patient != NULL && who->patient != NULL && who->ehr != NULL &&
        strcmp(who->ehr, visit->project->ehr->name) == 0 && strcmp(who->patient, patient) != 0) {
        sl_cdp_html_put(html, "<p class=\"trouble\">This is not the patient whose chart this "
                              "window was opened from. Please make sure that it is the one you "
                              "mean.</p>");
    }
}

const char *sl_cdp_pages_when(sl_cdp_when_t when, apr_pool_t *p)
{
    const char *text = sl_cdp_when_text(p, when);
    apr_size_t len = strlen(text);

    return len > 3 && when.precision == SL_CDP_DATETIME && strcmp(text + len - 3, ":00") == 0
               ? apr_pstrmemdup(p, text, len - 3)
               : text;
}

const char *sl_cdp_pages_time(apr_time_t at, apr_pool_t *p)
{
    const char *text = sl_cdp_when_text(p, sl_cdp_when_at(at));

    return at == 0 ? "never" : apr_pstrmemdup(p, text, strlen(text) - 3);
}

const char *sl_cdp_pages_number(int n, const char *one, const char *many, apr_pool_t *p)
{
    return apr_psprintf(p, "%d %s", n, n == 1 ? one : many);
}

const char *sl_cdp_pages_news(int fresh, apr_pool_t *p)
{
    return fresh == 0 ? "nothing new" : sl_cdp_pages_number(fresh, "new item", "new items", p);
}
