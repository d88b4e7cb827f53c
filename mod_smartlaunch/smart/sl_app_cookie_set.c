/* SPDX-License-Identifier: Apache-2.0 */
/* Set-Cookie of the app, on its way to the browser. */
#include "smart/sl_app_cookie_name.h"
#include "smart/sl_cookie.h"
#include <apr_date.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* No lifetime: it ends with the browser. */
#define UNTIL_CLOSED INT64_MIN

/* A Set-Cookie value taken apart. */
typedef struct {
    sl_cookie_pair_t pair;
    const char *attributes; /* what follows the first `;`, "" when nothing does */
    bool http_only;
    apr_int64_t lifetime; /* seconds from now, 0: it is to go, UNTIL_CLOSED */
} cookie_t;

/* One attribute, without spaces around. */
typedef struct {
    const char *text;
    apr_size_t len, name_len;
} attribute_t;

static bool next_attribute(attribute_t *out, const char **rest)
{
    const char *text = *rest + strspn(*rest, "; \t");
    const char *end = text + strcspn(text, ";"), *equals;

    *rest = end;
    while (end > text && (end[-1] == ' ' || end[-1] == '\t')) {
        end--;
    }
    out->text = text;
    out->len = (apr_size_t)(end - text);
    equals = memchr(text, '=', out->len);
    out->name_len = equals != NULL ? (apr_size_t)(equals - text) : out->len;
    while (out->name_len > 0 && strchr(" \t", text[out->name_len - 1]) != NULL) {
        out->name_len--;
    }
    return out->len > 0;
}

static bool is_attribute(const attribute_t *attribute, const char *name)
{
    return strlen(name) == attribute->name_len &&
           strncasecmp(attribute->text, name, attribute->name_len) == 0;
}

static bool is_any_of(const attribute_t *attribute, const char *const *names)
{
    for (; *names != NULL; names++) {
        if (is_attribute(attribute, *names)) {
            return true;
        }
    }
    return false;
}

/* The value of an attribute, behind its `=`; NULL: it has none. */
static const char *value_of(const attribute_t *attribute, apr_pool_t *p)
{
    const char *equals = memchr(attribute->text, '=', attribute->len);
    const char *end = attribute->text + attribute->len;

    if (equals == NULL) {
        return NULL;
    }
    equals++;
    while (equals < end && (*equals == ' ' || *equals == '\t')) {
        equals++;
    }
    return apr_pstrmemdup(p, equals, (apr_size_t)(end - equals));
}

/* RFC 6265 section 5.2.2: what is not a number does not count. */
static bool read_max_age(apr_int64_t *out, const char *value)
{
    apr_size_t sign = value != NULL && value[0] == '-' ? 1 : 0, digits;

    if (value == NULL) {
        return false;
    }
    digits = strspn(value + sign, "0123456789");
    if (digits == 0 || value[sign + digits] != '\0') {
        return false;
    }
    *out = sign != 0 ? 0 : digits > 15 ? APR_INT64_C(999999999999999) : apr_atoi64(value);
    return true;
}

/* An HTTP date; PHP and others also write `Wed, 21-Oct-2015 07:28:00 GMT`. */
static bool read_expires(apr_int64_t *out, const char *value, apr_time_t now, apr_pool_t *p)
{
    apr_time_t at;
    char *c, *copy;

    if (value == NULL) {
        return false;
    }
    at = apr_date_parse_http(value);
    if (at == APR_DATE_BAD) {
        copy = apr_pstrdup(p, value);
        for (c = copy; *c != '\0'; c++) {
            *c = *c == '-' ? ' ' : *c;
        }
        at = apr_date_parse_http(copy);
    }
    if (at == APR_DATE_BAD) {
        return false;
    }
    *out = at > now ? apr_time_sec(at - now) : 0;
    return true;
}

/* Max-Age goes before Expires, the last of each counts, as in the browser. */
static void read_attributes(cookie_t *out, apr_time_t now, apr_pool_t *p)
{
    const char *rest = out->attributes;
    apr_int64_t max_age = UNTIL_CLOSED, expires = UNTIL_CLOSED, seconds;
    attribute_t attribute;

    while (next_attribute(&attribute, &rest)) {
        if (is_attribute(&attribute, "HttpOnly")) {
            out->http_only = true;
        } else if (is_attribute(&attribute, "Max-Age")) {
            max_age = read_max_age(&seconds, value_of(&attribute, p)) ? seconds : max_age;
        } else if (is_attribute(&attribute, "Expires")) {
            expires = read_expires(&seconds, value_of(&attribute, p), now, p) ? seconds : expires;
        }
    }
    out->lifetime = max_age != UNTIL_CLOSED ? max_age : expires;
}

