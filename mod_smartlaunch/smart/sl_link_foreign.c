/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_link_foreign.h"

#include "smart/sl_link_scan.h"
#include <apr_lib.h>
#include <string.h>
#include <strings.h>

static const char key[] = "\"link\"";
static const sl_link_begin_t begin = {.first = 'l', .rare = 'k', .at = 4};
#define DEPTH_MAX 32

/* Where the host of an http URL begins, without `user:password@`; NULL: it has none. */
static const char *authority_of(const char *url, size_t *len)
{
    const char *at;

    if (strncasecmp(url, "http://", 7) == 0) {
        url += 7;
    } else if (strncasecmp(url, "https://", 8) == 0) {
        url += 8;
    } else {
        return NULL;
    }
    *len = strcspn(url, "/?#");
    while ((at = memchr(url, '@', *len)) != NULL) {
        *len -= (size_t)(at + 1 - url);
        url = at + 1;
    }
    return url;
}

void sl_link_foreign_init(sl_link_foreign_t *foreign, const char *base)
{
    memset(foreign, 0, sizeof(*foreign));
    foreign->own = base;
}

/* For the log: nothing but what a host name may have. */
static void note_host(sl_link_foreign_t *foreign, const char *host, size_t len)
{
    size_t most = sizeof(foreign->host) - 1;

    for (size_t i = 0; i < len && i < most; i++) {
        foreign->host[i] = '?';
        if (apr_isalnum(host[i]) || strchr(".-:[]_", host[i]) != NULL) {
            foreign->host[i] = host[i];
        }
    }
}

/* An object of the array has ended. */
static void note_link(sl_link_foreign_t *foreign)
{
    size_t len = 0, own_len = 0;
    const char *host = authority_of(foreign->url, &len);
    const char *own = authority_of(foreign->own, &own_len);

    if (!foreign->has_relation || host == NULL || len == 0 ||
        (own != NULL && len == own_len && strncasecmp(host, own, len) == 0)) {
        return;
    }
    if (foreign->count++ == 0) {
        note_host(foreign, host, len);
    }
}

static void end_string(sl_link_foreign_t *foreign)
{
    foreign->in_string = false;
    foreign->text[foreign->len] = '\0';
    if (foreign->depth != 2) {
        return;
    }
    if (!foreign->is_value) {
        foreign->is_url = strcmp(foreign->text, "url") == 0;
        foreign->is_relation = strcmp(foreign->text, "relation") == 0;
    } else if (foreign->is_url) {
        memcpy(foreign->url, foreign->text, (size_t)foreign->len + 1);
    } else if (foreign->is_relation) {
        foreign->has_relation = true;
    }
}

static void in_string(sl_link_foreign_t *foreign, char c)
{
    if (!foreign->escaped && c == '"') {
        end_string(foreign);
        return;
    }
    foreign->escaped = !foreign->escaped && c == '\\';
    if (!foreign->escaped && foreign->len < SL_LINK_FOREIGN_TEXT - 1) {
        foreign->text[foreign->len++] = c;
    }
}

static void open_bracket(sl_link_foreign_t *foreign)
{
    foreign->depth++;
    foreign->is_value = false;
    if (foreign->depth == 2) {
        foreign->is_url = foreign->is_relation = foreign->has_relation = false;
        foreign->url[0] = '\0';
    } else if (foreign->depth > DEPTH_MAX) {
        foreign->state = SL_LINK_SEEK; /* no Bundle.link is like that */
    }
}

static void close_bracket(sl_link_foreign_t *foreign)
{
    if (foreign->depth == 2) {
        note_link(foreign);
    }
    foreign->depth--;
    if (foreign->depth == 0) {
        foreign->state = SL_LINK_SEEK;
    }
}

static void inside(sl_link_foreign_t *foreign, char c)
{
    switch (c) {
    case '"':
        foreign->in_string = true;
        foreign->escaped = false;
        foreign->len = 0;
        break;
    case '{':
    case '[':
        open_bracket(foreign);
        break;
    case '}':
    case ']':
        close_bracket(foreign);
        break;
    case ':':
        foreign->is_value = true;
        break;
    case ',':
        foreign->is_value = false;
        break;
    default:
        break;
    }
}

/* Between the key and its array. */
static void before_array(sl_link_foreign_t *foreign, char c)
{
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        return;
    }
    if (foreign->state == SL_LINK_COLON && c == ':') {
        foreign->state = SL_LINK_ARRAY;
    } else if (foreign->state == SL_LINK_ARRAY && c == '[') {
        foreign->state = SL_LINK_INSIDE;
        foreign->depth = 1;
        foreign->in_string = false;
    } else {
        foreign->state = SL_LINK_SEEK;
        foreign->seen = c == '"';
    }
}

/* `seen` may be 0: then `c` is where the search stopped. */
static void seek(sl_link_foreign_t *foreign, char c)
{
    if (c == key[foreign->seen]) {
        foreign->seen++;
        if (foreign->seen == sizeof(key) - 1) {
            foreign->seen = 0;
            foreign->state = SL_LINK_COLON;
        }
        return;
    }
    foreign->seen = c == '"';
}

static const char *step(sl_link_foreign_t *foreign, const char *at)
{
    if (foreign->state == SL_LINK_SEEK) {
        seek(foreign, *at);
    } else if (foreign->state != SL_LINK_INSIDE) {
        before_array(foreign, *at);
    } else if (foreign->in_string) {
        in_string(foreign, *at);
    } else {
        inside(foreign, *at);
    }
    return at + 1;
}

void sl_link_foreign_feed(sl_link_foreign_t *foreign, const char *bytes, apr_size_t len)
{
    const char *at = bytes, *end = bytes + len;

    while (at < end) {
        if (foreign->state == SL_LINK_SEEK && foreign->seen == 0) {
            at = sl_link_scan(at, end, begin);
            if (at == end) {
                return;
            }
        }
        at = step(foreign, at);
    }
}
