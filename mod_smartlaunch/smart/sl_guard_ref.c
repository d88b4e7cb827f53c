/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_guard_ref.h"

#include <apr_cstr.h>
#include <apr_lib.h>
#include <string.h>

#define VERSION "/_history/"

/* A run of text: [from, to). */
typedef struct {
    const char *from, *to;
} span_t;

static apr_size_t length(span_t span)
{
    return (apr_size_t)(span.to - span.from);
}

static bool begins(span_t span, const char *word)
{
    return length(span) >= strlen(word) && memcmp(span.from, word, strlen(word)) == 0;
}

/* Without the EHR's own base in front. */
static span_t without_base(span_t text, const char *base)
{
    apr_size_t len = base != NULL ? strlen(base) : 0;

    if (len > 0 && base[len - 1] == '/') {
        len--;
    }
    if (len > 0 && length(text) > len && memcmp(text.from, base, len) == 0 &&
        text.from[len] == '/') {
        text.from += len + 1;
    }
    return text;
}

static span_t segment(span_t text)
{
    const char *slash = memchr(text.from, '/', length(text));
    span_t first = {text.from, slash != NULL ? slash : text.to};

    return first;
}

/* `word` at `at`, with a separator behind it. */
static bool is_word_at(const char *at, const char *to, const char *word)
{
    size_t len = strlen(word);

    return (size_t)(to - at) > len && apr_cstr_casecmpn(at, word, len) == 0 &&
           strchr("/?\\", at[len]) != NULL && at[len] != '\0';
}

/* The first `Patient/` or `Group/` inside: what follows it; NULL: there is none. */
static const char *behind_word(span_t text, bool *is_patient)
{
    for (const char *at = text.from; at < text.to; at++) {
        if (at > text.from && apr_isalnum(at[-1])) {
            continue;
        }
        *is_patient = is_word_at(at, text.to, "patient");
        if (*is_patient) {
            return at + strlen("patient/");
        }
        if (is_word_at(at, text.to, "group")) {
            return at + strlen("group/");
        }
    }
    return NULL;
}

bool sl_guard_ref_is_inside(const char *text)
{
    apr_size_t len = strlen(text);
    span_t whole = {text, text + len};
    bool is_patient;

    return strcspn(text, "/?\\") < len && behind_word(whole, &is_patient) != NULL;
}

bool sl_guard_ref_is_our_id(const sl_guard_t *g, const char *text, apr_size_t len)
{
    return g->patient != NULL && len > 0 && len == strlen(g->patient) &&
           memcmp(text, g->patient, len) == 0;
}

/* An id, with or without a version behind it. */
static bool is_our_id(const sl_guard_t *g, span_t id)
{
    span_t first = segment(id);
    span_t rest = {first.to, id.to};

    if (!sl_guard_ref_is_our_id(g, first.from, length(first))) {
        return false;
    }
    if (length(rest) == 0) {
        return true;
    }
    return begins(rest, VERSION) && length(rest) > strlen(VERSION) &&
           memchr(rest.from + strlen(VERSION), '/', length(rest) - strlen(VERSION)) == NULL;
}

/* Type/id, and nothing else; behind a host and a path when it is absolute. */
static bool is_typed(span_t text)
{
    const char *slash = text.to, *at;

    for (at = text.from; at < text.to; at++) {
        if (!apr_isgraph(*at) || strchr("?#\\;", *at) != NULL) {
            return false;
        }
    }
    while (slash > text.from && slash[-1] != '/') {
        slash--;
    }
    if (slash == text.from || slash == text.to) {
        return false;
    }
    for (at = slash - 1; at > text.from && apr_isalpha(at[-1]); at--) {
    }
    return at < slash - 1 && apr_isupper(*at) &&
           (at == text.from ||
            (at[-1] == '/' && (begins(text, "https://") || begins(text, "http://"))));
}

/* A version at the end goes. */
static span_t without_version(span_t text)
{
    size_t len = strlen(VERSION);
    const char *at = text.to;

    while (at > text.from && at[-1] != '/') {
        at--;
    }
    if (at < text.to && (size_t)(at - text.from) > len && memcmp(at - len, VERSION, len) == 0) {
        text.to = at - len;
    }
    return text;
}

sl_guard_ref_t sl_guard_ref_read(sl_guard_t *g, const char *text, apr_size_t len)
{
    span_t whole = {text, text + len};
    span_t local = without_base(whole, g->base);
    span_t id = {local.from, local.to};
    const char *behind;
    bool is_patient;

    if (begins(local, "Patient/")) {
        id.from += strlen("Patient/");
        if (is_our_id(g, id)) {
            sl_guard_note(g, g->patient, strlen(g->patient));
            return SL_GUARD_REF_OURS;
        }
    }
    behind = behind_word(local, &is_patient);
    if (behind != NULL) {
        id.from = behind;
        id = segment(id);
        sl_guard_note(g, id.from, is_patient ? length(id) : 0);
        return SL_GUARD_REF_PATIENT;
    }
    return is_typed(without_version(local)) ? SL_GUARD_REF_ELSE : SL_GUARD_REF_BARE;
}
