/* SPDX-License-Identifier: Apache-2.0 */
/* Encodings (RFC 4648, RFC 3986, HTML forms) and the small questions about texts. */
#include "base/sl_text.h"
#include "tap.h"

#include <apr_general.h>
#include <stdlib.h>

typedef struct {
    const char *plain, *std, *url;
} base64_row_t;

/* RFC 4648 section 10, and bytes that need the last two letters of the alphabet. */
static const base64_row_t base64_rows[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xfe", "+//+", "-__-"},
};

static void base64(apr_pool_t *p)
{
    for (size_t i = 0; i < sizeof(base64_rows) / sizeof(*base64_rows); i++) {
        const base64_row_t *row = &base64_rows[i];
        apr_size_t len = 99;

        is_str(sl_text_base64(p, row->plain, strlen(row->plain)), row->std, "base64");
        is_str(sl_text_base64url(p, row->plain, strlen(row->plain)), row->url, "base64url");
        is_str((char *)sl_text_unbase64(p, row->std, &len), row->plain, "base64 back");
        is_int((intmax_t)len, (intmax_t)strlen(row->plain), "its length");
        is_str((char *)sl_text_unbase64url(p, row->url, strlen(row->url), &len), row->plain,
               "base64url back");
        is_int((intmax_t)len, (intmax_t)strlen(row->plain), "its length");
    }
}

static void base64_refused(apr_pool_t *p)
{
    static const char *const std[] = {"Zg",   "Zg=",  "Z===", "====",   "Zm9v=", "Zg==Zg==", "Zm9-",
                                      "Zh==", "Zm9=", "Zm 9", "Zm9v\n", "=",     "=Zg="};
    static const char *const url[] = {"Z",   "Zg==",  "Zm9v+",  "Zm/v", "Zh",
                                      "Zm9", " Zm9v", "Zm9v\n", "Zm9vZ"};
    apr_size_t len;

    for (size_t i = 0; i < sizeof(std) / sizeof(*std); i++) {
        ok(sl_text_unbase64(p, std[i], &len) == NULL, "base64 refuses row %d", (int)i);
    }
    /* "Zm9" is 2 bytes and 2 spare bits, which are not zero. */
    for (size_t i = 0; i < sizeof(url) / sizeof(*url); i++) {
        ok(sl_text_unbase64url(p, url[i], strlen(url[i]), &len) == NULL, "base64url refuses row %d",
           (int)i);
    }
    ok(sl_text_unbase64url(p, "Zg\0Z", 4, &len) == NULL, "base64url refuses NUL");
    ok(sl_text_unbase64(p, NULL, &len) == NULL, "base64 of nothing");
    ok(sl_text_unbase64url(p, NULL, 0, &len) == NULL, "base64url of nothing");
}

static void percent(apr_pool_t *p)
{
    is_str(sl_text_percent(p, "AZaz09-._~"), "AZaz09-._~", "unreserved stays");
    is_str(sl_text_percent(p, "a b+c/?&=%#\xc3\xa9"), "a%20b%2Bc%2F%3F%26%3D%25%23%C3%A9",
           "all else is escaped");
    is_str(sl_text_unform(p, "a+b%20c%2Bd", 11), "a b c+d", "form decoding");
    is_str(sl_text_unform(p, "%c3%A9", 6), "\xc3\xa9", "either case of digits");
    is_str(sl_text_unform(p, "abc", 2), "ab", "no further than told");
    ok(sl_text_unform(p, "a%2", 3) == NULL, "cut escape");
    ok(sl_text_unform(p, "a%20", 3) == NULL, "escape that goes on behind the end");
    ok(sl_text_unform(p, "a%", 2) == NULL, "lone percent");
    ok(sl_text_unform(p, "%gg", 3) == NULL, "not hexadecimal");
    ok(sl_text_unform(p, "%0x", 3) == NULL, "half hexadecimal");
    ok(sl_text_unform(p, "a%00b", 5) == NULL, "encoded NUL");
    ok(sl_text_unform(p, "a\0b", 3) == NULL, "raw NUL");
}

