/* SPDX-License-Identifier: Apache-2.0 */
/* A page of a FHIR search, read as each of the searches that the Clinical Data Pull makes. */
#include "cdp/sl_cdp_read.h"
#include "fuzz.h"

#include "base/sl_text.h"

static const struct {
    sl_cdp_category_t category;
    const char *type, *source;
} searches[] = {
    {SL_CDP_PATIENT, "Patient", "name-given"},
    {SL_CDP_OBSERVATIONS, "Observation", "8480-6,2951-2"},
    {SL_CDP_PROBLEMS, "Condition", "active-problem-list"},
    {SL_CDP_DIAGNOSES, "Condition", "encounter-diagnosis-list"},
    {SL_CDP_MEDICATIONS, "MedicationRequest", "active-medications-list"},
    {SL_CDP_ALLERGIES, "AllergyIntolerance", "allergy-list"},
    {SL_CDP_IMMUNIZATIONS, "Immunization", "immunization-list"},
    {SL_CDP_PROCEDURES, "Procedure", "procedure-list"},
    {SL_CDP_ENCOUNTERS, "Encounter", "encounter-list"},
    {SL_CDP_DOCUMENTS, "DocumentReference", "document-notes"},
};

static sl_cdp_request_t request_of(size_t i, apr_pool_t *p)
{
    sl_cdp_request_t request = {.category = searches[i].category, .type = searches[i].type};
    apr_array_header_t *wants = apr_array_make(p, 1, sizeof(sl_cdp_want_t));
    sl_cdp_want_t *want = apr_array_push(wants);

    *want = (sl_cdp_want_t){.instance = 1};
    PROMISE(sl_cdp_catalogue_find(&want->source, searches[i].source, p));
    want->window.from = (sl_cdp_when_t){-62135596800LL, SL_CDP_DATETIME};
    want->window.to = (sl_cdp_when_t){253402300799LL, SL_CDP_DATETIME};
    request.wants = wants;
    return request;
}

static void check_text(const char *text)
{
    PROMISE(text != NULL && *text != '\0');
    PROMISE(strlen(text) <= SL_CDP_MAX_VALUE + 16); /* a comparator, or both ends of a range */
    PROMISE(sl_text_is_utf8(text, strlen(text)));
    for (; *text != '\0'; text++) {
        PROMISE((unsigned char)*text >= 0x20 || *text == '\n');
    }
}

static void check_items(const apr_array_header_t *items)
{
    for (int i = 0; i < items->nelts; i++) {
        const sl_cdp_item_t *item = &APR_ARRAY_IDX(items, i, sl_cdp_item_t);

        PROMISE(item->want != NULL);
        PROMISE((item->value == NULL) == (item->problem != NULL));
        if (item->value != NULL) {
            check_text(item->value);
        }
        if (sl_cdp_is_temporal(&item->want->source)) {
            PROMISE(sl_cdp_window_has(&item->want->window, item->when));
        }
    }
}

static void read_as(size_t i, const sl_json_t *bundle, apr_pool_t *p)
{
    static const sl_cdp_subject_t omar = {"omar", "https://ehr.example/fhir"};
    sl_cdp_request_t request = request_of(i, p);
    static const sl_cdp_reading_t reading = {NULL, {1710504000, SL_CDP_DATETIME}};
    sl_cdp_reader_t *reader = sl_cdp_reader_new(&request, &omar, i % 2 == 0, p);
    sl_cdp_page_t page;
    sl_rc_t rc;

    for (int times = 0; times < 2; times++) {
        rc = sl_cdp_reader_page(&page, reader, bundle, p, NULL);
        PROMISE(rc == SL_OK || rc == SL_INVALID);
        check_items(page.items);
        for (int j = 0; j < page.warnings->nelts; j++) {
            check_text(APR_ARRAY_IDX(page.warnings, j, const char *));
        }
        PROMISE((page.patient_id != NULL) == (page.patients == 1));
        if (request.category == SL_CDP_PATIENT && page.patient != NULL) {
            check_items(sl_cdp_read_patient(page.patient, &request, &reading, p));
        }
    }
    PROMISE(page.warnings->nelts == 0); /* all was told the first time */
    check_items(sl_cdp_reader_end(reader, p));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    sl_json_t *bundle;
    bool is_protected;
    int count;
    const sl_cdp_source_t *table = sl_cdp_catalogue(&count);
    static const sl_cdp_reading_t reading = {"urn:mrn", {1710504000, SL_CDP_DATETIME}};

    if (sl_json_parse(&bundle, (const char *)data, size, p, NULL) == SL_OK) {
        for (size_t i = 0; i < sizeof(searches) / sizeof(*searches); i++) {
            read_as(i, bundle, p);
        }
        for (int i = 0; i < count; i++) {
            const char *value = sl_cdp_read_preview(bundle, table[i].name, &reading, p);

            if (value != NULL) {
                check_text(value);
            }
        }
        (void)sl_cdp_read_has_mrn(bundle, "1", &reading);
        (void)sl_cdp_read_outcome(&is_protected, bundle, p);
    }
    apr_pool_destroy(p);
    return 0;
}
