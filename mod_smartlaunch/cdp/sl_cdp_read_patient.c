/* SPDX-License-Identifier: Apache-2.0 */
/* Elements of Patient, by the names of the catalogue. */
#include "cdp/sl_cdp_clock.h"
#include "cdp/sl_cdp_fhir.h"
#include "cdp/sl_cdp_person.h"
#include "cdp/sl_cdp_read.h"
#include <apr_strings.h>
#include <string.h>

#define US_CORE "http://hl7.org/fhir/us/core/StructureDefinition/"
#define RECORDED "http://hl7.org/fhir/StructureDefinition/individual-recordedSexOrGender"

typedef struct {
    const sl_json_t *patient;
    const char *mrn_system;
    char today[16]; /* "YYYY-MM-DD" */
    apr_pool_t *p;
} person_t;

/* One source: how it is read, and of what. */
typedef struct source {
    const char *name;
    const char *(*read)(const person_t *, const struct source *);
    const char *of;
    int nth;
} source_t;

static const char *read_mrn(const person_t *person, const source_t *source)
{
    (void)source;
    return sl_cdp_person_mrn(person->patient, person->mrn_system, person->today);
}

static const char *read_text(const person_t *person, const source_t *source)
{
    return sl_cdp_fhir_label(person->p, person->patient, source->of);
}

/* Strings of an array from the `from`th, with blanks between them. */
static const char *joined(apr_pool_t *p, const sl_json_t *array, int from)
{
    apr_array_header_t *words = apr_array_make(p, 4, sizeof(const char *));

    for (int i = from; i < sl_cdp_fhir_count(array); i++) {
        sl_json_t *word = sl_cdp_fhir_at(array, i);
        apr_size_t len;
        const char *text;

        if (!json_object_is_type(word, json_type_string)) {
            continue;
        }
        len = (apr_size_t)json_object_get_string_len(word);
        text = len > SL_CDP_FHIR_LABEL
                   ? NULL
                   : sl_cdp_fhir_clean(p, json_object_get_string(word), len, false);
        if (text != NULL) {
            APR_ARRAY_PUSH(words, const char *) = text;
        }
    }
    return words->nelts == 0 ? NULL : apr_array_pstrcat(p, words, ' ');
}

static const char *read_name(const person_t *person, const source_t *source)
{
    const sl_json_t *name = sl_cdp_person_name(person->patient, person->today);

    return strcmp(source->of, "family") == 0
               ? sl_cdp_fhir_label(person->p, name, source->of)
               : joined(person->p, sl_json_get(name, source->of), source->nth);
}

static const char *read_address(const person_t *person, const source_t *source)
{
    const sl_json_t *address = sl_cdp_person_address(person->patient, person->today);

    return strcmp(source->of, "line") == 0 ? joined(person->p, sl_json_get(address, source->of), 0)
                                           : sl_cdp_fhir_label(person->p, address, source->of);
}

static const char *read_phone(const person_t *person, const source_t *source)
{
    const sl_cdp_person_line_t line = {"phone", source->of, source->nth};

    return sl_cdp_person_telecom(person->patient, &line, person->today, person->p);
}

static const char *read_email(const person_t *person, const source_t *source)
{
    const sl_cdp_person_line_t line = {"email", NULL, source->nth};

    return sl_cdp_person_telecom(person->patient, &line, person->today, person->p);
}

static const char *read_gender(const person_t *person, const source_t *source)
{
    (void)source;
    if (sl_cdp_fhir_is(person->patient, "gender", "male")) {
        return "M";
    }
    return sl_cdp_fhir_is(person->patient, "gender", "female") ? "F" : "UNK";
}

static const char *read_birthsex(const person_t *person, const source_t *source)
{
    return sl_cdp_fhir_label(person->p, sl_cdp_fhir_extension(person->patient, source->of),
                             "valueCode");
}

static const char *read_legal_sex(const person_t *person, const source_t *source)
{
    const sl_json_t *extension = sl_cdp_fhir_extension(person->patient, source->of);
    const sl_json_t *value = sl_cdp_fhir_extension(extension, "value");

    return sl_cdp_fhir_code(sl_json_get(value, "valueCodeableConcept"));
}

