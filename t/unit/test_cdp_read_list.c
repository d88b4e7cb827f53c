/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp_read.h"

#define HEAD(type) "{'resourceType':'" type "',"
#define SUBJECT "'subject':{'reference':'Patient/omar'},"
#define WHO "'patient':{'reference':'Patient/omar'},"
#define LABEL(text) "'code':{'text':'" text "'}"
#define PROBLEM HEAD("Condition") SUBJECT "'category':[{'coding':[{'code':'problem-list-item'}]}],"
#define STATUS(code) "'clinicalStatus':{'coding':[{'code':'" code "'}]},"
#define VERIFIED(code) "'verificationStatus':{'coding':[{'code':'" code "'}]},"
#define ORDER HEAD("MedicationRequest") SUBJECT "'status':'active','intent':'order',"
#define ALLERGY HEAD("AllergyIntolerance") WHO

static const sl_cdp_request_t *request_of(apr_pool_t *p, sl_cdp_category_t category)
{
    static const char *const problems[] = {"active-problem-list", "inactive-problem-list",
                                           "resolved-problem-list", NULL};
    static const char *const diagnoses[] = {"encounter-diagnosis-list", NULL};
    static const char *const medications[] = {
        "active-medications-list", "completed-medications-list", "stopped-medications-list",
        "on-hold-medications-list", NULL};
    static const char *const allergies[] = {"allergy-list", NULL};
    static const char *const immunizations[] = {"immunization-list", NULL};
    static const char *const procedures[] = {"procedure-list", NULL};
    static const char *const encounters[] = {"encounter-list", NULL};
    static const char *const documents[] = {"document-notes", NULL};
    static const struct {
        const char *type;
        const char *const *sources;
    } rows[] = {
        [SL_CDP_PROBLEMS] = {"Condition", problems},
        [SL_CDP_DIAGNOSES] = {"Condition", diagnoses},
        [SL_CDP_MEDICATIONS] = {"MedicationRequest", medications},
        [SL_CDP_ALLERGIES] = {"AllergyIntolerance", allergies},
        [SL_CDP_IMMUNIZATIONS] = {"Immunization", immunizations},
        [SL_CDP_PROCEDURES] = {"Procedure", procedures},
        [SL_CDP_ENCOUNTERS] = {"Encounter", encounters},
        [SL_CDP_DOCUMENTS] = {"DocumentReference", documents},
    };

    return asking(p, category, rows[category].type, rows[category].sources);
}

static const char *read_bundle(apr_pool_t *p, sl_cdp_category_t category, const sl_json_t *bundle,
                               sl_cdp_page_t *page)
{
    sl_cdp_reader_t *reader = sl_cdp_reader_new(request_of(p, category), &omar, true, p);
    sl_err_t err;

    if (sl_cdp_reader_page(page, reader, bundle, p, &err) != SL_OK || page->items->nelts != 0) {
        diag("no page");
        abort();
    }
    return items_text(p, sl_cdp_reader_end(reader, p));
}

static const char *read_list(apr_pool_t *p, sl_cdp_category_t category, const char *resources)
{
    sl_cdp_page_t page;

    return read_bundle(p, category, searchset(p, resources), &page);
}

