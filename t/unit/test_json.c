/* SPDX-License-Identifier: Apache-2.0 */
/* JSON from outside (RFC 8259): what is taken, what is refused, and what is written. */
#include "base/sl_json.h"
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>

typedef struct {
    const char *name, *text, *back; /* back NULL: refused */
} row_t;

static const row_t rows[] = {
    {"object", "{\"a\":1}", "{\"a\":1}"},
    {"blanks around", " \t\r\n{ \"a\" : [ 1 , 2 ] }\n", "{\"a\":[1,2]}"},
    {"empty object", "{}", "{}"},
    {"empty array", "[]", "[]"},
    {"nested", "[[],{},[{}]]", "[[],{},[{}]]"},
    {"string", "\"a/b\\/c\"", "\"a/b/c\""},
    {"escapes", "\"\\\"\\\\\\b\\f\\n\\r\\t\"", "\"\\\"\\\\\\b\\f\\n\\r\\t\""},
    {"unicode escape", "\"\\u00e9\"", "\"\xc3\xa9\""},
    {"surrogate pair", "\"\\ud83d\\ude00\"", "\"\xf0\x9f\x98\x80\""},
    {"number", "42", "42"},
    {"negative", "-0.5", "-0.5"},
    {"exponent", "[1e2]", "[1e2]"},
    {"true", "true", "true"},
    {"null", "null", "null"},
    {"the last of two", "{\"a\":1,\"a\":2}", "{\"a\":2}"},
    {"nothing", "", NULL},
    {"blank", " ", NULL},
    {"cut object", "{\"a\":1", NULL},
    {"cut string", "\"abc", NULL},
    {"cut word", "tru", NULL},
    {"more after it", "{}x", NULL},
    {"two values", "{} {}", NULL},
    {"comma at the end", "[1,]", NULL},
    {"comma at the end of an object", "{\"a\":1,}", NULL},
    {"comma alone", "[,]", NULL},
    {"missing comma", "[1 2]", NULL},
    {"missing colon", "{\"a\" 1}", NULL},
    {"bare name", "{a:1}", NULL},
    {"single quotes", "{'a':1}", NULL},
    {"comment", "/* x */{}", NULL},
    {"NaN", "[NaN]", NULL},
    {"Infinity", "-Infinity", NULL},
    {"upper-case word", "TRUE", NULL},
    {"leading zero", "[01]", NULL},
    {"plus", "[+1]", NULL},
    {"point without digits", "[1.]", NULL},
    {"point first", "[.5]", NULL},
    {"exponent without digits", "[1e]", NULL},
    {"minus alone", "[-]", NULL},
    {"hexadecimal", "[0x10]", NULL},
    {"wrong bracket", "[1}", NULL},
    {"line end in a string", "\"a\nb\"", NULL},
    {"unknown escape", "\"\\x\"", NULL},
    {"short unicode escape", "\"\\u12\"", NULL},
    {"lone high surrogate", "\"\\ud83d\"", NULL},
    {"lone low surrogate", "\"\\ude00\"", NULL},
    {"two high surrogates", "\"\\ud83d\\ud83d\"", NULL},
    {"escaped NUL in a name", "{\"iss\\u0000x\":1}", NULL},
    {"bad UTF-8", "\"\xc3\"", NULL},
    {"byte order mark", "\xef\xbb\xbf{}", NULL},
};

static void table(apr_pool_t *p)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        /* Without the NUL behind it, so that a sanitizer sees a byte too far. */
        size_t n = strlen(rows[i].text);
        char *text = apr_pmemdup(p, rows[i].text, n);
        sl_json_t *value = NULL;
        sl_err_t err = {0};
        sl_rc_t rc = sl_json_parse_any(&value, text, n, p, &err);

        if (rows[i].back == NULL) {
            is_str(sl_rc_name(rc), "SL_INVALID", apr_pstrcat(p, rows[i].name, " refused", NULL));
        } else if (rc == SL_OK) {
            is_str(sl_json_text(p, value), rows[i].back, rows[i].name);
        } else {
            ok(false, "%s: %s %s", rows[i].name, err.id, err.text);
        }
    }
}

