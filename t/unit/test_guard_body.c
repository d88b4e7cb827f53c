/* SPDX-License-Identifier: Apache-2.0 */
/* SmartPatientGuard on: forms, resources, patches and batches. The launch's patient is p1. */
#include "guard.h"

#define FORM "application/x-www-form-urlencoded"
#define PATCH "application/json-patch+json"

/* A resource of a patient, by a reference in one of its members. */
#define OBS(member, reference)                                                                     \
    "{\"resourceType\":\"Observation\",\"" member "\":{\"reference\":\"" reference "\"}}"
#define OBS_WITH(more) "{\"resourceType\":\"Observation\"," more "}"
#define PARAMETERS(list) "{\"resourceType\":\"Parameters\",\"parameter\":[" list "]}"
#define BATCH(entries)                                                                             \
    "{\"resourceType\":\"Bundle\",\"type\":\"transaction\",\"entry\":[" entries "]}"
#define ENTRY(method, url) "{\"request\":{\"method\":\"" method "\",\"url\":\"" url "\"}}"
#define ENTRY_WITH(method, url, more)                                                              \
    "{\"request\":{\"method\":\"" method "\",\"url\":\"" url "\"}," more "}"

static const struct {
    const char *line, *type, *body;
    const char *id; /* NULL: passes */
} rows[] = {
    /* searches by POST */
    {"POST Observation/_search", FORM, "patient=p1&code=1", NULL},
    {"POST Observation/_search", FORM "; charset=UTF-8", "patient=p1", NULL},
    {"POST Observation/_search?code=1", FORM, "patient=p1", NULL},
    {"POST Observation/_search?patient=p1", FORM, "code=1", NULL},
    {"POST Observation/_search?patient=p1", NULL, NULL, NULL},
    {"POST Patient/p1/Observation/_search", FORM, "code=1", NULL},
    {"POST Patient/_search", FORM, "_id=p1", NULL},
    {"POST Patient/_search?_format=json", "APPLICATION/X-WWW-Form-URLEncoded", "_id=p1", NULL},
    {"POST Observation/_search", FORM, "patient=p2", "SL2606"},
    {"POST Observation/_search", FORM, "code=1&p%61tient=p2", "SL2606"},
    {"POST Observation/_search", FORM, "code=1;patient=p2", "SL2606"},
    {"POST Observation/_search?patient=p2", FORM, "patient=p1", "SL2606"},
    {"POST Observation/_search?patient=p1", FORM, "patient=p2", "SL2606"},
    {"POST Observation/_search?patient=p2", NULL, NULL, "SL2606"},
    {"POST Observation/_search", FORM, "subject.name=x", "SL2608"},
    {"POST Observation/_search", FORM, "_has:Provenance:target:x=1", "SL2609"},
    {"POST Observation/_search", FORM, "_charset_=utf-7&patient=p1", "SL2609"},
    {"POST Observation/_search", FORM, "%ff=1", "SL2611"},
    {"POST Patient/_search", FORM, "name=x", "SL2612"},
    {"POST Patient/_search", NULL, NULL, "SL2612"},
    {"POST Patient/_search?_id=p1", FORM, "name=x", "SL2612"},
    {"POST Patient/_search?_id=p1", NULL, NULL, "SL2612"},
    {"POST Patient/_search", FORM, "_id=p2", "SL2606"},
    {"POST Patient/p2/Observation/_search", FORM, "patient=p1", "SL2601"},
    {"POST Group/_search", FORM, "_id=g1", "SL2605"},
    {"POST _search", FORM, "_type=Observation&patient=p1", "SL2603"},
    {"POST Observation/_search", "application/fhir+json", "{}", "SL2615"},
    {"POST Observation/_search", "multipart/form-data; boundary=x", "--x", "SL2615"},
    {"POST Observation/_search", FORM "; charset=ibm500", "patient=p1", "SL2615"},
    {"POST Observation/_search", FORM ";charset=utf-16", "patient=p1", "SL2615"},
    {"POST Observation/_search", "", "patient=p1", "SL2615"},
    {"GET Observation?patient=p1", FORM, "patient=p2", "SL2614"},
    {"GET Observation?patient=p1", FORM, "", NULL},
    {"DELETE Observation/o1", NULL, "{}", "SL2614"},

    /* resources */
    {"POST Observation", NULL, OBS("subject", "Patient/p1"), NULL},
    {"POST Observation", "application/json", OBS("subject", "Patient/p1"), NULL},
    {"POST Observation", "application/fhir+json; charset=utf-8", OBS("subject", "Patient/p1"),
     NULL},
    {"POST Observation", NULL, OBS("subject", BASE "/Patient/p1"), NULL},
    {"POST Observation", NULL, OBS("subject", "Patient/p1/_history/2"), NULL},
    {"POST Observation", NULL, OBS("subject", "Device/d1"), NULL},
    {"POST Observation", NULL, OBS("performer", "Practitioner/d1"), NULL},
    {"POST Observation", NULL, OBS_WITH("\"status\":\"final\""), NULL},
    {"PUT Observation/o1", NULL, OBS("subject", "Patient/p1"), NULL},
    {"POST Observation", NULL,
     OBS_WITH("\"subject\":{\"reference\":\"Patient/p1\",\"identifier\":{\"value\":\"7\"}}"), NULL},
    {"POST Observation", NULL,
     OBS_WITH("\"performer\":[{\"identifier\":{\"system\":\"npi\",\"value\":\"7\"}}]"), NULL},
    {"POST Observation", NULL,
     OBS_WITH("\"identifier\":[{\"system\":\"http://x.example/Patient/mrn\",\"value\":\"7\"}]"),
     NULL},
    {"POST Observation", NULL, OBS_WITH("\"note\":[{\"text\":\"as said in Patient/p2 before\"}]"),
     NULL},
    {"POST Observation", NULL, OBS_WITH("\"text\":{\"div\":\"<div>Patient/p2</div>\"}"), NULL},
    {"PUT Patient/p1", NULL, "{\"resourceType\":\"Patient\",\"id\":\"p1\"}", NULL},
    {"PUT Patient/p1", NULL, "{\"resourceType\":\"Patient\"}", NULL},
    {"DELETE Patient/p1", NULL, NULL, NULL},
    {"DELETE Observation/o1", NULL, NULL, NULL},
    {"DELETE Observation?patient=p1&code=1", NULL, NULL, NULL},
    {"DELETE Patient?_id=p1", NULL, NULL, NULL},
    {"DELETE Subscription/s1", NULL, NULL, NULL},
    {"PUT Observation?patient=p1&identifier=x|1", NULL, OBS("subject", "Patient/p1"), NULL},
    {"POST Observation", NULL, OBS("subject", "Patient/p2"), "SL2617"},
    {"POST Observation", NULL, OBS("subject", "patient/p2"), "SL2617"},
    {"POST Observation", NULL, OBS("subject", "/Patient/p1"), "SL2617"},
    {"POST Observation", NULL, OBS("subject", "Patient\\/p2"), "SL2617"},
    {"POST Observation", NULL, OBS("subject", "\\u0050atient/p2"), "SL2617"},
    {"POST Observation", NULL, OBS("subj\\u0065ct", "Patient/p2"), "SL2617"},
    {"POST Observation", NULL, OBS("subject", "Patient%2Fp2"), "SL2617"},
    {"POST Observation", NULL, OBS("subject", "Patient/p1\\u0000/../p2"), "SL2617"},
    {"POST Observation", NULL, OBS("subject", "Patient/p1 "), "SL2617"},
    {"POST Observation", NULL, OBS("subject", "Patient?identifier=mrn|7"), "SL2617"},
    {"POST Observation", NULL, OBS("subject", "p2"), "SL2617"},
    {"POST Observation", NULL, OBS("subject", "Group/g1"), "SL2617"},
    {"POST Observation", NULL, OBS("subject", BASE "/Patient/p2"), "SL2617"},
    {"POST Observation", NULL, OBS("subject", "https://other.example/Patient/p1"), "SL2617"},
    {"POST Observation", NULL, OBS("performer", "Patient/p2"), "SL2617"},
    {"POST Observation", NULL, OBS("performer", "Patient%2Fp2"), "SL2617"},
    {"POST Observation", NULL, OBS("performer", "Practitioner/d1\\u0000"), "SL2617"},
    {"POST Observation", NULL, OBS("whatever", "Patient/p2"), "SL2617"},
    {"POST Observation", NULL, OBS_WITH("\"focus\":[{\"reference\":\"Patient/p2\"}]"), "SL2617"},
    {"POST Observation", NULL,
     OBS_WITH("\"component\":[{\"x\":[{\"y\":{\"reference\":\"Patient/p2\"}}]}]"), "SL2617"},
    {"POST Observation", NULL, OBS_WITH("\"subject\":{\"Reference\":\"Patient/p2\"}"), "SL2617"},
    {"POST Observation", NULL, OBS_WITH("\"valueUri\":\"Patient/p2\""), "SL2617"},
    {"POST Observation", NULL,
     OBS_WITH("\"subject\":{\"identifier\":{\"system\":\"mrn\",\"value\":\"7\"}}"), "SL2617"},
    {"POST Observation", NULL,
     OBS_WITH("\"performer\":[{\"type\":\"Patient\",\"identifier\":{\"value\":\"7\"}}]"), "SL2617"},
    {"POST Observation", NULL,
     OBS_WITH("\"performer\":[{\"type\":\"http://hl7.org/fhir/StructureDefinition/Patient\","
              "\"identifier\":{\"value\":\"7\"}}]"),
     "SL2617"},
    {"POST Observation", NULL,
     OBS_WITH("\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"x\"}],"
              "\"subject\":{\"reference\":\"#x\"}"),
     "SL2617"},
    {"POST Observation", NULL,
     OBS_WITH("\"contained\":[{\"resourceType\":\"Patient\",\"id\":\"p1\"}]"), "SL2617"},
    {"PUT Observation/o1", NULL, OBS("subject", "Patient/p2"), "SL2617"},
    {"POST Patient", NULL, "{\"resourceType\":\"Patient\"}", "SL2617"},
    {"PUT Patient/p1", NULL, "{\"resourceType\":\"Patient\",\"id\":\"p2\"}", "SL2617"},
    {"PUT Patient/p1", NULL, "{\"resourceType\":\"Patient\",\"id\":7}", "SL2617"},
    {"PUT Patient/p1", NULL,
     "{\"resourceType\":\"Patient\",\"link\":[{\"other\":{\"reference\":\"Patient/p2\"}}]}",
     "SL2617"},
    {"PUT Patient/p2", NULL, "{\"resourceType\":\"Patient\",\"id\":\"p1\"}", "SL2601"},
    {"PATCH Patient/p2", PATCH, "[]", "SL2601"},
    {"DELETE Patient/p2", NULL, NULL, "SL2601"},
    {"DELETE Patient/p2/_history", NULL, NULL, "SL2601"},
    {"DELETE Patient", NULL, NULL, "SL2613"},
    {"DELETE Patient?name=x", NULL, NULL, "SL2613"},
    {"DELETE Patient?_id=p2", NULL, NULL, "SL2606"},
    {"DELETE Observation", NULL, NULL, "SL2613"},
    {"DELETE Observation?code=1", NULL, NULL, "SL2613"},
    {"DELETE Observation?patient=p2", NULL, NULL, "SL2606"},
    {"DELETE ", NULL, NULL, "SL2603"},
    {"DELETE ?_type=Observation&patient=p1", NULL, NULL, "SL2603"},
    {"PUT Observation?identifier=x|1", NULL, OBS("subject", "Patient/p1"), "SL2613"},
    {"PUT Patient?identifier=x|1", NULL, "{\"resourceType\":\"Patient\"}", "SL2613"},
    {"POST Observation?patient=p2", NULL, OBS("subject", "Patient/p1"), "SL2606"},
    {"POST Observation", NULL, "{\"resourceType\":\"Condition\"}", "SL2618"},
    {"POST Observation", NULL, "{\"id\":\"o1\"}", "SL2618"},
    {"POST Observation", NULL, "{\"resourceType\":7}", "SL2618"},
    {"POST Group", NULL, "{\"resourceType\":\"Group\"}", "SL2605"},
    {"POST Subscription", NULL, "{\"resourceType\":\"Subscription\",\"criteria\":\"Observation?\"}",
     "SL2619"},
    {"PATCH Subscription/s1", PATCH, "[]", "SL2619"},
    {"POST Observation", NULL, NULL, "SL2614"},
    {"POST Observation", NULL, "", "SL2614"},
    {"POST Observation", NULL, "not JSON", "SL2616"},
    {"POST Observation", NULL, "[]", "SL2616"},
    {"POST Observation", NULL, OBS("subject", "Patient/p1") "x", "SL2616"},
    {"POST Observation", NULL,
     OBS_WITH("\"subject\":{\"reference\":\"Patient/"
              "p2\"},\"subject\":{\"reference\":\"Patient/p1\"}"),
     "SL2616"},
    {"POST Observation", NULL,
     OBS_WITH("\"subject\":{\"reference\":\"Patient/p2\",\"reference\":\"Patient/p1\"}"), "SL2616"},
    {"POST Observation", "application/fhir+xml", "<Observation/>", "SL2615"},
    {"POST Observation", "application/xml", "<Observation/>", "SL2615"},
    {"POST Observation", "text/plain", OBS("subject", "Patient/p1"), "SL2615"},
    {"POST Observation", FORM, "patient=p1", "SL2615"},
    {"POST Observation", "application/fhir+json; charset=utf-7", OBS("subject", "Patient/p1"),
     "SL2615"},
    {"POST Binary", "application/pdf", "%PDF", "SL2615"},

    /* patches */
    {"PATCH Observation/o1", PATCH,
     "[{\"op\":\"replace\",\"path\":\"/status\",\"value\":\"final\"}]", NULL},
    {"PATCH Observation/o1", PATCH,
     "[{\"op\":\"replace\",\"path\":\"/subject/reference\",\"value\":\"Patient/p1\"}]", NULL},
    {"PATCH Observation/o1", PATCH,
     "[{\"op\":\"add\",\"path\":\"/subject\",\"value\":{\"reference\":\"Patient/p1\"}}]", NULL},
    {"PATCH Patient/p1", PATCH,
     "[{\"op\":\"add\",\"path\":\"/telecom/-\",\"value\":{\"value\":\"a b\"}}]", NULL},
    {"PATCH Observation?patient=p1&code=1", PATCH, "[]", NULL},
    {"PATCH Observation/o1", PATCH,
     "[{\"op\":\"replace\",\"path\":\"/subject/reference\",\"value\":\"Patient/p2\"}]", "SL2617"},
    {"PATCH Observation/o1", PATCH,
     "[{\"op\":\"replace\",\"path\":\"/subject\",\"value\":{\"reference\":\"Patient/"
     "p2\"}}]",
     "SL2617"},
    {"PATCH Observation/o1", PATCH,
     "[{\"op\":\"add\",\"path\":\"/performer/-\",\"value\":{\"reference\":\"Patient/"
     "p2\"}}]",
     "SL2617"},
    {"PATCH Observation/o1", PATCH,
     "[{\"op\":\"add\",\"path\":\"/performer/0/reference\",\"value\":\"Patient/p2\"}]", "SL2617"},
    {"PATCH Observation/o1", PATCH, "[{\"op\":\"add\",\"path\":\"/x\",\"value\":\"Patient/p2\"}]",
     "SL2617"},
    {"PATCH Observation/o1", PATCH,
     "[{\"op\":\"copy\",\"from\":\"/performer/0\",\"path\":\"/subject\"}]", "SL2617"},
    {"PATCH Observation/o1", PATCH,
     "[{\"op\":\"add\",\"path\":\"/subject/identifier\",\"value\":{\"value\":\"7\"}}]", "SL2617"},
    {"PATCH Observation/o1", PATCH, "[{\"op\":\"remove\",\"path\":\"/subject\"}]", "SL2617"},
    {"PATCH Observation/o1", PATCH,
     "[{\"op\":\"add\",\"path\":\"/performer/0/reference\",\"value\":\"patient/p2\"}]", "SL2617"},
    {"PATCH Observation/o1", PATCH,
     "[{\"op\":\"add\",\"path\":\"/x\",\"reference\":\"Patient/p2\"}]", "SL2617"},
    {"PATCH Observation/o1", PATCH,
     "[{\"op\":\"replace\",\"path\":\"\",\"value\":" OBS("subject", "Patient/p1") "}]", "SL2616"},
    {"PATCH Observation/o1", PATCH, "[{\"op\":\"remove\"}]", "SL2616"},
    {"PATCH Observation/o1", PATCH, "{}", "SL2616"},
    {"PATCH Observation/o1", PATCH, "[1]", "SL2616"},
    {"PATCH Observation?code=1", PATCH, "[]", "SL2613"},
    {"PATCH Observation/o1", "application/xml-patch+xml", "<diff/>", "SL2615"},
    {"PATCH Observation/o1", "application/merge-patch+json", "{}", "SL2615"},
    {"PUT Observation/o1", PATCH, "[]", "SL2615"},
    {"PATCH Observation/o1", NULL,
     PARAMETERS("{\"name\":\"operation\",\"part\":[{\"name\":\"type\",\"valueCode\":\"replace\"},"
                "{\"name\":\"path\",\"valueString\":\"Observation.status\"},"
                "{\"name\":\"value\",\"valueCode\":\"final\"}]}"),
     NULL},
    {"PATCH Patient/p1", NULL,
     PARAMETERS("{\"name\":\"operation\",\"part\":["
                "{\"name\":\"path\",\"valueString\":\"Patient.name\"}]}"),
     NULL},
    {"PATCH Observation/o1", NULL,
     PARAMETERS("{\"name\":\"operation\",\"part\":["
                "{\"name\":\"path\",\"valueString\":\"Observation.subject.first()\"}]}"),
     "SL2617"},
    {"PATCH Observation/o1", NULL,
     PARAMETERS("{\"name\":\"operation\",\"part\":["
                "{\"name\":\"path\",\"valueString\":\"Observation\"},"
                "{\"name\":\"name\",\"valueString\":\"subject\"}]}"),
     "SL2617"},
    {"PATCH Observation/o1", NULL,
     PARAMETERS("{\"name\":\"operation\",\"part\":["
                "{\"name\":\"value\",\"valueReference\":{\"reference\":\"Patient/p2\"}}]}"),
     "SL2617"},
    {"PATCH Observation/o1", NULL,
     PARAMETERS("{\"name\":\"operation\",\"part\":["
                "{\"name\":\"value\",\"valueString\":\"Patient/p2\"}]}"),
     "SL2617"},
    {"PATCH Observation/o1", NULL, OBS("subject", "Patient/p1"), "SL2616"},

    /* operations */
    {"POST Patient/p1/$everything", NULL, NULL, NULL},
    {"POST Patient/p1/$everything", NULL, PARAMETERS("{\"name\":\"_count\",\"valueInteger\":5}"),
     NULL},
    {"POST Observation/$lastn", FORM, "patient=p1", NULL},
    {"POST Observation/$lastn", NULL, PARAMETERS("{\"name\":\"patient\",\"valueId\":\"p1\"}"),
     NULL},
    {"POST Observation/$lastn", NULL,
     PARAMETERS("{\"name\":\"subject\",\"valueReference\":{\"reference\":\"Patient/p1\"}}"), NULL},
    {"POST $validate", NULL, OBS("subject", "Patient/p1"), NULL},
    {"POST ValueSet/$expand", NULL,
     PARAMETERS("{\"name\":\"url\",\"valueUri\":\"http://hl7.org/fhir/ValueSet/x\"}"), NULL},
    {"POST Observation/$lastn", FORM, "patient=p2", "SL2606"},
    {"POST Observation/$lastn", NULL, PARAMETERS("{\"name\":\"patient\",\"valueId\":\"p2\"}"),
     "SL2606"},
    {"POST Observation/$lastn", NULL, PARAMETERS("{\"name\":\"subject\",\"valueString\":\"p2\"}"),
     "SL2606"},
    {"POST Observation/$lastn", NULL,
     PARAMETERS("{\"name\":\"subject\",\"valueReference\":{\"reference\":\"Patient/p2\"}}"),
     "SL2606"},
    {"POST Observation/$lastn", NULL,
     PARAMETERS("{\"name\":\"subject\",\"valueIdentifier\":{\"value\":\"7\"}}"), "SL2617"},
    {"POST Observation/$lastn", NULL,
     PARAMETERS("{\"name\":\"x\",\"part\":[{\"name\":\"patient\",\"valueId\":\"p2\"}]}"), "SL2606"},
    {"POST Observation/$lastn", NULL,
     PARAMETERS("{\"name\":\"x\",\"resource\":" OBS("subject", "Patient/p2") "}"), "SL2617"},
    {"POST Patient/p1/$merge", NULL,
     PARAMETERS("{\"name\":\"source-patient\",\"valueReference\":{\"reference\":\"Patient/p2\"}}"),
     "SL2606"},
    {"POST Patient/p1/$everything", NULL, PARAMETERS("7"), "SL2616"},
    {"POST Observation/$lastn", NULL,
     PARAMETERS("{\"name\":\"patient\",\"valueId\":\"p2\",\"valueString\":\"p1\"}"), "SL2616"},
    {"POST Observation/$lastn", NULL,
     PARAMETERS("{\"name\":\"x\",\"part\":{\"name\":\"patient\",\"valueId\":\"p2\"}}"), "SL2616"},
    {"POST Observation/$lastn", NULL,
     PARAMETERS("{\"name\":\"x\",\"resource\":" PARAMETERS(
         "{\"name\":\"patient\",\"valueId\":\"p2\"}") "}"),
     "SL2606"},
    {"POST Observation/$x", "application/json", "{\"patient\":\"p2\"}", "SL2616"},
    {"POST Patient/$match", NULL,
     PARAMETERS("{\"name\":\"resource\",\"resource\":{\"resourceType\":\"Patient\"}}"), "SL2604"},
    {"POST Patient/p2/$everything", NULL, NULL, "SL2601"},
    {"POST $process-message", NULL, BATCH(""), "SL2603"},
    {"POST $graphql", "application/json", "{\"query\":\"{PatientList{id}}\"}", "SL2605"},
    {"POST $export", NULL, NULL, "SL2605"},
    {"POST Observation/$lastn", "application/graphql", "{}", "SL2615"},

    /* batches */
    {"POST ", NULL, BATCH(""), NULL},
    {"POST ", NULL, "{\"resourceType\":\"Bundle\",\"type\":\"batch\"}", NULL},
    {"POST ", NULL, BATCH(ENTRY("GET", "Observation?patient=p1") "," ENTRY("GET", "Patient/p1")),
     NULL},
    {"POST ", NULL, BATCH(ENTRY("GET", "/Patient/p1")), NULL},
    {"POST ", NULL, BATCH(ENTRY("GET", BASE "/Patient/p1")), NULL},
    {"POST ", NULL,
     BATCH(ENTRY_WITH("POST", "Observation",
                      "\"fullUrl\":\"urn:uuid:1\",\"resource\":" OBS("subject", "Patient/p1"))),
     NULL},
    {"POST ", NULL,
     BATCH(ENTRY_WITH("PUT", "Patient/p1",
                      "\"fullUrl\":\"urn:uuid:1\",\"resource\":{\"resourceType\":"
                      "\"Patient\"}") "," ENTRY_WITH("POST", "Observation",
                                                     "\"resource\":" OBS("subject", "urn:uuid:1"))),
     NULL},
    {"POST ", NULL, BATCH(ENTRY("DELETE", "Observation?patient=p1&code=1")), NULL},
    {"POST ", NULL, BATCH(ENTRY("GET", "Patient/p2")), "SL2601"},
    {"POST ", NULL, BATCH(ENTRY("GET", "/Patient/p2")), "SL2601"},
    {"POST ", NULL, BATCH(ENTRY("GET", BASE "/Patient/p2")), "SL2601"},
    {"POST ", NULL, BATCH(ENTRY("GET", "Patient/p1") "," ENTRY("GET", "Patient/p2")), "SL2601"},
    {"POST ", NULL, BATCH(ENTRY("GET", "Observation?patient=p2")), "SL2606"},
    {"POST ", NULL, BATCH(ENTRY("GET", "Observation?p%61tient=p2")), "SL2606"},
    {"POST ", NULL, BATCH(ENTRY("GET", "Patient?name=x")), "SL2612"},
    {"POST ", NULL, BATCH(ENTRY("GET", "?_type=Patient")), "SL2603"},
    {"POST ", NULL, BATCH(ENTRY("GET", "_history")), "SL2603"},
    {"POST ", NULL, BATCH(ENTRY("GET", "Group/g1")), "SL2605"},
    {"POST ", NULL, BATCH(ENTRY("GET", "https://other.example/Patient/p1")), "SL2620"},
    {"POST ", NULL, BATCH(ENTRY("GET", "Patient%2Fp2")), "SL2620"},
    {"POST ", NULL, BATCH(ENTRY("GET", "Observation/../Patient/p2")), "SL2620"},
    {"POST ", NULL, BATCH(ENTRY("GET", "Observation?x#y")), "SL2620"},
    {"POST ", NULL, BATCH(ENTRY("get", "Patient/p1")), "SL2620"},
    {"POST ", NULL, BATCH(ENTRY("POST", "")), "SL2620"},
    {"POST ", NULL, BATCH(ENTRY("POST", "Observation")), "SL2620"},
    {"POST ", NULL, BATCH(ENTRY("POST", "Observation/_search?patient=p1")), "SL2620"},
    {"POST ", NULL, BATCH(ENTRY_WITH("GET", "Patient/p1", "\"resource\":" OBS("x", "y/z"))),
     "SL2620"},
    {"POST ", NULL, BATCH("{}"), "SL2620"},
    {"POST ", NULL, BATCH("7"), "SL2620"},
    {"POST ", NULL, BATCH("{\"request\":{\"method\":\"GET\"}}"), "SL2620"},
    {"POST ", NULL,
     BATCH(ENTRY_WITH("POST", "Observation", "\"resource\":" OBS("subject", "Patient/p2"))),
     "SL2617"},
    {"POST ", NULL,
     BATCH(ENTRY_WITH("POST", "Patient", "\"resource\":{\"resourceType\":\"Patient\"}")), "SL2617"},
    {"POST ", NULL,
     BATCH(ENTRY_WITH("PUT", "Patient/p2",
                      "\"resource\":{\"resourceType\":\"Patient\",\"id\":\"p2\"}")),
     "SL2601"},
    {"POST ", NULL,
     BATCH(ENTRY_WITH("POST", "Observation",
                      "\"fullUrl\":\"" BASE
                      "/Patient/p2\",\"resource\":" OBS("subject", "Patient/p1"))),
     "SL2617"},
    {"POST ", NULL,
     BATCH(ENTRY_WITH("PATCH", "Observation/o1",
                      "\"resource\":{\"resourceType\":\"Binary\",\"data\":\"W10=\"}")),
     "SL2616"},
    {"POST ", NULL,
     BATCH("{\"request\":{\"method\":\"POST\",\"url\":\"Observation\",\"ifNoneExist\":"
           "\"patient=p2\"},"
           "\"resource\":" OBS("subject", "Patient/p1") "}"),
     "SL2606"},
    {"POST ", NULL, OBS("subject", "Patient/p1"), "SL2616"},
    {"POST ", NULL, "{\"resourceType\":\"Bundle\",\"type\":\"document\"}", "SL2616"},
    {"POST ", NULL, "{\"resourceType\":\"Bundle\",\"type\":\"batch\",\"entry\":{}}", "SL2616"},
    {"POST ", NULL, NULL, "SL2614"},
    {"POST ", "application/fhir+xml", "<Bundle/>", "SL2615"},

    /* a Bundle that is stored */
    {"POST Bundle", NULL,
     "{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":[{\"resource\":"
     "{\"resourceType\":\"Patient\",\"id\":\"p1\"}}]}",
     NULL},
    {"POST Bundle", NULL,
     "{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":[{\"resource\":"
     "{\"resourceType\":\"Patient\",\"id\":\"p2\"}}]}",
     "SL2617"},
    {"POST Bundle", NULL,
     "{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":[{\"fullUrl\":\"" BASE
     "/Patient/p2\"}]}",
     "SL2617"},
};

/* What no line can say: how long, how encoded, a header. */
static void check_shape(apr_pool_t *p)
{
    sl_fhir_request_t request;
    sl_guard_input_t input = {.patient = "p1",
                              .base = BASE "/",
                              .request = &request,
                              .has_body = true,
                              .content_type = "application/fhir+json"};
    sl_guard_verdict_t verdict;
    sl_err_t err;
    char *big = apr_palloc(p, SL_GUARD_MAX_BODY + 2);

    is_int(sl_fhir_request_parse(&request, "POST", "/Observation", p, &err), SL_OK, "a write");
    is_end(sl_guard_check(&verdict, &input, p, &err), &err, "SL2614", SL_DENIED,
           "a body that was not read");
    input.body = OBS("subject", BASE "/Patient/p1");
    input.body_len = strlen(input.body);
    is_end(sl_guard_check(&verdict, &input, p, &err), &err, NULL, SL_OK,
           "a base with a slash at its end");
    is_str(verdict.asked_patient, "p1", "whose it is, for the audit");
    input.content_encoding = "gzip";
    is_end(sl_guard_check(&verdict, &input, p, &err), &err, "SL2614", SL_DENIED, "compressed");
    input.content_encoding = "Identity";
    is_end(sl_guard_check(&verdict, &input, p, &err), &err, NULL, SL_OK, "not compressed");
    input.content_type = NULL;
    is_end(sl_guard_check(&verdict, &input, p, &err), &err, "SL2615", SL_DENIED, "no content type");
    input.content_type = "application/fhir+json";
    input.if_none_exist = "patient=p1&identifier=x|1";
    is_end(sl_guard_check(&verdict, &input, p, &err), &err, NULL, SL_OK, "If-None-Exist of ours");
    input.if_none_exist = "?identifier=x|1";
    is_end(sl_guard_check(&verdict, &input, p, &err), &err, NULL, SL_OK, "If-None-Exist");
    input.if_none_exist = "?patient=p2";
    is_end(sl_guard_check(&verdict, &input, p, &err), &err, "SL2606", SL_DENIED,
           "If-None-Exist of another patient");
    input.if_none_exist = NULL;
    memset(big, ' ', SL_GUARD_MAX_BODY + 1);
    memcpy(big, input.body, input.body_len);
    input.body = big;
    input.body_len = SL_GUARD_MAX_BODY;
    is_end(sl_guard_check(&verdict, &input, p, &err), &err, NULL, SL_OK, "as long as may be");
    input.body_len++;
    is_end(sl_guard_check(&verdict, &input, p, &err), &err, "SL2614", SL_DENIED, "too long");
}

/* The id that the body names, for the audit. */
static void check_asked(apr_pool_t *p)
{
    static const guard_ask_t asks[] = {
        {"POST Observation/_search", FORM, "patient=p2"},
        {"POST Observation", NULL, OBS("subject", "Patient/p2")},
        {"POST ", NULL, BATCH(ENTRY("GET", "Observation/o1") "," ENTRY("GET", "Patient/p2"))},
        {"POST Observation/$lastn", NULL, PARAMETERS("{\"name\":\"patient\",\"valueId\":\"p2\"}")},
        {"PATCH Observation/o1", PATCH,
         "[{\"op\":\"add\",\"path\":\"/subject/reference\",\"value\":\"Patient/p2\"}]"},
    };

    for (int i = 0; i < COUNT_OF(asks); i++) {
        sl_guard_verdict_t verdict;
        sl_err_t err;

        is_int(guard_ask(&verdict, SL_GUARD_ON, &asks[i], p, &err), SL_DENIED, asks[i].line);
        is_str(verdict.asked_patient, "p2", "…and who was asked for");
    }
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    for (int i = 0; i < COUNT_OF(rows); i++) {
        guard_ask_t ask = {rows[i].line, rows[i].type, rows[i].body};

        guard_row(SL_GUARD_ON, &ask, rows[i].id, p);
        if (rows[i].id != NULL) {
            guard_row(SL_GUARD_STRICT, &ask, rows[i].id, p);
        }
    }
    check_shape(p);
    check_asked(p);
    rule_release(p);
    return tap_done();
}
