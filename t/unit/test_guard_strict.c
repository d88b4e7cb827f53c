/* SPDX-License-Identifier: Apache-2.0 */
/* SmartPatientGuard strict: what passes at once, what with its answer, what not; and answers. */
#include "guard.h"

#define OBS "{\"resourceType\":\"Observation\",\"subject\":{\"reference\":\"Patient/p1\"}}"
#define OF(type, members) "{\"resourceType\":\"" type "\"," members "}"
#define REF(reference) "{\"reference\":\"" reference "\"}"
#define PAGE(entries) OF("Bundle", "\"type\":\"searchset\",\"entry\":[" entries "]")
#define ENTRY(resource) "{\"resource\":" resource "}"

typedef enum { PASSES, CHECKED, REFUSED } want_t;

static const struct {
    const char *line, *body;
    want_t want;
    const char *id;
} rows[] = {
    {"GET metadata", NULL, PASSES, NULL},
    {"GET Practitioner/d1", NULL, PASSES, NULL},
    {"GET practitioner?name=x", NULL, PASSES, NULL},
    {"GET Medication/m1", NULL, PASSES, NULL},
    {"GET Organization/o1/_history", NULL, PASSES, NULL},
    {"GET ValueSet/$expand?url=x", NULL, PASSES, NULL},
    {"GET StructureDefinition?url=x", NULL, PASSES, NULL},
    {"GET PractitionerRole?_include=PractitionerRole:practitioner", NULL, CHECKED, NULL},
    {"GET Measure/m1/$evaluate-measure?reportType=population", NULL, CHECKED, NULL},
    {"PUT Practitioner/d1", OF("Practitioner", "\"id\":\"d1\""), PASSES, NULL},

    {"GET Patient/p1", NULL, CHECKED, NULL},
    {"GET Patient?_id=p1", NULL, CHECKED, NULL},
    {"GET Patient/p1/Observation", NULL, CHECKED, NULL},
    {"GET Patient/p1/$everything", NULL, CHECKED, NULL},
    {"GET Observation/o1", NULL, CHECKED, NULL},
    {"GET Observation/o1/_history", NULL, CHECKED, NULL},
    {"GET Observation?patient=p1", NULL, CHECKED, NULL},
    {"GET Observation?subject=Patient/p1&code=1", NULL, CHECKED, NULL},
    {"GET Appointment?actor=Patient/p1", NULL, CHECKED, NULL},
    {"GET Observation?sessionID=17-ABC", NULL, CHECKED, NULL},
    {"GET ?_getpages=1", NULL, CHECKED, NULL},
    {"GET Encounter/e1/$everything", NULL, CHECKED, NULL},
    {"GET Observation/$lastn?patient=p1", NULL, CHECKED, NULL},
    {"GET Device/d1", NULL, CHECKED, NULL},

    {"GET Observation", NULL, REFUSED, "SL2631"},
    {"GET Observation?code=1", NULL, REFUSED, "SL2631"},
    {"GET Observation?_id=o1", NULL, REFUSED, "SL2631"},
    {"GET Observation?subject=Device/d1", NULL, REFUSED, "SL2631"},
    {"GET Observation?performer=p1", NULL, REFUSED, "SL2631"},
    {"GET Observation?performer=Patient/p1,Practitioner/d1", NULL, REFUSED, "SL2631"},
    {"GET Observation?encounter=e1", NULL, REFUSED, "SL2631"},
    {"GET Observation?encounter.patient=p1", NULL, REFUSED, "SL2631"},
    {"GET Observation?patientId=p1", NULL, REFUSED, "SL2631"},
    {"GET Observation?code=1;patient=p1", NULL, REFUSED, "SL2631"},
    {"GET Practitioner/d1/Observation", NULL, REFUSED, "SL2631"},
    {"GET Observation/$lastn", NULL, REFUSED, "SL2631"},
    {"POST Observation/_search?patient=p1", NULL, REFUSED, "SL2631"},

    {"POST Observation", OBS, PASSES, NULL},
    {"PUT Patient/p1", OF("Patient", "\"id\":\"p1\""), PASSES, NULL},
    {"DELETE Patient/p1", NULL, PASSES, NULL},
    {"POST $validate", OBS, PASSES, NULL},
    {"POST Patient/p1/$everything", NULL, CHECKED, NULL},
    {"POST Observation", OF("Observation", "\"status\":\"final\""), REFUSED, "SL2632"},
    {"POST Observation", OF("Observation", "\"subject\":" REF("urn:uuid:1")), REFUSED, "SL2632"},
    {"PUT Observation/o1", OBS, REFUSED, "SL2632"},
    {"DELETE Observation/o1", NULL, REFUSED, "SL2632"},
    {"DELETE Observation?patient=p1", NULL, REFUSED, "SL2632"},
    {"POST Observation/o1/$x", NULL, REFUSED, "SL2632"},
    {"POST ",
     OF("Bundle", "\"type\":\"batch\",\"entry\":[{\"request\":{\"method\":\"GET\",\"url\":"
                  "\"Practitioner/d1\"}}]"),
     PASSES, NULL},
    {"POST ",
     OF("Bundle", "\"type\":\"batch\",\"entry\":[{\"request\":{\"method\":\"GET\",\"url\":"
                  "\"Observation?patient=p1\"}}]"),
     CHECKED, NULL},
    {"POST ",
     OF("Bundle", "\"type\":\"batch\",\"entry\":[{\"request\":{\"method\":\"GET\",\"url\":"
                  "\"Observation?code=1\"}}]"),
     REFUSED, "SL2631"},
};

