/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_guard_ask.h"
#include "smart/sl_guard_body.h"
#include "smart/sl_guard_names.h"
#include "smart/sl_guard_ref.h"
#include <apr_strings.h>
#include <string.h>

/* `request.url` is relative to the base; some write the base in front of it. */
static const char *below_base(const sl_guard_t *g, const char *url)
{
    apr_size_t len = g->base != NULL ? strlen(g->base) : 0;

    if (len > 0 && g->base[len - 1] == '/') {
        len--;
    }
    if (len > 0 && strncmp(url, g->base, len) == 0 && url[len] == '/') {
        return url + len;
    }
    return url[0] == '/' ? url : apr_pstrcat(g->p, "/", url, NULL);
}

/* Path and query; false when it is no path as we read them (an escape in it, a fragment). */
static bool split_url(sl_guard_ask_t *ask, sl_fhir_request_t *request, const sl_guard_t *g,
                      const sl_json_t *entry)
{
    const char *method = sl_json_str(entry, "method"), *url = sl_json_str(entry, "url");
    char *path, *mark;

    if (method == NULL || url == NULL || strchr(url, '#') != NULL) {
        return false;
    }
    path = apr_pstrdup(g->p, below_base(g, url));
    mark = strchr(path, '?');
    if (mark != NULL) {
        *mark = '\0';
        ask->query = mark + 1;
    }
    ask->request = request;
    ask->if_none_exist = sl_json_str(entry, "ifNoneExist");
    return sl_fhir_request_parse(request, method, path, g->p, NULL) == SL_OK;
}

/* A resource where the method takes one, and none elsewhere; a patch in a Binary is not read. */
static bool has_right_body(const sl_fhir_request_t *r, const sl_json_t *resource)
{
    bool takes_one = r->kind == SL_FHIR_WRITE && strcmp(r->method, "DELETE") != 0;

    if (r->kind == SL_FHIR_OPERATION && strcmp(r->method, "POST") == 0) {
        return true;
    }
    return takes_one == (resource != NULL);
}

static sl_rc_t judge_entry(sl_guard_t *g, const sl_json_t *entry)
{
    const char *full_url = sl_json_str(entry, "fullUrl");
    sl_guard_ask_t ask = {.json = sl_json_get(entry, "resource")};
    sl_fhir_request_t request;

    if (!split_url(&ask, &request, g, sl_json_get(entry, "request"))) {
        return sl_guard_deny(g, SL_GUARD_ENTRY);
    }
    if (sl_guard_is(request.type != NULL ? request.type : "", "Patient") && request.id != NULL) {
        sl_guard_note(g, request.id, strlen(request.id));
    }
    /* A search by POST would have its form nowhere. */
    if (request.kind == SL_FHIR_BATCH || !has_right_body(&request, ask.json) ||
        (request.kind == SL_FHIR_SEARCH && strcmp(request.method, "POST") == 0)) {
        return sl_guard_deny(g, SL_GUARD_ENTRY);
    }
    if (full_url != NULL &&
        sl_guard_ref_read(g, full_url, strlen(full_url)) == SL_GUARD_REF_PATIENT) {
        return sl_guard_deny(g, SL_GUARD_RESOURCE);
    }
    return sl_guard_ask(g, &ask);
}

sl_rc_t sl_guard_batch(sl_guard_t *g, const sl_json_t *bundle)
{
    const sl_json_t *entries = sl_json_get(bundle, "entry");
    const char *type = sl_json_str(bundle, "type");
    sl_rc_t rc = SL_OK;

    if (!sl_guard_is(sl_guard_body_type(bundle), "Bundle") || type == NULL ||
        (strcmp(type, "batch") != 0 && strcmp(type, "transaction") != 0) ||
        (entries != NULL && !json_object_is_type(entries, json_type_array))) {
        return sl_guard_deny(g, SL_GUARD_BODY_JSON);
    }
    for (size_t i = 0; rc == SL_OK && entries != NULL && i < json_object_array_length(entries);
         i++) {
        rc = judge_entry(g, json_object_array_get_idx(entries, i));
    }
    return rc;
}