/* Codes of a race or ethnicity: the broad ones (OMB) and the detailed ones. */
static const char *first_code(const sl_json_t *extension, const char *url)
{
    const sl_json_t *part = sl_cdp_fhir_extension(extension, url);

    return sl_json_str(sl_json_get(part, "valueCoding"), "code");
}

static const char *read_omb(const person_t *person, const source_t *source)
{
    const sl_json_t *extension = sl_cdp_fhir_extension(person->patient, source->of);
    const char *code = first_code(extension, "ombCategory");

    code = code != NULL ? code : first_code(extension, "detailed");
    return code != NULL || extension == NULL ? code : "UNK";
}

static bool is_among(const apr_array_header_t *codes, const char *code)
{
    for (int i = 0; i < codes->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(codes, i, const char *), code) == 0) {
            return true;
        }
    }
    return false;
}

static const char *read_all_races(const person_t *person, const source_t *source)
{
    const sl_json_t *extension = sl_cdp_fhir_extension(person->patient, source->of);
    const sl_json_t *parts = sl_json_get(extension, "extension");
    apr_array_header_t *codes = apr_array_make(person->p, 4, sizeof(const char *));
    const char *text = NULL;

    for (int i = 0; i < sl_cdp_fhir_count(parts); i++) {
        const sl_json_t *part = sl_cdp_fhir_at(parts, i);
        const char *code = sl_json_str(sl_json_get(part, "valueCoding"), "code");

        if (code != NULL && !is_among(codes, code) &&
            (sl_cdp_fhir_is(part, "url", "ombCategory") ||
             sl_cdp_fhir_is(part, "url", "detailed"))) {
            APR_ARRAY_PUSH(codes, const char *) = code;
            text = text == NULL ? code : apr_pstrcat(person->p, text, ", ", code, NULL);
        }
    }
    return text != NULL || extension == NULL ? text : "UNK";
}

static const char *read_marital(const person_t *person, const source_t *source)
{
    const sl_json_t *status = sl_json_get(person->patient, source->of);
    const char *code = sl_cdp_fhir_code(status);

    return code != NULL ? code : sl_cdp_fhir_concept(person->p, status);
}

static const char *read_language(const person_t *person, const source_t *source)
{
    const sl_json_t *all = sl_json_get(person->patient, source->of);
    const sl_json_t *chosen = sl_cdp_fhir_at(all, 0);
    const sl_json_t *language;
    const char *code;

    for (int i = sl_cdp_fhir_count(all) - 1; i >= 0; i--) {
        if (sl_cdp_fhir_is_true(sl_cdp_fhir_at(all, i), "preferred")) {
            chosen = sl_cdp_fhir_at(all, i);
        }
    }
    language = sl_json_get(chosen, "language");
    code = sl_cdp_fhir_code(language);
    return code != NULL ? code : sl_cdp_fhir_concept(person->p, language);
}

static const char *read_deceased(const person_t *person, const source_t *source)
{
    (void)source;
    return sl_cdp_fhir_is_true(person->patient, "deceasedBoolean") ||
                   sl_json_get(person->patient, "deceasedDateTime") != NULL
               ? "1"
               : "0";
}

static const char *read_practitioner(const person_t *person, const source_t *source)
{
    return sl_cdp_fhir_label(person->p, sl_cdp_fhir_first(person->patient, source->of), "display");
}

static const char *read_organization(const person_t *person, const source_t *source)
{
    return sl_cdp_fhir_label(person->p, sl_json_get(person->patient, source->of), "display");
}

