/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_guard_params.h"

#include "smart/sl_guard_names.h"
#include "smart/sl_guard_ref.h"
#include "smart/sl_params.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

/* One parameter taken apart: name[:modifier], what was before the last dot is gone. */
typedef struct {
    const char *name;
    const char *modifier; /* NULL: none */
    const char *value;
    const char *type; /* of the resources it belongs to; NULL: all */
    bool is_chained;
} param_t;

/* The items of a value. An escaped comma splits, too: what is left then has no clean form. */
typedef sl_rc_t (*item_fn)(sl_guard_t *g, const param_t *param, const char *item, apr_size_t len);

static sl_rc_t each_item(sl_guard_t *g, const param_t *param, item_fn judge)
{
    const char *at = param->value;

    for (;;) {
        apr_size_t len = strcspn(at, ",");
        sl_rc_t rc = judge(g, param, at, len);

        if (rc != SL_OK || at[len] == '\0') {
            return rc;
        }
        at += len + 1;
    }
}

static bool is_name_char(char c)
{
    return apr_isalnum(c) || c == '_' || c == '-' || c == '.' || c == ':';
}

/* PHP makes `_id` of ` id` and `[id`; so nothing but what FHIR names are made of. */
static bool is_name(const char *name)
{
    if (!apr_isalpha(name[0]) && name[0] != '_' && name[0] != '-') {
        return false;
    }
    for (const char *c = name; *c != '\0'; c++) {
        if (!is_name_char(*c)) {
            return false;
        }
    }
    return true;
}

/* A modifier that is a resource type. */
static bool is_type(const char *modifier)
{
    for (const char *c = modifier; *c != '\0'; c++) {
        if (!apr_isalpha(*c)) {
            return false;
        }
    }
    return apr_isupper(modifier[0]);
}

/* Types whose instances are somebody's, but no person or group of persons. */
static bool is_thing(const char *type)
{
    return sl_guard_is_nobodys(type) || sl_guard_is(type, "Device") ||
           sl_guard_is(type, "DeviceMetric");
}

static bool is_person(const char *type)
{
    return sl_guard_is(type, "Patient") || sl_guard_is(type, "Group");
}

/* Exactly our patient, as an id or as Patient/id. */
static sl_rc_t judge_ours(sl_guard_t *g, const param_t *param, const char *item, apr_size_t len)
{
    sl_guard_ref_t ref = sl_guard_ref_read(g, item, len);

    (void)param;
    if (ref == SL_GUARD_REF_BARE) {
        sl_guard_note(g, item, len);
    }
    return ref == SL_GUARD_REF_OURS ||
                   (ref == SL_GUARD_REF_BARE && sl_guard_ref_is_our_id(g, item, len))
               ? SL_OK
               : sl_guard_deny(g, SL_GUARD_PARAM);
}

static sl_rc_t judge_id(sl_guard_t *g, const param_t *param, const char *item, apr_size_t len)
{
    (void)param;
    sl_guard_note(g, item, len);
    return sl_guard_ref_is_our_id(g, item, len) ? SL_OK : sl_guard_deny(g, SL_GUARD_PARAM);
}

/* subject=Device/d1, subject=Location/l1 */
static sl_rc_t judge_thing(sl_guard_t *g, const param_t *param, const char *item, apr_size_t len)
{
    const char *slash = memchr(item, '/', len);

    (void)param;
    if (sl_guard_ref_read(g, item, len) != SL_GUARD_REF_ELSE || slash == NULL ||
        !is_thing(apr_pstrmemdup(g->p, item, (apr_size_t)(slash - item)))) {
        return sl_guard_deny(g, SL_GUARD_PARAM);
    }
    return SL_OK;
}

/* performer=Practitioner/p1, performer=Patient/ours; a bare id may be anybody's. */
static sl_rc_t judge_maybe(sl_guard_t *g, const param_t *param, const char *item, apr_size_t len)
{
    (void)param;
    switch (sl_guard_ref_read(g, item, len)) {
    case SL_GUARD_REF_OURS:
    case SL_GUARD_REF_ELSE:
        return SL_OK;
    case SL_GUARD_REF_PATIENT:
        return sl_guard_deny(g, SL_GUARD_PARAM);
    case SL_GUARD_REF_BARE:
        break;
    }
    return sl_guard_ref_is_our_id(g, item, len) ? SL_OK : sl_guard_deny(g, SL_GUARD_UNCLEAR);
}

/* Whatever the name: what is written like a reference to a patient is one. */
static sl_rc_t judge_other(sl_guard_t *g, const param_t *param, const char *item, apr_size_t len)
{
    (void)param;
    return sl_guard_ref_read(g, item, len) == SL_GUARD_REF_PATIENT
               ? sl_guard_deny(g, SL_GUARD_PARAM)
               : SL_OK;
}

