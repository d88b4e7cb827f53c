/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_reader.h"

#include "cdp/sl_cdp_fhir.h"
#include "cdp/sl_cdp_outcome.h"
#include "cdp/sl_cdp_subject.h"
#include <apr_strings.h>
#include <string.h>

#define MAX_PATIENTS 100 /* that are told apart */
#define MAX_WARNINGS 20

static const sl_cdp_want_t *want_at(const sl_cdp_reader_t *reader, int i)
{
    return &APR_ARRAY_IDX(reader->request->wants, i, sl_cdp_want_t);
}

static int wants_of(const sl_cdp_reader_t *reader)
{
    return reader->request->wants == NULL ? 0 : reader->request->wants->nelts;
}

static void learn_codes(sl_cdp_reader_t *reader, int want)
{
    const apr_array_header_t *codes =
        sl_cdp_catalogue_codes(want_at(reader, want)->source.name, reader->p);

    for (int i = 0; i < codes->nelts; i++) {
        const char *code = APR_ARRAY_IDX(codes, i, const char *);
        apr_array_header_t *wants = apr_hash_get(reader->by_code, code, APR_HASH_KEY_STRING);

        if (wants == NULL) {
            wants = apr_array_make(reader->p, 2, sizeof(int));
            apr_hash_set(reader->by_code, code, APR_HASH_KEY_STRING, wants);
        }
        APR_ARRAY_PUSH(wants, int) = want;
    }
}

static void learn_list(sl_cdp_reader_t *reader, const char *source)
{
    static const sl_cdp_lines_bound_t of_lines = {SL_CDP_MAX_LINES, SL_CDP_MAX_VALUE, "\n"};
    static const sl_cdp_lines_bound_t of_notes = {20, SL_CDP_MAX_VALUE, "\n\n"};

    if (apr_hash_get(reader->lists, source, APR_HASH_KEY_STRING) == NULL) {
        apr_hash_set(
            reader->lists, source, APR_HASH_KEY_STRING,
            sl_cdp_lines_new(reader->request->category == SL_CDP_DOCUMENTS ? &of_notes : &of_lines,
                             reader->p));
    }
}

sl_cdp_reader_t *sl_cdp_reader_new(const sl_cdp_request_t *request, const sl_cdp_subject_t *subject,
                                   bool convert_gmt, apr_pool_t *p)
{
    sl_cdp_reader_t *reader = apr_pcalloc(p, sizeof(*reader));

    reader->p = p;
    reader->request = request;
    reader->subject = *subject;
    reader->convert_gmt = convert_gmt;
    reader->by_code = apr_hash_make(p);
    reader->lists = apr_hash_make(p);
    reader->told = apr_hash_make(p);
    reader->patients = apr_array_make(p, 1, sizeof(const char *));
    reader->seen = apr_pcalloc(p, ((apr_size_t)wants_of(reader) + 1) * sizeof(int));
    for (int i = 0; i < wants_of(reader); i++) {
        if (request->category == SL_CDP_OBSERVATIONS) {
            learn_codes(reader, i);
        } else {
            learn_list(reader, want_at(reader, i)->source.name);
        }
    }
    return reader;
}

void sl_cdp_reader_warn(const sl_cdp_paging_t *paging, const char *sentence)
{
    apr_hash_t *told = paging->reader->told;

    if (apr_hash_count(told) < MAX_WARNINGS &&
        apr_hash_get(told, sentence, APR_HASH_KEY_STRING) == NULL) {
        const char *copy = apr_pstrdup(paging->reader->p, sentence);

        apr_hash_set(told, copy, APR_HASH_KEY_STRING, copy);
        APR_ARRAY_PUSH(paging->page->warnings, const char *) = copy;
    }
}

/* Count a patient among those that were found. */
static bool read_patient(const sl_cdp_paging_t *paging, const sl_json_t *resource)
{
    apr_array_header_t *known = paging->reader->patients;
    const char *id = sl_json_str(resource, "id");

    if (id == NULL || *id == '\0') {
        return false;
    }
    if (paging->page->patient == NULL) {
        paging->page->patient = resource;
    }
    for (int i = 0; i < known->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(known, i, const char *), id) == 0) {
            return true;
        }
    }
    if (known->nelts < MAX_PATIENTS) {
        APR_ARRAY_PUSH(known, const char *) = apr_pstrdup(paging->reader->p, id);
    }
    return true;
}

static bool is_ours(const sl_cdp_paging_t *paging, const sl_json_t *resource)
{
    const char *warning = NULL;

    switch (sl_cdp_subject_whose(resource, &paging->reader->subject, paging->p)) {
    case SL_CDP_OURS:
        return true;
    case SL_CDP_OTHERS:
        warning = "An entry of another patient, or of none, came along. It was left out.";
        break;
    case SL_CDP_ELSEWHERE:
        warning = "An entry names its patient at an address that is not the EHR's own. It was left "
                  "out.";
    }
    paging->page->foreign++;
    sl_cdp_reader_warn(paging, warning);
    return false;
}

const char *sl_cdp_reader_id(const sl_json_t *resource)
{
    const char *id = sl_json_str(resource, "id");

    return id != NULL && *id != '\0' ? id : NULL;
}

/* What it was before is judged by what it is now. */
static void note_origin(const sl_cdp_paging_t *paging, const sl_json_t *resource, bool is_gone)
{
    const sl_cdp_origin_t origin = {sl_cdp_reader_id(resource), is_gone};

    if (origin.id != NULL) {
        APR_ARRAY_PUSH(paging->page->origins, sl_cdp_origin_t) = origin;
    }
}

