/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rewriter beside a real parser: documents made at random are rewritten, both sides are read by
 * json-c, and each string must be what the rule, applied to the parsed value, makes of it.
 */
#include "link_feed.h"
#include "rule.h"
#include <json.h>

#define OTHER "https://other.example/fhir/r4"

static const char *const keys[] = {"url",     "fullUrl",  "reference", "location", "system", "div",
                                   "link",    "relation", "Url",       "my\"url",  "url ",   "",
                                   "profile", "\\",       "entry",     "valueUrl"};
static const char *const values[] = {BASE,
                                     BASE "/",
                                     BASE "/Patient/1",
                                     BASE "?_getpages=a/b",
                                     BASE "#a",
                                     BASE "4/Patient/1",
                                     BASE "/StructureDefinition/x",
                                     BASE "/ValueSet/x",
                                     BASE "/ValueSet",
                                     OTHER "/Patient/1",
                                     "Patient/1",
                                     "https:",
                                     "",
                                     "\"",
                                     "\\",
                                     "a\\\"url\":\"" BASE "/A",
                                     "{\"url\":\"" BASE "/A\"}",
                                     "\"url\": \"" BASE "/A\" ",
                                     "<a href=\"" BASE "/A\">\xc3\xa4\n</a>",
                                     "url",
                                     "h"};

static void blanks(link_text_t *out, uint64_t *seed)
{
    static const char *const some[] = {
        "", "", "", " ", "\n", "\t \r\n", "                        "};

    link_text_say(out, some[link_random(seed, COUNT_OF(some))]);
}

static void string(link_text_t *out, uint64_t *seed, const char *text)
{
    bool escape = link_random(seed, 3) == 0;

    link_text_say(out, "\"");
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\' || (*text == '/' && escape)) {
            link_text_say(out, "\\");
        }
        if (*text == '\n') {
            link_text_say(out, "\\n");
        } else {
            link_text_add(out, text, 1);
        }
    }
    link_text_say(out, "\"");
}

static void value(link_text_t *out, uint64_t *seed, int depth);

static void members(link_text_t *out, uint64_t *seed, int depth, bool is_object)
{
    for (unsigned n = link_random(seed, 7); n > 0; n--) {
        blanks(out, seed);
        if (is_object) {
            char key[64];

            /* a number makes it a name of its own, behind those that must stay as they are */
            snprintf(key, sizeof(key), "%s%.0u", keys[link_random(seed, COUNT_OF(keys))],
                     link_random(seed, 4) == 0 ? n : 0U);
            string(out, seed, key);
            blanks(out, seed);
            link_text_say(out, ":");
        }
        value(out, seed, depth);
        link_text_say(out, n > 1 ? "," : "");
    }
}

static void value(link_text_t *out, uint64_t *seed, int depth)
{
    unsigned what = link_random(seed, 10);

    blanks(out, seed);
    if (depth > 0 && what < 4) {
        link_text_say(out, what < 3 ? "{" : "[");
        members(out, seed, depth - 1, what < 3);
        blanks(out, seed);
        link_text_say(out, what < 3 ? "}" : "]");
    } else if (what == 9) {
        link_text_say(out, "1.50");
    } else {
        string(out, seed, values[link_random(seed, COUNT_OF(values))]);
    }
    blanks(out, seed);
}

/* The rule, said again. */
static const char *expected(apr_pool_t *p, const char *key, const char *text)
{
    static const char *const names[] = {"StructureDefinition/", "ValueSet/",
                                        "CodeSystem/",          "NamingSystem/",
                                        "SearchParameter/",     "CapabilityStatement/"};
    const char *rest = text + strlen(BASE);

    if (key == NULL || strncmp(text, BASE, strlen(BASE)) != 0 ||
        (strcmp(key, "url") != 0 && strcmp(key, "fullUrl") != 0 && strcmp(key, "reference") != 0 &&
         strcmp(key, "location") != 0)) {
        return text;
    }
    for (int i = 0; i < COUNT_OF(names); i++) {
        if (rest[0] == '/' && strncmp(rest + 1, names[i], strlen(names[i])) == 0) {
            return text;
        }
    }
    return strchr("/?#", rest[0]) != NULL ? apr_pstrcat(p, GATEWAY, rest, NULL) : text;
}

static bool same(apr_pool_t *p, const char *key, json_object *was, json_object *is)
{
    if (json_object_get_type(was) != json_object_get_type(is)) {
        return false;
    }
    if (json_object_is_type(was, json_type_object)) {
        bool all = json_object_object_length(was) == json_object_object_length(is);

        json_object_object_foreach(was, name, member)
        {
            all = all && same(p, name, member, json_object_object_get(is, name));
        }
        return all;
    }
    if (json_object_is_type(was, json_type_array)) {
        bool all = json_object_array_length(was) == json_object_array_length(is);

        for (size_t i = 0; all && i < json_object_array_length(was); i++) {
            all =
                same(p, NULL, json_object_array_get_idx(was, i), json_object_array_get_idx(is, i));
        }
        return all;
    }
    if (json_object_is_type(was, json_type_string)) {
        return strcmp(expected(p, key, json_object_get_string(was)), json_object_get_string(is)) ==
               0;
    }
    return strcmp(json_object_to_json_string(was), json_object_to_json_string(is)) == 0;
}

int main(void)
{
    apr_pool_t *root = rule_pool();
    uint64_t seed = 20260101, links = 0;
    int bytes = 0, wrong = 0;

    for (int round = 0; round < 3000; round++) {
        link_text_t body = {NULL, 0, 0}, out = {NULL, 0, 0};
        json_object *was, *is;
        apr_pool_t *p;

        if (apr_pool_create(&p, root) != APR_SUCCESS) {
            abort();
        }
        link_text_say(&body, "[");
        value(&body, &seed, 6);
        link_text_say(&body, "]");
        links += link_feed(&out, body.bytes, body.len, round % 3 == 0 ? 0 : 50, &seed).links;
        was = json_tokener_parse(body.bytes);
        is = json_tokener_parse(out.bytes);
        if (was == NULL || is == NULL || !same(p, NULL, was, is)) {
            wrong++;
            diag("in  %s", body.bytes);
            diag("out %s", out.bytes);
        }
        bytes += (int)body.len;
        json_object_put(was);
        json_object_put(is);
        free(body.bytes);
        free(out.bytes);
        apr_pool_destroy(p);
    }
    is_int(wrong, 0, "what was parsed before and after differs by the rule alone");
    ok(links > 500, "there were links to rewrite: %d in %d bytes", (int)links, bytes);
    rule_release(root);
    return tap_done();
}
