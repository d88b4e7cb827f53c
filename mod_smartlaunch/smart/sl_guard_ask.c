/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_guard_ask.h"

#include "smart/sl_guard_body.h"
#include "smart/sl_guard_names.h"
#include "smart/sl_guard_params.h"
#include "smart/sl_guard_ref.h"
#include <apr_cstr.h>
#include <string.h>

/* Operations of the whole server that touch no data: what they work on is in the body. */
static const char *const harmless[] = {"$closure", "$convert", "$validate", "$versions"};

static bool is_type(const char *type, const char *name)
{
    return type != NULL && sl_guard_is(type, name);
}

static bool is_method(const sl_fhir_request_t *r, const char *method)
{
    return strcmp(r->method, method) == 0;
}

static bool is_our_patient(const sl_guard_t *g, const sl_fhir_request_t *r)
{
    return is_type(r->type, "Patient") && r->id != NULL &&
           sl_guard_ref_is_our_id(g, r->id, strlen(r->id));
}

/* The type that is searched, read or written. */
static const char *target_of(const sl_fhir_request_t *r)
{
    return r->in != NULL ? r->in : r->type;
}

static bool is_harmless(const char *operation)
{
    for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
        if (sl_guard_is(operation, harmless[i])) {
            return true;
        }
    }
    return false;
}

/* `$export`, `$davinci-data-export`, `$graphql`, `$graphql-…` */
static bool is_for_many(const char *operation)
{
    for (const char *c = operation; *c != '\0'; c++) {
        if (apr_cstr_casecmpn(c, "export", 6) == 0 || apr_cstr_casecmpn(c, "graphql", 7) == 0) {
            return true;
        }
    }
    return false;
}

/* A request of the base. */
static sl_rc_t judge_system(const sl_guard_t *g, const sl_fhir_request_t *r)
{
    bool pass = r->kind == SL_FHIR_CAPABILITIES || r->kind == SL_FHIR_BATCH ||
                (r->kind == SL_FHIR_SEARCH && is_method(r, "GET") && r->path[0] == '\0') ||
                (r->kind == SL_FHIR_OPERATION && is_harmless(r->operation));

    return pass ? SL_OK : sl_guard_deny(g, SL_GUARD_SYSTEM);
}

/* A request of a whole type: searches and conditional writes are judged by their parameters. */
static sl_rc_t judge_type(const sl_guard_t *g, const sl_fhir_request_t *r)
{
    bool is_patient = is_type(r->type, "Patient");

    if (r->kind == SL_FHIR_HISTORY || (r->kind == SL_FHIR_OPERATION &&
                                       (is_patient || sl_guard_is(r->operation, "$everything")))) {
        return sl_guard_deny(g, SL_GUARD_WHOLE_TYPE);
    }
    /* A new Patient is not ours. */
    return is_patient && r->kind == SL_FHIR_WRITE && is_method(r, "POST")
               ? sl_guard_deny(g, SL_GUARD_RESOURCE)
               : SL_OK;
}

static sl_rc_t judge_path(const sl_guard_t *g, const sl_fhir_request_t *r)
{
    if (r->kind == SL_FHIR_OTHER) {
        return sl_guard_deny(g, SL_GUARD_UNKNOWN);
    }
    if (is_type(r->type, "Group") || is_type(r->in, "Group") ||
        (r->operation != NULL && is_for_many(r->operation))) {
        return sl_guard_deny(g, SL_GUARD_MANY);
    }
    if (is_type(r->type, "Patient") && r->id != NULL && !is_our_patient(g, r)) {
        return sl_guard_deny(g, SL_GUARD_PATH);
    }
    /* What it watches, and where it sends that, is beyond one request. */
    if (is_type(r->type, "Subscription") && r->kind == SL_FHIR_WRITE && !is_method(r, "DELETE")) {
        return sl_guard_deny(g, SL_GUARD_SUBSCRIPTION);
    }
    if (r->type == NULL) {
        return judge_system(g, r);
    }
    return r->id == NULL ? judge_type(g, r) : SL_OK;
}