static const struct {
    const char *name, *body;
    bool pass;
} answers[] = {
    {"ours", OBS, true},
    {"ours, by patient", OF("AllergyIntolerance", "\"patient\":" REF("Patient/p1")), true},
    {"ours, absolute", OF("Observation", "\"subject\":" REF(BASE "/Patient/p1")), true},
    {"ours, a version", OF("Observation", "\"subject\":" REF("Patient/p1/_history/3")), true},
    {"ours, another did it",
     OF("Observation", "\"subject\":" REF("Patient/p1") ",\"performer\":[" REF("Patient/p2") "]"),
     true},
    {"our patient", OF("Patient", "\"id\":\"p1\""), true},
    {"an OperationOutcome", OF("OperationOutcome", "\"issue\":[]"), true},
    {"nobody's", OF("Practitioner", "\"id\":\"p2\""), true},
    {"Coverage", OF("Coverage", "\"beneficiary\":" REF("Patient/p1")), true},
    {"Task", OF("Task", "\"for\":" REF("Patient/p1")), true},
    {"ResearchSubject", OF("ResearchSubject", "\"individual\":" REF("Patient/p1")), true},
    {"EnrollmentRequest", OF("EnrollmentRequest", "\"candidate\":" REF("Patient/p1")), true},
    {"Binary", OF("Binary", "\"securityContext\":" REF("Patient/p1")), true},
    {"Schedule", OF("Schedule", "\"actor\":[" REF("Patient/p1") "]"), true},
    {"AppointmentResponse", OF("AppointmentResponse", "\"actor\":" REF("Patient/p1")), true},
    {"Person", OF("Person", "\"link\":[{\"target\":" REF("Patient/p1") "}]"), true},
    {"Provenance", OF("Provenance", "\"target\":[" REF("Observation/o1") "," REF("Patient/p1") "]"),
     true},
    {"Appointment",
     OF("Appointment", "\"participant\":[{\"actor\":" REF("Practitioner/d1") "},{\"actor\":" REF(
                           "Patient/p1") "}]"),
     true},
    {"Account", OF("Account", "\"subject\":[" REF("Patient/p1") "]"), true},
    {"a page", PAGE(ENTRY(OBS) "," ENTRY(OF("Medication", "\"id\":\"m\""))), true},
    {"an empty page", OF("Bundle", "\"type\":\"searchset\",\"total\":0"), true},
    {"a page in a batch's answer", PAGE(ENTRY(PAGE(ENTRY(OBS)))), true},
    {"an entry without resource", PAGE("{\"response\":{\"status\":\"204\"}}"), true},
    {"an entry with an outcome",
     PAGE("{\"response\":{\"status\":\"400\",\"outcome\":" OF("OperationOutcome",
                                                              "\"issue\":[]") "}}"),
     true},

    {"another's", OF("Observation", "\"subject\":" REF("Patient/p2")), false},
    {"another's, elsewhere", OF("Observation", "\"subject\":" REF("https://x.example/Patient/p1")),
     false},
    {"another patient", OF("Patient", "\"id\":\"p2\""), false},
    {"a patient without id", OF("Patient", "\"active\":true"), false},
    {"nobody named", OF("Observation", "\"status\":\"final\""), false},
    {"only who did it", OF("Observation", "\"performer\":[" REF("Patient/p1") "]"), false},
    {"a device's", OF("Observation", "\"subject\":" REF("Device/d1")), false},
    {"an identifier", OF("Observation", "\"subject\":{\"identifier\":{\"value\":\"p1\"}}"), false},
    {"an id without type", OF("Observation", "\"subject\":" REF("p1")), false},
    {"contained is no proof",
     OF("Observation",
        "\"contained\":[" OF("Patient", "\"id\":\"p1\"") "],\"subject\":" REF("#p1")),
     false},
    {"proof only in what is contained",
     OF("Observation", "\"contained\":[" OF("Condition", "\"subject\":" REF("Patient/p1")) "]"),
     false},
    {"two patients' account",
     OF("Account", "\"subject\":[" REF("Patient/p1") "," REF("Patient/p2") "]"), false},
    {"two patients' appointment",
     OF("Appointment",
        "\"participant\":[{\"actor\":" REF("Patient/p2") "},{\"actor\":" REF("Patient/p1") "}]"),
     false},
    {"subject and patient differ",
     OF("Observation", "\"subject\":" REF("Patient/p1") ",\"patient\":" REF("Patient/p2")), false},
    {"a group's", OF("Observation", "\"subject\":" REF("Group/g1")), false},
    {"a Group", OF("Group", "\"member\":[" REF("Patient/p1") "],\"subject\":" REF("Patient/p1")),
     false},
    {"Parameters", OF("Parameters", "\"parameter\":[]"), false},
    {"an unknown type without patient", OF("Whatever", "\"id\":\"x\""), false},
    {"no type", "{\"subject\":" REF("Patient/p1") "}", false},
    {"a type that is none", "{\"resourceType\":7,\"subject\":" REF("Patient/p1") "}", false},
    {"one of many", PAGE(ENTRY(OBS) "," ENTRY(OF("Patient", "\"id\":\"p2\""))), false},
    {"one of many, deeper", PAGE(ENTRY(PAGE(ENTRY(OF("Patient", "\"id\":\"p2\""))))), false},
    {"an outcome that is none",
     PAGE("{\"response\":{\"outcome\":" OF("Patient", "\"id\":\"p2\"") "}}"), false},
    {"entries that are none", OF("Bundle", "\"entry\":{}"), false},
};