static void html(apr_pool_t *p)
{
    is_str(sl_text_html(p, "a<b>&\"'c"), "a&lt;b&gt;&amp;&quot;&#39;c", "HTML");
    is_str(sl_text_html(p, "''''''"), "&#39;&#39;&#39;&#39;&#39;&#39;", "HTML grows");
    is_str(sl_text_html(p, NULL), "", "HTML of nothing");
    is_str(sl_text_hex(p, "\x00\x0f\xf0\xff", 4), "000ff0ff", "hex");
}

static void questions(apr_pool_t *p)
{
    ok(sl_text_is_header_safe("Dr. Smith ~", 255), "printable ASCII");
    ok(sl_text_is_header_safe("abc", 3), "just fits");
    ok(!sl_text_is_header_safe("abcd", 3), "one too many");
    ok(!sl_text_is_header_safe("", 3), "empty is not safe");
    ok(!sl_text_is_header_safe(NULL, 3), "nothing is not safe");
    ok(!sl_text_is_header_safe("a\r\nb", 255), "line end");
    ok(!sl_text_is_header_safe("a\tb", 255), "tab");
    ok(!sl_text_is_header_safe("a\x7f", 255), "DEL");
    ok(!sl_text_is_header_safe("\xc3\xa9", 255), "non-ASCII");
    ok(sl_text_has_prefix("https://x", "https://"), "prefix");
    ok(!sl_text_has_prefix("http", "https://"), "shorter than the prefix");
    ok(!sl_text_has_prefix(NULL, "a"), "prefix of nothing");
    is_str(sl_text_loggable(p, "a\nb\x1b\xc3\xa9z", 99), "a?b???z", "loggable");
    is_str(sl_text_loggable(p, "abcdef", 3), "abc", "loggable is cut");
    is_str(sl_text_loggable(p, NULL, 3), "", "loggable of nothing");
}

typedef struct {
    const char *name;
    const char *bytes;
    bool valid;
} utf8_row_t;

static const utf8_row_t utf8_rows[] = {
    {"ASCII", "abc", true},
    {"empty", "", true},
    {"two bytes", "\xc2\x80\xdf\xbf", true},
    {"three bytes", "\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf", true},
    {"four bytes", "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true},
    {"lone continuation", "\x80", false},
    {"overlong slash", "\xc0\xaf", false},
    {"overlong of three", "\xe0\x9f\xbf", false},
    {"overlong of four", "\xf0\x8f\xbf\xbf", false},
    {"surrogate", "\xed\xa0\x80", false},
    {"over U+10FFFF", "\xf4\x90\x80\x80", false},
    {"lead byte F5", "\xf5\x80\x80\x80", false},
    {"cut in two", "\xc3", false},
    {"cut in three", "\xe2\x82", false},
    {"cut in four", "\xf0\x9f\x98", false},
    {"bad third byte", "\xe2\x82\x28", false},
    {"bad fourth byte", "\xf0\x9f\x98\x28", false},
};

static void utf8(void)
{
    for (size_t i = 0; i < sizeof(utf8_rows) / sizeof(*utf8_rows); i++) {
        /* A buffer of the exact size, so that a sanitizer sees a byte too far. */
        size_t n = strlen(utf8_rows[i].bytes);
        char *bytes = malloc(n == 0 ? 1 : n);

        memcpy(bytes, utf8_rows[i].bytes, n);
        ok(sl_text_is_utf8(bytes, n) == utf8_rows[i].valid, "UTF-8: %s", utf8_rows[i].name);
        free(bytes);
    }
    ok(!sl_text_is_utf8("a\0b", 3), "UTF-8: NUL");
}

int main(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    base64(p);
    base64_refused(p);
    percent(p);
    html(p);
    questions(p);
    utf8();
    apr_terminate();
    return tap_done();
}
