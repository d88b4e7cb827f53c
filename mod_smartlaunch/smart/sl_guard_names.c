/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_guard_names.h"

#include "base/sl_text.h"
#include <apr_cstr.h>
#include <apr_lib.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_OF(list) (sizeof(list) / sizeof((list)[0]))

/* Every list is in order, lower case. */

/* Search parameters with Patient (or Any) among their targets, R4 and R5, and members of that
   kind. */
static const char *const maybes[] = {
    "actor",         "agent",
    "asserter",      "assessor",
    "attester",      "author",
    "beneficiary",   "candidate",
    "collector",     "consentor",
    "controller",    "data",
    "enterer",       "entity",
    "entry",         "evaluated-resource",
    "focus",         "for",
    "grantee",       "grantor",
    "implicated",    "individual",
    "informant",     "intended-performer",
    "item",          "link",
    "member",        "on-behalf-of",
    "operator",      "orderer",
    "owner",         "participant",
    "party",         "party-reference",
    "payee",         "payor",
    "performer",     "performer-actor",
    "policy-holder", "receiver",
    "recipient",     "recorder",
    "related",       "related-ref",
    "reporter",      "requester",
    "requestor",     "sender",
    "signer",        "source",
    "submitter",     "subscriber",
    "supplier",      "target",
    "wearer",        "what",
    "who",           "witness",
};

static const char *const tokens[] = {
    "_profile", "_security",  "_source", "_tag", "category", "class",
    "code",     "identifier", "status",  "type", "url",
};

static const char *const forms[] = {
    "_bundletype", "_count", "_elements", "_format", "_pretty", "_summary", "_total",
};

/* HAPI, Epic. */
static const char *const pages[] = {"_getpages", "_getpagesoffset", "sessionid"};

/* _method and _charset_ are no FHIR: they change what the rest means. */
static const char *const refused[] = {
    "_charset_", "_filter", "_graph",  "_graphql", "_has",
    "_in",       "_list",   "_method", "_query",   "_revinclude",
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

static int compare(const void *name, const void *entry)
{
    return apr_cstr_casecmp(name, *(const char *const *)entry);
}

static bool is_listed(const char *name, const char *const *list, size_t n)
{
    return bsearch(name, list, n, sizeof(*list), compare) != NULL;
}

static bool has(const char *name, const char *part)
{
    size_t len = strlen(part);

    for (; *name != '\0'; name++) {
        if (apr_cstr_casecmpn(name, part, len) == 0) {
            return true;
        }
    }
    return false;
}

static sl_guard_name_t control_of(const char *name)
{
    if (sl_guard_is(name, "_id")) {
        return SL_GUARD_NAME_ID;
    }
    if (sl_guard_is(name, "_include")) {
        return SL_GUARD_NAME_INCLUDE;
    }
    if (is_listed(name, refused, COUNT_OF(refused))) {
        return SL_GUARD_NAME_REFUSED;
    }
    return is_listed(name, forms, COUNT_OF(forms)) ? SL_GUARD_NAME_FORM : SL_GUARD_NAME_OTHER;
}

sl_guard_name_t sl_guard_name_of(const char *name)
{
    sl_guard_name_t kind = name[0] == '_' ? control_of(name) : SL_GUARD_NAME_OTHER;

    if (kind != SL_GUARD_NAME_OTHER) {
        return kind;
    }
    if (sl_guard_is(name, "subject-type")) {
        return SL_GUARD_NAME_TOKEN;
    }
    if (has(name, "patient") || has(name, "subject")) {
        return SL_GUARD_NAME_PATIENT;
    }
    if (is_listed(name, tokens, COUNT_OF(tokens))) {
        return SL_GUARD_NAME_TOKEN;
    }
    if (is_listed(name, maybes, COUNT_OF(maybes))) {
        return SL_GUARD_NAME_MAYBE;
    }
    return is_listed(name, pages, COUNT_OF(pages)) ? SL_GUARD_NAME_PAGE : SL_GUARD_NAME_OTHER;
}

bool sl_guard_is_safe_link(const char *name)
{
    return is_listed(name, links, COUNT_OF(links));
}

bool sl_guard_is_nobodys(const char *type)
{
    return is_listed(type, nobodys, COUNT_OF(nobodys));
}