static sl_rc_t judge_patient_param(sl_guard_t *g, sl_guard_found_t *found, const param_t *param)
{
    bool is_subject = sl_guard_is(param->name, "subject");
    sl_rc_t rc;

    /* :identifier, :missing, :not find other patients; subject:Device=d1 is subject=Device/d1. */
    if (param->modifier != NULL && !sl_guard_is(param->modifier, "Patient")) {
        return sl_guard_deny(g, SL_GUARD_PARAM);
    }
    if (is_subject && param->modifier == NULL &&
        sl_guard_ref_read(g, param->value, strcspn(param->value, ",")) == SL_GUARD_REF_ELSE) {
        return each_item(g, param, judge_thing);
    }
    rc = each_item(g, param, judge_ours);
    /* Only what FHIR knows narrows a search; a parameter that the EHR ignores does not. */
    if (rc == SL_OK && !param->is_chained && (is_subject || sl_guard_is(param->name, "patient"))) {
        found->by_subject = true;
    }
    return rc;
}

/* Is every item written out as our patient? */
static bool is_all_ours(sl_guard_t *g, const char *value)
{
    for (;;) {
        apr_size_t len = strcspn(value, ",");

        if (sl_guard_ref_read(g, value, len) != SL_GUARD_REF_OURS) {
            return false;
        }
        if (value[len] == '\0') {
            return true;
        }
        value += len + 1;
    }
}

static sl_rc_t judge_maybe_param(sl_guard_t *g, sl_guard_found_t *found, const param_t *param)
{
    sl_rc_t rc;

    if (param->modifier == NULL) {
        rc = each_item(g, param, judge_maybe);
        if (rc == SL_OK && !param->is_chained && is_all_ours(g, param->value)) {
            found->by_other = true;
        }
        return rc;
    }
    if (sl_guard_is(param->modifier, "missing")) {
        return SL_OK;
    }
    if (sl_guard_is(param->modifier, "Patient")) {
        return each_item(g, param, judge_ours);
    }
    return is_type(param->modifier) && !is_person(param->modifier)
               ? each_item(g, param, judge_other)
               : sl_guard_deny(g, SL_GUARD_UNCLEAR);
}

static sl_rc_t judge_other_param(sl_guard_t *g, const param_t *param)
{
    if (param->modifier != NULL && sl_guard_is(param->modifier, "Patient")) {
        return each_item(g, param, judge_ours);
    }
    if (param->modifier != NULL && is_person(param->modifier)) {
        return sl_guard_deny(g, SL_GUARD_PARAM);
    }
    /* A composite value has references inside its items. */
    if (sl_guard_ref_is_inside(param->value)) {
        return each_item(g, param, judge_maybe);
    }
    return SL_OK;
}

/*
 * Source:parameter[:Target]. What is included is what the found resources point to. Where the
 * search is for our patient, `patient` and `subject` lead back to ours. A target that is written
 * out is no patient; without one the parameter must be one that never leads to a patient. `*` and
 * :iterate on patients may lead to anybody.
 */
static sl_rc_t judge_include(sl_guard_t *g, sl_guard_found_t *found, const param_t *param)
{
    char *rest = apr_pstrdup(g->p, param->value);
    const char *source = apr_strtok(rest, ":", &rest);
    const char *name = source != NULL ? apr_strtok(NULL, ":", &rest) : NULL;
    const char *target = name != NULL ? apr_strtok(NULL, ":", &rest) : NULL;

    found->includes = true;
    if (name == NULL || !is_type(source) || strpbrk(name, "*,.") != NULL) {
        return sl_guard_deny(g, SL_GUARD_INCLUDE);
    }
    if (target != NULL && !sl_guard_is(target, "Patient")) {
        return is_type(target) && !is_person(target) && *rest == '\0'
                   ? SL_OK
                   : sl_guard_deny(g, SL_GUARD_INCLUDE);
    }
    if (sl_guard_is(name, "patient") || sl_guard_is(name, "subject")) {
        found->includes_patient = true;
        return param->modifier == NULL ? SL_OK : sl_guard_deny(g, SL_GUARD_INCLUDE);
    }
    return target == NULL && sl_guard_is_safe_link(name) ? SL_OK
                                                         : sl_guard_deny(g, SL_GUARD_INCLUDE);
}

static sl_rc_t judge_id_param(sl_guard_t *g, sl_guard_found_t *found, const param_t *param)
{
    sl_rc_t rc;

    if (param->type == NULL || !sl_guard_is(param->type, "Patient")) {
        return judge_other_param(g, param);
    }
    if (param->modifier != NULL) {
        return sl_guard_deny(g, SL_GUARD_PARAM);
    }
    rc = each_item(g, param, judge_id);
    found->by_id = found->by_id || (rc == SL_OK && !param->is_chained);
    return rc;
}

