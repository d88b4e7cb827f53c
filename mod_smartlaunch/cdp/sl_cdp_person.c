/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_person.h"

#include "cdp/sl_cdp_fhir.h"
#include <limits.h>
#include <string.h>

/* Dates and times of FHIR sort as texts, as far as the shorter one goes. */
static int compare_days(const char *text, const char *today)
{
    size_t len = strcspn(text, "T");
    size_t max = strlen(today);

    return strncmp(text, today, len < max ? len : max);
}

static bool is_current(const sl_json_t *element, const char *today)
{
    const sl_json_t *period = sl_json_get(element, "period");
    const char *start = sl_json_str(period, "start");
    const char *end = sl_json_str(period, "end");

    return !sl_cdp_fhir_is(element, "use", "old") && !sl_cdp_fhir_has_modifier(element) &&
           (start == NULL || compare_days(start, today) <= 0) &&
           (end == NULL || compare_days(end, today) >= 0);
}

/* Places in `uses` are the order; "" is the use that is not said. */
static int place_of(const sl_json_t *element, const char *const *uses)
{
    const char *use = sl_json_str(element, "use");
    int i = 0;

    for (; uses[i] != NULL; i++) {
        if (strcmp(uses[i], use == NULL ? "" : use) == 0) {
            break;
        }
    }
    return i;
}

static sl_json_t *choose(const sl_json_t *elements, const char *const *uses, const char *today)
{
    sl_json_t *best = NULL;

    for (int i = 0; i < sl_cdp_fhir_count(elements); i++) {
        sl_json_t *element = sl_cdp_fhir_at(elements, i);

        if (is_current(element, today) && !sl_cdp_fhir_is(element, "use", "maiden") &&
            !sl_cdp_fhir_is(element, "use", "nickname") &&
            (best == NULL || place_of(element, uses) < place_of(best, uses))) {
            best = element;
        }
    }
    return best;
}

sl_json_t *sl_cdp_person_name(const sl_json_t *patient, const char *today)
{
    static const char *const uses[] = {"official", "usual", "", NULL};

    return choose(sl_json_get(patient, "name"), uses, today);
}

sl_json_t *sl_cdp_person_address(const sl_json_t *patient, const char *today)
{
    static const char *const uses[] = {"home", "temp", "work", NULL};

    return choose(sl_json_get(patient, "address"), uses, today);
}

static int rank_of(const sl_json_t *telecom)
{
    sl_json_t *rank = sl_json_get(telecom, "rank");

    return json_object_is_type(rank, json_type_int) && json_object_get_int(rank) > 0
               ? json_object_get_int(rank)
               : INT_MAX;
}

/* The first that comes behind (`rank`, `place`) in the order of ranks, then places. */
static int next_telecom(const sl_json_t *telecoms, const sl_cdp_person_line_t *line,
                        const char *today, int after)
{
    int best = -1;

    for (int i = 0; i < sl_cdp_fhir_count(telecoms); i++) {
        const sl_json_t *telecom = sl_cdp_fhir_at(telecoms, i);
        int rank = rank_of(telecom);
        int last = after < 0 ? -1 : rank_of(sl_cdp_fhir_at(telecoms, after));

        if (!sl_cdp_fhir_is(telecom, "system", line->system) || !is_current(telecom, today) ||
            (line->use != NULL && !sl_cdp_fhir_is(telecom, "use", line->use)) ||
            sl_json_str(telecom, "value") == NULL || rank < last || (rank == last && i <= after)) {
            continue;
        }
        if (best < 0 || rank < rank_of(sl_cdp_fhir_at(telecoms, best))) {
            best = i;
        }
    }
    return best;
}

const char *sl_cdp_person_telecom(const sl_json_t *patient, const sl_cdp_person_line_t *line,
                                  const char *today, apr_pool_t *p)
{
    const sl_json_t *telecoms = sl_json_get(patient, "telecom");
    int at = -1;

    for (int n = 0; n < line->nth; n++) {
        at = next_telecom(telecoms, line, today, at);
        if (at < 0) {
            return NULL;
        }
    }
    return sl_cdp_fhir_label(p, sl_cdp_fhir_at(telecoms, at), "value");
}

static const char *mrn_of(const sl_json_t *identifier, const char *system, const char *today)
{
    const char *value = sl_json_str(identifier, "value");
    bool is_mrn = system != NULL
                      ? sl_cdp_fhir_is(identifier, "system", system)
                      : sl_cdp_fhir_has_code(sl_json_get(identifier, "type"), NULL, "MR");

    return is_mrn && is_current(identifier, today) && value != NULL && *value != '\0' ? value
                                                                                      : NULL;
}

const char *sl_cdp_person_mrn(const sl_json_t *patient, const char *system, const char *today)
{
    const sl_json_t *identifiers = sl_json_get(patient, "identifier");
    const char *first = NULL;

    for (int i = 0; i < sl_cdp_fhir_count(identifiers); i++) {
        const sl_json_t *identifier = sl_cdp_fhir_at(identifiers, i);
        const char *mrn = mrn_of(identifier, system, today);

        if (mrn != NULL && sl_cdp_fhir_is(identifier, "use", "official")) {
            return mrn;
        }
        first = first == NULL ? mrn : first;
    }
    return first;
}

bool sl_cdp_person_has_mrn(const sl_json_t *patient, const char *mrn, const char *system,
                           const char *today)
{
    const sl_json_t *identifiers = sl_json_get(patient, "identifier");

    for (int i = 0; i < sl_cdp_fhir_count(identifiers); i++) {
        const char *one = mrn_of(sl_cdp_fhir_at(identifiers, i), system, today);

        if (one != NULL && strcmp(one, mrn) == 0) {
            return true;
        }
    }
    return false;
}
