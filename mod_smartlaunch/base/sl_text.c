/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_text.h"

#include <apr_strings.h>
#include <stdint.h>
#include <string.h>

static const char alphabet_std[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char alphabet_url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Write the encoding of `len` bytes to `out`, which has room; returns the end. */
static char *encode64(char *out, const unsigned char *in, apr_size_t len, const char *alphabet)
{
    apr_size_t i = 0;

    for (; i + 2 < len; i += 3) {
        *out++ = alphabet[in[i] >> 2];
        *out++ = alphabet[(in[i] & 3) << 4 | in[i + 1] >> 4];
        *out++ = alphabet[(in[i + 1] & 15) << 2 | in[i + 2] >> 6];
        *out++ = alphabet[in[i + 2] & 63];
    }
    if (len - i == 1) {
        *out++ = alphabet[in[i] >> 2];
        *out++ = alphabet[(in[i] & 3) << 4];
    } else if (len - i == 2) {
        *out++ = alphabet[in[i] >> 2];
        *out++ = alphabet[(in[i] & 3) << 4 | in[i + 1] >> 4];
        *out++ = alphabet[(in[i + 1] & 15) << 2];
    }
    return out;
}

char *sl_text_base64url(apr_pool_t *p, const void *bytes, apr_size_t len)
{
    char *text = apr_palloc(p, len / 3 * 4 + 5);

    *encode64(text, bytes, len, alphabet_url) = '\0';
    return text;
}

char *sl_text_base64(apr_pool_t *p, const void *bytes, apr_size_t len)
{
    char *text = apr_palloc(p, len / 3 * 4 + 5);
    char *end = encode64(text, bytes, len, alphabet_std);

    while ((end - text) % 4 != 0) {
        *end++ = '=';
    }
    *end = '\0';
    return text;
}

static int value64(char c, const char *alphabet)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    if (c == alphabet[62]) {
        return 62;
    }
    return c == alphabet[63] ? 63 : -1;
}

/* Decode `text_len` characters without padding. Spare bits must be zero: one text per value. */
static unsigned char *decode64(apr_pool_t *p, const char *text, apr_size_t text_len,
                               const char *alphabet, apr_size_t *len)
{
    unsigned char *bytes;
    apr_size_t n = 0;
    uint32_t bits = 0;
    int have = 0;

    if (text_len % 4 == 1) {
        return NULL;
    }
    bytes = apr_palloc(p, text_len / 4 * 3 + 3);
    for (apr_size_t i = 0; i < text_len; i++) {
        int value = value64(text[i], alphabet);

        if (value < 0) {
            return NULL;
        }
        bits = (bits << 6 | (uint32_t)value) & 0xffffU;
        have += 6;
        if (have >= 8) {
            have -= 8;
            bytes[n++] = (unsigned char)(bits >> have);
        }
    }
    if ((bits & ((1U << have) - 1U)) != 0) {
        return NULL;
    }
    bytes[n] = '\0';
    *len = n;
    return bytes;
}

unsigned char *sl_text_unbase64url(apr_pool_t *p, const char *text, apr_size_t text_len,
                                   apr_size_t *len)
{
    return text == NULL ? NULL : decode64(p, text, text_len, alphabet_url, len);
}

unsigned char *sl_text_unbase64(apr_pool_t *p, const char *text, apr_size_t *len)
{
    apr_size_t n;

    if (text == NULL) {
        return NULL;
    }
    n = strlen(text);
    if (n % 4 != 0) {
        return NULL;
    }
    if (n > 0 && text[n - 1] == '=') {
        n -= text[n - 2] == '=' ? 2 : 1;
    }
    return decode64(p, text, n, alphabet_std, len);
}

char *sl_text_hex(apr_pool_t *p, const void *bytes, apr_size_t len)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *in = bytes;
    char *text = apr_palloc(p, len * 2 + 1);

    for (apr_size_t i = 0; i < len; i++) {
        text[2 * i] = digits[in[i] >> 4];
        text[2 * i + 1] = digits[in[i] & 15];
    }
    text[len * 2] = '\0';
    return text;
}