static const struct {
    const char *name, *body;
} unreadable[] = {
    {"nothing", ""},
    {"HTML", "<html>"},
    {"XML", "<Observation/>"},
    {"an array", "[" OBS "]"},
    {"half of it", "{\"resourceType\":\"Observation\""},
    {"a member twice",
     OF("Observation", "\"subject\":" REF("Patient/p2") ",\"subject\":" REF("Patient/p1"))},
};

static void check_rows(apr_pool_t *p)
{
    for (int i = 0; i < COUNT_OF(rows); i++) {
        guard_ask_t ask = {rows[i].line, NULL, rows[i].body};
        sl_guard_verdict_t verdict;
        sl_err_t err;
        sl_rc_t rc = guard_ask(&verdict, SL_GUARD_STRICT, &ask, p, &err);

        is_end(rc, &err, rows[i].id, rows[i].want == REFUSED ? SL_DENIED : SL_OK, rows[i].line);
        is_int(verdict.check_answer, rows[i].want == CHECKED, "…is its answer looked at?");
        rc = guard_ask(&verdict, SL_GUARD_ON, &ask, p, &err);
        is_end(rc, &err, NULL, SL_OK, "…and on lets it pass");
        is_int(verdict.check_answer, strncmp(rows[i].line, "GET ?", 5) == 0,
               "…looking only at further pages of the base");
    }
}

static void check_answers(apr_pool_t *p)
{
    sl_err_t err;
    apr_size_t len = SL_GUARD_MAX_ANSWER + 1;
    char *big = apr_palloc(p, len);

    for (int i = 0; i < COUNT_OF(answers); i++) {
        is_end(sl_guard_answer("p1", BASE, answers[i].body, strlen(answers[i].body), p, &err), &err,
               "SL2634", answers[i].pass ? SL_OK : SL_DENIED,
               apr_psprintf(p, "answer: %s", answers[i].name));
    }
    for (int i = 0; i < COUNT_OF(unreadable); i++) {
        is_end(sl_guard_answer("p1", BASE, unreadable[i].body, strlen(unreadable[i].body), p, &err),
               &err, "SL2633", SL_DENIED, apr_psprintf(p, "answer: %s", unreadable[i].name));
    }
    memset(big, ' ', len);
    memcpy(big, OBS, strlen(OBS));
    is_end(sl_guard_answer("p1", BASE, big, SL_GUARD_MAX_ANSWER, p, &err), &err, NULL, SL_OK,
           "answer: as long as may be");
    is_end(sl_guard_answer("p1", BASE, big, len, p, &err), &err, "SL2633", SL_DENIED,
           "answer: too long");
    is_end(sl_guard_answer(NULL, BASE, OBS, strlen(OBS), p, &err), &err, NULL, SL_OK,
           "answer: nobody is guarded");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    check_rows(p);
    check_answers(p);
    rule_release(p);
    return tap_done();
}
