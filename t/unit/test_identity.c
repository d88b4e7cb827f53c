/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_identity.h"
#include <apr_strings.h>

static apr_array_header_t *sources(apr_pool_t *p, const char *text)
{
    apr_array_header_t *list = apr_array_make(p, 2, sizeof(sl_identity_source_t));
    char *rest = apr_pstrdup(p, text);

    for (char *one = apr_strtok(rest, " ", &rest); one != NULL;
         one = apr_strtok(NULL, " ", &rest)) {
        if (sl_identity_source(apr_array_push(list), one, p, NULL) != SL_OK) {
            abort();
        }
    }
    return list;
}

static const sl_json_t *json(apr_pool_t *p, const char *text)
{
    sl_json_t *doc;

    if (text == NULL) {
        return NULL;
    }
    if (sl_json_parse(&doc, text, strlen(text), p, NULL) != SL_OK) {
        abort();
    }
    return doc;
}

#define X16 "0123456789abcdef"
#define X255 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 X16 "0123456789abcde"

static void test_find(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *sources, *claims, *response;
        const char *user, *source; /* NULL: no user */
        sl_rc_t rc;
        const char *id;
    } cases[] = {
        {"the claim", "id_token:sub", "{\"sub\":\"u1\"}", "{}", "u1", "id_token:sub", SL_OK, NULL},
        {"the member", "token:username", NULL, "{\"username\":\"dr smith\"}", "dr smith",
         "token:username", SL_OK, NULL},
        {"the first hit wins", "token:user id_token:sub", "{\"sub\":\"u1\"}", "{\"user\":\"u2\"}",
         "u2", "token:user", SL_OK, NULL},
        {"the next when the first is absent", "token:user id_token:sub", "{\"sub\":\"u1\"}", "{}",
         "u1", "id_token:sub", SL_OK, NULL},
        {"the next when the first is null", "token:user id_token:sub", "{\"sub\":\"u1\"}",
         "{\"user\":null}", "u1", "id_token:sub", SL_OK, NULL},
        {"a member never stands in for a claim", "id_token:sub", NULL, "{\"sub\":\"u1\"}", NULL,
         NULL, SL_NONE, "SL2363"},
        {"a claim never stands in for a member", "token:sub", "{\"sub\":\"u1\"}", "{}", NULL, NULL,
         SL_NONE, "SL2363"},
        {"255 bytes", "id_token:sub", "{\"sub\":\"" X255 "\"}", "{}", X255, "id_token:sub", SL_OK,
         NULL},
        {"256 bytes", "id_token:sub", "{\"sub\":\"" X255 "x\"}", "{}", NULL, NULL, SL_UPSTREAM,
         "SL2362"},
        {"a number is not passed over", "token:user id_token:sub", "{\"sub\":\"u1\"}",
         "{\"user\":7}", NULL, NULL, SL_UPSTREAM, "SL2362"},
        {"an empty name is not passed over", "token:user id_token:sub", "{\"sub\":\"u1\"}",
         "{\"user\":\"\"}", NULL, NULL, SL_UPSTREAM, "SL2362"},
        {"a line end", "id_token:sub", "{\"sub\":\"u\\r\\nX: y\"}", "{}", NULL, NULL, SL_UPSTREAM,
         "SL2362"},
        {"a NUL", "id_token:sub", "{\"sub\":\"admin\\u0000x\"}", "{}", NULL, NULL, SL_UPSTREAM,
         "SL2362"},
        {"a blank before", "id_token:sub", "{\"sub\":\" admin\"}", "{}", NULL, NULL, SL_UPSTREAM,
         "SL2362"},
        {"a blank behind", "id_token:sub", "{\"sub\":\"admin \"}", "{}", NULL, NULL, SL_UPSTREAM,
         "SL2362"},
        {"letters over ASCII", "id_token:sub", "{\"sub\":\"\xc3\xa9\"}", "{}", NULL, NULL,
         SL_UPSTREAM, "SL2362"},
        {"no fhirUser", "fhirUser id_token:sub", "{\"sub\":\"u1\"}", "{}", "u1", "id_token:sub",
         SL_OK, NULL},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        const sl_identity_facts_t facts = {json(p, cases[i].claims), json(p, cases[i].response),
                                           NULL};
        const char *name = apr_pstrcat(p, "IDT-9 ", cases[i].name, NULL);
        sl_identity_t got = {NULL, NULL};
        sl_err_t err;

        is_end(sl_identity_find(&got, sources(p, cases[i].sources), &facts, p, &err), &err,
               cases[i].id, cases[i].rc, name);
        is_str(got.user, cases[i].user, apr_pstrcat(p, name, ": user", NULL));
        is_str(got.source, cases[i].source, apr_pstrcat(p, name, ": source", NULL));
    }
}

static void test_fhir_user(apr_pool_t *p)
{
    sl_fhir_user_t user = {.url = "https://o.example/Practitioner/1",
                           .type = "Practitioner",
                           .id = "1",
                           .is_local = true};
    const sl_identity_facts_t facts = {NULL, json(p, "{}"), &user};
    sl_identity_t got;
    sl_err_t err;

    is_end(sl_identity_find(&got, sources(p, "fhirUser"), &facts, p, &err), &err, NULL, SL_OK,
           "IDT-7 fhirUser as the name");
    is_str(got.user, "Practitioner/1", "IDT-7 a local one is short");
    is_str(got.source, "fhirUser", "IDT-7 the source");
    user.is_local = false;
    is_end(sl_identity_find(&got, sources(p, "fhirUser"), &facts, p, &err), &err, NULL, SL_OK,
           "IDT-8 a foreign fhirUser as the name");
    is_str(got.user, "https://o.example/Practitioner/1", "IDT-8 is the URL, so never a local one");
}

static void test_sources(apr_pool_t *p)
{
    static const char *const refused[] = {
        "sub",     "id_token", "id_token:", "token:",       "request:iss",
        "query:u", "",         "FHIRUSER",  "id_token:a\nb"};
    sl_identity_source_t got;
    sl_err_t err;

    for (int i = 0; i < COUNT_OF(refused); i++) {
        is_end(sl_identity_source(&got, refused[i], p, &err), &err, "SL2361", SL_INVALID,
               apr_psprintf(p, "CTX-7 source %d is refused: only what the EHR signed or sent", i));
    }
    is_end(sl_identity_source(&got, "id_token:https://x/y:z", p, &err), &err, NULL, SL_OK,
           "a claim that is a URL");
    is_str(got.member, "https://x/y:z", "keeps its colons");
    is_int(got.from, SL_SOURCE_ID_TOKEN, "and comes from the id_token");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_find(p);
    test_fhir_user(p);
    test_sources(p);
    rule_release(p);
    return tap_done();
}
