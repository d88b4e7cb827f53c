/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request line ("GET Observation?patient=p1"), and behind a newline a body; the launch's patient
 * is p1. Whatever the guard lets pass names nobody else, as read here in another way.
 */
#include "fuzz.h"
#include "smart/sl_guard.h"
#include <ctype.h>
#include <strings.h>

#define BASE "https://ehr.example/fhir/R4"

typedef struct {
    const char *line;
    sl_fhir_request_t request;
    char *query, *body;
    bool is_form;
} ask_t;

static int hex(char c)
{
    return isdigit((unsigned char)c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Percent-decoding as lenient as it comes. */
static char *decode(apr_pool_t *p, const char *text, size_t len)
{
    char *out = apr_palloc(p, len + 1), *to = out;

    for (size_t i = 0; i < len; i++) {
        if (text[i] == '%' && i + 2 < len && isxdigit((unsigned char)text[i + 1]) &&
            isxdigit((unsigned char)text[i + 2])) {
            *to++ = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
            i += 2;
        } else {
            *to++ = text[i] == '+' ? ' ' : text[i];
        }
    }
    *to = '\0';
    return out;
}

/* Is it one of the ways to write p1? */
static bool is_ours(const char *item)
{
    const char *version = strstr(item, "/_history/");
    size_t len = version != NULL ? (size_t)(version - item) : strlen(item);

    return (len == 2 && strcmp(item, "p1") == 0) ||
           (len == 10 && strncmp(item, "Patient/p1", len) == 0) ||
           (len == strlen(BASE "/Patient/p1") && strncmp(item, BASE "/Patient/p1", len) == 0);
}

/* Type/id of what can be no patient. */
static bool is_thing(const char *item)
{
    return strchr(item, '/') != NULL && strcasestr(item, "patient/") == NULL &&
           strcasestr(item, "group/") == NULL;
}

static void check_items(const char *name, char *value, const char *line)
{
    bool is_subject = strncasecmp(name, "subject", 7) == 0 && strchr(name, ':') == NULL;
    char *rest = value, *item;

    while ((item = strsep(&rest, ",")) != NULL) {
        fuzz_must(is_ours(item) || (is_subject && is_thing(item)), "only p1 is named", line);
    }
}

static bool begins_with_name(const char *text, const char *name)
{
    size_t len = strlen(name);

    return strncasecmp(text, name, len) == 0 && strchr(":.", text[len]) != NULL;
}

static void check_pair(apr_pool_t *p, const char *text, size_t len, const ask_t *ask)
{
    const char *equals = memchr(text, '=', len);
    size_t name_len = equals != NULL ? (size_t)(equals - text) : len;
    const char *name = decode(p, text, name_len);
    char *value = equals != NULL ? decode(p, equals + 1, len - name_len - 1) : apr_pstrdup(p, "");

    if (begins_with_name(name, "patient") || begins_with_name(name, "subject")) {
        fuzz_must(strchr(name, '.') == NULL, "no chain through a patient", ask->line);
        check_items(name, value, ask->line);
    }
    if (strcasecmp(name, "_id") == 0 && ask->request.type != NULL && ask->request.in == NULL &&
        strcasecmp(ask->request.type, "Patient") == 0) {
        check_items("patient", value, ask->line);
    }
    fuzz_must(!begins_with_name(name, "_has"), "no _has", ask->line);
    fuzz_must(!begins_with_name(name, "_revinclude"), "no _revinclude", ask->line);
}

/* Every pair, as split by `&` alone and by `;` too. */
static void check_params(apr_pool_t *p, const char *text, const ask_t *ask)
{
    static const char *const seps[] = {"&", "&;"};

    for (int i = 0; i < 2; i++) {
        for (const char *at = text;; at++) {
            size_t len = strcspn(at, seps[i]);

            if (len > 0) {
                check_pair(p, at, len, ask);
            }
            at += len;
            if (*at == '\0') {
                break;
            }
        }
    }
}

/* FHR-2: what passes stays below the base. */
static void check_path(const ask_t *ask)
{
    const char *path = ask->request.path;

    fuzz_must(path[0] != '/' && strstr(path, "//") == NULL && strpbrk(path, "%\\@?#;* ") == NULL,
              "only what FHIR paths have", ask->line);
    for (const char *at = path; at != NULL; at = strchr(at, '/')) {
        at += *at == '/';
        fuzz_must(strncmp(at, "../", 3) != 0 && strcmp(at, "..") != 0, "no dots", ask->line);
    }
}

static void check_passed(apr_pool_t *p, const ask_t *ask)
{
    const sl_fhir_request_t *r = &ask->request;

    if (strncasecmp(r->path, "Patient/", 8) == 0 && strchr("_$", r->path[8]) == NULL) {
        fuzz_must(strncmp(r->path + 8, "p1", 2) == 0 && strchr("/", r->path[10]) != NULL,
                  "only p1's path", ask->line);
    }
    fuzz_must(strncasecmp(r->path, "Group", 5) != 0 || isalpha((unsigned char)r->path[5]),
              "no Group", ask->line);
    if (ask->query != NULL) {
        check_params(p, ask->query, ask);
    }
    if (ask->body == NULL) {
        return;
    }
    if (ask->is_form) {
        check_params(p, ask->body, ask);
    } else {
        fuzz_must(strstr(ask->body, "\"reference\":\"Patient/p2\"") == NULL, "no other's resource",
                  ask->line);
        fuzz_must(strstr(ask->body, "\"url\":\"Patient/p2\"") == NULL ||
                      strstr(ask->body, "\"request\"") == NULL || r->kind != SL_FHIR_BATCH,
                  "no other's entry", ask->line);
    }
}

static bool read_line(ask_t *ask, char *text, apr_pool_t *p)
{
    char *method = text, *path;

    ask->line = apr_pstrdup(p, text);
    ask->body = strchr(text, '\n');
    if (ask->body != NULL) {
        *ask->body++ = '\0';
    }
    path = strchr(method, ' ');
    if (path == NULL) {
        return false;
    }
    *path++ = '\0';
    ask->query = strchr(path, '?');
    if (ask->query != NULL) {
        *ask->query++ = '\0';
    }
    return sl_fhir_request_parse(&ask->request, method, apr_pstrcat(p, "/", path, NULL), p, NULL) ==
           SL_OK;
}

static bool passes(const ask_t *ask, sl_guard_mode_t mode, apr_pool_t *p)
{
    sl_guard_verdict_t verdict;
    sl_err_t err;
    sl_guard_input_t input = {.mode = mode,
                              .patient = "p1",
                              .base = BASE,
                              .request = &ask->request,
                              .query = ask->query,
                              .body = ask->body,
                              .body_len = ask->body != NULL ? strlen(ask->body) : 0,
                              .has_body = ask->body != NULL};
    sl_rc_t rc;

    input.content_type = ask->is_form ? "application/x-www-form-urlencoded"
                         : ask->body != NULL && ask->body[0] == '[' ? "application/json-patch+json"
                                                                    : "application/fhir+json";
    rc = sl_guard_check(&verdict, &input, p, &err);
    PROMISE(rc == SL_OK || rc == SL_DENIED);
    PROMISE(rc == SL_OK || !verdict.check_answer);
    PROMISE(verdict.asked_patient == NULL || verdict.asked_patient[0] != '\0');
    return rc == SL_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size);
    ask_t ask = {0};
    sl_rc_t rc;

    if (read_line(&ask, text, p)) {
        ask.is_form = ask.body != NULL && ask.body[0] != '{' && ask.body[0] != '[';
        check_path(&ask);
        fuzz_must(passes(&ask, SL_GUARD_OFF, p), "off lets it pass", ask.line);
        if (passes(&ask, SL_GUARD_ON, p)) {
            check_passed(p, &ask);
        } else {
            fuzz_must(!passes(&ask, SL_GUARD_STRICT, p), "strict passes no more than on", ask.line);
        }
        if (ask.body != NULL) {
            rc = sl_guard_answer("p1", BASE, ask.body, strlen(ask.body), p, NULL);
            PROMISE(rc == SL_OK || rc == SL_DENIED);
        }
    }
    free(text);
    apr_pool_destroy(p);
    return 0;
}
