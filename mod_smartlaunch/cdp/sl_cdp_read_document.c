/* SPDX-License-Identifier: Apache-2.0 */
/* Clinical notes: those that come as HTML, in the resource itself (where a fetch has put those that
 * the EHR keeps apart). */
#include "base/sl_text.h"
#include "cdp/sl_cdp_fhir.h"
#include "cdp/sl_cdp_reader.h"
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define NOT_HTML "The EHR has a note that is no HTML."
#define ELSEWHERE "The EHR keeps the text of a note apart, where it could not be had."
#define BROKEN "The EHR sent a note that cannot be read."
#define TOO_LONG "The EHR has a note that is longer than 65,536 bytes."

static bool is_html(const sl_json_t *attachment)
{
    const char *type = sl_json_str(attachment, "contentType");
    apr_size_t len = type == NULL ? 0 : strcspn(type, "; ");

    return len == strlen("text/html") && strncasecmp(type, "text/html", len) == 0;
}

/* @return the HTML; NULL with `reason`: there is none to be had */
static const char *html_of(const char **reason, const sl_json_t *attachment, apr_pool_t *p)
{
    const char *data = sl_json_str(attachment, "data");
    unsigned char *bytes;
    apr_size_t len;

    if (!is_html(attachment)) {
        *reason = NOT_HTML;
        return NULL;
    }
    if (data == NULL) {
        *reason = ELSEWHERE;
        return NULL;
    }
    if (strlen(data) / 4 * 3 > SL_CDP_MAX_VALUE) {
        *reason = TOO_LONG;
        return NULL;
    }
    bytes = sl_text_unbase64(p, data, &len);
    *reason = BROKEN;
    if (bytes == NULL || !sl_text_is_utf8((const char *)bytes, len)) {
        return NULL;
    }
    return sl_cdp_fhir_clean(p, (const char *)bytes, len, true);
}

/* A note may come in several forms: HTML is taken where it is one of them. */
static const char *read_content(const char **reason, const sl_json_t *resource, apr_pool_t *p)
{
    const sl_json_t *content = sl_json_get(resource, "content");
    const char *other = NULL;

    *reason = NOT_HTML;
    for (int i = 0; i < sl_cdp_fhir_count(content); i++) {
        const sl_json_t *attachment = sl_json_get(sl_cdp_fhir_at(content, i), "attachment");
        const char *html = html_of(&other, attachment, p);

        if (html != NULL) {
            return html;
        }
        *reason = is_html(attachment) ? other : *reason;
    }
    return NULL;
}

bool sl_cdp_reader_document(const sl_cdp_paging_t *paging, const sl_json_t *resource)
{
    sl_cdp_lines_t *lines =
        apr_hash_get(paging->reader->lists, "document-notes", APR_HASH_KEY_STRING);
    const char *date = sl_json_str(resource, "date");
    const char *label = sl_cdp_fhir_concept(paging->p, sl_json_get(resource, "type"));
    const char *html, *reason, *heading;

    if (lines == NULL || !sl_cdp_fhir_is(resource, "status", "current") ||
        sl_cdp_fhir_is(resource, "docStatus", "entered-in-error")) {
        return false;
    }
    html = read_content(&reason, resource, paging->p);
    if (html == NULL) {
        sl_cdp_lines_omit(lines, reason);
        return true;
    }
    date = date == NULL ? "" : apr_pstrndup(paging->p, date, strlen("YYYY-MM-DD"));
    heading = apr_pstrcat(paging->p, label == NULL ? "Note" : label, *date == '\0' ? "" : ", ",
                          date, "\n", NULL);
    if (strlen(heading) + strlen(html) > SL_CDP_MAX_VALUE) {
        sl_cdp_lines_omit(lines, TOO_LONG);
        return true;
    }
    sl_cdp_lines_add(lines, date, apr_pstrcat(paging->p, heading, html, NULL));
    return true;
}
