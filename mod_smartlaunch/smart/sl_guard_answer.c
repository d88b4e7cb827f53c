/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_guard_ask.h"
#include "smart/sl_guard_body.h"
#include "smart/sl_guard_names.h"
#include "smart/sl_guard_ref.h"
#include <string.h>

/*
 * The members that say whose a resource is (R4 compartment definition of Patient, without those
 * that only name who did or wrote it). Types that are not listed have `subject` or `patient`.
 */
static const struct {
    const char *type;
    const char *member;
    const char *inner; /* NULL: the member is the reference itself */
} owners[] = {
    {"Appointment", "participant", "actor"},
    {"AppointmentResponse", "actor", NULL},
    {"Binary", "securityContext", NULL},
    {"Coverage", "beneficiary", NULL},
    {"EnrollmentRequest", "candidate", NULL},
    {"Person", "link", "target"},
    {"Provenance", "target", NULL},
    {"ResearchSubject", "individual", NULL},
    {"Schedule", "actor", NULL},
    {"Task", "for", NULL},
};

/* How often the references under a member name our patient, or somebody else. */
typedef struct {
    int ours, others;
} count_t;

static bool judge(sl_guard_t *g, const sl_json_t *resource);

static void count(sl_guard_t *g, count_t *found, const sl_json_t *value, const char *inner)
{
    const char *ref;

    if (json_object_is_type(value, json_type_array)) {
        for (size_t i = 0; i < json_object_array_length(value); i++) {
            count(g, found, json_object_array_get_idx(value, i), inner);
        }
        return;
    }
    if (inner != NULL) {
        count(g, found, sl_json_get(value, inner), NULL);
        return;
    }
    ref = sl_json_str(value, "reference");
    switch (ref != NULL ? sl_guard_ref_read(g, ref, strlen(ref)) : SL_GUARD_REF_BARE) {
    case SL_GUARD_REF_OURS:
        found->ours++;
        break;
    case SL_GUARD_REF_PATIENT:
        found->others++;
        break;
    case SL_GUARD_REF_ELSE:
    case SL_GUARD_REF_BARE:
        break; /* a contained patient, an identifier: no proof */
    }
}

bool sl_guard_belongs(sl_guard_t *g, const sl_json_t *resource)
{
    const char *type = sl_guard_body_type(resource);
    count_t found = {0, 0};

    if (sl_guard_is(type, "Patient")) {
        const char *id = sl_json_str(resource, "id");

        return id != NULL && sl_guard_ref_is_our_id(g, id, strlen(id));
    }
    if (type[0] == '\0' || sl_guard_is(type, "Group")) {
        return false;
    }
    for (size_t i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
        if (strcmp(type, owners[i].type) == 0) {
            count(g, &found, sl_json_get(resource, owners[i].member), owners[i].inner);
        }
    }
    count(g, &found, sl_json_get(resource, "subject"), NULL);
    count(g, &found, sl_json_get(resource, "patient"), NULL);
    return found.ours > 0 && found.others == 0;
}

/* Pages of a search, a history, the answer to a batch; what has no resource tells nothing. */
static bool judge_bundle(sl_guard_t *g, const sl_json_t *bundle)
{
    const sl_json_t *entries = sl_json_get(bundle, "entry");

    if (entries == NULL) {
        return true;
    }
    if (!json_object_is_type(entries, json_type_array)) {
        return false;
    }
    for (size_t i = 0; i < json_object_array_length(entries); i++) {
        const sl_json_t *entry = json_object_array_get_idx(entries, i);
        const sl_json_t *resource = sl_json_get(entry, "resource");
        const sl_json_t *outcome = sl_json_get(sl_json_get(entry, "response"), "outcome");

        if ((resource != NULL && !judge(g, resource)) || (outcome != NULL && !judge(g, outcome))) {
            return false;
        }
    }
    return true;
}

/* As deep as sl_json lets Bundles be nested. */
static bool judge(sl_guard_t *g, const sl_json_t *resource)
{
    const char *type = sl_guard_body_type(resource);

    if (strcmp(type, "Bundle") == 0) {
        return judge_bundle(g, resource);
    }
    return sl_guard_is_nobodys(type) || sl_guard_belongs(g, resource);
}

sl_rc_t sl_guard_answer(const char *patient, const char *base, const char *body, apr_size_t len,
                        apr_pool_t *p, sl_err_t *err)
{
    sl_guard_t g = {.is_strict = true, .patient = patient, .base = base, .p = p, .err = err};
    const sl_json_t *resource = sl_guard_body_parse(&g, body, len, SL_GUARD_MAX_ANSWER, false);

    if (resource == NULL) {
        return sl_guard_deny(&g, SL_GUARD_ANSWER_JSON);
    }
    return patient == NULL || judge(&g, resource) ? SL_OK : sl_guard_deny(&g, SL_GUARD_ANSWER);
}
