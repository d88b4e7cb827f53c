/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp_read.h"

#define PATIENT "'subject':{'reference':'Patient/omar'}"
#define CODE(code) "'code':{'coding':[{'system':'http://loinc.org','code':'" code "'}]}"
#define FINAL "'resourceType':'Observation','status':'final'," PATIENT
#define AT "'effectiveDateTime':'2024-05-01T08:00:00Z'"
#define SODIUM FINAL "," AT "," CODE("2951-2")

static const sl_cdp_request_t *request;

static sl_cdp_page_t read_page(apr_pool_t *p, const char *resources, bool convert_gmt)
{
    sl_cdp_reader_t *reader = sl_cdp_reader_new(request, &omar, convert_gmt, p);
    sl_cdp_page_t page;
    sl_err_t err;

    if (sl_cdp_reader_page(&page, reader, searchset(p, resources), p, &err) != SL_OK) {
        diag("no page");
        abort();
    }
    return page;
}

static void test_values(apr_pool_t *p)
{
    static const struct {
        const char *name, *value, *want; /* what stands behind "2951-2="; NULL: no item */
    } rows[] = {
        {"C10 a quantity", "'valueQuantity':{'value':140,'unit':'mmol/l','code':'mmol/L'}",
         "140 [mmol/L]"},
        {"C10 a unit in words", "'valueQuantity':{'value':140,'unit':'mmol per liter'}",
         "140 [mmol per liter]"},
        {"C10 no unit", "'valueQuantity':{'value':140}", "140"},
        {"C10 zeros at the end stay", "'valueQuantity':{'value':6.30}", "6.30"},
        {"C10 0.10", "'valueQuantity':{'value':0.10}", "0.10"},
        {"C10 an exponent", "'valueQuantity':{'value':1e2}", "1e2"},
        {"C10 a capital exponent", "'valueQuantity':{'value':1.50E-3}", "1.50E-3"},
        {"C10 a negative one", "'valueQuantity':{'value':-0.0}", "-0.0"},
        {"C10 a whole zero has no sign", "'valueQuantity':{'value':-0}", "0"},
        {"C10 14 digits and more", "'valueQuantity':{'value':96.90476228975712345678901}",
         "96.90476228975712345678901"},
        {"C10 beyond a float", "'valueQuantity':{'value':1.5e400}", "1.5e400"},
        {"C10 the largest whole number but one", "'valueQuantity':{'value':18446744073709551614}",
         "18446744073709551614"},
        {"C10 a whole number of 25 digits is no number we know",
         "'valueQuantity':{'value':1234567890123456789012345}",
         "- !The EHR sent a whole number that is too large to be read exactly."},
        {"C10 a negative one of 25 digits", "'valueQuantity':{'value':-1234567890123456789012345}",
         "- !The EHR sent a whole number that is too large to be read exactly."},
        {"C10 a comparator", "'valueQuantity':{'value':5,'comparator':'<','code':'mg/dL'}",
         "<5 [mg/dL]"},
        {"C10 at least", "'valueQuantity':{'value':5.0,'comparator':'>='}", ">=5.0"},
        {"C10 a comparator that is not known", "'valueQuantity':{'value':5,'comparator':'ad'}",
         "- !The EHR sent a number with a comparator that is not known."},
        {"C10 a number as a text", "'valueQuantity':{'value':'6.3'}",
         "- !The EHR sent something that is no number."},
        {"C10 a quantity without value", "'valueQuantity':{'unit':'mmol/L'}", NULL},
        {"C10 a quantity that says why it has none",
         "'valueQuantity':{'_value':{'extension':[{'url':'http://hl7.org/fhir/StructureDefinition/"
         "data-absent-reason','valueCode':'unknown'}]}}",
         NULL},
        {"C10 no value", "'note':[{'text':'x'}]", NULL},
        {"C10 dataAbsentReason",
         "'dataAbsentReason':{'coding':[{'code':'not-performed'}]},'valueString':'140'", NULL},
        {"C10 a coded value, its text first",
         "'valueCodeableConcept':{'text':'Never smoker','coding':[{'code':'266919005','display':"
         "'Never smoked tobacco'}]}",
         "Never smoker (266919005)"},
        {"C10 a coded value, its display",
         "'valueCodeableConcept':{'coding':[{'code':'1'},{'code':'2','display':'Two'}]}",
         "Two (1)"},
        {"C10 a coded value, its code", "'valueCodeableConcept':{'coding':[{'code':'POS'}]}",
         "POS (POS)"},
        {"C10 a coded value that is absent",
         "'valueCodeableConcept':{'text':'Unknown','coding':[{'system':"
         "'http://terminology.hl7.org/CodeSystem/data-absent-reason','code':'unknown'}]}",
         NULL},
        {"C10 an empty coded value", "'valueCodeableConcept':{}", NULL},
        {"C10 a string", "'valueString':'  positive '", "positive"},
        {"C10 a string of several lines", "'valueString':'a\\r\\nb\\tc\\rd\\u0007e'",
         "a\nb c\nd e"},
        {"H5 markup stays what it is", "'valueString':'<img src=x onerror=alert(1)>'",
         "<img src=x onerror=alert(1)>"},
        {"C10 an empty string", "'valueString':''", NULL},
        {"C10 a string that is none", "'valueString':7", NULL},
        {"C10 a whole number", "'valueInteger':42", "42"},
        {"C10 yes", "'valueBoolean':true", "1"},
        {"C10 no", "'valueBoolean':false", "0"},
        {"C10 a boolean that is none", "'valueBoolean':'true'", NULL},
        {"C10 a range",
         "'valueRange':{'low':{'value':1.0,'unit':'m'},'high':{'value':2.50,'unit':'m'}}",
         "1.0 - 2.50 [m]"},
        {"C10 a range without upper end", "'valueRange':{'low':{'value':1}}", ">=1"},
        {"C10 a range without lower end", "'valueRange':{'high':{'value':7}}", "<=7"},
        {"C10 no range", "'valueRange':{}", NULL},
        {"C10 a ratio", "'valueRatio':{'numerator':{'value':1},'denominator':{'value':128}}",
         "1:128"},
        {"C10 half a ratio", "'valueRatio':{'numerator':{'value':1}}", NULL},
        {"C10 a date", "'valueDateTime':'2024-05'", "2024-05"},
        {"C10 a time of day", "'valueTime':'08:30:00'", "08:30:00"},
        {"C10 a period", "'valuePeriod':{'start':'2024-05-01','end':'2024-05-03'}",
         "2024-05-01/2024-05-03"},
        {"C10 a period that goes on", "'valuePeriod':{'start':'2024-05-01'}", "2024-05-01/.."},
        {"C10 sampled data", "'valueSampledData':{'data':'1 2 3'}", NULL},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_page_t page =
            read_page(p, apr_pstrcat(p, "{" SODIUM ",", rows[i].value, "}", NULL), true);
        const char *want = rows[i].want;

        if (want != NULL) {
            const char *problem = strstr(want, " !");

            problem = problem == NULL ? "" : problem;
            want =
                apr_pstrcat(p, "2951-2=", apr_pstrmemdup(p, want, strlen(want) - strlen(problem)),
                            " @2024-05-01 08:00:00", problem, NULL);
        }
        is_str(items_text(p, page.items), want == NULL ? "" : want, rows[i].name);
    }
}