static void read_cookie(cookie_t *out, const char *value, apr_time_t now, apr_pool_t *p)
{
    static const sl_cookie_pair_t nothing = {"", 0, 0, NULL, 0};
    const char *end = value + strcspn(value, ";");
    const char *text = apr_pstrmemdup(p, value, (apr_size_t)(end - value));

    out->attributes = end;
    out->http_only = false;
    if (!sl_cookie_next(&out->pair, &text, NULL)) {
        out->pair = nothing;
    }
    read_attributes(out, now, p);
}

static const char *site_attributes(bool embedded)
{
    return embedded ? "; Secure; SameSite=None; Partitioned" : "; Secure; SameSite=Lax";
}

/* The app's attributes but for those named; each with `; ` before it. */
static const char *other_attributes(const cookie_t *cookie, const char *const *but, apr_pool_t *p)
{
    char *out = apr_palloc(p, 2 * strlen(cookie->attributes) + 1), *end = out;
    const char *rest = cookie->attributes;
    attribute_t attribute;

    while (next_attribute(&attribute, &rest)) {
        if (!is_any_of(&attribute, but)) {
            *end++ = ';';
            *end++ = ' ';
            memcpy(end, attribute.text, attribute.len);
            end += attribute.len;
        }
    }
    *end = '\0';
    return out;
}

static const char *path_for(const sl_cookie_pair_t *pair, const char *path)
{
    if (path == NULL || path[0] != '/' || sl_app_cookie_is_host_only(pair->text, pair->name_len)) {
        return "/";
    }
    return strpbrk(path, ";\r\n") == NULL ? path : "/";
}

static const char *name_of(const sl_cookie_pair_t *pair, apr_pool_t *p)
{
    return apr_pstrmemdup(p, pair->text, pair->name_len);
}

/* `; Max-Age=` of what the app wants, at most the launch's; "" where the browser's end is the end.
 */
static const char *lifetime_for(const cookie_t *cookie, const sl_app_cookie_answer_t *answer,
                                apr_pool_t *p)
{
    apr_int64_t most =
        answer->expires_at > answer->now ? apr_time_sec(answer->expires_at - answer->now) : 0;

    if (cookie->lifetime == UNTIL_CLOSED) {
        return "";
    }
    return apr_psprintf(p, "; Max-Age=%" APR_INT64_T_FMT,
                        cookie->lifetime < most ? cookie->lifetime : most);
}

static const char *marked(const cookie_t *cookie, const sl_app_cookie_answer_t *answer,
                          apr_pool_t *p)
{
    static const char *const ours[] = {"Path",   "Domain",   "Expires",     "Max-Age",
                                       "Secure", "SameSite", "Partitioned", NULL};
    const sl_cookie_pair_t *pair = &cookie->pair;

    return apr_pstrcat(p, name_of(pair, p), ".~", answer->mark, "=",
                       apr_pstrmemdup(p, pair->value, pair->value_len),
                       "; Path=", path_for(pair, answer->path), lifetime_for(cookie, answer, p),
                       other_attributes(cookie, ours, p), site_attributes(answer->embedded), NULL);
}

static const char *unmarked(const cookie_t *cookie, const sl_app_cookie_answer_t *answer,
                            const char *value, apr_pool_t *p)
{
    static const char *const ours[] = {"Secure", "SameSite", "Partitioned", NULL};
    const sl_cookie_pair_t *pair = &cookie->pair;

    if (!answer->embedded) {
        return value;
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, pair->text, pair->len),
                       other_attributes(cookie, ours, p), site_attributes(true), NULL);
}

/* Does the browser already have `name` + `suffix` + mark? `unknown` where we cannot tell. */
static bool has_sent(const sl_app_cookie_answer_t *answer, const sl_cookie_pair_t *pair,
                     const char *suffix, bool unknown, apr_pool_t *p)
{
    const char *rest = answer->sent, *name;
    sl_cookie_pair_t sent;

    if (rest == NULL) {
        return unknown;
    }
    name = apr_pstrcat(p, name_of(pair, p), suffix, answer->mark, NULL);
    while (sl_cookie_next(&sent, &rest, answer->own)) {
        if (sl_cookie_is_named(&sent, name)) {
            return true;
        }
    }
    return false;
}

/* `name` + suffix + mark, for nobody but us. */
static const char *with_suffix(const cookie_t *cookie, const sl_app_cookie_answer_t *answer,
                               const char *suffix, const char *rest, apr_pool_t *p)
{
    const sl_cookie_pair_t *pair = &cookie->pair;

    return apr_pstrcat(p, name_of(pair, p), suffix, answer->mark, "=", rest, "; HttpOnly",
                       site_attributes(answer->embedded), NULL);
}