static void test_rows(apr_pool_t *p)
{
    static const struct {
        const char *name;
        sl_cdp_category_t category;
        const char *resources, *want;
    } rows[] = {
        {"C4 an active problem", SL_CDP_PROBLEMS,
         PROBLEM STATUS("active") "'onsetDateTime':'2019-03-04'," LABEL("Asthma") "}",
         "active-problem-list=Asthma, 2019-03-04"},
        {"C4 one that came back", SL_CDP_PROBLEMS, PROBLEM STATUS("relapse") LABEL("Asthma") "}",
         "active-problem-list=Asthma"},
        {"C4 one that is over, and one that rests", SL_CDP_PROBLEMS,
         PROBLEM STATUS("resolved") LABEL("A") "}," PROBLEM STATUS("remission") LABEL("B") "}",
         "inactive-problem-list=B\nresolved-problem-list=A"},
        {"C10 one that was wrong", SL_CDP_PROBLEMS,
         PROBLEM STATUS("active") VERIFIED("entered-in-error") LABEL("A") "}", ""},
        {"C10 one that was refuted", SL_CDP_PROBLEMS,
         PROBLEM STATUS("active") VERIFIED("refuted") LABEL("A") "}", ""},
        {"C4 one that is confirmed", SL_CDP_PROBLEMS,
         PROBLEM STATUS("active") VERIFIED("confirmed") LABEL("A") "}", "active-problem-list=A"},
        {"C10 one without status", SL_CDP_PROBLEMS, PROBLEM LABEL("A") "}", ""},
        {"C10 a diagnosis among the problems", SL_CDP_PROBLEMS,
         HEAD("Condition") SUBJECT STATUS(
             "active") "'category':[{'coding':[{'code':'encounter-diagnosis'}]}]," LABEL("A") "}",
         ""},
        {"C4 a problem without category, for which was asked", SL_CDP_PROBLEMS,
         HEAD("Condition") SUBJECT STATUS("active") LABEL("A") "}", "active-problem-list=A"},
        {"C10 a problem without a name", SL_CDP_PROBLEMS, PROBLEM STATUS("active") "'id':'1'}", ""},
        {"C4 when it was recorded, where nothing better is said", SL_CDP_PROBLEMS,
         PROBLEM STATUS("active") "'recordedDate':'2020-01-02'," LABEL("A") "}",
         "active-problem-list=A, 2020-01-02"},
        {"C4 a year alone", SL_CDP_PROBLEMS,
         PROBLEM STATUS("active") "'onsetDateTime':'2019'," LABEL("A") "}",
         "active-problem-list=A, 2019"},
        {"C4 no date", SL_CDP_PROBLEMS,
         PROBLEM STATUS("active") "'onsetDateTime':'long ago'," LABEL("A") "}",
         "active-problem-list=A"},
        {"W8 a local date", SL_CDP_PROBLEMS,
         PROBLEM STATUS("active") "'onsetDateTime':'2019-03-04T03:00:00Z'," LABEL("A") "}",
         "active-problem-list=A, 2019-03-03"},
        {"C4 a diagnosis, whatever became of it", SL_CDP_DIAGNOSES,
         HEAD("Condition") SUBJECT
         "'category':[{'coding':[{'code':'encounter-diagnosis'}]}]," LABEL("A") "}",
         "encounter-diagnosis-list=A"},
        {"C4 a medication in words", SL_CDP_MEDICATIONS,
         ORDER "'authoredOn':'2020-05-06','medicationCodeableConcept':{'text':'Aspirin 81 mg'},"
               "'dosageInstruction':[{'text':'once daily'},{'text':'not this'}]}",
         "active-medications-list=Aspirin 81 mg, once daily, 2020-05-06"},
        {"C4 one that is contained", SL_CDP_MEDICATIONS,
         ORDER "'contained':[{'resourceType':'Medication','id':'m','code':{'coding':[{'display':"
               "'Ibuprofen'}]}}],'medicationReference':{'reference':'#m'}}",
         "active-medications-list=Ibuprofen"},
        {"C4 one that is not there, but is named", SL_CDP_MEDICATIONS,
         ORDER "'medicationReference':{'reference':'Medication/9','display':'Ibuprofen'}}",
         "active-medications-list=Ibuprofen"},
        {"C4 by their status", SL_CDP_MEDICATIONS,
         HEAD("MedicationRequest") SUBJECT
         "'status':'completed','intent':'order','medicationCodeableConcept':{'text':'A'}}," HEAD(
             "MedicationRequest") SUBJECT
         "'status':'stopped','intent':'plan','medicationCodeableConcept':{'text':'B'}}," HEAD(
             "MedicationRequest") SUBJECT
         "'status':'on-hold','intent':'plan','medicationCodeableConcept':{'text':'C'}}",
         "completed-medications-list=A\nstopped-medications-list=B\non-hold-medications-list=C"},
        {"C10 what was only proposed", SL_CDP_MEDICATIONS,
         HEAD("MedicationRequest") SUBJECT
         "'status':'active','intent':'proposal','medicationCodeableConcept':{'text':'A'}}",
         ""},
        {"C10 what was entered in error", SL_CDP_MEDICATIONS,
         HEAD("MedicationRequest") SUBJECT
         "'status':'entered-in-error','intent':'order','medicationCodeableConcept':{'text':'A'}}",
         ""},
        {"C10 what must not be given", SL_CDP_MEDICATIONS,
         ORDER "'doNotPerform':true,'medicationCodeableConcept':{'text':'A'}}", ""},
        {"C4 an allergy", SL_CDP_ALLERGIES,
         ALLERGY STATUS("active") LABEL("Penicillin") ",'criticality':'high','recordedDate':"
                                                      "'2018-01-01','reaction':[{'manifestation':"
                                                      "[{'text':'Hives'},{'coding':[{'display':"
                                                      "'Swelling'}]}]},{'manifestation':[{'text':"
                                                      "'Cough'}]}]}",
         "allergy-list=Penicillin, Hives; Swelling; Cough, high criticality, 2018-01-01"},
        {"C4 no known allergy is a line", SL_CDP_ALLERGIES,
         ALLERGY STATUS("active") "'code':{'coding':[{'code':'716186003','display':"
                                  "'No known allergy'}]}}",
         "allergy-list=No known allergy"},
        {"C10 an allergy that is over", SL_CDP_ALLERGIES, ALLERGY STATUS("resolved") LABEL("A") "}",
         ""},
        {"C10 an allergy that was refuted", SL_CDP_ALLERGIES,
         ALLERGY STATUS("active") VERIFIED("refuted") LABEL("A") "}", ""},
        {"C4 an immunization", SL_CDP_IMMUNIZATIONS,
         HEAD("Immunization") WHO "'status':'completed','vaccineCode':{'text':'Flu'},"
                                  "'occurrenceDateTime':'2021-10-01'}",
         "immunization-list=Flu, 2021-10-01"},
        {"C4 at a time in words", SL_CDP_IMMUNIZATIONS,
         HEAD("Immunization") WHO "'status':'completed','vaccineCode':{'text':'Flu'},"
                                  "'occurrenceString':'as a child'}",
         "immunization-list=Flu, as a child"},
        {"C10 one that was not given", SL_CDP_IMMUNIZATIONS,
         HEAD("Immunization") WHO "'status':'not-done','vaccineCode':{'text':'Flu'}}", ""},
        {"C4 a procedure", SL_CDP_PROCEDURES,
         HEAD("Procedure") SUBJECT
         "'status':'completed','performedPeriod':{'start':'2020-02-03'}," LABEL("Biopsy") "}",
         "procedure-list=Biopsy, 2020-02-03"},
        {"C4 one that was stopped says so", SL_CDP_PROCEDURES,
         HEAD("Procedure") SUBJECT "'status':'stopped'," LABEL("Biopsy") "}",
         "procedure-list=Biopsy, stopped"},
        {"C10 one that was not done", SL_CDP_PROCEDURES,
         HEAD("Procedure") SUBJECT "'status':'not-done'," LABEL("Biopsy") "}", ""},
        {"C4 an encounter", SL_CDP_ENCOUNTERS,
         HEAD("Encounter") SUBJECT "'status':'finished','type':[{'text':'Check-up'}],'period':"
                                   "{'start':'2022-01-01T15:00:00Z'}}",
         "encounter-list=Check-up, 2022-01-01"},
        {"C4 by its class", SL_CDP_ENCOUNTERS,
         HEAD("Encounter") SUBJECT "'status':'finished','class':{'code':'AMB'}}",
         "encounter-list=AMB"},
        {"C10 one that is planned", SL_CDP_ENCOUNTERS,
         HEAD("Encounter") SUBJECT "'status':'planned','type':[{'text':'Check-up'}]}", ""},
        {"C10 somebody else's", SL_CDP_ALLERGIES,
         HEAD("AllergyIntolerance") "'patient':{'reference':'Patient/olga'}," LABEL("A") "}", ""},
        {"C10 with a marker that is not known", SL_CDP_ALLERGIES,
         ALLERGY "'modifierExtension':[{'url':'urn:not'}]," LABEL("A") "}", ""},
        {"H5 a label of several lines is one line", SL_CDP_ALLERGIES,
         ALLERGY "'code':{'text':'A\\nB\\u001bC<b>'}}", "allergy-list=A B C<b>"},
        {"C4 a note", SL_CDP_DOCUMENTS,
         HEAD("DocumentReference") SUBJECT
         "'status':'current','date':'2024-05-06T07:08:09Z','type':{'text':'Letter'},'content':["
         "{'attachment':{'contentType':'application/pdf','data':'AAAA'}},"
         "{'attachment':{'contentType':'text/html; charset=utf-8','data':'PHA+SGk8L3A+'}}]}",
         "document-notes=Letter, 2024-05-06\n<p>Hi</p>"},
        {"C4 a note that is no HTML", SL_CDP_DOCUMENTS,
         HEAD("DocumentReference") SUBJECT
         "'status':'current','content':[{'attachment':{'contentType':'application/pdf'}}]}",
         "document-notes=- !The EHR has a note that is no HTML."},
        {"C4 a note kept elsewhere", SL_CDP_DOCUMENTS,
         HEAD("DocumentReference") SUBJECT
         "'status':'current','content':[{'attachment':{'contentType':'text/html','url':"
         "'Binary/1'}}]}",
         "document-notes=- !The EHR keeps the text of a note apart, where it could not be had."},
        {"C4 a note that is broken beside one that is not", SL_CDP_DOCUMENTS,
         HEAD("DocumentReference") SUBJECT
         "'status':'current','content':[{'attachment':{'contentType':'text/"
         "html','data':'?'}}]}," HEAD("DocumentReference") SUBJECT
         "'status':'current','content':[{'attachment':{'contentType':'text/html','data':"
         "'PHA+SGk8L3A+'}}]}",
         "document-notes=Note\n<p>Hi</p> /The EHR sent a note that cannot be read./"},
        {"C10 a note that was wrong", SL_CDP_DOCUMENTS,
         HEAD("DocumentReference") SUBJECT
         "'status':'entered-in-error','content':[{'attachment':{'contentType':'text/html','data':"
         "'PHA+SGk8L3A+'}}]}",
         ""},
        {"C12 an empty list is no item", SL_CDP_ALLERGIES, "", ""},
        {"C12 the newest first, then by name, none twice", SL_CDP_ALLERGIES,
         ALLERGY "'recordedDate':'2018'," LABEL("Z") "}," ALLERGY LABEL(
             "Y") "}," ALLERGY
                  "'recordedDate':'2020-01-01'," LABEL(
                      "C") "}," ALLERGY "'recordedDate':"
                           "'2020-01-01'," LABEL("B") "}," ALLERGY LABEL("Y") "}," ALLERGY LABEL(
                               "X") "}",
         "allergy-list=B, 2020-01-01\nC, 2020-01-01\nZ, 2018\nX\nY"},
    };

    in_zone("America/Chicago");
    for (int i = 0; i < COUNT_OF(rows); i++) {
        is_str(read_list(p, rows[i].category, rows[i].resources), rows[i].want, rows[i].name);
    }
}