static void test_status(apr_pool_t *p)
{
    static const struct {
        const char *status, *want;
    } rows[] = {
        {"'status':'final',", "2951-2=1"},
        {"'status':'amended',", "2951-2=1"},
        {"'status':'corrected',", "2951-2=1"},
        {"'status':'preliminary',", "2951-2=1 /preliminary/"},
        {"'status':'registered',", "2951-2=1 /preliminary/"},
        {"'status':'unknown',", "2951-2=1 /status unknown/"},
        {"'status':'entered-in-error',", ""},
        {"'status':'cancelled',", ""},
        {"'status':'brand-new',", ""},
        {"'status':7,", ""},
        {"", ""},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_page_t page = read_page(
            p,
            apr_pstrcat(p, "{'resourceType':'Observation',", rows[i].status,
                        PATIENT
                        ",'effectiveDateTime':'2024-05-01'," CODE("2951-2") ",'valueInteger':1}",
                        NULL),
            true);
        const char *got = items_text(p, page.items);
        const char *when = strstr(got, " @2024-05-01");

        if (when != NULL) {
            got = apr_pstrcat(p, apr_pstrmemdup(p, got, (apr_size_t)(when - got)), when + 12, NULL);
        }
        is_str(got, rows[i].want, apr_pstrcat(p, "C10 ", rows[i].status, NULL));
    }
}

