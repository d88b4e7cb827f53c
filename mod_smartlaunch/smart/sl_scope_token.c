/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_scope_token.h"

#include "base/sl_text.h"
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define SHOWN 60 /* bytes of a scope in a message */

apr_size_t sl_scope_prefix(const char *text)
{
    static const char *const prefixes[] = {"http://smarthealthit.org/fhir/scopes/",
                                           "http://openid.net/specs/openid-connect-core-1_0#"};

    for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
        if (sl_text_has_prefix(text, prefixes[i])) {
            return strlen(prefixes[i]);
        }
    }
    return 0;
}

static const char *shown(apr_pool_t *p, const char *text)
{
    return sl_text_loggable(p, text, SHOWN);
}

/* RFC 6749 section 3.3: scope-token */
static bool is_scope_text(const char *text)
{
    return sl_text_is_header_safe(text, 4096) && strpbrk(text, " \"\\") == NULL;
}

/* v2: some of c, r, u, d, s in this order. v1: read, write, *. 0: neither. */
static unsigned rights_of(const char *text)
{
    static const char letters[] = "cruds";
    unsigned rights = 0;
    int next = 0;

    if (strcmp(text, "read") == 0) {
        return SL_SCOPE_READ | SL_SCOPE_SEARCH;
    }
    if (strcmp(text, "write") == 0) {
        return SL_SCOPE_CREATE | SL_SCOPE_UPDATE | SL_SCOPE_DELETE;
    }
    if (strcmp(text, "*") == 0) {
        return 31U;
    }
    for (const char *c = text; *c != '\0'; c++) {
        while (next < 5 && letters[next] != *c) {
            next++;
        }
        if (next == 5) {
            return 0;
        }
        rights |= 1U << next++;
    }
    return rights;
}

static bool is_type(const char *text)
{
    return strcmp(text, "*") == 0 || (text[0] >= 'A' && text[0] <= 'Z' && strlen(text) <= 64 &&
                                      strspn(text, LOWER UPPER) == strlen(text));
}

/* p=v(&p=v)* */
static bool is_query(const char *text)
{
    while (true) {
        apr_size_t name = strspn(text, LOWER UPPER DIGITS "_-.:");
        apr_size_t value;

        if (name == 0 || text[name] != '=') {
            return false;
        }
        value = strcspn(text + name + 1, "&#?");
        if (value == 0) {
            return false;
        }
        text += name + 1 + value;
        if (*text == '\0') {
            return true;
        }
        if (*text++ != '&') {
            return false;
        }
    }
}

static sl_rc_t parse_resource(sl_scope_token_t *out, char *rest, apr_pool_t *p, sl_err_t *err)
{
    char *query = strchr(rest, '?');
    char *dot;

    if (query != NULL) {
        *query++ = '\0';
    }
    dot = strchr(rest, '.');
    if (dot != NULL) {
        *dot++ = '\0';
    }
    out->kind = SL_SCOPE_RESOURCE;
    out->type = rest;
    out->query = query;
    out->rights = dot == NULL ? 0 : rights_of(dot);
    if (!is_type(rest)) {
        return sl_err_set(err, SL_INVALID, "SL2201",
                          "scope \"%s\": after the slash comes a FHIR resource type or *",
                          shown(p, out->text));
    }
    if (out->rights == 0) {
        return sl_err_set(err, SL_INVALID, "SL2202",
                          "scope \"%s\" must end in some of c, r, u, d, s in this order (.rs), or "
                          "in .read, .write or .*",
                          shown(p, out->text));
    }
    if (query != NULL && (!is_query(query) || strspn(dot, "cruds") != strlen(dot))) {
        return sl_err_set(err, SL_INVALID, "SL2203",
                          "scope \"%s\": a constraint is written ?parameter=value after rights "
                          "like .rs",
                          shown(p, out->text));
    }
    return SL_OK;
}

/* launch/<lower-case type>, at most one ?role= */
static sl_rc_t parse_launch(sl_scope_token_t *out, const char *rest, apr_pool_t *p, sl_err_t *err)
{
    apr_size_t type = strspn(rest, LOWER);
    const char *role = rest + type;
    bool fits = type > 0;

    if (sl_text_has_prefix(role, "?role=")) {
        fits = fits && role[6] != '\0' && strpbrk(role + 6, "&?") == NULL;
    } else {
        fits = fits && role[0] == '\0';
    }
    if (!fits) {
        return sl_err_set(err, SL_INVALID, "SL2204",
                          "scope \"%s\": write launch, or launch/ and a resource type in lower "
                          "case, with at most one ?role=",
                          shown(p, out->text));
    }
    out->kind = SL_SCOPE_LAUNCH;
    return SL_OK;
}

static bool is_level(const char *text)
{
    return strcmp(text, "patient") == 0 || strcmp(text, "user") == 0 || strcmp(text, "system") == 0;
}

/* A level that is misspelt only by its case is a mistake, not somebody's extension. */
static bool is_almost_level(const char *text)
{
    return strcasecmp(text, "patient") == 0 || strcasecmp(text, "user") == 0 ||
           strcasecmp(text, "system") == 0 || strcasecmp(text, "launch") == 0;
}

/* What a vendor may add (SCP-4): a URI, or a name that begins with `__`. */
static bool is_extension(const char *text)
{
    return strchr(text, ':') != NULL || sl_text_has_prefix(text, "__");
}

sl_rc_t sl_scope_token_parse(sl_scope_token_t *out, const char *text, apr_pool_t *p, sl_err_t *err)
{
    const char *plain = text + sl_scope_prefix(text);
    char *copy = apr_pstrdup(p, plain);
    char *slash = strchr(copy, '/');

    memset(out, 0, sizeof(*out));
    out->text = text;
    if (!is_scope_text(text)) {
        return sl_err_set(err, SL_INVALID, "SL2205",
                          "scope \"%s\" has characters that scopes do not have", shown(p, text));
    }
    if (slash == NULL) {
        out->kind = strcmp(plain, "launch") == 0 ? SL_SCOPE_LAUNCH : SL_SCOPE_OTHER;
        return SL_OK;
    }
    *slash++ = '\0';
    if (is_level(copy)) {
        out->level = copy;
        return parse_resource(out, slash, p, err);
    }
    if (strcmp(copy, "launch") == 0) {
        return parse_launch(out, slash, p, err);
    }
    if (is_almost_level(copy)) {
        return sl_err_set(err, SL_INVALID, "SL2206", "scope \"%s\": write %s in lower case",
                          shown(p, text), shown(p, copy));
    }
    if (!is_extension(text)) {
        return sl_err_set(err, SL_INVALID, "SL2207",
                          "scope \"%s\": before the slash comes patient, user, system or launch",
                          shown(p, text));
    }
    out->kind = SL_SCOPE_OTHER;
    return SL_OK;
}