static const char *without(const cookie_t *cookie, const sl_app_cookie_answer_t *answer,
                           const char *suffix, apr_pool_t *p)
{
    const char *path = path_for(&cookie->pair, answer->path);

    return with_suffix(cookie, answer, suffix, apr_pstrcat(p, "; Path=", path, "; Max-Age=0", NULL),
                       p);
}

/* Has the value, as long as the cookie lives: what the app gets whoever writes over the cookie. */
static const char *companion(const cookie_t *cookie, const sl_app_cookie_answer_t *answer,
                             apr_pool_t *p)
{
    const sl_cookie_pair_t *pair = &cookie->pair;
    const char *rest =
        apr_pstrcat(p, apr_pstrmemdup(p, pair->value, pair->value_len),
                    "; Path=", path_for(pair, answer->path), lifetime_for(cookie, answer, p), NULL);

    return with_suffix(cookie, answer, ".!", rest, p);
}

static void add(sl_app_cookie_set_t *out, const char *set)
{
    out->set[out->count++] = set;
}

/* Under `auto`, a cookie for scripts keeps its name. A marked one of that name would hide it from
 * the app (many apps delete without HttpOnly what they had set with it), so that one goes. */
static void add_for_scripts(sl_app_cookie_set_t *out, const cookie_t *cookie,
                            const sl_app_cookie_answer_t *answer, apr_pool_t *p)
{
    bool goes = cookie->lifetime == 0;

    if (has_sent(answer, &cookie->pair, ".~", goes, p)) {
        add(out, without(cookie, answer, ".~", p));
    }
    if (!goes) {
        add(out, companion(cookie, answer, p));
    } else if (has_sent(answer, &cookie->pair, ".!", true, p)) {
        add(out, without(cookie, answer, ".!", p));
    }
}

static bool is_kept(const cookie_t *cookie, const sl_app_cookie_rule_t *rule)
{
    const char *name = cookie->pair.text;
    apr_size_t len = cookie->pair.name_len;

    switch (rule->keep) {
    case SL_APP_COOKIE_ALL:
        return true;
    case SL_APP_COOKIE_NONE:
        return false;
    case SL_APP_COOKIE_NAMES:
        return sl_app_cookie_is_listed(rule, name, len);
    case SL_APP_COOKIE_AUTO:
        break;
    }
    return cookie->http_only || sl_app_cookie_is_session_name(name, len);
}

/* Why a cookie of the app does not get to the browser; NULL: it does. */
static const char *why_drop(const cookie_t *cookie, const sl_app_cookie_answer_t *answer)
{
    const sl_cookie_pair_t *pair = &cookie->pair;

    if (sl_cookie_is_spelled(pair, answer->own) ||
        (pair->name_len == 0 && pair->value != NULL &&
         strncasecmp(pair->value, answer->own, strlen(answer->own)) == 0)) {
        return "SL2510";
    }
    if (sl_app_cookie_suffix(pair->text, pair->name_len) != SL_APP_COOKIE_PLAIN) {
        return "SL2511";
    }
    if (answer->mark != NULL &&
        (pair->value == NULL || !sl_app_cookie_is_keepable(pair->text, pair->name_len))) {
        return "SL2512";
    }
    return NULL;
}

void sl_app_cookie_to_browser(sl_app_cookie_set_t *out, const sl_app_cookie_answer_t *answer,
                              const char *value, apr_pool_t *p)
{
    cookie_t cookie;

    out->count = 0;
    read_cookie(&cookie, value, answer->now, p);
    out->log_id = why_drop(&cookie, answer);
    if (out->log_id != NULL) {
        return;
    }
    if (answer->mark == NULL) {
        add(out, value);
    } else if (is_kept(&cookie, answer->rule)) {
        add(out, marked(&cookie, answer, p));
    } else {
        add(out, unmarked(&cookie, answer, value, p));
        if (answer->rule->keep == SL_APP_COOKIE_AUTO) {
            add_for_scripts(out, &cookie, answer, p);
        }
    }
}

const char *sl_app_cookie_delete(apr_pool_t *p, const char *name, const char *path, bool embedded)
{
    sl_cookie_pair_t pair = {name, strlen(name), strlen(name), NULL, 0};

    return apr_pstrcat(p, name, "=; Path=", path_for(&pair, path), "; Max-Age=0; HttpOnly",
                       site_attributes(embedded), NULL);
}