static void test_times(apr_pool_t *p)
{
    static const struct {
        const char *name, *time, *want;
        bool convert;
    } rows[] = {
        {"W8 local", "'effectiveDateTime':'2024-05-01T02:00:00Z'", "2024-04-30 21:00:00", true},
        {"W8 as sent", "'effectiveDateTime':'2024-05-01T02:00:00Z'", "2024-05-01 02:00:00", false},
        {"W8 a date", "'effectiveDateTime':'2024-05-01'", "2024-05-01", true},
        {"W8 a period's start", "'effectivePeriod':{'start':'2024-05-01','end':'2024-05-09'}",
         "2024-05-01", true},
        {"W8 an instant", "'effectiveInstant':'2024-05-01T12:00:00Z'", "2024-05-01 07:00:00", true},
        {"W8 a timing's first", "'effectiveTiming':{'event':['2024-05-01','2024-06-01']}",
         "2024-05-01", true},
        {"W8 when it was issued, where nothing else is said", "'issued':'2024-05-01T12:00:00Z'",
         "2024-05-01 07:00:00", true},
        {"W8 effective before issued",
         "'issued':'2024-05-02T12:00:00Z','effectiveDateTime':'2024-05-01'", "2024-05-01", true},
        {"W8 a month alone is not replaced by when it was issued",
         "'issued':'2024-05-02T12:00:00Z','effectiveDateTime':'2024-05'", NULL, true},
        {"W8 a period that only ends", "'effectivePeriod':{'end':'2024-05-09'}", NULL, true},
        {"W8 no time", "'note':[]", NULL, true},
        {"W5 a day before the window", "'effectiveDateTime':'2023-12-31'", NULL, true},
        {"W5 its first second", "'effectiveDateTime':'2024-01-01T00:00:00-06:00'",
         "2024-01-01 00:00:00", true},
        {"W5 the second before, though as UTC it is in",
         "'effectiveDateTime':'2024-01-01T05:59:59Z'", NULL, true},
        {"W5 its last second", "'effectiveDateTime':'2025-01-01T05:59:59.9Z'",
         "2024-12-31 23:59:59", true},
        {"W5 the second after", "'effectiveDateTime':'2025-01-01T06:00:00Z'", NULL, true},
    };

    in_zone("America/Chicago");
    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_page_t page =
            read_page(p,
                      apr_pstrcat(p, "{" FINAL "," CODE("2951-2") ",'valueInteger':1,",
                                  rows[i].time, "}", NULL),
                      rows[i].convert);

        is_str(items_text(p, page.items),
               rows[i].want == NULL ? "" : apr_pstrcat(p, "2951-2=1 @", rows[i].want, NULL),
               rows[i].name);
    }
    is_str(items_text(
               p, read_page(p, "{" SODIUM ",'valueDateTime':'2024-05-01T02:00:00Z'}", true).items),
           "2951-2=2024-04-30T21:00:00 @2024-05-01 03:00:00", "W8 a value that is a time, local");
    is_str(items_text(
               p, read_page(p, "{" SODIUM ",'valueDateTime':'2024-05-01T02:00:00Z'}", false).items),
           "2951-2=2024-05-01T02:00:00Z @2024-05-01 08:00:00",
           "W8 a value that is a time, as sent");
    in_zone("UTC");
}

