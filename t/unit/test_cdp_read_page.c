/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp_read.h"
#include <malloc.h>

#define OBSERVATION                                                                                \
    "'resourceType':'Observation','status':'final','subject':{'reference':'Patient/omar'},"        \
    "'effectiveDateTime':'2024-05-01','code':{'coding':[{'system':'http://loinc.org','code':"      \
    "'2951-2'}]}"
#define ISSUE(severity, rest) "{'severity':'" severity "','code':'processing'," rest "}"
#define OUTCOME(issues) "{'resourceType':'OperationOutcome','issue':[" issues "]}"
#define DETAILS(text) "'details':{'text':'" text "'}"

static const char *const sources[] = {"2951-2", NULL};

static sl_cdp_reader_t *reader_for(apr_pool_t *p, sl_cdp_category_t category, const char *type)
{
    static const char *const none[] = {NULL};

    return sl_cdp_reader_new(
        asking(p, category, type, category == SL_CDP_OBSERVATIONS ? sources : none), &omar, true,
        p);
}

static sl_cdp_page_t page_of(apr_pool_t *p, sl_cdp_reader_t *reader, const char *text)
{
    sl_cdp_page_t page;
    sl_err_t err;

    is_end(sl_cdp_reader_page(&page, reader, json(p, text), p, &err), &err, NULL, SL_OK,
           "C9 a page is read");
    return page;
}

static void test_entries(apr_pool_t *p)
{
    sl_cdp_reader_t *reader = reader_for(p, SL_CDP_OBSERVATIONS, "Observation");
    sl_cdp_page_t page = page_of(
        p, reader,
        "{'resourceType':'Bundle','type':'searchset','link':[{'relation':'self','url':'s'},"
        "{'relation':'next','url':'https://e.example/fhir?a=|&page=2'}],'entry':["
        "{'resource':{" OBSERVATION ",'valueInteger':1},'search':{'mode':'match'}},"
        "{'resource':{" OBSERVATION ",'valueInteger':2},'search':{'mode':'include'}},"
        "{'resource':{" OBSERVATION ",'valueInteger':3}},"
        "{'resource':{'resourceType':'Patient','id':'omar'},'search':{'mode':'include'}},"
        "{'resource':" OUTCOME(ISSUE(
            "warning",
            DETAILS("Some are missing"))) ",'search':{'mode':"
                                          "'outcome'}},{},{'resource':null},{'resource':'x'},7]}");

    is_str(items_text(p, page.items), "2951-2=1 @2024-05-01\n2951-2=3 @2024-05-01",
           "C9 matches and nothing else");
    is_int(page.matches, 2, "C9 two of them");
    is_str(words(p, page.warnings), "Some are missing", "C9 an outcome is a warning");
    ok(!page.has_failed && !page.is_protected, "C9 and no failure");
    is_str(page.next, "https://e.example/fhir?a=|&page=2", "C9 the next page, as sent");
    page = page_of(p, reader,
                   "{'resourceType':'Bundle','type':'searchset','entry':[{'resource':" OUTCOME(
                       ISSUE("warning", DETAILS("Some are missing"))) "}]}");
    is_int(page.warnings->nelts, 0, "C9 what was told is not told again");
    is_str(page.next, NULL, "C9 no next page");
    page = page_of(p, reader,
                   "{'resourceType':'Bundle','type':'searchset','entry':[{'resource':" OUTCOME(
                       ISSUE("error", DETAILS("Broken"))) "}]}");
    ok(page.has_failed, "C11 an error is a failure");
    page = page_of(p, reader, "{'resourceType':'Bundle','type':'searchset','link':'x'}");
    ok(page.items->nelts == 0 && page.next == NULL, "C9 an empty page");
}

static void test_no_page(apr_pool_t *p)
{
    static const char *const texts[] = {
        "{}",
        "{'resourceType':'Bundle'}",
        "{'resourceType':'Bundle','type':'history'}",
        "{'resourceType':'Patient','type':'searchset'}",
        "{'resourceType':'OperationOutcome','issue':[]}",
    };
    sl_cdp_reader_t *reader = reader_for(p, SL_CDP_OBSERVATIONS, "Observation");
    sl_cdp_page_t page;
    sl_err_t err;

    for (int i = 0; i < COUNT_OF(texts); i++) {
        is_end(sl_cdp_reader_page(&page, reader, json(p, texts[i]), p, &err), &err, "SL8190",
               SL_INVALID, apr_pstrcat(p, "C11 no searchset: ", texts[i], NULL));
        ok(page.items->nelts == 0 && page.warnings->nelts == 0, "C11 and nothing in it");
    }
}