static const source_t sources[] = {
    {"id", read_mrn, NULL, 0},
    {"fhir-id", read_text, "id", 0},
    {"name-given", read_name, "given", 0},
    {"name-middle", read_name, "given", 1},
    {"name-family", read_name, "family", 0},
    {"name-prefix", read_name, "prefix", 0},
    {"name-suffix", read_name, "suffix", 0},
    {"birthDate", read_text, "birthDate", 0},
    {"gender", read_gender, NULL, 0},
    {"birthsex", read_birthsex, US_CORE "us-core-birthsex", 0},
    {"legal-sex", read_legal_sex, RECORDED, 0},
    {"race", read_omb, US_CORE "us-core-race", 0},
    {"race-all-codes", read_all_races, US_CORE "us-core-race", 0},
    {"ethnicity", read_omb, US_CORE "us-core-ethnicity", 0},
    {"marital-status", read_marital, "maritalStatus", 0},
    {"preferred-language", read_language, "communication", 0},
    {"is-deceased", read_deceased, NULL, 0},
    {"deceasedDateTime", read_text, "deceasedDateTime", 0},
    {"general-practitioner", read_practitioner, "generalPractitioner", 0},
    {"managing-organization", read_organization, "managingOrganization", 0},
    {"address-line", read_address, "line", 0},
    {"address-city", read_address, "city", 0},
    {"address-district", read_address, "district", 0},
    {"address-state", read_address, "state", 0},
    {"address-postalCode", read_address, "postalCode", 0},
    {"address-country", read_address, "country", 0},
    {"phone-home", read_phone, "home", 1},
    {"phone-home-2", read_phone, "home", 2},
    {"phone-home-3", read_phone, "home", 3},
    {"phone-mobile", read_phone, "mobile", 1},
    {"phone-mobile-2", read_phone, "mobile", 2},
    {"phone-mobile-3", read_phone, "mobile", 3},
    {"phone-work", read_phone, "work", 1},
    {"email", read_email, NULL, 1},
    {"email-2", read_email, NULL, 2},
    {"email-3", read_email, NULL, 3},
};

/* A copy, since what is read may be a part of the resource. */
static const char *read_source(const person_t *person, const char *name)
{
    const char *value = NULL;

    for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
        if (strcmp(sources[i].name, name) == 0) {
            value = sources[i].read(person, &sources[i]);
        }
    }
    return value == NULL ? NULL : sl_cdp_fhir_clean(person->p, value, strlen(value), false);
}

static bool begin(person_t *person, const sl_json_t *patient, const sl_cdp_reading_t *reading,
                  apr_pool_t *p)
{
    sl_cdp_clock_t clock;

    *person = (person_t){.patient = patient, .mrn_system = reading->mrn_system, .p = p};
    sl_cdp_clock_split(&clock, reading->today.seconds);
    (void)apr_snprintf(person->today, sizeof(person->today), "%04d-%02d-%02d", clock.year,
                       clock.month, clock.day);
    return sl_cdp_fhir_is(patient, "resourceType", "Patient") && !sl_cdp_fhir_has_modifier(patient);
}

const char *sl_cdp_read_preview(const sl_json_t *patient, const char *source,
                                const sl_cdp_reading_t *reading, apr_pool_t *p)
{
    person_t person;

    return begin(&person, patient, reading, p) ? read_source(&person, source) : NULL;
}

bool sl_cdp_read_has_mrn(const sl_json_t *patient, const char *mrn, const sl_cdp_reading_t *reading)
{
    person_t person;

    return begin(&person, patient, reading, NULL) && mrn != NULL &&
           sl_cdp_person_has_mrn(patient, mrn, reading->mrn_system, person.today);
}

apr_array_header_t *sl_cdp_read_patient(const sl_json_t *patient, const sl_cdp_request_t *wants,
                                        const sl_cdp_reading_t *reading, apr_pool_t *p)
{
    apr_array_header_t *items = apr_array_make(p, 8, sizeof(sl_cdp_item_t));
    person_t person;

    if (!begin(&person, patient, reading, p)) {
        return items;
    }
    for (int i = 0; i < wants->wants->nelts; i++) {
        const sl_cdp_want_t *want = &APR_ARRAY_IDX(wants->wants, i, sl_cdp_want_t);
        const char *value = read_source(&person, want->source.name);

        if (value != NULL) {
            sl_cdp_item_t item = {.want = want, .value = value};

            APR_ARRAY_PUSH(items, sl_cdp_item_t) = item;
        }
    }
    return items;
}
