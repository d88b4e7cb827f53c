/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_fhir_user.h"

#include "base/sl_text.h"
#include "smart/sl_context.h"
#include "smart/sl_url.h"
#include <apr_strings.h>
#include <string.h>

/* "Type/id" at the end of `text`, of a type that can log in. @return where it begins, or NULL */
static const char *find_reference(sl_fhir_user_t *out, const char *text, apr_pool_t *p)
{
    static const char *const types[] = {"Patient", "Practitioner", "PractitionerRole",
                                        "RelatedPerson", "Person"};
    const char *slash = strrchr(text, '/');
    const char *from = slash;

    if (slash == NULL || !sl_context_is_fhir_id(slash + 1)) {
        return NULL;
    }
    while (from > text && from[-1] != '/') {
        from--;
    }
    out->type = apr_pstrmemdup(p, from, (apr_size_t)(slash - from));
    out->id = apr_pstrdup(p, slash + 1);
    for (apr_size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(out->type, types[i]) == 0) {
            return from;
        }
    }
    return NULL;
}

static bool resolve_absolute(sl_fhir_user_t *out, const char *from, const char *fhir_base,
                             apr_pool_t *p)
{
    const char *base = apr_pstrmemdup(p, out->raw, (apr_size_t)(from - out->raw));
    sl_url_t parts;

    if (sl_url_parse(&parts, out->raw, p, NULL) != SL_OK || parts.query != NULL ||
        parts.fragment != NULL || from <= strstr(out->raw, "://") + 3) {
        return false;
    }
    out->url = out->raw;
    out->is_local = sl_url_same_issuer(base, fhir_base, p);
    return true;
}

sl_rc_t sl_fhir_user_resolve(sl_fhir_user_t *out, const char *raw, const char *fhir_base,
                             apr_pool_t *p, sl_err_t *err)
{
    const char *from;

    memset(out, 0, sizeof(*out));
    if (!sl_text_is_header_safe(raw, SL_URL_MAX)) {
        return sl_err_set(err, SL_UPSTREAM, "SL2251", "fhirUser is empty or has odd characters");
    }
    out->raw = apr_pstrdup(p, raw);
    from = find_reference(out, out->raw, p);
    if (from == NULL) {
        return sl_err_set(err, SL_UPSTREAM, "SL2252",
                          "fhirUser is no Patient, Practitioner, PractitionerRole, RelatedPerson "
                          "or Person");
    }
    if (from == out->raw) {
        out->url = sl_url_resolve(p, fhir_base, out->raw);
        out->is_local = true;
    } else if (strstr(out->raw, "://") == NULL || !resolve_absolute(out, from, fhir_base, p)) {
        out->url = NULL;
    }
    if (out->url == NULL) {
        return sl_err_set(err, SL_UPSTREAM, "SL2253",
                          "fhirUser is neither Type/id nor an http(s) URL");
    }
    return SL_OK;
}