static void test_codes(apr_pool_t *p)
{
    static const struct {
        const char *name, *members, *want;
    } rows[] = {
        {"C10 any coding",
         "'code':{'coding':[{'system':'urn:own','code':'NA'},{'system':'http://loinc.org','code':"
         "'2951-2'}]},'valueInteger':1",
         "2951-2=1"},
        {"C10 the code of another system",
         "'code':{'coding':[{'system':'urn:own','code':'2951-2'}]},'valueInteger':1", ""},
        {"C10 a code without system", "'code':{'coding':[{'code':'2951-2'}]},'valueInteger':1", ""},
        {"C10 LOINC by its OID",
         "'code':{'coding':[{'system':'urn:oid:2.16.840.1.113883.6.1','code':'2951-2'}]},"
         "'valueInteger':1",
         "2951-2=1"},
        {"C10 two codes of one field are one item",
         "'code':{'coding':[{'system':'http://loinc.org','code':'718-7'},{'system':"
         "'http://loinc.org','code':'30313-1'}]},'valueInteger':1",
         "718-7,30313-1=1"},
        {"C10 a code nobody wants", CODE("2075-0") ",'valueInteger':1", ""},
        {"C10 a blood pressure panel",
         CODE("85354-9") ",'component':[{" CODE(
             "8480-6") ",'valueQuantity':{'value':120,'code':"
                       "'mm[Hg]'}},{" CODE(
                           "8462-4") ",'valueQuantity':{'value':80,'code':'mm[Hg]'}}]",
         "8480-6=120 [mm[Hg]]\n8462-4=80 [mm[Hg]]"},
        {"C10 half a panel",
         CODE("85354-9") ",'component':[{" CODE(
             "8480-6") ",'dataAbsentReason':{'text':'x'}},{" CODE("8462-4") ",'valueQuantity':{'"
                                                                            "value':80}}]",
         "8462-4=80"},
        {"C10 systolic pressure alone", CODE("8480-6") ",'valueQuantity':{'value':120}",
         "8480-6=120"},
        {"C10 oxygen with its flow",
         CODE("2708-6") ",'valueQuantity':{'value':97},'component':[{" CODE(
             "3151-8") ",'valueQuantity':{'value':2,'code':'L/min'}}]",
         "3151-8=2 [L/min]"},
        {"C10 a panel whose own absence is explained",
         CODE("85354-9") ",'dataAbsentReason':{'text':'see components'},'component':[{" CODE(
             "8462-4") ",'valueQuantity':{'value':80}}]",
         "8462-4=80"},
        {"C10 a component with a marker that is not known",
         CODE("85354-9") ",'component':[{'modifierExtension':[{'url':'urn:not'}]," CODE(
             "8462-4") ",'valueQuantity':{'value':80}}]",
         ""},
        {"C10 a component's code at its parent, without value, and in it",
         CODE("8480-6") ",'component':[{" CODE("8480-6") ",'valueQuantity':{'value':1}}]",
         "8480-6=1"},
        {"C10 components that are none", CODE("85354-9") ",'component':'x'", ""},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_page_t page =
            read_page(p,
                      apr_pstrcat(p, "{" FINAL ",'effectiveDateTime':'2024-05-01',",
                                  rows[i].members, "}", NULL),
                      true);
        const char *got = items_text(p, page.items);
        const char *without = "";

        for (const char *at; (at = strstr(got, " @2024-05-01")) != NULL; got = at + 12) {
            without = apr_pstrcat(p, without, apr_pstrmemdup(p, got, (apr_size_t)(at - got)), NULL);
        }
        is_str(without, rows[i].want, rows[i].name);
    }
}