static void test_patients(apr_pool_t *p)
{
    static const struct {
        const char *name, *patients;
        int count;
        const char *id;
    } rows[] = {
        {"C5 nobody", "", 0, NULL},
        {"C5 one", "{'resourceType':'Patient','id':'a'}", 1, "a"},
        {"C5 one, twice", "{'resourceType':'Patient','id':'a'},{'resourceType':'Patient','id':'a'}",
         1, "a"},
        {"C5 two", "{'resourceType':'Patient','id':'a'},{'resourceType':'Patient','id':'b'}", 2,
         NULL},
        {"C5 one without id", "{'resourceType':'Patient'}", 0, NULL},
        {"C5 one with a marker that is not known",
         "{'resourceType':'Patient','id':'a','modifierExtension':[{'url':'urn:x'}]}", 0, NULL},
        {"C5 somebody who is no patient", "{'resourceType':'Practitioner','id':'a'}", 0, NULL},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_reader_t *reader = reader_for(p, SL_CDP_PATIENT, "Patient");
        sl_cdp_page_t page;
        sl_err_t err;

        ok(sl_cdp_reader_page(&page, reader, searchset(p, rows[i].patients), p, &err) == SL_OK &&
               page.patients == rows[i].count && (page.patient != NULL) == (rows[i].id != NULL),
           "%s", rows[i].name);
        is_str(page.patient_id, rows[i].id, rows[i].name);
        if (rows[i].id != NULL) {
            is_str(sl_json_str(page.patient, "id"), rows[i].id, "C5 with the resource");
            ok(sl_cdp_reader_page(&page, reader,
                                  searchset(p, "{'resourceType':'Patient','id':'z'}"), p,
                                  &err) == SL_OK &&
                   page.patients == 2 && page.patient_id == NULL && page.patient == NULL,
               "C5 another one on the next page makes two");
        }
    }
}

static void test_outcomes(apr_pool_t *p)
{
    static const struct {
        const char *name, *issues, *want;
        bool is_protected;
    } rows[] = {
        {"C11 its details", ISSUE("error", DETAILS("Not now") ",'diagnostics':'stack'"), "Not now",
         false},
        {"C11 its coding",
         ISSUE("error", "'details':{'coding':[{'code':'59204','display':'Not authorized'}]}"),
         "Not authorized", false},
        {"C11 its diagnostics", ISSUE("error", "'diagnostics':'Unknown parameter'"),
         "Unknown parameter", false},
        {"C11 its code", ISSUE("error", "'expression':[]"), "processing", false},
        {"C11 several", ISSUE("error", DETAILS("One.")) "," ISSUE("fatal", DETAILS("Two.")),
         "One. Two.", false},
        {"C11 information is none", ISSUE("information", DETAILS("All fine")), NULL, false},
        {"C11 nor is what Epic always says",
         ISSUE("warning", "'details':{'coding':[{'code':'4119'}],'text':'May not be all'}"), NULL,
         false},
        {"C11 nor that nothing was found",
         ISSUE("warning", "'details':{'coding':[{'code':'4101'}],'text':'No results'}"), NULL,
         false},
        {"C13 numbers and ids are masked",
         ISSUE(
             "error",
             DETAILS("Patient/omar, MRN 203711, eXbcd-omar, 2024-05-01 and e9f0a1b2c3d4e5f6a7b8")),
         "Patient/\xe2\x80\xa6, MRN \xe2\x80\xa6, eXbcd-\xe2\x80\xa6, \xe2\x80\xa6-05-01 and "
         "\xe2\x80\xa6",
         false},
        {"H5 on one line", ISSUE("error", DETAILS("a\\nb\\u0000c<b>")), "a b c<b>", false},
        {"C14 Epic's code",
         ISSUE("fatal", "'details':{'coding':[{'system':'urn:oid:1.2.840.114350.1.13.0.1.7.2."
                        "657369','code':'4130'}],'text':'Access denied'}"),
         "Access denied", true},
        {"C14 in words", ISSUE("error", DETAILS("Break-the-Glass is required")),
         "Break-the-Glass is required", true},
        {"C14 in other words", ISSUE("warning", "'diagnostics':'please BREAK THE GLASS first'"),
         "please BREAK THE GLASS first", true},
        {"C14 as a code",
         ISSUE("error", "'details':{'coding':[{'code':'break-the-glass','display':'x'}]}"), "x",
         true},
        {"C14 forbidden is not protected", ISSUE("error", DETAILS("Forbidden")), "Forbidden",
         false},
        {"C14 a broken glass is no glass to break", ISSUE("error", DETAILS("break the glas")),
         "break the glas", false},
        {"C14 no glass in sight", ISSUE("error", DETAILS("b-reak; the glass")), "b-reak; the glass",
         false},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        const char *outcome = apr_pstrcat(p, "{'resourceType':'OperationOutcome','issue':[",
                                          rows[i].issues, "]}", NULL);
        sl_cdp_page_t page =
            page_of(p, reader_for(p, SL_CDP_OBSERVATIONS, "Observation"),
                    apr_pstrcat(p,
                                "{'resourceType':'Bundle','type':'searchset','entry':["
                                "{'resource':",
                                outcome, "}]}", NULL));
        bool is_protected = true;
        const char *got;

        ok(page.is_protected == rows[i].is_protected, "%s: in a searchset", rows[i].name);
        if (page.warnings->nelts == 1) {
            is_str(words(p, page.warnings), rows[i].want, rows[i].name);
        } else {
            is_int(page.warnings->nelts, rows[i].want == NULL ? 0 : 2, rows[i].name);
        }
        got = sl_cdp_read_outcome(&is_protected, json(p, outcome), p);
        ok((got != NULL) == (rows[i].want != NULL) && is_protected == rows[i].is_protected,
           "%s: as an answer of its own", rows[i].name);
    }
}

