/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_guard_names.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

/* Longer than any name in the lists. */
#define MAX_NAME_BYTES 40

/* Every list is in order, lower case. */

/*
 * MAYBE: search parameters with Patient (or Any) among their targets, R4 and R5, and members of
 * that kind. PAGE: HAPI, Epic. `_method` and `_charset_` are no FHIR: they change what the rest
 * means.
 */
static const struct {
    const char *name;
    sl_guard_name_t kind;
} params[] = {
    {"_bundletype", SL_GUARD_NAME_FORM},
    {"_charset_", SL_GUARD_NAME_REFUSED},
    {"_count", SL_GUARD_NAME_FORM},
    {"_elements", SL_GUARD_NAME_FORM},
    {"_filter", SL_GUARD_NAME_REFUSED},
    {"_format", SL_GUARD_NAME_FORM},
    {"_getpages", SL_GUARD_NAME_PAGE},
    {"_getpagesoffset", SL_GUARD_NAME_PAGE},
    {"_graph", SL_GUARD_NAME_REFUSED},
    {"_graphql", SL_GUARD_NAME_REFUSED},
    {"_has", SL_GUARD_NAME_REFUSED},
    {"_id", SL_GUARD_NAME_ID},
    {"_in", SL_GUARD_NAME_REFUSED},
    {"_include", SL_GUARD_NAME_INCLUDE},
    {"_list", SL_GUARD_NAME_REFUSED},
    {"_method", SL_GUARD_NAME_REFUSED},
    {"_pretty", SL_GUARD_NAME_FORM},
    {"_profile", SL_GUARD_NAME_TOKEN},
    {"_query", SL_GUARD_NAME_REFUSED},
    {"_revinclude", SL_GUARD_NAME_REFUSED},
    {"_security", SL_GUARD_NAME_TOKEN},
    {"_source", SL_GUARD_NAME_TOKEN},
    {"_summary", SL_GUARD_NAME_FORM},
    {"_tag", SL_GUARD_NAME_TOKEN},
    {"_total", SL_GUARD_NAME_FORM},
    {"actor", SL_GUARD_NAME_MAYBE},
    {"agent", SL_GUARD_NAME_MAYBE},
    {"asserter", SL_GUARD_NAME_MAYBE},
    {"assessor", SL_GUARD_NAME_MAYBE},
    {"attester", SL_GUARD_NAME_MAYBE},
    {"author", SL_GUARD_NAME_MAYBE},
    {"beneficiary", SL_GUARD_NAME_MAYBE},
    {"candidate", SL_GUARD_NAME_MAYBE},
    {"category", SL_GUARD_NAME_TOKEN},
    {"class", SL_GUARD_NAME_TOKEN},
    {"code", SL_GUARD_NAME_TOKEN},
    {"collector", SL_GUARD_NAME_MAYBE},
    {"consentor", SL_GUARD_NAME_MAYBE},
    {"controller", SL_GUARD_NAME_MAYBE},
    {"data", SL_GUARD_NAME_MAYBE},
    {"enterer", SL_GUARD_NAME_MAYBE},
    {"entity", SL_GUARD_NAME_MAYBE},
    {"entry", SL_GUARD_NAME_MAYBE},
    {"evaluated-resource", SL_GUARD_NAME_MAYBE},
    {"focus", SL_GUARD_NAME_MAYBE},
    {"for", SL_GUARD_NAME_MAYBE},
    {"grantee", SL_GUARD_NAME_MAYBE},
    {"grantor", SL_GUARD_NAME_MAYBE},
    {"identifier", SL_GUARD_NAME_TOKEN},
    {"implicated", SL_GUARD_NAME_MAYBE},
    {"individual", SL_GUARD_NAME_MAYBE},
    {"informant", SL_GUARD_NAME_MAYBE},
    {"intended-performer", SL_GUARD_NAME_MAYBE},
    {"item", SL_GUARD_NAME_MAYBE},
    {"link", SL_GUARD_NAME_MAYBE},
    {"member", SL_GUARD_NAME_MAYBE},
    {"on-behalf-of", SL_GUARD_NAME_MAYBE},
    {"operator", SL_GUARD_NAME_MAYBE},
    {"orderer", SL_GUARD_NAME_MAYBE},
    {"owner", SL_GUARD_NAME_MAYBE},
    {"participant", SL_GUARD_NAME_MAYBE},
    {"party", SL_GUARD_NAME_MAYBE},
    {"party-reference", SL_GUARD_NAME_MAYBE},
    {"patient", SL_GUARD_NAME_PATIENT},
    {"payee", SL_GUARD_NAME_MAYBE},
    {"payor", SL_GUARD_NAME_MAYBE},
    {"performer", SL_GUARD_NAME_MAYBE},
    {"performer-actor", SL_GUARD_NAME_MAYBE},
    {"policy-holder", SL_GUARD_NAME_MAYBE},
    {"receiver", SL_GUARD_NAME_MAYBE},
    {"recipient", SL_GUARD_NAME_MAYBE},
    {"recorder", SL_GUARD_NAME_MAYBE},
    {"related", SL_GUARD_NAME_MAYBE},
    {"related-ref", SL_GUARD_NAME_MAYBE},
    {"reporter", SL_GUARD_NAME_MAYBE},
    {"requester", SL_GUARD_NAME_MAYBE},
    {"requestor", SL_GUARD_NAME_MAYBE},
    {"sender", SL_GUARD_NAME_MAYBE},
    {"sessionid", SL_GUARD_NAME_PAGE},
    {"signer", SL_GUARD_NAME_MAYBE},
    {"source", SL_GUARD_NAME_MAYBE},
    {"status", SL_GUARD_NAME_TOKEN},
    {"subject", SL_GUARD_NAME_PATIENT},
    {"subject-type", SL_GUARD_NAME_TOKEN},
    {"submitter", SL_GUARD_NAME_MAYBE},
    {"subscriber", SL_GUARD_NAME_MAYBE},
    {"supplier", SL_GUARD_NAME_MAYBE},
    {"target", SL_GUARD_NAME_MAYBE},
    {"type", SL_GUARD_NAME_TOKEN},
    {"url", SL_GUARD_NAME_TOKEN},
    {"wearer", SL_GUARD_NAME_MAYBE},
    {"what", SL_GUARD_NAME_MAYBE},
    {"who", SL_GUARD_NAME_MAYBE},
    {"witness", SL_GUARD_NAME_MAYBE},
};