static sl_rc_t nested(int depth, apr_pool_t *p)
{
    char *text = apr_palloc(p, (apr_size_t)depth * 2 + 2);
    sl_json_t *value;

    memset(text, '[', (size_t)depth);
    text[depth] = '1';
    memset(text + depth + 1, ']', (size_t)depth);
    return sl_json_parse_any(&value, text, (apr_size_t)depth * 2 + 1, p, NULL);
}

static void bounds(apr_pool_t *p)
{
    apr_size_t big = 1024 * 1024 + 1;
    char *text = apr_palloc(p, big);
    sl_json_t *value;

    is_int(nested(SL_JSON_MAX_DEPTH, p), SL_OK, "deepest nesting");
    is_int(nested(SL_JSON_MAX_DEPTH + 1, p), SL_INVALID, "one level too deep");
    is_int(nested(100000, p), SL_INVALID, "far too deep");
    memset(text, 'a', big);
    text[0] = text[big - 2] = '"';
    is_int(sl_json_parse_any(&value, text, big - 1, p, NULL), SL_OK, "1 MiB");
    text[big - 2] = 'a';
    text[big - 1] = '"';
    is_int(sl_json_parse_any(&value, text, big, p, NULL), SL_INVALID, "a byte more");
    is_int(sl_json_parse_any(&value, "{}\0", 3, p, NULL), SL_INVALID, "NUL behind it");
    is_int(sl_json_parse(&value, "[]", 2, p, NULL), SL_INVALID, "array where an object is wanted");
    is_int(sl_json_parse(&value, "null", 4, p, NULL), SL_INVALID, "null, likewise");
}

static void members(apr_pool_t *p)
{
    static const char text[] = "{\"s\":\"v\",\"n\":1,\"z\":null,\"cut\":\"a\\u0000b\",\"e\":\"\"}";
    sl_json_t *json = NULL;

    is_int(sl_json_parse(&json, text, sizeof(text) - 1, p, NULL), SL_OK, "an object");
    is_str(sl_json_str(json, "s"), "v", "string");
    is_str(sl_json_str(json, "e"), "", "empty string");
    ok(sl_json_str(json, "n") == NULL, "a number is no string");
    ok(sl_json_str(json, "z") == NULL, "null is no string");
    ok(sl_json_str(json, "cut") == NULL, "a string with NUL is none");
    ok(sl_json_str(json, "absent") == NULL, "absent");
    ok(sl_json_str(NULL, "s") == NULL, "of nothing");
    ok(sl_json_get(json, "z") == NULL, "null is like absent");
    ok(sl_json_get(json, "n") != NULL, "number");
    ok(sl_json_get(sl_json_get(json, "s"), "s") == NULL, "member of a string");
}

static void building(apr_pool_t *p)
{
    apr_pool_t *sub;
    sl_json_t *json, *list;
    const char *text;

    apr_pool_create(&sub, p);
    json = sl_json_object(sub);
    list = sl_json_array(sub);
    sl_json_put_str(json, "s", "a/\"\n");
    sl_json_put_str(json, "z", NULL);
    sl_json_put_int(json, "i", INT64_MAX);
    sl_json_put_bool(json, "b", true);
    sl_json_push(list, sl_json_get(json, "s"));
    sl_json_push(list, NULL);
    sl_json_put(json, "l", list);
    sl_json_put(json, "same", list);
    text = sl_json_text(p, json);
    apr_pool_destroy(sub);
    is_str(text,
           "{\"s\":\"a/\\\"\\n\",\"z\":null,\"i\":9223372036854775807,\"b\":true,"
           "\"l\":[\"a/\\\"\\n\",null],\"same\":[\"a/\\\"\\n\",null]}",
           "what was put is written, and outlives the values");
}

int main(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    table(p);
    bounds(p);
    members(p);
    building(p);
    apr_terminate();
    return tap_done();
}
