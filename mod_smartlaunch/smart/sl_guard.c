/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_guard.h"

#include "smart/sl_guard_ask.h"
#include "smart/sl_guard_body.h"
#include "smart/sl_guard_names.h"
#include "smart/sl_guard_params.h"
#include "smart/sl_guard_ref.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

/* What a body is read as. */
typedef enum { KIND_NONE, KIND_FORM, KIND_JSON, KIND_PATCH } body_kind_t;

static bool is_active(const sl_guard_input_t *input)
{
    return input->mode != SL_GUARD_OFF && input->patient != NULL;
}

bool sl_guard_wants_body(const sl_guard_input_t *input)
{
    return is_active(input) && input->has_body;
}

/* A method that has a body of its own. */
static bool takes_body(const sl_fhir_request_t *r)
{
    return strcmp(r->method, "POST") == 0 || strcmp(r->method, "PUT") == 0 ||
           strcmp(r->method, "PATCH") == 0;
}

/* …and cannot do without. */
static bool needs_body(const sl_fhir_request_t *r)
{
    return takes_body(r) && r->kind != SL_FHIR_SEARCH && r->kind != SL_FHIR_OPERATION;
}

/* The media type, lower case; NULL when it has another charset than UTF-8. */
static const char *media_type(const char *content_type, apr_pool_t *p)
{
    char *rest = apr_pstrdup(p, content_type);
    char *type = apr_strtok(rest, "; \t", &rest), *param;

    for (param = apr_strtok(NULL, "; \t", &rest); param != NULL;
         param = apr_strtok(NULL, "; \t", &rest)) {
        if (strncasecmp(param, "charset", 7) == 0 && !sl_guard_is(param, "charset=utf-8") &&
            !sl_guard_is(param, "charset=\"utf-8\"")) {
            return NULL;
        }
    }
    for (char *c = type; c != NULL && *c != '\0'; c++) {
        *c = (char)apr_tolower(*c);
    }
    return type;
}

static body_kind_t kind_of(const sl_guard_input_t *input, apr_pool_t *p)
{
    const sl_fhir_request_t *r = input->request;
    const char *type = input->content_type != NULL ? media_type(input->content_type, p) : NULL;

    if (type == NULL || r->kind == SL_FHIR_OTHER) {
        return KIND_NONE;
    }
    if (strcmp(type, "application/x-www-form-urlencoded") == 0) {
        return r->kind == SL_FHIR_SEARCH || r->kind == SL_FHIR_OPERATION ? KIND_FORM : KIND_NONE;
    }
    if (r->kind == SL_FHIR_SEARCH) {
        return KIND_NONE;
    }
    if (strcmp(type, "application/json-patch+json") == 0) {
        return strcmp(r->method, "PATCH") == 0 ? KIND_PATCH : KIND_NONE;
    }
    return strcmp(type, "application/fhir+json") == 0 || strcmp(type, "application/json") == 0 ||
                   strcmp(type, "application/json+fhir") == 0 || strcmp(type, "text/json") == 0
               ? KIND_JSON
               : KIND_NONE;
}

static bool is_plain(const char *encoding)
{
    return encoding == NULL || encoding[0] == '\0' || sl_guard_is(encoding, "identity");
}

/* What there is of a body, so that it can be judged. */
static sl_rc_t read_body(sl_guard_t *g, sl_guard_ask_t *ask, const sl_guard_input_t *input)
{
    body_kind_t kind;

    if (!input->has_body || (input->body != NULL && input->body_len == 0)) {
        return needs_body(input->request) ? sl_guard_deny(g, SL_GUARD_BODY) : SL_OK;
    }
    if (input->body == NULL || input->body_len > SL_GUARD_MAX_BODY || !takes_body(input->request) ||
        !is_plain(input->content_encoding)) {
        return sl_guard_deny(g, SL_GUARD_BODY);
    }
    kind = kind_of(input, g->p);
    if (kind == KIND_NONE) {
        return sl_guard_deny(g, SL_GUARD_BODY_TYPE);
    }
    if (kind == KIND_FORM) {
        ask->form = input->body;
        ask->form_len = input->body_len;
        return SL_OK;
    }
    ask->is_json_patch = kind == KIND_PATCH;
    ask->json =
        sl_guard_body_parse(g, input->body, input->body_len, SL_GUARD_MAX_BODY, kind == KIND_PATCH);
    return ask->json != NULL ? SL_OK : sl_guard_deny(g, SL_GUARD_BODY_JSON);
}

/* The patient in the path, or else in the query, though nobody is guarded. */
static void look_only(sl_guard_t *g, const sl_guard_input_t *input)
{
    const sl_fhir_request_t *r = input->request;
    sl_guard_found_t ignored;
    sl_rc_t rc;

    g->err = NULL;
    if (input->query != NULL) {
        rc = sl_guard_params(g, &ignored, r->in != NULL ? r->in : r->type, input->query,
                             strlen(input->query));
        (void)rc;
    }
}

sl_rc_t sl_guard_check(sl_guard_verdict_t *out, const sl_guard_input_t *input, apr_pool_t *p,
                       sl_err_t *err)
{
    const sl_fhir_request_t *r = input->request;
    sl_guard_t g = {.is_strict = input->mode == SL_GUARD_STRICT,
                    .patient = is_active(input) ? input->patient : NULL,
                    .base = input->base,
                    .p = p,
                    .err = err};
    sl_guard_ask_t ask = {
        .request = r, .query = input->query, .if_none_exist = input->if_none_exist};
    sl_rc_t rc = SL_OK;

    if (r->type != NULL && r->id != NULL && sl_guard_is(r->type, "Patient")) {
        sl_guard_note(&g, r->id, strlen(r->id));
    }
    if (g.patient == NULL) {
        look_only(&g, input);
    } else {
        rc = read_body(&g, &ask, input);
        if (rc == SL_OK) {
            rc = sl_guard_ask(&g, &ask);
        }
    }
    out->asked_patient = g.asked;
    out->check_answer = rc == SL_OK && g.check_answer;
    return rc;
}
