/* SPDX-License-Identifier: Apache-2.0 */
/* What a MedicationRequest prescribes: said in it, contained in it, or somewhere on its page. */
#include "cdp/sl_cdp_fhir.h"
#include "cdp/sl_cdp_reader.h"
#include <apr_strings.h>
#include <string.h>

static bool is_medication(const sl_json_t *resource)
{
    return sl_cdp_fhir_is(resource, "resourceType", "Medication") &&
           !sl_cdp_fhir_has_modifier(resource) &&
           !sl_cdp_fhir_is(resource, "status", "entered-in-error");
}

static const sl_json_t *contained(const sl_json_t *resource, const char *id)
{
    const sl_json_t *all = sl_json_get(resource, "contained");

    for (int i = 0; i < sl_cdp_fhir_count(all); i++) {
        const sl_json_t *one = sl_cdp_fhir_at(all, i);

        if (is_medication(one) && sl_cdp_fhir_is(one, "id", id)) {
            return one;
        }
    }
    return NULL;
}

static bool is_absolute(const char *reference)
{
    return strstr(reference, "://") != NULL || strncmp(reference, "urn:", 4) == 0;
}

/* A reference without its version. */
static const char *unversioned(const char *reference, apr_pool_t *p)
{
    const char *end = strstr(reference, "/_history/");

    return end == NULL ? reference : apr_pstrmemdup(p, reference, (apr_size_t)(end - reference));
}

/* An absolute reference is the fullUrl of an entry; a relative one is its type and id, and so is
   an absolute one where the entry does not tell its URL. */
static bool is_referred(const sl_json_t *entry, const char *reference, const char *target)
{
    const char *url = sl_json_str(entry, "fullUrl");
    const char *id = sl_json_str(sl_json_get(entry, "resource"), "id");

    if (is_absolute(reference) && url != NULL) {
        return strcmp(url, reference) == 0;
    }
    return target != NULL && id != NULL && strncmp(target, "Medication/", 11) == 0 &&
           strcmp(target + 11, id) == 0;
}

static const sl_json_t *included(const sl_cdp_paging_t *paging, const char *reference)
{
    const char *target = sl_cdp_fhir_target(paging->p, reference);

    for (int i = 0; i < sl_cdp_fhir_count(paging->entries); i++) {
        const sl_json_t *entry = sl_cdp_fhir_at(paging->entries, i);
        const sl_json_t *resource = sl_json_get(entry, "resource");

        if (is_medication(resource) &&
            is_referred(entry, unversioned(reference, paging->p), target)) {
            return resource;
        }
    }
    return NULL;
}

const char *sl_cdp_reader_medication(const sl_cdp_paging_t *paging, const sl_json_t *resource)
{
    const sl_json_t *concept = sl_json_get(resource, "medicationCodeableConcept");
    const sl_json_t *link = sl_json_get(resource, "medicationReference");
    const char *reference = sl_json_str(link, "reference");
    const char *label;

    if (concept == NULL && reference != NULL) {
        concept = sl_json_get(reference[0] == '#' ? contained(resource, reference + 1)
                                                  : included(paging, reference),
                              "code");
    }
    label = sl_cdp_fhir_is_absent(concept) ? NULL : sl_cdp_fhir_concept(paging->p, concept);
    return label != NULL ? label : sl_cdp_fhir_label(paging->p, link, "display");
}
