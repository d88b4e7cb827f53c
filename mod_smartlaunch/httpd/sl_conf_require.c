/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_conf_require.h"
#include "smart/sl_url.h"

#include <apr_fnmatch.h>
#include <apr_strings.h>
#include <string.h>

/** What a Require, or a container of them, means for somebody of whom nothing is known. */
typedef enum { SAYS_NOTHING, CLOSES, OPENS } verdict_t;

/** Who asks: somebody of whom nothing is known, or who has everything but a user. */
typedef struct {
    bool lacks_user_only;
    apr_pool_t *p;
} visitor_t;

static bool is(const ap_directive_t *d, const char *name)
{
    return strcasecmp(d->directive, name) == 0;
}

/** Is this a word of Require that is about a user? */
static bool is_user_word(const char *word)
{
    static const char *const others[] = {"all",         "method", "ip",  "host",
                                         "forward-dns", "local",  "env", "not"};

    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (strcasecmp(word, others[i]) == 0) {
            return false;
        }
    }
    return true;
}

static verdict_t of_require(const ap_directive_t *d, const visitor_t *visitor)
{
    const char *args = d->args;
    const char *word = ap_getword_conf(visitor->p, &args);

    if (strcasecmp(word, "not") == 0) {
        return SAYS_NOTHING;
    }
    if (strcasecmp(word, "all") == 0) {
        return strcasecmp(ap_getword_conf(visitor->p, &args), "granted") == 0 ? OPENS : CLOSES;
    }
    if (strcasecmp(word, "method") == 0) {
        return OPENS;
    }
    return visitor->lacks_user_only && !is_user_word(word) ? OPENS : CLOSES;
}

static verdict_t any_of(const ap_directive_t *d, const visitor_t *visitor);

static verdict_t all_of(const ap_directive_t *d, const visitor_t *visitor);

static verdict_t verdict_of(const ap_directive_t *d, const visitor_t *visitor)
{
    if (is(d, "Require")) {
        return of_require(d, visitor);
    }
    if (is(d, "<RequireAny")) {
        return any_of(d->first_child, visitor);
    }
    if (is(d, "<RequireAll")) {
        return all_of(d->first_child, visitor);
    }
    if (is(d, "Satisfy")) {
        return strcasecmp(d->args, "any") == 0 ? OPENS : SAYS_NOTHING;
    }
    if (is(d, "<If") || is(d, "<ElseIf") || is(d, "<Else")) {
        return any_of(d->first_child, visitor) == OPENS ? OPENS : SAYS_NOTHING;
    }
    return SAYS_NOTHING;
}

static verdict_t any_of(const ap_directive_t *d, const visitor_t *visitor)
{
    verdict_t all = SAYS_NOTHING;

    for (; d != NULL && all != OPENS; d = d->next) {
        verdict_t one = verdict_of(d, visitor);

        all = one != SAYS_NOTHING ? one : all;
    }
    return all;
}

static verdict_t all_of(const ap_directive_t *d, const visitor_t *visitor)
{
    verdict_t all = SAYS_NOTHING;

    for (; d != NULL && all != CLOSES; d = d->next) {
        verdict_t one = verdict_of(d, visitor);

        all = one != SAYS_NOTHING ? one : all;
    }
    return all;
}

/** Is this Require, or one in this container, about a user? */
static bool is_about_user(const ap_directive_t *d, apr_pool_t *p)
{
    const char *args = d->args;

    if (!is(d, "Require")) {
        for (const ap_directive_t *in = d->first_child; in != NULL; in = in->next) {
            if (is_about_user(in, p)) {
                return true;
            }
        }
        return false;
    }
    return is_user_word(ap_getword_conf(p, &args));
}

/** The first word of the last line of this name in a section; NULL: there is none. */
static const char *last_word(const ap_directive_t *section, const char *name, apr_pool_t *p)
{
    const char *word = NULL;

    for (const ap_directive_t *d = section->first_child; d != NULL; d = d->next) {
        if (is(d, name)) {
            const char *args = d->args;

            word = ap_getword_conf(p, &args);
        }
    }
    return word;
}

/** AuthMerging: Off (the default), And, Or. */
static verdict_t merge(verdict_t before, verdict_t now, const char *how)
{
    if (before == SAYS_NOTHING || how == NULL || strcasecmp(how, "off") == 0) {
        return now;
    }
    if (strcasecmp(how, "or") == 0) {
        return before == OPENS || now == OPENS ? OPENS : CLOSES;
    }
    return before == OPENS && now == OPENS ? OPENS : CLOSES;
}

