/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_fhir_request.h"
#include <apr_strings.h>

#define READ SL_FHIR_READ
#define HISTORY SL_FHIR_HISTORY
#define SEARCH SL_FHIR_SEARCH
#define CAPABILITIES SL_FHIR_CAPABILITIES
#define OPERATION SL_FHIR_OPERATION
#define BATCH SL_FHIR_BATCH
#define WRITE SL_FHIR_WRITE
#define OTHER SL_FHIR_OTHER

/* `parts` is "type id in operation", `-` for none. */
static const struct {
    const char *method, *path;
    sl_fhir_kind_t kind;
    bool is_read;
    const char *parts;
} rows[] = {
    {"GET", "/Patient/p1", READ, true, "Patient p1 - -"},
    {"HEAD", "/Patient/p1", READ, true, "Patient p1 - -"},
    {"GET", "/Patient/p1/", READ, true, "Patient p1 - -"},
    {"GET", "/Observation/a.b-C1", READ, true, "Observation a.b-C1 - -"},
    {"GET", "/Observation/a=b+c~d", READ, true, "Observation a=b+c~d - -"},
    {"GET", "/Patient/p1/_history/2", READ, true, "Patient p1 - -"},
    {"DELETE", "/Patient/p1/_history/2", WRITE, false, "Patient p1 - -"},
    {"GET", "/Patient/p1/_history", HISTORY, true, "Patient p1 - -"},
    {"DELETE", "/Patient/p1/_history", WRITE, false, "Patient p1 - -"},
    {"POST", "/Patient/p1/_history", OTHER, false, "Patient p1 - -"},
    {"GET", "/Patient/p1/_history/$x", OTHER, true, "Patient p1 - -"},
    {"GET", "/Patient/_history", HISTORY, true, "Patient - - -"},
    {"GET", "/_history", HISTORY, true, "- - - -"},
    {"POST", "/_history", OTHER, false, "- - - -"},

    {"GET", "/Observation", SEARCH, true, "Observation - - -"},
    {"HEAD", "/Observation", SEARCH, true, "Observation - - -"},
    {"GET", "/Observation/", SEARCH, true, "Observation - - -"},
    {"GET", "/Observation/_search", SEARCH, true, "Observation - - -"},
    {"POST", "/Observation/_search", SEARCH, true, "Observation - - -"},
    {"PUT", "/Observation/_search", OTHER, false, "Observation - - -"},
    {"GET", "/Patient/p1/Observation", SEARCH, true, "Patient p1 Observation -"},
    {"POST", "/Patient/p1/Observation/_search", SEARCH, true, "Patient p1 Observation -"},
    {"POST", "/Patient/p1/Observation", OTHER, false, "Patient p1 Observation -"},
    {"GET", "/Patient/p1/Observation/o1", OTHER, true, "Patient p1 - -"},
    {"GET", "", SEARCH, true, "- - - -"},
    {"GET", "/", SEARCH, true, "- - - -"},
    {"POST", "/_search", SEARCH, true, "- - - -"},

    {"GET", "/metadata", CAPABILITIES, true, "- - - -"},
    {"GET", "/.well-known/smart-configuration", CAPABILITIES, true, "- - - -"},
    {"POST", "/metadata", OTHER, false, "- - - -"},
    {"GET", "/metadata/x", OTHER, true, "- - - -"},

    {"GET", "/Patient/p1/$everything", OPERATION, true, "Patient p1 - $everything"},
    {"POST", "/Patient/p1/$everything", OPERATION, false, "Patient p1 - $everything"},
    {"GET", "/Patient/$everything", OPERATION, true, "Patient - - $everything"},
    {"GET", "/$export", OPERATION, true, "- - - $export"},
    {"POST", "/$process-message", OPERATION, false, "- - - $process-message"},
    {"DELETE", "/Patient/p1/$everything", OTHER, false, "Patient p1 - $everything"},
    {"POST", "/Patient/p1/_history/2/$meta", OPERATION, false, "Patient p1 - $meta"},
    {"GET", "/Patient/$", OTHER, true, "Patient - - -"},
    {"GET", "/Patient/$a$b", OTHER, true, "Patient - - -"},
    {"GET", "/Patient/p1/Observation/$lastn", OTHER, true, "Patient p1 - -"},

    {"POST", "", BATCH, false, "- - - -"},
    {"POST", "/", BATCH, false, "- - - -"},
    {"POST", "/Observation", WRITE, false, "Observation - - -"},
    {"PUT", "/Observation/o1", WRITE, false, "Observation o1 - -"},
    {"PATCH", "/Observation/o1", WRITE, false, "Observation o1 - -"},
    {"DELETE", "/Observation/o1", WRITE, false, "Observation o1 - -"},
    {"PUT", "/Observation", WRITE, false, "Observation - - -"},
    {"PATCH", "/Observation", WRITE, false, "Observation - - -"},
    {"DELETE", "/Observation", WRITE, false, "Observation - - -"},
    {"DELETE", "", WRITE, false, "- - - -"},
    {"POST", "/Observation/o1", OTHER, false, "Observation o1 - -"},

    {"GET", "/Patient:p2", OTHER, true, "- - - -"},
    {"GET", "/Patient/_x", OTHER, true, "Patient - - -"},
    {"GET", "/Patient/_x/y", OTHER, true, "Patient - - -"},
    {"GET", "/a1/b", OTHER, true, "- - - -"},
    {"GET", "/A/b/c/d/e/f/g/h/i", OTHER, true, "A b - -"},
};

