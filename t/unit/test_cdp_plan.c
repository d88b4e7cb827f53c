/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp_read.h"

#define AROUND(days)                                                                               \
    {                                                                                              \
        days *SL_CDP_DAY, SL_CDP_AROUND                                                            \
    }

typedef struct {
    const char *source, *event, *field, *date_field;
    int days; /* 0: the project's */
} row_t;

static sl_cdp_mapping_t *mapping_of(apr_pool_t *p, const row_t *rows, int count, bool convert)
{
    sl_cdp_mapping_t *mapping = apr_pcalloc(p, sizeof(*mapping));
    apr_array_header_t *fields = apr_array_make(p, count, sizeof(sl_cdp_map_t));

    for (int i = 0; i < count && rows[i].source != NULL; i++) {
        sl_cdp_map_t *map = &APR_ARRAY_PUSH(fields, sl_cdp_map_t);

        memset(map, 0, sizeof(*map));
        map->id = i + 1;
        map->source = rows[i].source;
        map->event = rows[i].event;
        map->field = rows[i].field;
        map->temporal_field = rows[i].date_field;
        map->offset = (sl_cdp_offset_t)AROUND(rows[i].days);
    }
    mapping->project = "study";
    mapping->offset = (sl_cdp_offset_t)AROUND(1);
    mapping->convert_gmt = convert;
    mapping->fields = fields;
    return mapping;
}

static void plan_for(sl_cdp_plan_t *out, apr_pool_t *p, const row_t *rows, int count,
                     const sl_cdp_date_t *dates, int date_count)
{
    sl_cdp_plan_ask_t ask = {.patient = "omar", .today = {1710936000, SL_CDP_DATETIME}};
    apr_array_header_t *all = apr_array_make(p, date_count + 1, sizeof(sl_cdp_date_t));

    for (int i = 0; i < date_count; i++) {
        APR_ARRAY_PUSH(all, sl_cdp_date_t) = dates[i];
    }
    ask.dates = all;
    ask.mapping = mapping_of(p, rows, count, true);
    sl_cdp_plan(out, &ask, p);
}

static const char *queries(apr_pool_t *p, const sl_cdp_plan_t *plan)
{
    const char *text = "";

    for (int i = 0; i < plan->requests->nelts; i++) {
        text = apr_pstrcat(p, text, i == 0 ? "" : "\n",
                           APR_ARRAY_IDX(plan->requests, i, sl_cdp_request_t).query, NULL);
    }
    return text;
}

static const sl_cdp_request_t *request_at(const sl_cdp_plan_t *plan, int i)
{
    return &APR_ARRAY_IDX(plan->requests, i, sl_cdp_request_t);
}

static void test_patient(apr_pool_t *p)
{
    is_str(sl_cdp_plan_patient("urn:oid:1.2", "12345", p),
           "Patient?identifier=urn%3Aoid%3A1.2%7C12345", "C5 by system and number");
    is_str(sl_cdp_plan_patient(NULL, "12 45", p), "Patient?identifier=12%2045",
           "C5 by number alone");
    is_str(sl_cdp_plan_patient("urn:x", "a|b,c$d\\e&f", p),
           "Patient?identifier=urn%3Ax%7Ca%5C%7Cb%5C%2Cc%5C%24d%5C%5Ce%26f",
           "C5 a number cannot become two, or another system's");
}

static void test_one_time(apr_pool_t *p)
{
    static const row_t rows[] = {
        {"birthDate", "e1", "dob", NULL, 0},
        {"active-problem-list", "e1", "problems", NULL, 0},
        {"resolved-problem-list", "e1", "solved", NULL, 0},
        {"active-medications-list", "e1", "meds", NULL, 0},
        {"allergy-list", "e1", "allergies", NULL, 0},
        {"2951-2", "e1", "na", "visit", 0},
    };
    sl_cdp_plan_t plan;

    plan_for(&plan, p, rows, COUNT_OF(rows), NULL, 0);
    is_int(plan.patient.wants->nelts, 1, "C4 Patient has its own wants");
    is_str(plan.patient.type, "Patient", "C13 and its type");
    is_str(queries(p, &plan),
           "Condition?patient=omar&category=problem-list-item\n"
           "MedicationRequest?patient=omar&intent=order,plan"
           "&_include=MedicationRequest:medication\n"
           "AllergyIntolerance?patient=omar",
           "C6 lists are asked once each, and without a date nothing is asked by time");
    is_int(request_at(&plan, 0)->wants->nelts, 2, "W9 two lists of one search");
    ok(holds(request_at(&plan, 0)->fallback, "&clinical-status=active,recurrence,relapse,inactive"),
       "C11 a server that wants a status is told all of them");
    ok(holds(request_at(&plan, 1)->fallback, "&status=active,on-hold,"), "C11 so for medications");
}