static bool is_unreserved(unsigned char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

char *sl_text_percent(apr_pool_t *p, const char *text)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = apr_palloc(p, strlen(text) * 3 + 1);
    char *to = out;

    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (is_unreserved(c)) {
            *to++ = (char)c;
        } else {
            *to++ = '%';
            *to++ = digits[c >> 4];
            *to++ = digits[c & 15];
        }
    }
    *to = '\0';
    return out;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

char *sl_text_unform(apr_pool_t *p, const char *text, apr_size_t len)
{
    char *out = apr_palloc(p, len + 1);
    char *to = out;

    if (memchr(text, '%', len) == NULL && memchr(text, '+', len) == NULL &&
        memchr(text, '\0', len) == NULL) { /* ids, as a rule */
        memcpy(out, text, len);
        out[len] = '\0';
        return out;
    }
    for (apr_size_t i = 0; i < len; i++) {
        char c = text[i];

        if (c == '+') {
            c = ' ';
        } else if (c == '%') {
            int high = len - i > 2 ? hex_value(text[i + 1]) : -1;
            int low = high < 0 ? -1 : hex_value(text[i + 2]);

            if (low < 0) {
                return NULL;
            }
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (c == '\0') {
            return NULL;
        }
        *to++ = c;
    }
    *to = '\0';
    return out;
}

static const char *html_entity(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    default:
        return NULL;
    }
}

const char *sl_text_html(apr_pool_t *p, const char *text)
{
    char *out, *to;

    if (text == NULL) {
        return "";
    }
    to = out = apr_palloc(p, strlen(text) * 6 + 1);
    for (; *text != '\0'; text++) {
        const char *entity = html_entity(*text);

        if (entity == NULL) {
            *to++ = *text;
        } else {
            apr_size_t n = strlen(entity);

            memcpy(to, entity, n);
            to += n;
        }
    }
    *to = '\0';
    return out;
}

bool sl_text_is_header_safe(const char *text, apr_size_t max)
{
    apr_size_t n = 0;

    if (text == NULL || *text == '\0') {
        return false;
    }
    for (; text[n] != '\0'; n++) {
        if (n >= max || text[n] < 0x20 || text[n] > 0x7e) {
            return false;
        }
    }
    return true;
}

/* Bytes of the well-formed character at `at` (Unicode 15, table 3-7), 0 when it is none. */
static apr_size_t utf8_char(const unsigned char *at, apr_size_t left)
{
    unsigned char low = 0x80, high = 0xbf;
    apr_size_t n;

    if (at[0] < 0x80) {
        return at[0] != 0;
    }
    if (at[0] >= 0xc2 && at[0] <= 0xdf) {
        n = 2;
    } else if (at[0] >= 0xe0 && at[0] <= 0xef) {
        n = 3;
        low = at[0] == 0xe0 ? 0xa0 : 0x80;
        high = at[0] == 0xed ? 0x9f : 0xbf;
    } else if (at[0] >= 0xf0 && at[0] <= 0xf4) {
        n = 4;
        low = at[0] == 0xf0 ? 0x90 : 0x80;
        high = at[0] == 0xf4 ? 0x8f : 0xbf;
    } else {
        return 0;
    }
    if (left < n || at[1] < low || at[1] > high) {
        return 0;
    }
    for (apr_size_t i = 2; i < n; i++) {
        if (at[i] < 0x80 || at[i] > 0xbf) {
            return 0;
        }
    }
    return n;
}

bool sl_text_is_utf8(const char *bytes, apr_size_t len)
{
    const unsigned char *at = (const unsigned char *)bytes;

    while (len > 0) {
        apr_size_t n = utf8_char(at, len);

        if (n == 0) {
            return false;
        }
        at += n;
        len -= n;
    }
    return true;
}

bool sl_text_has_prefix(const char *text, const char *prefix)
{
    return text != NULL && strncmp(text, prefix, strlen(prefix)) == 0;
}

const char *sl_text_loggable(apr_pool_t *p, const char *text, apr_size_t max)
{
    char *copy;

    if (text == NULL) {
        return "";
    }
    copy = apr_pstrndup(p, text, max);
    for (char *c = copy; *c != '\0'; c++) {
        if (*c < 0x20 || *c > 0x7e) {
            *c = '?';
        }
    }
    return copy;
}