static void test_others(apr_pool_t *p)
{
    static const struct {
        const char *name, *subject;
        bool is_ours;
    } rows[] = {
        {"C10 ours", "'subject':{'reference':'Patient/omar'}", true},
        {"C10 ours, absolute", "'subject':{'reference':'https://ehr.example/fhir/Patient/omar'}",
         true},
        {"C10 ours, absolute, of a version",
         "'subject':{'reference':'https://ehr.example/fhir/Patient/omar/_history/1'}", true},
        {"C10 ours, the host in capitals, with its port",
         "'subject':{'reference':'https://EHR.example:443/fhir/Patient/omar'}", true},
        {"C10 the same id on another host",
         "'subject':{'reference':'https://e.example/fhir/Patient/omar'}", false},
        {"C10 on another port",
         "'subject':{'reference':'https://ehr.example:8443/fhir/Patient/omar'}", false},
        {"C10 on a host that begins like ours",
         "'subject':{'reference':'https://ehr.example.net/fhir/Patient/omar'}", false},
        {"C10 on ours as a user's name",
         "'subject':{'reference':'https://ehr.example@e.example/fhir/Patient/omar'}", false},
        {"C10 without TLS", "'subject':{'reference':'http://ehr.example/fhir/Patient/omar'}",
         false},
        {"C10 at another base of our host",
         "'subject':{'reference':'https://ehr.example/test/Patient/omar'}", false},
        {"C10 at a base that begins like ours",
         "'subject':{'reference':'https://ehr.example/fhir2/Patient/omar'}", false},
        {"C10 below ours", "'subject':{'reference':'https://ehr.example/fhir/tenant/Patient/omar'}",
         false},
        {"C10 at no base", "'subject':{'reference':'https://ehr.example/Patient/omar'}", false},
        {"C10 a path without a host", "'subject':{'reference':'/fhir/Patient/omar'}", false},
        {"C10 a way up", "'subject':{'reference':'other/Patient/omar'}", false},
        {"C10 a UUID", "'subject':{'reference':'urn:uuid:omar'}", false},
        {"C10 a version of nobody", "'subject':{'reference':'Patient//_history/3'}", false},
        {"C10 what a server says of itself does not count",
         "'subject':{'reference':'https://e.example/fhir/Patient/omar'},"
         "'meta':{'source':'https://e.example/fhir'}",
         false},
        {"C10 ours, of a version", "'subject':{'reference':'Patient/omar/_history/3'}", true},
        {"C10 somebody else", "'subject':{'reference':'Patient/olga'}", false},
        {"C10 somebody whose id begins like ours", "'subject':{'reference':'Patient/omar2'}",
         false},
        {"C10 a group of the same id", "'subject':{'reference':'Group/omar'}", false},
        {"C10 a contained one", "'subject':{'reference':'#omar'}", false},
        {"C10 an id alone", "'subject':{'reference':'omar'}", false},
        {"C10 a URL that only ends like ours",
         "'subject':{'reference':'https://e.example/?x=/Patient/omar'}", false},
        {"C10 by words alone", "'subject':{'display':'Omar'}", false},
        {"C10 nobody", "'language':'en'", false},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_page_t page =
            read_page(p,
                      apr_pstrcat(p,
                                  "{'resourceType':'Observation','status':'final'," AT
                                  "," CODE("2951-2") ",'valueInteger':1,",
                                  rows[i].subject, "}", NULL),
                      true);

        ok(page.items->nelts == (rows[i].is_ours ? 1 : 0) &&
               page.matches == (rows[i].is_ours ? 1 : 0) &&
               page.foreign == (rows[i].is_ours ? 0 : 1) &&
               page.warnings->nelts == (rows[i].is_ours ? 0 : 1),
           "%s", rows[i].name);
    }
}

/* What was held of it is judged by this: it is so no more, or it is something else. */
static void test_origins(apr_pool_t *p)
{
    static const struct {
        const char *name, *resource;
        const char *want; /* the id; "-" before it: gone; NULL: none */
        int items;
    } rows[] = {
        {"C10 a result", SODIUM ",'valueInteger':1", "x", 1},
        {"C10 corrected",
         "'resourceType':'Observation','status':'corrected'," PATIENT "," AT
         "," CODE("2951-2") ",'valueInteger':1",
         "x", 1},
        {"C10 amended",
         "'resourceType':'Observation','status':'amended'," PATIENT "," AT
         "," CODE("2951-2") ",'valueInteger':1",
         "x", 1},
        {"C10 entered in error",
         "'resourceType':'Observation','status':'entered-in-error'," PATIENT "," AT
         "," CODE("2951-2") ",'valueInteger':1",
         "-x", 0},
        {"C10 cancelled",
         "'resourceType':'Observation','status':'cancelled'," PATIENT "," AT "," CODE("2951-2"),
         "-x", 0},
        {"C10 without a status",
         "'resourceType':'Observation'," PATIENT "," AT "," CODE("2951-2") ",'valueInteger':1",
         "-x", 0},
        {"C10 without a time", FINAL "," CODE("2951-2") ",'valueInteger':1", "-x", 0},
        {"C10 dataAbsentReason: of this field nothing",
         SODIUM ",'dataAbsentReason':{'coding':[{'code':'error'}]}", "x", 0},
        {"C10 a marker that is not known",
         SODIUM ",'valueInteger':1,'modifierExtension':[{'url':"
                "'urn:not'}]",
         "-x", 0},
        {"C10 somebody else's now",
         "'resourceType':'Observation','status':'final','subject':{"
         "'reference':'Patient/olga'}," AT "," CODE("2951-2") ",'valueInteger':1",
         "-x", 0},
        {"C12 at another time, out of the window",
         FINAL ",'effectiveDateTime':'2021-05-01'," CODE("2951-2") ",'valueInteger':1", "x", 0},
        {"C10 another code", FINAL "," AT "," CODE("9999-9") ",'valueInteger':1", "x", 0},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_page_t page =
            read_page(p, apr_pstrcat(p, "{'id':'x',", rows[i].resource, "}", NULL), true);
        const sl_cdp_origin_t *origin = &APR_ARRAY_IDX(page.origins, 0, sl_cdp_origin_t);

        is_int(page.origins->nelts, 1, rows[i].name);
        is_str(apr_pstrcat(p, origin->is_gone ? "-" : "", origin->id, NULL), rows[i].want,
               rows[i].name);
        ok(page.items->nelts == rows[i].items &&
               (rows[i].items == 0 ||
                strcmp(APR_ARRAY_IDX(page.items, 0, sl_cdp_item_t).origin, "x") == 0),
           "%s: %d items, of it", rows[i].name, rows[i].items);
    }
}