static void test_observations(apr_pool_t *p)
{
    static const row_t rows[] = {
        {"2951-2,2947-0", "e1", "na", "visit", 0},
        {"29463-7", "e1", "weight", "visit", 0},
        {"2951-2", "e2", "na", "visit", 0},
    };
    static const sl_cdp_date_t dates[] = {
        {"e1", 0, "visit", "2024-03-15"},
        {"e2", 0, "visit", "2024-03-17"},
        {"e2", 0, "other", "2020-01-01"},
        {"e3", 0, "visit", "2020-01-01"},
    };
    sl_cdp_plan_t plan;

    in_zone("America/Chicago");
    plan_for(&plan, p, rows, COUNT_OF(rows), dates, COUNT_OF(dates));
    is_str(queries(p, &plan),
           "Observation?patient=omar&code=http://loinc.org%7C29463-7,http://loinc.org%7C2947-0"
           "&date=ge2024-03-14T00:00:00-05:00&date=le2024-03-16T23:59:59-05:00&_count=100\n"
           "Observation?patient=omar&code=http://loinc.org%7C2951-2"
           "&date=ge2024-03-14T00:00:00-05:00&date=le2024-03-18T23:59:59-05:00&_count=100",
           "W9 windows on one code that overlap are one request");
    is_int(request_at(&plan, 0)->wants->nelts, 2, "W9 the first serves two fields");
    is_int(request_at(&plan, 1)->wants->nelts, 2, "W9 the second serves sodium of both events");
    is_str(request_at(&plan, 0)->fallback,
           "Observation?patient=omar&code=http://loinc.org%7C29463-7,http://loinc.org%7C2947-0",
           "C11 a server that takes no dates is asked without");
    ok(!plan.has_future, "H8 no date lies ahead");
}

static void test_distant(apr_pool_t *p)
{
    static const row_t rows[] = {{"2951-2", "e1", "na", "visit", 0}};
    static const sl_cdp_date_t dates[] = {
        {"e1", 1, "visit", "2024-03-15"}, {"e1", 2, "visit", "2024-06-15 10:51:00"},
        {"e1", 3, "visit", ""},           {"e1", 4, "visit", "soon"},
        {"e1", 4, "visit", "soon"},
    };
    sl_cdp_plan_t plan;

    in_zone("Europe/Berlin");
    plan_for(&plan, p, rows, COUNT_OF(rows), dates, COUNT_OF(dates));
    is_int(plan.requests->nelts, 2, "W9 distant windows are several requests");
    ok(holds(request_at(&plan, 0)->query,
             "&date=ge2024-03-14T00:00:00%2B01:00&date=le2024-03-16T23:59:59%2B01:00"),
       "W10 the first instance's");
    ok(holds(request_at(&plan, 1)->query,
             "&date=ge2024-06-14T00:00:00%2B02:00&date=le2024-06-16T23:59:59%2B02:00"),
       "W10 the second's, whole days, its plus escaped");
    is_int(APR_ARRAY_IDX(request_at(&plan, 1)->wants, 0, sl_cdp_want_t).instance, 2,
           "W10 the want knows its instance");
    is_int(request_at(&plan, 0)->wants->nelts, 1, "W10 each window has its own want");
    is_int(plan.without_window->nelts, 1, "W1 what is no date is told, once; empty ones are not");
    ok(!holds(APR_ARRAY_IDX(plan.without_window, 0, sl_cdp_fault_t).reason, "soon"),
       "C13 without what stands there");
    ok(plan.has_future, "H8 June lies ahead of 20 March");
}

