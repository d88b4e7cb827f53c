/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_plan_list.h"

#include "base/sl_text.h"
#include <apr_strings.h>
#include <string.h>

#define CLINICAL "active,recurrence,relapse,inactive,remission,resolved"
#define MEDICATION_STATUS                                                                          \
    "active,on-hold,cancelled,completed,entered-in-error,stopped,draft,unknown"
#define WITH_MEDICATION "&_include=MedicationRequest:medication"

/* Some servers want a status: they are asked once more, with all there are (fhir-reading). */
static const struct {
    sl_cdp_category_t category;
    const char *label, *type, *filter, *fallback;
} searches[] = {
    {SL_CDP_PROBLEMS, "problem list", "Condition", "&category=problem-list-item",
     "&category=problem-list-item&clinical-status=" CLINICAL},
    {SL_CDP_DIAGNOSES, "diagnoses of encounters", "Condition", "&category=encounter-diagnosis",
     "&category=encounter-diagnosis&clinical-status=" CLINICAL},
    {SL_CDP_MEDICATIONS, "medications", "MedicationRequest", "&intent=order,plan" WITH_MEDICATION,
     "&intent=order,plan&status=" MEDICATION_STATUS WITH_MEDICATION},
    {SL_CDP_ALLERGIES, "allergies", "AllergyIntolerance", "",
     "&clinical-status=active,inactive,resolved"},
    {SL_CDP_IMMUNIZATIONS, "immunizations", "Immunization", "",
     "&status=completed,entered-in-error,not-done"},
    {SL_CDP_PROCEDURES, "procedures", "Procedure", "",
     "&status=preparation,in-progress,not-done,on-hold,stopped,completed,entered-in-error,"
     "unknown"},
    {SL_CDP_ENCOUNTERS, "encounters", "Encounter", "",
     "&status=planned,arrived,triaged,in-progress,onleave,finished,cancelled,entered-in-error,"
     "unknown"},
    {SL_CDP_DOCUMENTS, "clinical notes", "DocumentReference", "",
     "&status=current,superseded,entered-in-error"},
};

static const struct {
    const char *source;
    sl_cdp_category_t category;
} lists[] = {
    {"active-problem-list", SL_CDP_PROBLEMS},
    {"inactive-problem-list", SL_CDP_PROBLEMS},
    {"resolved-problem-list", SL_CDP_PROBLEMS},
    {"encounter-diagnosis-list", SL_CDP_DIAGNOSES},
    {"active-medications-list", SL_CDP_MEDICATIONS},
    {"completed-medications-list", SL_CDP_MEDICATIONS},
    {"stopped-medications-list", SL_CDP_MEDICATIONS},
    {"on-hold-medications-list", SL_CDP_MEDICATIONS},
    {"allergy-list", SL_CDP_ALLERGIES},
    {"immunization-list", SL_CDP_IMMUNIZATIONS},
    {"procedure-list", SL_CDP_PROCEDURES},
    {"encounter-list", SL_CDP_ENCOUNTERS},
    {"document-notes", SL_CDP_DOCUMENTS},
};

sl_cdp_category_t sl_cdp_plan_list_category(const char *source)
{
    for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
        if (strcmp(lists[i].source, source) == 0) {
            return lists[i].category;
        }
    }
    return SL_CDP_PATIENT;
}

void sl_cdp_plan_list_request(sl_cdp_request_t *out, sl_cdp_category_t category,
                              const char *patient, apr_pool_t *p)
{
    memset(out, 0, sizeof(*out));
    out->category = category;
    for (size_t i = 0; i < sizeof(searches) / sizeof(*searches); i++) {
        if (searches[i].category == category) {
            const char *search =
                apr_pstrcat(p, searches[i].type, "?patient=", sl_text_percent(p, patient), NULL);

            out->label = searches[i].label;
            out->type = searches[i].type;
            out->query = apr_pstrcat(p, search, searches[i].filter, NULL);
            out->fallback = apr_pstrcat(p, search, searches[i].fallback, NULL);
        }
    }
}