/* Medications that came along with their prescriptions. */
static void test_included(apr_pool_t *p)
{
    static const struct {
        const char *name, *url, *medication, *reference, *want;
    } rows[] = {
        {"C9 by a relative reference", "https://e.example/fhir/Medication/1", "'id':'1'",
         "Medication/1", "active-medications-list=Drug"},
        {"C9 by an absolute one", "https://e.example/fhir/Medication/1", "'id':'1'",
         "https://e.example/fhir/Medication/1", "active-medications-list=Drug"},
        {"C9 of a version", "https://e.example/fhir/Medication/1", "'id':'1'",
         "Medication/1/_history/7", "active-medications-list=Drug"},
        {"C9 by a UUID", "urn:uuid:0af", "'language':'en'", "urn:uuid:0af",
         "active-medications-list=Drug"},
        {"C9 by an absolute one, where the entry has no URL", NULL, "'id':'1'",
         "https://e.example/fhir/Medication/1", "active-medications-list=Drug"},
        {"C9 another server's medication of the same id", "https://e.example/fhir/Medication/1",
         "'id':'1'", "https://other.example/fhir/Medication/1", ""},
        {"C9 another medication", "https://e.example/fhir/Medication/1", "'id':'1'", "Medication/2",
         ""},
        {"C9 something else of the same id", "https://e.example/fhir/Medication/1", "'id':'1'",
         "Substance/1", ""},
        {"C9 a medication entered in error", "https://e.example/fhir/Medication/1",
         "'id':'1','status':'entered-in-error'", "Medication/1", ""},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_page_t page;
        const char *url =
            rows[i].url == NULL ? "" : apr_pstrcat(p, "'fullUrl':'", rows[i].url, "',", NULL);
        const sl_json_t *bundle = json(
            p, apr_pstrcat(p,
                           "{'resourceType':'Bundle','type':'searchset','entry':[{'resource':" ORDER
                           "'medicationReference':{'reference':'",
                           rows[i].reference, "'}},'search':{'mode':'match'}},{", url,
                           "'resource':{'resourceType':'Medication','code':{'text':'Drug'},",
                           rows[i].medication, "},'search':{'mode':'include'}}]}", NULL));

        is_str(read_bundle(p, SL_CDP_MEDICATIONS, bundle, &page), rows[i].want, rows[i].name);
        ok(page.warnings->nelts == (*rows[i].want == '\0' ? 1 : 0), "%s: %s", rows[i].name,
           *rows[i].want == '\0' ? "what is missing is told" : "no word");
    }
}