static void test_panels(apr_pool_t *p)
{
    static const row_t rows[] = {{"8480-6", "", "systolic", "visit", 0},
                                 {"3150-0", "", "fio2", "visit", 0}};
    static const sl_cdp_date_t dates[] = {{NULL, 0, "visit", "2024-03-15"}};
    sl_cdp_plan_t plan;

    in_zone("UTC");
    plan_for(&plan, p, rows, COUNT_OF(rows), dates, COUNT_OF(dates));
    is_int(plan.requests->nelts, 1, "C10 one request");
    ok(holds(request_at(&plan, 0)->query, "%7C85354-9") &&
           holds(request_at(&plan, 0)->query, "%7C55284-4") &&
           holds(request_at(&plan, 0)->query, "%7C8480-6") &&
           holds(request_at(&plan, 0)->query, "%7C59408-5"),
       "C10 panels are asked for their components");
    ok(!holds(request_at(&plan, 0)->query, "%7C8462-4"), "C10 diastolic is not, unwanted");
}

static void test_as_sent(apr_pool_t *p)
{
    static const row_t rows[] = {{"2951-2", "", "na", "visit", 0}};
    sl_cdp_date_t date = {"", 0, "visit", "2024-03-15"};
    sl_cdp_plan_ask_t ask = {.patient = NULL, .today = {0, SL_CDP_DATE}};
    apr_array_header_t *dates = apr_array_make(p, 1, sizeof(sl_cdp_date_t));
    sl_cdp_plan_t plan;

    APR_ARRAY_PUSH(dates, sl_cdp_date_t) = date;
    ask.dates = dates;
    ask.mapping = mapping_of(p, rows, 1, false);
    sl_cdp_plan(&plan, &ask, p);
    ok(plan.requests->nelts == 1 && request_at(&plan, 0)->query == NULL &&
           request_at(&plan, 0)->fallback == NULL,
       "C5 without a patient there is no query, only wants");
    ask.patient = "omar";
    sl_cdp_plan(&plan, &ask, p);
    ok(holds(request_at(&plan, 0)->query,
             "&date=ge2024-03-13T00:00:00%2B00:00&date=le2024-03-17T23:59:59%2B00:00"),
       "W8 where times count as sent, a day more is asked on both sides");
    ok(APR_ARRAY_IDX(request_at(&plan, 0)->wants, 0, sl_cdp_want_t).window.from.seconds ==
           1710374400,
       "W5 the window stays what it was");
}

static void test_chunks(apr_pool_t *p)
{
    row_t rows[121];
    int count = 0, size;
    const sl_cdp_source_t *table = sl_cdp_catalogue(&size);
    sl_cdp_date_t date = {"", 0, "visit", "2024-03-15"};
    sl_cdp_plan_t plan;
    int codes = 0;

    for (int i = 0; i < size && count < COUNT_OF(rows); i++) {
        if (table[i].kind == SL_CDP_KIND_OBSERVATION) {
            rows[count++] = (row_t){table[i].name, "", table[i].name, "visit", 0};
        }
    }
    plan_for(&plan, p, rows, count, &date, 1);
    is_int(plan.requests->nelts, (count + 2 + 49) / 50, "W9 50 codes a request");
    for (int i = 0; i < plan.requests->nelts; i++) {
        const char *query = request_at(&plan, i)->query;
        int here = 0;

        ok(strlen(query) < 2000, "W9 a URL of %d bytes", (int)strlen(query));
        for (const char *at = query; (at = strstr(at, "loinc.org")) != NULL; at++) {
            here++;
        }
        ok(here <= 50, "W9 %d codes", here);
        codes += here;
        is_int(request_at(&plan, i)->wants->nelts, count, "W9 each knows all wants of its days");
    }
    is_int(codes, count + 2, "W9 every code is asked once, and the two panels");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_patient(p);
    test_one_time(p);
    test_observations(p);
    test_distant(p);
    test_panels(p);
    test_as_sent(p);
    test_chunks(p);
    rule_release(p);
    return tap_done();
}
