/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_app_cookie.h"

#include "base/sl_digest.h"
#include "smart/sl_app_cookie_name.h"
#include "smart/sl_cookie.h"
#include <apr_strings.h>
#include <string.h>

#define MAX_DEAD 8
#define MAX_OF_LAUNCH 64

static void hex_of(char *out, const char *text, apr_size_t chars)
{
    static const char digits[] = "0123456789abcdef";
    unsigned char print[SL_SHA256_LEN];
    apr_size_t i;

    sl_digest_sha256(text, strlen(text), print);
    for (i = 0; i < chars; i++) {
        out[i] = digits[(print[i / 2] >> (i % 2 == 0 ? 4 : 0)) & 15];
    }
    out[chars] = '\0';
}

void sl_app_cookie_tag(char out[SL_APP_COOKIE_TAG_CHARS + 1], const char *app)
{
    hex_of(out, app, SL_APP_COOKIE_TAG_CHARS);
}

void sl_app_cookie_mark(char out[SL_APP_COOKIE_MARK_CHARS + 1], const char *tag, const char *handle)
{
    memcpy(out, tag, SL_APP_COOKIE_TAG_CHARS);
    hex_of(out + SL_APP_COOKIE_TAG_CHARS, handle,
           SL_APP_COOKIE_MARK_CHARS - SL_APP_COOKIE_TAG_CHARS);
}

/* What the header holds of the request's own launch: marked cookies and companions. */
typedef struct {
    sl_cookie_pair_t pairs[MAX_OF_LAUNCH];
    int count;
} of_launch_t;

typedef struct {
    const sl_app_cookie_request_t *request;
    of_launch_t mine; /* filled in only under `auto`, the one rule that asks */
} reading_t;

static bool is_mine(const sl_app_cookie_request_t *request, const sl_cookie_pair_t *pair)
{
    return request->mark != NULL &&
           sl_app_cookie_has_mark(pair->text, pair->name_len, request->mark);
}

static void collect_mine(reading_t *reading, const char *header)
{
    sl_cookie_pair_t pair;

    while (reading->mine.count < MAX_OF_LAUNCH &&
           sl_cookie_next(&pair, &header, reading->request->own)) {
        if (sl_app_cookie_suffix(pair.text, pair.name_len) != SL_APP_COOKIE_PLAIN &&
            is_mine(reading->request, &pair)) {
            reading->mine.pairs[reading->mine.count++] = pair;
        }
    }
}

static bool has_of_launch(const of_launch_t *mine, const sl_cookie_pair_t *plain,
                          sl_app_cookie_suffix_t suffix)
{
    int i;

    for (i = 0; i < mine->count; i++) {
        const sl_cookie_pair_t *pair = &mine->pairs[i];

        if (pair->name_len == plain->name_len + SL_APP_COOKIE_SUFFIX_CHARS &&
            sl_app_cookie_suffix(pair->text, pair->name_len) == suffix &&
            memcmp(pair->text, plain->text, plain->name_len) == 0) {
            return true;
        }
    }
    return false;
}

/* May an unmarked cookie enter a launch? One from outside must not bring a session along. */
static bool passes_unmarked(const reading_t *reading, const sl_cookie_pair_t *pair)
{
    const sl_app_cookie_rule_t *rule = reading->request->rule;

    if (pair->value == NULL) {
        return false;
    }
    switch (rule->keep) {
    case SL_APP_COOKIE_NONE:
        return true;
    case SL_APP_COOKIE_NAMES:
        return !sl_app_cookie_is_listed(rule, pair->text, pair->name_len);
    case SL_APP_COOKIE_AUTO:
        return has_of_launch(&reading->mine, pair, SL_APP_COOKIE_COMPANION) &&
               !has_of_launch(&reading->mine, pair, SL_APP_COOKIE_MARKED) &&
               !sl_app_cookie_is_session_name(pair->text, pair->name_len);
    case SL_APP_COOKIE_ALL:
        break;
    }
    return false;
}

/* The name without its mark; 0 where we never marked it: our own, or one with a comma, behind which
 * the app might see our own. */