/* The body of a write. */
static sl_rc_t judge_write(sl_guard_t *g, const sl_guard_ask_t *ask)
{
    const sl_fhir_request_t *r = ask->request;

    if (is_method(r, "DELETE")) {
        return SL_OK;
    }
    if (ask->is_json_patch) {
        return sl_guard_body_patch(g, ask->json);
    }
    if (is_method(r, "PATCH")) {
        return sl_guard_body_fhirpath(g, ask->json);
    }
    return is_type(r->type, sl_guard_body_type(ask->json))
               ? sl_guard_body_resource(g, ask->json)
               : sl_guard_deny(g, SL_GUARD_RESOURCE_TYPE);
}

static sl_rc_t judge_operation(sl_guard_t *g, const sl_guard_ask_t *ask, sl_guard_found_t *found)
{
    static const sl_guard_found_t nothing;
    sl_guard_found_t body = nothing;
    sl_rc_t rc = SL_OK;

    if (ask->json != NULL && sl_guard_body_type(ask->json)[0] == '\0') {
        return sl_guard_deny(g, SL_GUARD_BODY_JSON);
    }
    if (ask->json != NULL && sl_guard_is(sl_guard_body_type(ask->json), "Parameters")) {
        rc = sl_guard_body_parameters(g, &body, ask->request->type, ask->json);
    }
    if (rc == SL_OK && ask->json != NULL) {
        rc = sl_guard_body_resource(g, ask->json);
    }
    sl_guard_found_join(found, &body);
    return rc;
}