static void test_bounds(apr_pool_t *p)
{
    char *text = apr_palloc(p, 100001);
    const char *issues = ISSUE("error", DETAILS("x"));
    sl_cdp_page_t page;
    bool is_protected;

    memset(text, 'a', 100000);
    for (int i = 0; i < 100000; i += 7) {
        text[i] = ' ';
    }
    text[100000] = '\0';
    ok(strlen(sl_cdp_read_outcome(
           &is_protected,
           json(p, apr_pstrcat(p,
                               "{'resourceType':'OperationOutcome','issue':[{'severity':'error',"
                               "'diagnostics':'",
                               text, "'}]}", NULL)),
           p)) <= 300,
       "C11 a long outcome is cut");
    for (int i = 0; i < 200; i++) {
        issues = apr_psprintf(p, "%s," ISSUE("error", DETAILS("w%c%c")), issues, 'a' + i % 26,
                              'a' + i / 26);
    }
    page = page_of(p, reader_for(p, SL_CDP_OBSERVATIONS, "Observation"),
                   apr_pstrcat(p,
                               "{'resourceType':'Bundle','type':'searchset','entry':[{'resource'"
                               ":{'resourceType':'OperationOutcome','issue':[",
                               issues, "]}}]}", NULL));
    ok(page.warnings->nelts <= 20, "C11 there are not more than 20 warnings");
    is_str(sl_cdp_read_outcome(&is_protected, NULL, p), NULL, "C11 no outcome");
}

/* 200 pages of 100: nothing of a page is left when the next comes. */
static void test_memory(apr_pool_t *p)
{
    sl_cdp_reader_t *reader = reader_for(p, SL_CDP_OBSERVATIONS, "Observation");
    size_t settled = 0, last = 0;
    apr_pool_t *page_pool;
    int items = 0;

    apr_pool_create(&page_pool, p);
    for (int page = 0; page < 200; page++) {
        const char *resources = "{" OBSERVATION ",'valueQuantity':{'value':140.5,'code':'mmol/L'}}";
        sl_cdp_page_t out;
        sl_err_t err;

        for (int i = 1; i < 100; i++) {
            resources =
                apr_psprintf(page_pool, "%s,{" OBSERVATION ",'valueQuantity':{'value':%d.%d}}",
                             resources, page, i);
        }
        if (sl_cdp_reader_page(&out, reader, searchset(page_pool, resources), page_pool, &err) ==
            SL_OK) {
            items += out.items->nelts;
        }
        apr_pool_clear(page_pool);
        last = mallinfo2().uordblks;
        settled = page == 20 ? last : settled;
    }
    is_int(items, 20000, "C9 20,000 observations over 200 pages");
    ok(last <= settled + 65536, "C9 in the memory of one page (%d KiB after 20, %d after 200)",
       (int)(settled / 1024), (int)(last / 1024));
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    in_zone("UTC");
    test_entries(p);
    test_no_page(p);
    test_patients(p);
    test_outcomes(p);
    test_bounds(p);
    test_memory(p);
    rule_release(p);
    return tap_done();
}