static sl_rc_t judge(sl_guard_t *g, sl_guard_found_t *found, const param_t *param)
{
    sl_guard_name_t kind = sl_guard_name_of(param->name);

    if (kind == SL_GUARD_NAME_PAGE) {
        found->is_page = true;
    } else if (kind != SL_GUARD_NAME_FORM && kind != SL_GUARD_NAME_INCLUDE) {
        found->is_search = true;
    }
    switch (kind) {
    case SL_GUARD_NAME_PATIENT:
        return judge_patient_param(g, found, param);
    case SL_GUARD_NAME_MAYBE:
        return judge_maybe_param(g, found, param);
    case SL_GUARD_NAME_REFUSED:
        return sl_guard_deny(g, SL_GUARD_SEARCH);
    case SL_GUARD_NAME_INCLUDE:
        return judge_include(g, found, param);
    case SL_GUARD_NAME_ID:
        return judge_id_param(g, found, param);
    case SL_GUARD_NAME_TOKEN:
    case SL_GUARD_NAME_FORM:
    case SL_GUARD_NAME_PAGE:
        return param->modifier != NULL && is_person(param->modifier)
                   ? sl_guard_deny(g, SL_GUARD_PARAM)
                   : SL_OK;
    case SL_GUARD_NAME_OTHER:
        break;
    }
    return judge_other_param(g, param);
}

/* Does a link of a chain, `encounter` or `subject:Device`, lead to what is no patient? */
static bool is_safe_step(char *step)
{
    char *colon = strchr(step, ':');
    sl_guard_name_t kind;

    if (colon == NULL) {
        return sl_guard_is_safe_link(step);
    }
    *colon = '\0';
    kind = sl_guard_name_of(step);
    if (kind == SL_GUARD_NAME_PATIENT || kind == SL_GUARD_NAME_MAYBE) {
        return is_type(colon + 1) && is_thing(colon + 1);
    }
    return step[0] != '_' && is_type(colon + 1) && !is_person(colon + 1);
}

sl_rc_t sl_guard_param(sl_guard_t *g, sl_guard_found_t *found, const char *type, const char *name,
                       const char *value)
{
    char *step = apr_pstrdup(g->p, name), *end;
    param_t param = {.value = value, .type = type};

    if (!is_name(name)) {
        return sl_guard_deny(g, SL_GUARD_QUERY);
    }
    /* `_has:Observation:patient:code` has colons of its own. */
    if (step[0] == '_' && (end = strchr(step, ':')) != NULL) {
        *end = '\0';
        if (sl_guard_name_of(step) == SL_GUARD_NAME_REFUSED) {
            return sl_guard_deny(g, SL_GUARD_SEARCH);
        }
        *end = ':';
    }
    while ((end = strchr(step, '.')) != NULL) {
        *end = '\0';
        if (!is_safe_step(step)) {
            return sl_guard_deny(g, SL_GUARD_CHAIN);
        }
        param.is_chained = true;
        param.type = NULL;
        step = end + 1;
    }
    end = strchr(step, ':');
    if (end != NULL) {
        *end = '\0';
        param.modifier = end + 1;
    }
    param.name = step;
    return judge(g, found, &param);
}

static sl_rc_t judge_all(sl_guard_t *g, sl_guard_found_t *found, const char *type, const char *text,
                         apr_size_t len)
{
    sl_params_t *params;
    sl_rc_t rc = sl_params_parse(&params, text, len, g->p, NULL);

    if (rc != SL_OK) {
        return sl_guard_deny(g, SL_GUARD_QUERY);
    }
    for (int i = 0; i < params->pairs->nelts; i++) {
        const sl_param_t *param = &APR_ARRAY_IDX(params->pairs, i, sl_param_t);
        sl_rc_t one = sl_guard_param(g, found, type, param->name, param->value);

        rc = rc == SL_OK ? one : rc;
        /* Without a patient to guard we only look for the one that is asked for. */
        if (rc != SL_OK && g->patient != NULL) {
            return rc;
        }
    }
    return rc;
}

/* Some servers take `;` for `&`. */
static const char *other_reading(apr_pool_t *p, const char *text, apr_size_t len)
{
    char *other = apr_pstrmemdup(p, text, len);

    for (apr_size_t i = 0; i < len; i++) {
        if (other[i] == ';') {
            other[i] = '&';
        }
    }
    return other;
}

sl_rc_t sl_guard_params(sl_guard_t *g, sl_guard_found_t *found, const char *type, const char *text,
                        apr_size_t len)
{
    static const sl_guard_found_t nothing;
    sl_guard_found_t other = nothing;
    sl_rc_t rc;

    *found = nothing;
    if (text == NULL || len == 0) {
        return SL_OK;
    }
    if (memchr(text, '#', len) != NULL) {
        return sl_guard_deny(g, SL_GUARD_QUERY);
    }
    rc = judge_all(g, found, type, text, len);
    if (rc != SL_OK || memchr(text, ';', len) == NULL) {
        return rc;
    }
    rc = judge_all(g, &other, type, other_reading(g->p, text, len), len);
    /* What names ours does so in both; what does so only in the other one does not count. */
    found->is_search = found->is_search || other.is_search;
    found->includes = found->includes || other.includes;
    found->includes_patient = found->includes_patient || other.includes_patient;
    return rc;
}

void sl_guard_found_join(sl_guard_found_t *found, const sl_guard_found_t *more)
{
    found->by_id = found->by_id || more->by_id;
    found->by_subject = found->by_subject || more->by_subject;
    found->by_other = found->by_other || more->by_other;
    found->is_page = found->is_page || more->is_page;
    found->is_search = found->is_search || more->is_search;
    found->includes = found->includes || more->includes;
    found->includes_patient = found->includes_patient || more->includes_patient;
}
