/* SPDX-License-Identifier: Apache-2.0 */
/* Clinical notes whose HTML is a Binary beside them: it is put where it could have been. */
#include "flow/sl_cdp_fetch_run.h"

#include "cdp/sl_cdp_fhir.h"
#include "cdp/sl_cdp_read.h"
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define BINARY "Binary/"
#define MOST_NOTES 100                   /* of a page; the others say that they were not fetched */
#define MOST_DATA (SL_CDP_MAX_VALUE * 2) /* base64: more is too long for a value, as it is */

typedef struct {
    sl_cdp_run_t *run;
    apr_pool_t *p; /* of one note */
    int notes;
} notes_t;

/** Where it is, at the EHR itself; NULL: elsewhere, or no Binary. */
static const char *url_of(const notes_t *notes, const char *url)
{
    const sl_ehr_t *ehr = notes->run->project->ehr;
    const char *id = strstr(url, BINARY);

    if (id == NULL || id[strlen(BINARY)] == '\0' || strchr(id, '?') != NULL) {
        return NULL;
    }
    if (id == url) {
        return sl_cdp_fetch_url(ehr, url, notes->p);
    }
    return id[-1] == '/' && sl_cdp_may_follow(ehr->issuer, url, notes->p) ? url : NULL;
}

static bool is_html(const char *type)
{
    apr_size_t len = type == NULL ? 0 : strcspn(type, "; ");

    return len == strlen("text/html") && strncasecmp(type, "text/html", len) == 0;
}

/** What is missing for good stays away, and the note says so; any other trouble is the whole's. */
static bool is_for_good(sl_rc_t rc, const sl_cdp_answer_t *answer)
{
    return (rc == SL_UPSTREAM || rc == SL_INVALID || rc == SL_DENIED || rc == SL_NONE) &&
           answer->status > 0 && answer->status < 500;
}

static sl_rc_t fetch_note(notes_t *notes, sl_json_t *attachment, const char *url, sl_err_t *err)
{
    sl_cdp_answer_t answer;
    const char *data;
    sl_rc_t rc = sl_cdp_ask(&answer, &notes->run->asking, url, "Binary", notes->p, err);

    if (rc != SL_OK) {
        return is_for_good(rc, &answer) ? SL_OK : rc;
    }
    data = sl_json_str(answer.json, "data");
    if (sl_cdp_fhir_is(answer.json, "resourceType", "Binary") && data != NULL &&
        is_html(sl_json_str(answer.json, "contentType"))) {
        sl_json_put_str(attachment, "data", apr_pstrndup(notes->p, data, MOST_DATA));
    }
    return SL_OK;
}

static sl_rc_t fetch_attachment(notes_t *notes, sl_json_t *attachment, sl_err_t *err)
{
    const char *url = sl_json_str(attachment, "url");

    if (url == NULL || sl_json_str(attachment, "data") != NULL ||
        !is_html(sl_json_str(attachment, "contentType")) || notes->notes >= MOST_NOTES) {
        return SL_OK;
    }
    url = url_of(notes, url);
    if (url == NULL) {
        return SL_OK;
    }
    notes->notes++;
    return fetch_note(notes, attachment, url, err);
}

sl_rc_t sl_cdp_fetch_notes(sl_cdp_run_t *run, const sl_json_t *bundle, apr_pool_t *p, sl_err_t *err)
{
    const sl_json_t *entries = sl_json_get(bundle, "entry");
    notes_t notes = {.run = run};
    sl_rc_t rc = SL_OK;

    apr_pool_create(&notes.p, p);
    for (int i = 0; rc == SL_OK && i < sl_cdp_fhir_count(entries); i++) {
        const sl_json_t *resource = sl_json_get(sl_cdp_fhir_at(entries, i), "resource");
        const sl_json_t *content = sl_json_get(resource, "content");

        if (!sl_cdp_fhir_is(resource, "resourceType", "DocumentReference") ||
            !sl_cdp_fhir_is(resource, "status", "current")) {
            continue;
        }
        for (int k = 0; rc == SL_OK && k < sl_cdp_fhir_count(content); k++) {
            rc = fetch_attachment(&notes, sl_json_get(sl_cdp_fhir_at(content, k), "attachment"),
                                  err);
            apr_pool_clear(notes.p);
        }
    }
    apr_pool_destroy(notes.p);
    return rc;
}