static const struct {
    const char *name, *method, *path, *id;
} refusals[] = {
    {"FHR-2 ..", "GET", "/../x", "SL2623"},
    {"FHR-2 .. inside", "GET", "/Patient/../Observation", "SL2623"},
    {"FHR-2 .. at the end", "GET", "/Patient/p1/..", "SL2623"},
    {"FHR-2 .", "GET", "/./Patient", "SL2623"},
    {"FHR-2 //host", "GET", "//evil.example/x", "SL2623"},
    {"FHR-2 two slashes alone", "GET", "//", "SL2623"},
    {"FHR-2 two slashes inside", "GET", "/Patient//p1", "SL2623"},
    {"FHR-2 two slashes at the end", "GET", "/Patient/p1//", "SL2623"},
    {"FHR-2 an escape that is left", "GET", "/Patient/%2e%2e", "SL2623"},
    {"FHR-2 @", "GET", "/@evil.example", "SL2623"},
    {"FHR-2 a backslash", "GET", "/..\\x", "SL2623"},
    {"a query inside", "GET", "/Patient?x", "SL2623"},
    {"a fragment", "GET", "/Patient#x", "SL2623"},
    {"a semicolon", "GET", "/Patient;x=1/p1", "SL2623"},
    {"a blank", "GET", "/Patient/p 1", "SL2623"},
    {"a star", "GET", "/Patient/p1/*", "SL2623"},
    {"a line break", "GET", "/Patient/p1\r\nX:", "SL2623"},
    {"no ASCII", "GET", "/Patient/\xc3\xa9", "SL2623"},
    {"no slash in front", "GET", "Patient/p1", "SL2622"},
    {"another method", "OPTIONS", "/Patient/p1", "SL2621"},
    {"TRACE", "TRACE", "/Patient/p1", "SL2621"},
    {"lower case", "get", "/Patient/p1", "SL2621"},
};

static const char *shown(const char *text)
{
    return text != NULL ? text : "-";
}

int main(void)
{
    apr_pool_t *p = rule_pool();
    sl_fhir_request_t got;
    char *deep = apr_pcalloc(p, 4096);
    sl_err_t err;

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_rc_t rc = sl_fhir_request_parse(&got, rows[i].method, rows[i].path, p, &err);
        const char *parts = apr_psprintf(p, "%s %s %s %s", shown(got.type), shown(got.id),
                                         shown(got.in), shown(got.operation));

        ok(rc == SL_OK && got.kind == rows[i].kind && got.is_read == rows[i].is_read &&
               strcmp(parts, rows[i].parts) == 0 && strcmp(got.method, rows[i].method) == 0,
           "%s %s", rows[i].method, rows[i].path);
        if (rc != SL_OK || got.kind != rows[i].kind || strcmp(parts, rows[i].parts) != 0) {
            diag("got %s kind %d, %s", sl_rc_name(rc), (int)got.kind, parts);
        }
    }
    for (int i = 0; i < COUNT_OF(refusals); i++) {
        is_end(sl_fhir_request_parse(&got, refusals[i].method, refusals[i].path, p, &err), &err,
               refusals[i].id, SL_INVALID, refusals[i].name);
    }
    is_int(sl_fhir_request_parse(&got, "GET", "/Patient/p1/", p, &err), SL_OK,
           "a slash at the end");
    is_str(got.path, "Patient/p1", "is dropped");
    memset(deep, 'a', 2100);
    deep[0] = '/';
    is_end(sl_fhir_request_parse(&got, "GET", deep, p, &err), &err, "SL2622", SL_INVALID,
           "a path that is too long");
    rule_release(p);
    return tap_done();
}