static apr_size_t unmarked_length(const sl_app_cookie_request_t *request,
                                  const sl_cookie_pair_t *pair)
{
    sl_cookie_pair_t plain = *pair;

    plain.name_len -= SL_APP_COOKIE_SUFFIX_CHARS;
    if (sl_cookie_is_spelled(&plain, request->own) ||
        !sl_app_cookie_is_keepable(plain.text, plain.name_len)) {
        return 0;
    }
    return plain.name_len;
}

/* How many characters of the name the app gets to see; 0: nothing of this cookie. */
static apr_size_t visible_name(const reading_t *reading, const sl_cookie_pair_t *pair)
{
    const sl_app_cookie_request_t *request = reading->request;

    if (sl_cookie_is_spelled(pair, request->own)) {
        return 0;
    }
    switch (sl_app_cookie_suffix(pair->text, pair->name_len)) {
    case SL_APP_COOKIE_MARKED:
        return is_mine(request, pair) ? unmarked_length(request, pair) : 0;
    case SL_APP_COOKIE_COMPANION:
        return 0;
    case SL_APP_COOKIE_PLAIN:
        break;
    }
    return request->mark == NULL || passes_unmarked(reading, pair) ? pair->len : 0;
}

static bool changes(const reading_t *reading, const char *header)
{
    sl_cookie_pair_t pair;

    while (sl_cookie_next(&pair, &header, reading->request->own)) {
        if (visible_name(reading, &pair) != pair.len) {
            return true;
        }
    }
    return false;
}

static char *copy_visible(const reading_t *reading, const char *header, char *out)
{
    sl_cookie_pair_t pair;
    char *end = out;

    while (sl_cookie_next(&pair, &header, reading->request->own)) {
        apr_size_t visible = visible_name(reading, &pair);

        if (visible == 0) {
            continue;
        }
        if (end > out) {
            *end++ = ';';
            *end++ = ' ';
        }
        memcpy(end, pair.text, visible);
        end += visible;
        if (visible < pair.len) {
            memcpy(end, pair.text + pair.name_len, pair.len - pair.name_len);
            end += pair.len - pair.name_len;
        }
    }
    *end = '\0';
    return end > out ? out : NULL;
}

static bool is_live(const sl_app_cookie_request_t *request, const sl_cookie_pair_t *pair)
{
    const char *const *mark;

    for (mark = request->live; *mark != NULL; mark++) {
        if (sl_app_cookie_has_mark(pair->text, pair->name_len, *mark)) {
            return true;
        }
    }
    return is_mine(request, pair);
}

/* Marked with this app's tag, and no launch of it is live any more. */
static bool is_dead(const sl_app_cookie_request_t *request, const sl_cookie_pair_t *pair)
{
    return sl_app_cookie_suffix(pair->text, pair->name_len) != SL_APP_COOKIE_PLAIN &&
           sl_app_cookie_has_tag(pair->text, pair->name_len, request->tag) &&
           !is_live(request, pair);
}

static apr_array_header_t *find_dead(const sl_app_cookie_request_t *request, const char *header,
                                     apr_pool_t *p)
{
    apr_array_header_t *dead = NULL;
    sl_cookie_pair_t pair;

    while (sl_cookie_next(&pair, &header, request->own)) {
        if (!is_dead(request, &pair)) {
            continue;
        }
        if (dead == NULL) {
            dead = apr_array_make(p, MAX_DEAD, sizeof(const char *));
        }
        APR_ARRAY_PUSH(dead, const char *) = apr_pstrmemdup(p, pair.text, pair.name_len);
        if (dead->nelts == MAX_DEAD) {
            break;
        }
    }
    return dead;
}

const char *sl_app_cookie_from_browser(const sl_app_cookie_request_t *request, const char *header,
                                       apr_array_header_t **dead, apr_pool_t *p)
{
    /* every name we ever made has one of these in it */
    bool may_have_made = header != NULL && strpbrk(header, "~!") != NULL;
    reading_t reading;

    if (dead != NULL) {
        *dead = may_have_made && request->live != NULL ? find_dead(request, header, p) : NULL;
    }
    if (header == NULL) {
        return NULL;
    }
    reading.request = request;
    reading.mine.count = 0;
    if (may_have_made && request->mark != NULL && request->rule->keep == SL_APP_COOKIE_AUTO) {
        collect_mine(&reading, header);
    }
    if (!changes(&reading, header)) {
        return header;
    }
    return copy_visible(&reading, header, apr_palloc(p, 2 * strlen(header) + 1));
}
