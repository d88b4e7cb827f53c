/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_cookie.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define BLANK " \t"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static int hex_digit(char c)
{
    return apr_isdigit(c) ? c - '0' : lower(c) - 'a' + 10;
}

/* `len` bytes are `name` in any case, percent-encoded or not. */
static bool is_spelling(const char *text, apr_size_t len, const char *name)
{
    apr_size_t i = 0;

    while (i < len && *name != '\0') {
        char c = text[i];

        if (c == '%' && len - i > 2 && apr_isxdigit(text[i + 1]) && apr_isxdigit(text[i + 2])) {
            c = (char)(hex_digit(text[i + 1]) * 16 + hex_digit(text[i + 2]));
            i += 2;
        }
        if (lower(c) != lower(*name)) {
            return false;
        }
        i++;
        name++;
    }
    return i == len && *name == '\0';
}

/* Does a cookie of this name begin at `text`? */
static bool begins_cookie(const char *text, const char *end, const char *name)
{
    const char *to = memchr(text, '=', (size_t)(end - text));

    if (to == NULL) {
        return false;
    }
    while (to > text && strchr(BLANK, to[-1]) != NULL) {
        to--;
    }
    return is_spelling(text, (apr_size_t)(to - text), name);
}

/* The comma in [text, end) behind which our own cookie begins, else `end`. */
static const char *own_behind_comma(const char *text, const char *end, const char *own)
{
    const char *comma = text;

    while ((comma = memchr(comma, ',', (size_t)(end - comma))) != NULL) {
        const char *next = comma + 1;

        next += strspn(next, BLANK);
        if (next < end && begins_cookie(next, end, own)) {
            return comma;
        }
        comma++;
    }
    return end;
}

static void split(sl_cookie_pair_t *out, const char *text, const char *end)
{
    const char *equals;

    while (end > text && strchr(BLANK, end[-1]) != NULL) {
        end--;
    }
    out->text = text;
    out->len = (apr_size_t)(end - text);
    equals = memchr(text, '=', out->len);
    out->value = equals;
    out->value_len = 0;
    out->name_len = equals != NULL ? (apr_size_t)(equals - text) : out->len;
    while (out->name_len > 0 && strchr(BLANK, text[out->name_len - 1]) != NULL) {
        out->name_len--;
    }
    if (equals != NULL) {
        equals++;
        while (equals < end && strchr(BLANK, *equals) != NULL) {
            equals++;
        }
        out->value = equals;
        out->value_len = (apr_size_t)(end - equals);
    }
}

bool sl_cookie_next(sl_cookie_pair_t *out, const char **rest, const char *own)
{
    const char *text = *rest + strspn(*rest, BLANK ";,");
    const char *end = text + strcspn(text, ";");

    *rest = text;
    if (*text == '\0') {
        return false;
    }
    if (own != NULL && memchr(text, ',', (size_t)(end - text)) != NULL) {
        if (begins_cookie(text, end, own)) {
            end = text + strcspn(text, ","); /* nor does a later header's first cookie join ours */
        } else {
            end = own_behind_comma(text, end, own);
        }
    }
    split(out, text, end);
    *rest = end;
    return true;
}

bool sl_cookie_is_named(const sl_cookie_pair_t *pair, const char *name)
{
    return pair->value != NULL && strncmp(pair->text, name, pair->name_len) == 0 &&
           name[pair->name_len] == '\0';
}

bool sl_cookie_is_spelled(const sl_cookie_pair_t *pair, const char *name)
{
    /* letter by letter only where it is not simply the name */
    return (strncmp(pair->text, name, pair->name_len) == 0 && name[pair->name_len] == '\0') ||
           is_spelling(pair->text, pair->name_len, name);
}

bool sl_cookie_is_name(const char *name)
{
    const char *c = name;

    while (c != NULL &&
           (apr_isalnum(*c) || (*c != '\0' && strchr("!#$%&'*+-.^_`|~", *c) != NULL))) {
        c++;
    }
    return c != NULL && c > name && *c == '\0';
}

sl_rc_t sl_cookie_find(const char **value, const char *header, const char *name, apr_pool_t *p,
                       sl_err_t *err)
{
    sl_cookie_pair_t pair, first = {NULL, 0, 0, NULL, 0};

    *value = NULL;
    while (header != NULL && sl_cookie_next(&pair, &header, name)) {
        if (!sl_cookie_is_named(&pair, name)) {
            continue;
        }
        if (first.text != NULL && (pair.value_len != first.value_len ||
                                   memcmp(pair.value, first.value, pair.value_len) != 0)) {
            return sl_err_set(err, SL_INVALID, "SL2501",
                              "the browser sent our cookie with different values");
        }
        first = pair;
    }
    if (first.text == NULL) {
        return sl_err_set(err, SL_NONE, "SL2502", "no cookie of ours");
    }
    *value = apr_pstrmemdup(p, first.value, first.value_len);
    return SL_OK;
}

static const char *same_site(bool embedded)
{
    return embedded ? "SameSite=None; Partitioned" : "SameSite=Lax";
}

const char *sl_cookie_set(apr_pool_t *p, const char *name, const char *value, bool embedded)
{
    return apr_pstrcat(p, name, "=", value, "; Path=/; Secure; HttpOnly; ", same_site(embedded),
                       NULL);
}

const char *sl_cookie_clear(apr_pool_t *p, const char *name, bool embedded)
{
    return apr_pstrcat(p, name, "=; Path=/; Max-Age=0; Secure; HttpOnly; ", same_site(embedded),
                       NULL);
}