static bool is_match(const char *regex, const char *path, apr_pool_t *p)
{
    ap_regex_t *compiled = ap_pregcomp(p, regex, AP_REG_EXTENDED);

    return compiled != NULL && ap_regexec(compiled, path, 0, NULL, 0) == 0;
}

/** The path or pattern of a <Location>; `is_regex` says which. NULL: `d` is no such section. */
static const char *pattern_of(const ap_directive_t *d, bool *is_regex, apr_pool_t *p)
{
    const char *end = strrchr(d->args, '>');
    const char *args = end != NULL ? apr_pstrmemdup(p, d->args, (apr_size_t)(end - d->args)) : "";
    const char *word;

    if (!is(d, "<Location") && !is(d, "<LocationMatch")) {
        return NULL;
    }
    word = ap_getword_conf(p, &args);
    *is_regex = is(d, "<LocationMatch");
    if (strcmp(word, "~") == 0) {
        *is_regex = true;
        word = ap_getword_conf(p, &args);
    }
    return word;
}

static bool is_at(const ap_directive_t *d, const char *path, apr_pool_t *p)
{
    bool is_regex = false;
    const char *pattern = pattern_of(d, &is_regex, p);

    if (pattern == NULL) {
        return false;
    }
    if (is_regex) {
        return is_match(pattern, path, p);
    }
    if (strpbrk(pattern, "*?[") != NULL) {
        return apr_fnmatch(pattern, path, APR_FNM_PATHNAME) == APR_SUCCESS;
    }
    return strcmp(pattern, "/") == 0 || sl_url_is_below(path, pattern);
}

/** The <VirtualHost> of a server; NULL for the main one. */
static const ap_directive_t *host_of(const server_rec *s)
{
    for (const ap_directive_t *d = ap_conftree; s->is_virtual && d != NULL; d = d->next) {
        if (is(d, "<VirtualHost") && d->line_num == (int)s->defn_line_number &&
            strcmp(d->filename, s->defn_name) == 0) {
            return d;
        }
    }
    return NULL;
}

typedef struct {
    verdict_t verdict;
    verdict_t without_user;
    bool is_smart;
    bool has_type;
    bool asks_user;
} found_t;

static void look_at(found_t *found, const ap_directive_t *d, const char *path, apr_pool_t *p)
{
    const visitor_t stranger = {false, p};
    const visitor_t nobody = {true, p};

    for (; d != NULL; d = d->next) {
        const char *type;
        const char *merging;
        verdict_t verdict;

        if (!is_at(d, path, p)) {
            continue;
        }
        type = last_word(d, "AuthType", p);
        if (type != NULL) {
            found->is_smart = strcasecmp(type, "Smart") == 0;
            found->has_type = strcasecmp(type, "None") != 0;
        }
        verdict = any_of(d->first_child, &stranger);
        if (verdict != SAYS_NOTHING) {
            merging = last_word(d, "AuthMerging", p);
            found->verdict = merge(found->verdict, verdict, merging);
            found->without_user =
                merge(found->without_user, any_of(d->first_child, &nobody), merging);
            found->asks_user = is_about_user(d, p) || (found->asks_user && merging != NULL &&
                                                       strcasecmp(merging, "off") != 0);
        }
    }
}

sl_conf_require_t sl_conf_require_at(const server_rec *s, const char *path, apr_pool_t *p)
{
    const ap_directive_t *host = host_of(s);
    found_t found = {SAYS_NOTHING, SAYS_NOTHING, false, false, false};
    sl_conf_require_t out;

    look_at(&found, ap_conftree, path, p);
    if (host != NULL) {
        look_at(&found, host->first_child, path, p);
    }
    out.is_there = found.verdict != SAYS_NOTHING;
    out.is_open = found.verdict == OPENS;
    out.needs_user = found.without_user == CLOSES;
    out.is_smart = found.is_smart;
    out.has_type = found.has_type;
    out.asks_user = found.asks_user;
    return out;
}

static void add_below(apr_array_header_t *out, const ap_directive_t *d, const char *path)
{
    for (; d != NULL; d = d->next) {
        bool is_regex = false;
        const char *pattern = pattern_of(d, &is_regex, out->pool);

        if (pattern != NULL && !is_regex && sl_url_is_below(pattern, path)) {
            APR_ARRAY_PUSH(out, const char *) = pattern;
        }
    }
}

apr_array_header_t *sl_conf_require_below(const server_rec *s, const char *path, apr_pool_t *p)
{
    apr_array_header_t *out = apr_array_make(p, 4, sizeof(const char *));
    const ap_directive_t *host = host_of(s);

    add_below(out, ap_conftree, path);
    if (host != NULL) {
        add_below(out, host->first_child, path);
    }
    return out;
}