/* The same chart in another order, on other pages, is the same text. */
static void test_stable(apr_pool_t *p)
{
    const sl_cdp_request_t *request = request_of(p, SL_CDP_ALLERGIES);
    sl_cdp_reader_t *there = sl_cdp_reader_new(request, &omar, true, p);
    sl_cdp_reader_t *back = sl_cdp_reader_new(request, &omar, true, p);
    const char *first, *second;
    sl_cdp_page_t page;
    sl_err_t err;
    int lines = 1;

    for (int i = 0; i < 9000; i++) {
        char *one = apr_psprintf(p, ALLERGY "'recordedDate':'%04d-01-01'," LABEL("A %d") "}",
                                 2000 + i % 20, i);
        char *other = apr_psprintf(p, ALLERGY "'recordedDate':'%04d-01-01'," LABEL("A %d") "}",
                                   2000 + (8999 - i) % 20, 8999 - i);

        if (sl_cdp_reader_page(&page, there, searchset(p, one), p, &err) != SL_OK ||
            sl_cdp_reader_page(&page, back, searchset(p, other), p, &err) != SL_OK) {
            diag("no page");
        }
    }
    first = items_text(p, sl_cdp_reader_end(there, p));
    second = items_text(p, sl_cdp_reader_end(back, p));
    is_str(second, first, "C12 9,000 lines in two orders are the same text");
    for (const char *c = first; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    is_int(lines, SL_CDP_MAX_LINES, "C12 of 2,000 lines");
    ok(holds(first, "/only the newest 2000 are here; older ones are left out/"),
       "C12 with a note that it is not all");
    ok(strlen(first) < SL_CDP_MAX_VALUE, "C12 and short enough to be held");
}

static void test_bytes(apr_pool_t *p)
{
    char *name = apr_palloc(p, 3001);
    const char *resources = "", *text;

    for (int i = 0; i < 1500; i++) {
        name[2 * i] = '\xc3';
        name[2 * i + 1] = '\xa9';
    }
    name[3000] = '\0';
    for (int i = 0; i < 200; i++) {
        resources = apr_psprintf(p, "%s%s" ALLERGY "'code':{'text':'%d%s'}}", resources,
                                 i == 0 ? "" : ",", i, name);
    }
    text = read_list(p, SL_CDP_ALLERGIES, resources);
    ok(strlen(text) < SL_CDP_MAX_VALUE + 200 && holds(text, "/only the newest 6"),
       "C12 long names are cut, and a list ends before it is too long: %d bytes",
       (int)strlen(text));
    ok(holds(text, "\xc3\xa9\xe2\x80\xa6\n"), "C12 a name is cut between characters");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_rows(p);
    test_included(p);
    test_stable(p);
    test_bytes(p);
    rule_release(p);
    return tap_done();
}