static const char *const links[] = {
    "account",
    "activity-reference",
    "appointment",
    "authenticator",
    "care-manager",
    "care-team",
    "condition",
    "context",
    "custodian",
    "definition",
    "derived-from",
    "device",
    "diagnosis",
    "encounter",
    "endpoint",
    "episode-of-care",
    "facility",
    "general-practitioner",
    "goal",
    "has-member",
    "imaging-study",
    "insurer",
    "location",
    "manufacturer",
    "medication",
    "organization",
    "parent",
    "part-of",
    "partof",
    "practitioner",
    "prescription",
    "primary-organization",
    "provider",
    "questionnaire",
    "reaction-manufacturer",
    "replaces",
    "requesting-organization",
    "result",
    "results-interpreter",
    "schedule",
    "service",
    "service-provider",
    "slot",
    "specimen",
    "study",
    "substance",
};

static const char *const nobodys[] = {
    "activitydefinition",
    "capabilitystatement",
    "catalogentry",
    "chargeitemdefinition",
    "codesystem",
    "compartmentdefinition",
    "conceptmap",
    "devicedefinition",
    "effectevidencesynthesis",
    "endpoint",
    "eventdefinition",
    "evidence",
    "evidencevariable",
    "examplescenario",
    "graphdefinition",
    "healthcareservice",
    "implementationguide",
    "insuranceplan",
    "library",
    "location",
    "measure",
    "medication",
    "medicationknowledge",
    "medicinalproduct",
    "messagedefinition",
    "namingsystem",
    "observationdefinition",
    "operationdefinition",
    "operationoutcome",
    "organization",
    "organizationaffiliation",
    "plandefinition",
    "practitioner",
    "practitionerrole",
    "questionnaire",
    "researchdefinition",
    "researchelementdefinition",
    "researchstudy",
    "riskevidencesynthesis",
    "searchparameter",
    "slot",
    "specimendefinition",
    "structuredefinition",
    "structuremap",
    "substance",
    "substancespecification",
    "terminologycapabilities",
    "testreport",
    "testscript",
    "valueset",
};

bool sl_guard_is(const char *name, const char *word)
{
    return apr_cstr_casecmp(name, word) == 0;
}

/* In lower case; false when it is too long for any list. */
static bool lower(char *out, const char *name)
{
    apr_size_t i;

    for (i = 0; name[i] != '\0' && i < MAX_NAME_BYTES; i++) {
        out[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] | 0x20 : name[i]);
    }
    out[i] = '\0';
    return name[i] == '\0';
}

static int compare(const void *name, const void *entry)
{
    return strcmp(name, *(const char *const *)entry);
}

static bool is_listed(const char *name, const char *const *list, size_t n)
{
    char low[MAX_NAME_BYTES + 1];

    return lower(low, name) && bsearch(low, list, n, sizeof(*list), compare) != NULL;
}

static bool sounds_like_patient(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (apr_cstr_casecmpn(c, "patient", 7) == 0 || apr_cstr_casecmpn(c, "subject", 7) == 0) {
            return true;
        }
    }
    return false;
}

sl_guard_name_t sl_guard_name_of(const char *name)
{
    char low[MAX_NAME_BYTES + 1];
    bool is_whole = lower(low, name);
    size_t from = 0, to = is_whole ? COUNT_OF(params) : 0;

    /* By hand: this runs for every parameter of every request. */
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = low[0] - params[middle].name[0];

        order = order == 0 ? strcmp(low, params[middle].name) : order;

        if (order == 0) {
            return params[middle].kind;
        }
        from = order > 0 ? middle + 1 : from;
        to = order > 0 ? to : middle;
    }
    if (is_whole ? strstr(low, "patient") != NULL || strstr(low, "subject") != NULL
                 : sounds_like_patient(name)) {
        return SL_GUARD_NAME_PATIENT;
    }
    return SL_GUARD_NAME_OTHER;
}

bool sl_guard_is_safe_link(const char *name)
{
    return is_listed(name, links, COUNT_OF(links));
}

bool sl_guard_is_nobodys(const char *type)
{
    return is_listed(type, nobodys, COUNT_OF(nobodys));
}