static bool read_observation(const sl_cdp_paging_t *paging, const sl_json_t *resource,
                             bool is_understood)
{
    bool counts =
        is_understood && is_ours(paging, resource) && sl_cdp_reader_observation(paging, resource);

    note_origin(paging, resource, !counts);
    return counts;
}

/* An entry that was searched for. */
static bool read_match(const sl_cdp_paging_t *paging, const sl_json_t *resource)
{
    sl_cdp_category_t category = paging->reader->request->category;
    bool is_understood = !sl_cdp_fhir_has_modifier(resource);

    if (!is_understood) {
        sl_cdp_reader_warn(paging, "An entry has a marker (modifierExtension) that may change what "
                                   "it means. It was left out.");
    }
    if (category == SL_CDP_OBSERVATIONS) {
        return read_observation(paging, resource, is_understood);
    }
    if (category == SL_CDP_PATIENT || !is_understood) {
        return is_understood && read_patient(paging, resource);
    }
    return is_ours(paging, resource) &&
           (category == SL_CDP_DOCUMENTS ? sl_cdp_reader_document(paging, resource)
                                         : sl_cdp_reader_list(paging, resource));
}

static void read_outcome(const sl_cdp_paging_t *paging, const sl_json_t *resource)
{
    sl_cdp_outcome_t outcome;

    sl_cdp_outcome_read(&outcome, resource, paging->reader->subject.patient, paging->p);
    for (int i = 0; i < outcome.sentences->nelts; i++) {
        sl_cdp_reader_warn(paging, APR_ARRAY_IDX(outcome.sentences, i, const char *));
    }
    paging->page->is_protected |= outcome.is_protected;
    paging->page->has_failed |= outcome.has_failed;
}

/* Entries of another type than was asked for only serve matches, whatever they are called. */
static void read_entry(const sl_cdp_paging_t *paging, const sl_json_t *entry)
{
    const sl_json_t *resource = sl_json_get(entry, "resource");
    const sl_json_t *search = sl_json_get(entry, "search");
    const char *mode = sl_json_str(search, "mode");

    if (sl_cdp_fhir_is(resource, "resourceType", "OperationOutcome")) {
        read_outcome(paging, resource);
    } else if (sl_cdp_fhir_is(resource, "resourceType", paging->reader->request->type) &&
               (mode == NULL || strcmp(mode, "match") == 0) && read_match(paging, resource)) {
        paging->page->matches++;
    }
}

static const char *next_of(const sl_json_t *bundle, apr_pool_t *p)
{
    const sl_json_t *links = sl_json_get(bundle, "link");

    for (int i = 0; i < sl_cdp_fhir_count(links); i++) {
        const sl_json_t *link = sl_cdp_fhir_at(links, i);
        const char *url = sl_json_str(link, "url");

        if (sl_cdp_fhir_is(link, "relation", "next") && url != NULL && *url != '\0') {
            return apr_pstrdup(p, url);
        }
    }
    return NULL;
}

sl_rc_t sl_cdp_reader_page(sl_cdp_page_t *out, sl_cdp_reader_t *reader, const sl_json_t *bundle,
                           apr_pool_t *p, sl_err_t *err)
{
    sl_cdp_paging_t paging = {reader, out, sl_json_get(bundle, "entry"), p};

    memset(out, 0, sizeof(*out));
    out->items = apr_array_make(p, 16, sizeof(sl_cdp_item_t));
    out->origins = apr_array_make(p, 16, sizeof(sl_cdp_origin_t));
    out->warnings = apr_array_make(p, 2, sizeof(const char *));
    if (!sl_cdp_fhir_is(bundle, "resourceType", "Bundle") ||
        !sl_cdp_fhir_is(bundle, "type", "searchset")) {
        return sl_err_set(err, SL_INVALID, "SL8190",
                          "the EHR's answer to a search is no searchset");
    }
    for (int i = 0; i < sl_cdp_fhir_count(paging.entries); i++) {
        read_entry(&paging, sl_cdp_fhir_at(paging.entries, i));
    }
    out->next = next_of(bundle, p);
    out->patients = reader->patients->nelts;
    if (out->patients == 1) {
        out->patient_id = APR_ARRAY_IDX(reader->patients, 0, const char *);
    } else {
        out->patient = NULL;
    }
    return SL_OK;
}

apr_array_header_t *sl_cdp_reader_end(sl_cdp_reader_t *reader, apr_pool_t *p)
{
    apr_array_header_t *items = apr_array_make(p, 4, sizeof(sl_cdp_item_t));

    for (int i = 0; i < wants_of(reader); i++) {
        sl_cdp_lines_t *lines =
            apr_hash_get(reader->lists, want_at(reader, i)->source.name, APR_HASH_KEY_STRING);
        sl_cdp_item_t item = {.want = want_at(reader, i)};

        if (lines == NULL) {
            continue;
        }
        item.value = sl_cdp_lines_text(lines, &item.note, p);
        if (item.value == NULL) { /* nothing, or nothing that can be had */
            item.problem = item.note;
            item.note = NULL;
        }
        if (item.value != NULL || item.problem != NULL) {
            APR_ARRAY_PUSH(items, sl_cdp_item_t) = item;
        }
    }
    return items;
}