/* Query, form and body; what they say of our patient in `found`. */
static sl_rc_t judge_contents(sl_guard_t *g, const sl_guard_ask_t *ask, sl_guard_found_t *found)
{
    const sl_fhir_request_t *r = ask->request;
    const char *target = target_of(r);
    const char *condition = ask->if_none_exist;
    sl_guard_found_t form, ignored;
    sl_rc_t rc =
        sl_guard_params(g, found, target, ask->query, ask->query != NULL ? strlen(ask->query) : 0);

    if (rc == SL_OK) {
        rc = sl_guard_params(g, &form, target, ask->form, ask->form_len);
    }
    if (rc == SL_OK && condition != NULL) {
        condition += condition[0] == '?';
        rc = sl_guard_params(g, &ignored, target, condition, strlen(condition));
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (r->kind == SL_FHIR_SEARCH && is_method(r, "POST")) {
        /* Some servers read only the form of such a search: what narrows it must be there. */
        found->by_id = found->by_subject = found->by_other = false;
    }
    sl_guard_found_join(found, &form);
    if (r->kind == SL_FHIR_WRITE) {
        return judge_write(g, ask);
    }
    return r->kind == SL_FHIR_OPERATION ? judge_operation(g, ask, found) : SL_OK;
}

/* Do the parameters, or the compartment, narrow it to our patient? */
static bool is_narrowed(const sl_guard_t *g, const sl_fhir_request_t *r,
                        const sl_guard_found_t *found)
{
    if (is_type(target_of(r), "Patient")) {
        return found->by_id || (r->in == NULL && is_our_patient(g, r));
    }
    return found->by_subject || found->by_other || is_our_patient(g, r);
}

static sl_rc_t judge_found(sl_guard_t *g, const sl_guard_ask_t *ask, const sl_guard_found_t *found)
{
    const sl_fhir_request_t *r = ask->request;
    bool is_conditional = r->kind == SL_FHIR_WRITE && r->id == NULL && !is_method(r, "POST");

    if (r->type == NULL && r->kind == SL_FHIR_SEARCH) {
        /* A server that does not know the mark would search everything: let the answer show. */
        g->check_answer = true;
        return found->is_page && !found->is_search ? SL_OK : sl_guard_deny(g, SL_GUARD_SYSTEM);
    }
    if (r->kind == SL_FHIR_SEARCH && is_type(target_of(r), "Patient") && !found->by_id) {
        return sl_guard_deny(g, SL_GUARD_NO_ID);
    }
    if (is_conditional && !is_narrowed(g, r, found)) {
        return sl_guard_deny(g, SL_GUARD_NOT_OURS);
    }
    return found->includes_patient && !found->by_subject ? sl_guard_deny(g, SL_GUARD_INCLUDE)
                                                         : SL_OK;
}

static sl_rc_t strict_operation(sl_guard_t *g, const sl_fhir_request_t *r,
                                const sl_guard_found_t *found)
{
    if (r->type == NULL) {
        return SL_OK;
    }
    g->check_answer = true;
    if (is_our_patient(g, r) || (r->id != NULL && r->is_read) ||
        (r->id == NULL && is_narrowed(g, r, found))) {
        return SL_OK;
    }
    return sl_guard_deny(g, r->id != NULL ? SL_GUARD_STRICT_WRITE : SL_GUARD_STRICT_SEARCH);
}

/* Types whose operations look up words, and may answer with Parameters. */
static bool is_terminology(const char *type)
{
    return sl_guard_is(type, "CodeSystem") || sl_guard_is(type, "ConceptMap") ||
           sl_guard_is(type, "NamingSystem") || sl_guard_is(type, "StructureDefinition") ||
           sl_guard_is(type, "ValueSet");
}

/* What is there already, under an id, may be anybody's: only what is new can prove whose it is. */
static sl_rc_t strict_write(sl_guard_t *g, const sl_guard_ask_t *ask)
{
    const sl_fhir_request_t *r = ask->request;

    if (is_our_patient(g, r) || is_type(r->type, "Patient") ||
        (is_method(r, "POST") && sl_guard_belongs(g, ask->json))) {
        return SL_OK;
    }
    return sl_guard_deny(g, SL_GUARD_STRICT_WRITE);
}

static sl_rc_t judge_strict(sl_guard_t *g, const sl_guard_ask_t *ask, const sl_guard_found_t *found)
{
    const sl_fhir_request_t *r = ask->request;

    if (r->type != NULL && sl_guard_is_nobodys(target_of(r))) {
        if (found->includes || (r->kind == SL_FHIR_OPERATION && !is_terminology(target_of(r)))) {
            g->check_answer = true;
        }
        return SL_OK;
    }
    switch (r->kind) {
    case SL_FHIR_SEARCH:
        g->check_answer = true;
        return found->is_page || is_narrowed(g, r, found)
                   ? SL_OK
                   : sl_guard_deny(g, SL_GUARD_STRICT_SEARCH);
    case SL_FHIR_READ:
    case SL_FHIR_HISTORY:
        g->check_answer = true;
        return SL_OK;
    case SL_FHIR_OPERATION:
        return strict_operation(g, r, found);
    case SL_FHIR_WRITE:
        return strict_write(g, ask);
    case SL_FHIR_CAPABILITIES:
    case SL_FHIR_BATCH:
    case SL_FHIR_OTHER:
        break;
    }
    return SL_OK;
}

sl_rc_t sl_guard_ask(sl_guard_t *g, const sl_guard_ask_t *ask)
{
    static const sl_guard_found_t nothing;
    sl_guard_found_t found = nothing;
    sl_rc_t rc = judge_path(g, ask->request);

    if (rc == SL_OK) {
        rc = judge_contents(g, ask, &found);
    }
    if (rc == SL_OK) {
        rc = judge_found(g, ask, &found);
    }
    if (rc == SL_OK && ask->request->kind == SL_FHIR_BATCH) {
        return sl_guard_batch(g, ask->json);
    }
    return rc == SL_OK && g->is_strict ? judge_strict(g, ask, &found) : rc;
}
