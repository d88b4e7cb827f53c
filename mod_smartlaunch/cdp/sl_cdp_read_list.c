/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: problems, diagnoses, medications, allergies, immunizations, procedures, encounters. */
#include "cdp/sl_cdp_fhir.h"
#include "cdp/sl_cdp_reader.h"
#include "cdp/sl_cdp_value.h"
#include <apr_strings.h>
#include <string.h>

#define DATE_LENGTH 10 /* YYYY-MM-DD */

/* What one resource comes to. */
typedef struct {
    const char *source; /* the list it is on; NULL: none */
    const char *label, *detail;
    const char *date; /* as sent */
} entry_t;

typedef struct {
    const char *status, *source;
} status_t;

static bool is_one_of(const char *word, const char *const *words)
{
    for (; word != NULL && *words != NULL; words++) {
        if (strcmp(word, *words) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_wrong(const sl_json_t *resource)
{
    const sl_json_t *verification = sl_json_get(resource, "verificationStatus");

    return sl_cdp_fhir_has_code(verification, NULL, "entered-in-error") ||
           sl_cdp_fhir_has_code(verification, NULL, "refuted");
}

/* The server was asked for one category only; not all heed it. */
static bool is_in_category(const sl_json_t *resource, const char *wanted)
{
    const sl_json_t *categories = sl_json_get(resource, "category");
    bool has_codes = false;

    for (int i = 0; i < sl_cdp_fhir_count(categories); i++) {
        const sl_json_t *category = sl_cdp_fhir_at(categories, i);

        if (sl_cdp_fhir_has_code(category, NULL, wanted)) {
            return true;
        }
        has_codes |= sl_cdp_fhir_code(category) != NULL;
    }
    return !has_codes;
}

static void read_condition(entry_t *out, const sl_cdp_paging_t *paging, const sl_json_t *resource)
{
    static const status_t problems[] = {
        {"active", "active-problem-list"},      {"recurrence", "active-problem-list"},
        {"relapse", "active-problem-list"},     {"inactive", "inactive-problem-list"},
        {"remission", "inactive-problem-list"}, {"resolved", "resolved-problem-list"},
    };
    const sl_json_t *status = sl_json_get(resource, "clinicalStatus");
    bool is_problem = paging->reader->request->category == SL_CDP_PROBLEMS;

    if (is_wrong(resource) ||
        !is_in_category(resource, is_problem ? "problem-list-item" : "encounter-diagnosis")) {
        return;
    }
    out->source = is_problem ? NULL : "encounter-diagnosis-list";
    for (size_t i = 0; is_problem && i < sizeof(problems) / sizeof(*problems); i++) {
        if (out->source == NULL && sl_cdp_fhir_has_code(status, NULL, problems[i].status)) {
            out->source = problems[i].source;
        }
    }
    out->label = sl_cdp_fhir_concept(paging->p, sl_json_get(resource, "code"));
    out->date = sl_json_str(resource, "onsetDateTime");
    if (out->date == NULL) {
        out->date = sl_json_str(sl_json_get(resource, "onsetPeriod"), "start");
    }
    if (out->date == NULL) {
        out->date = sl_json_str(resource, "recordedDate");
    }
}

/* An order not to give something is no medication. */
static void read_medication(entry_t *out, const sl_cdp_paging_t *paging, const sl_json_t *resource)
{
    static const status_t lists[] = {
        {"active", "active-medications-list"},
        {"completed", "completed-medications-list"},
        {"stopped", "stopped-medications-list"},
        {"on-hold", "on-hold-medications-list"},
    };
    static const char *const intents[] = {"order", "plan", NULL};
    const sl_json_t *dosage = sl_cdp_fhir_first(resource, "dosageInstruction");

    if (!is_one_of(sl_json_str(resource, "intent"), intents) ||
        sl_cdp_fhir_is_true(resource, "doNotPerform")) {
        return;
    }
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        if (sl_cdp_fhir_is(resource, "status", lists[i].status)) {
            out->source = lists[i].source;
        }
    }
    out->label = sl_cdp_reader_medication(paging, resource);
    if (!sl_cdp_fhir_has_modifier(dosage)) {
        out->detail = sl_cdp_fhir_label(paging->p, dosage, "text");
    }
    out->date = sl_json_str(resource, "authoredOn");
    if (out->source != NULL && out->label == NULL) {
        sl_cdp_reader_warn(paging, "A prescription does not say which medication it is for. It was "
                                   "left out.");
    }
}

static const char *join(apr_pool_t *p, const char *a, const char *between, const char *b)
{
    if (a == NULL || b == NULL) {
        return a == NULL ? b : a;
    }
    return apr_pstrcat(p, a, between, b, NULL);
}

/* "Hives; Swelling" */
static const char *reactions_of(const sl_json_t *resource, apr_pool_t *p)
{
    const sl_json_t *reactions = sl_json_get(resource, "reaction");
    const char *text = NULL;

    for (int i = 0; i < sl_cdp_fhir_count(reactions); i++) {
        const sl_json_t *manifestations =
            sl_json_get(sl_cdp_fhir_at(reactions, i), "manifestation");

        for (int j = 0; j < sl_cdp_fhir_count(manifestations); j++) {
            const char *one = sl_cdp_fhir_concept(p, sl_cdp_fhir_at(manifestations, j));

            if (text == NULL || strlen(text) < SL_CDP_FHIR_LABEL) {
                text = join(p, text, "; ", one);
            }
        }
    }
    return text;
}

static void read_allergy(entry_t *out, const sl_cdp_paging_t *paging, const sl_json_t *resource)
{
    const sl_json_t *status = sl_json_get(resource, "clinicalStatus");
    const char *criticality = sl_json_str(resource, "criticality");
    const char *risk = NULL;

    if (is_wrong(resource) || sl_cdp_fhir_has_code(status, NULL, "inactive") ||
        sl_cdp_fhir_has_code(status, NULL, "resolved")) {
        return;
    }
    out->source = "allergy-list";
    out->label = sl_cdp_fhir_concept(paging->p, sl_json_get(resource, "code"));
    if (criticality != NULL && strcmp(criticality, "high") == 0) {
        risk = "high criticality";
    } else if (criticality != NULL && strcmp(criticality, "low") == 0) {
        risk = "low criticality";
    }
    out->detail = join(paging->p, reactions_of(resource, paging->p), ", ", risk);
    out->date = sl_json_str(resource, "onsetDateTime");
    if (out->date == NULL) {
        out->date = sl_json_str(resource, "recordedDate");
    }
}

static void read_immunization(entry_t *out, const sl_cdp_paging_t *paging,
                              const sl_json_t *resource)
{
    if (!sl_cdp_fhir_is(resource, "status", "completed")) {
        return;
    }
    out->source = "immunization-list";
    out->label = sl_cdp_fhir_concept(paging->p, sl_json_get(resource, "vaccineCode"));
    out->date = sl_json_str(resource, "occurrenceDateTime");
    if (out->date == NULL) {
        out->detail = sl_cdp_fhir_label(paging->p, resource, "occurrenceString");
    }
}

/* What was done, or is being done; not what was planned, or was not done after all. */
static void read_procedure(entry_t *out, const sl_cdp_paging_t *paging, const sl_json_t *resource)
{
    static const char *const done[] = {"completed", "in-progress", "stopped", NULL};
    const char *status = sl_json_str(resource, "status");

    if (!is_one_of(status, done)) {
        return;
    }
    out->source = "procedure-list";
    out->label = sl_cdp_fhir_concept(paging->p, sl_json_get(resource, "code"));
    out->date = sl_json_str(resource, "performedDateTime");
    if (out->date == NULL) {
        out->date = sl_json_str(sl_json_get(resource, "performedPeriod"), "start");
    }
    if (out->date == NULL) {
        out->detail = sl_cdp_fhir_label(paging->p, resource, "performedString");
    }
    out->detail = join(paging->p, out->detail, ", ",
                       strcmp(status, "completed") == 0 ? NULL : apr_pstrdup(paging->p, status));
}

static void read_encounter(entry_t *out, const sl_cdp_paging_t *paging, const sl_json_t *resource)
{
    static const char *const taken_place[] = {"arrived",  "triaged", "in-progress", "onleave",
                                              "finished", "unknown", NULL};
    const sl_json_t *class = sl_json_get(resource, "class");

    if (!is_one_of(sl_json_str(resource, "status"), taken_place)) {
        return;
    }
    out->source = "encounter-list";
    out->label = sl_cdp_fhir_concept(paging->p, sl_cdp_fhir_first(resource, "type"));
    if (out->label == NULL) {
        out->label = sl_cdp_fhir_label(paging->p, class, "display");
    }
    if (out->label == NULL) {
        out->label = sl_cdp_fhir_label(paging->p, class, "code");
    }
    out->date = sl_json_str(sl_json_get(resource, "period"), "start");
}

/* "YYYY-MM-DD" or what there is of it, "" where there is nothing that looks like it. */
static const char *day_of(const char *sent, bool convert_gmt, apr_pool_t *p)
{
    const char *text = sent == NULL ? "" : sl_cdp_value_time(sent, convert_gmt, p);
    apr_size_t len = strspn(text, "0123456789-");

    return len == 4 || len == 7 || len == DATE_LENGTH ? apr_pstrmemdup(p, text, len) : "";
}

bool sl_cdp_reader_list(const sl_cdp_paging_t *paging, const sl_json_t *resource)
{
    static void (*const readers[])(entry_t *, const sl_cdp_paging_t *, const sl_json_t *) = {
        [SL_CDP_PROBLEMS] = read_condition,         [SL_CDP_DIAGNOSES] = read_condition,
        [SL_CDP_MEDICATIONS] = read_medication,     [SL_CDP_ALLERGIES] = read_allergy,
        [SL_CDP_IMMUNIZATIONS] = read_immunization, [SL_CDP_PROCEDURES] = read_procedure,
        [SL_CDP_ENCOUNTERS] = read_encounter,       [SL_CDP_DOCUMENTS] = NULL,
    };
    sl_cdp_reader_t *reader = paging->reader;
    entry_t entry = {0};
    sl_cdp_lines_t *lines;
    const char *day;

    readers[reader->request->category](&entry, paging, resource);
    if (entry.source == NULL || entry.label == NULL) {
        return false;
    }
    lines = apr_hash_get(reader->lists, entry.source, APR_HASH_KEY_STRING);
    if (lines != NULL) {
        day = day_of(entry.date, reader->convert_gmt, paging->p);
        sl_cdp_lines_add(lines, day,
                         join(paging->p, join(paging->p, entry.label, ", ", entry.detail), ", ",
                              *day == '\0' ? NULL : day));
    }
    return true;
}