/* One that cannot be named is read, and never judged by. */
static void test_nameless(apr_pool_t *p)
{
    sl_cdp_page_t page =
        read_page(p, "{" SODIUM ",'valueInteger':1},{'id':''," SODIUM ",'valueInteger':2}", true);

    is_int(page.items->nelts, 2, "C10 results without an id are results");
    is_int(page.origins->nelts, 0, "C12 … and nothing else is judged by them");
    ok(APR_ARRAY_IDX(page.items, 0, sl_cdp_item_t).origin == NULL &&
           APR_ARRAY_IDX(page.items, 1, sl_cdp_item_t).origin == NULL,
       "C12 … they have no origin");
}

static void test_marker(apr_pool_t *p)
{
    sl_cdp_page_t page =
        read_page(p, "{" SODIUM ",'modifierExtension':[{'url':'urn:not'}],'valueInteger':1}", true);

    is_int(page.items->nelts, 0, "C10 a marker that is not known: no item");
    ok(holds(words(p, page.warnings), "modifierExtension"), "C10 and it is told");
}

static void test_long(apr_pool_t *p)
{
    char *text = apr_palloc(p, 2 * 1024 * 1024 + 1);
    sl_cdp_page_t page;

    memset(text, 'x', 2 * 1024 * 1024);
    text[2 * 1024 * 1024] = '\0';
    page = read_page(p, apr_pstrcat(p, "{" SODIUM ",'valueString':'", text, "'}", NULL), true);
    is_str(items_text(p, page.items),
           "2951-2=- @2024-05-01 08:00:00 !The EHR's value is longer than 65,536 bytes.",
           "C10 a string of 2 MB is an item with a problem");
    page = read_page(
        p, apr_pstrcat(p, "{" SODIUM ",'valueCodeableConcept':{'text':'", text, "'}}", NULL), true);
    is_str(items_text(p, page.items),
           "2951-2=- @2024-05-01 08:00:00 !The EHR's value is longer than 65,536 bytes.",
           "C10 and so are 2 MB of words");
    text[65536] = '\0';
    page = read_page(p, apr_pstrcat(p, "{" SODIUM ",'valueString':'", text, "'}", NULL), true);
    ok(page.items->nelts == 1 &&
           strcmp(APR_ARRAY_IDX(page.items, 0, sl_cdp_item_t).value, text) == 0,
       "C10 65,536 bytes are not too long");
    memset(text, '1', 70000);
    text[1] = '.';
    text[70000] = '\0';
    page = read_page(p, apr_pstrcat(p, "{" SODIUM ",'valueQuantity':{'value':", text, "}}", NULL),
                     true);
    is_str(items_text(p, page.items),
           "2951-2=- @2024-05-01 08:00:00 !The EHR's value is longer than 65,536 bytes.",
           "C10 a number of 70,000 digits, too");
}

int main(void)
{
    static const char *const sources[] = {"2951-2", "718-7,30313-1", "8480-6",
                                          "8462-4", "3151-8",        NULL};
    apr_pool_t *p = rule_pool();

    in_zone("UTC");
    request = asking(p, SL_CDP_OBSERVATIONS, "Observation", sources);
    test_values(p);
    test_status(p);
    test_times(p);
    test_codes(p);
    test_others(p);
    test_origins(p);
    test_nameless(p);
    test_marker(p);
    test_long(p);
    rule_release(p);
    return tap_done();
}
