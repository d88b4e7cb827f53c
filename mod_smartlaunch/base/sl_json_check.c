/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_json_check.h"

#include "base/sl_json.h"
#include "base/sl_text.h"
#include <limits.h>
#include <string.h>

typedef struct {
    const char *at, *end;
} cursor_t;

/* The next character, or NUL at the end; a NUL in the text was refused before. */
static char peek(const cursor_t *c)
{
    return c->at < c->end ? *c->at : '\0';
}

static bool take(cursor_t *c, char wanted)
{
    if (peek(c) != wanted) {
        return false;
    }
    c->at++;
    return true;
}

static void skip_space(cursor_t *c)
{
    while (c->at < c->end && memchr(" \t\r\n", *c->at, 4) != NULL) {
        c->at++;
    }
}

static bool take_word(cursor_t *c, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(c->end - c->at) < n || memcmp(c->at, word, n) != 0) {
        return false;
    }
    c->at += n;
    return true;
}

static bool take_digits(cursor_t *c)
{
    const char *from = c->at;

    while (peek(c) >= '0' && peek(c) <= '9') {
        c->at++;
    }
    return c->at > from;
}

static bool take_number(cursor_t *c)
{
    (void)take(c, '-');
    if (!take(c, '0') && !take_digits(c)) {
        return false;
    }
    if (take(c, '.') && !take_digits(c)) {
        return false;
    }
    if (take(c, 'e') || take(c, 'E')) {
        if (!take(c, '+')) {
            (void)take(c, '-');
        }
        return take_digits(c);
    }
    return true;
}

/* Four hexadecimal digits, -1 when they are not. */
static int take_hex4(cursor_t *c)
{
    int value = 0;

    for (int i = 0; i < 4; i++) {
        char digit = peek(c);

        if (digit >= '0' && digit <= '9') {
            value = value << 4 | (digit - '0');
        } else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f') {
            value = value << 4 | ((digit | 0x20) - 'a' + 10);
        } else {
            return -1;
        }
        c->at++;
    }
    return value;
}

static bool take_escape(cursor_t *c, bool is_name)
{
    int unit, low;

    if (!take(c, 'u')) {
        char letter = peek(c);

        if (letter == '\0' || strchr("\"\\/bfnrt", letter) == NULL) {
            return false;
        }
        c->at++;
        return true;
    }
    unit = take_hex4(c);
    if (unit < 0 || (is_name && unit == 0) || (unit >= 0xdc00 && unit <= 0xdfff)) {
        return false;
    }
    if (unit < 0xd800 || unit > 0xdbff) {
        return true;
    }
    if (!take_word(c, "\\u")) {
        return false;
    }
    low = take_hex4(c);
    return low >= 0xdc00 && low <= 0xdfff;
}

static bool take_string(cursor_t *c, bool is_name)
{
    if (!take(c, '"')) {
        return false;
    }
    while (c->at < c->end) {
        unsigned char next = (unsigned char)*c->at++;

        if (next == '"') {
            return true;
        }
        if (next < 0x20 || (next == '\\' && !take_escape(c, is_name))) {
            return false;
        }
    }
    return false;
}

static bool take_scalar(cursor_t *c)
{
    switch (peek(c)) {
    case '"':
        return take_string(c, false);
    case 't':
        return take_word(c, "true");
    case 'f':
        return take_word(c, "false");
    case 'n':
        return take_word(c, "null");
    default:
        return take_number(c);
    }
}

static bool take_name(cursor_t *c)
{
    skip_space(c);
    if (!take_string(c, true)) {
        return false;
    }
    skip_space(c);
    return take(c, ':');
}

/*
 * One value, with the closing brackets that are still due on a stack of our own, so that no
 * input can make us recurse.
 */
static bool take_value(cursor_t *c)
{
    char due[SL_JSON_MAX_DEPTH];
    int depth = 0;

    for (;;) {
        char open;

        skip_space(c);
        open = peek(c);
        if (open == '{' || open == '[') {
            if (depth == SL_JSON_MAX_DEPTH) {
                return false;
            }
            due[depth++] = open == '{' ? '}' : ']';
            c->at++;
            skip_space(c);
            if (peek(c) != due[depth - 1]) {
                if (open == '{' && !take_name(c)) {
                    return false;
                }
                continue;
            }
        } else if (!take_scalar(c)) {
            return false;
        }
        for (skip_space(c); depth > 0 && take(c, due[depth - 1]); skip_space(c)) {
            depth--;
        }
        if (depth == 0) {
            return true;
        }
        if (!take(c, ',') || (due[depth - 1] == '}' && !take_name(c))) {
            return false;
        }
    }
}

bool sl_json_is_strict(const char *text, apr_size_t len, apr_size_t max)
{
    cursor_t c;

    if (text == NULL || len > max || len > INT_MAX || !sl_text_is_utf8(text, len)) {
        return false;
    }
    c.at = text;
    c.end = text + len;
    return take_value(&c) && c.at == c.end;
}
