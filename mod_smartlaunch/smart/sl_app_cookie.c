/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_app_cookie.h"

#include "base/sl_digest.h"
#include "smart/sl_app_cookie_name.h"
#include "smart/sl_cookie.h"
#include <apr_strings.h>
#include <string.h>

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

/* What the header holds of the request's own launch: marked cookies and companions. Those beyond
 * the limit are withheld. */
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

/* May an unmarked cookie enter a launch? One from outside must not bring a session along, and under
 * `auto` another launch may have written over it: but for a token that scripts send back, the app
 * gets what the companion has kept. */
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
        return sl_app_cookie_is_echo(pair->text, pair->name_len) &&
               has_of_launch(&reading->mine, pair, SL_APP_COOKIE_COMPANION) &&
               !has_of_launch(&reading->mine, pair, SL_APP_COOKIE_MARKED);
    case SL_APP_COOKIE_ALL:
        break;
    }
    return false;
}

/* A companion stands for the cookie that this launch set, unless a marked one does. */
static bool passes_companion(const reading_t *reading, const sl_cookie_pair_t *pair)
{
    sl_cookie_pair_t plain = *pair;

    plain.name_len -= SL_APP_COOKIE_SUFFIX_CHARS;
    return reading->request->rule->keep == SL_APP_COOKIE_AUTO && pair->value != NULL &&
           has_of_launch(&reading->mine, &plain, SL_APP_COOKIE_COMPANION) &&
           !has_of_launch(&reading->mine, &plain, SL_APP_COOKIE_MARKED) &&
           !sl_app_cookie_is_session_name(plain.text, plain.name_len) &&
           !sl_app_cookie_is_echo(plain.text, plain.name_len);
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
        return is_mine(request, pair) && passes_companion(reading, pair)
                   ? unmarked_length(request, pair)
                   : 0;
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

const char *sl_app_cookie_from_browser(const sl_app_cookie_request_t *request, const char *header,
                                       apr_array_header_t **dead, apr_pool_t *p)
{
    /* every name we ever made has one of these in it */
    bool may_have_made = header != NULL && strpbrk(header, "~!") != NULL;
    reading_t reading;

    if (dead != NULL) {
        *dead =
            may_have_made && request->live != NULL ? sl_app_cookie_dead(request, header, p) : NULL;
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
