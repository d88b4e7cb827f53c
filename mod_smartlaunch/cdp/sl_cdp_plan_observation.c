/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_plan_observation.h"

#include "base/sl_text.h"
#include "cdp/sl_cdp_clock.h"
#include <apr_strings.h>
#include <stdlib.h>
#include <string.h>

/* Pages of a hundred: some servers send ten where nothing is said. `|` is not for URLs, while `:`,
   `/` and `,` may stay, which halves the length. */
#define PAGE "&_count=100"
#define SYSTEM "http://loinc.org%7C"

/* A code and the days in which it is wanted. */
typedef struct {
    const char *code;
    apr_int64_t from, to; /* wall clock, first and last second */
} span_t;

typedef struct {
    const char *patient;
    apr_int64_t wider; /* seconds on both sides */
} asking_t;

const char *const *sl_cdp_plan_panels(const char *code)
{
    static const char *const pressure[] = {"85354-9", "55284-4", NULL};
    static const char *const oxygen[] = {"59408-5", "2708-6", NULL};
    static const struct {
        const char *code;
        const char *const *panels;
    } parts[] = {
        {"8480-6", pressure}, {"8462-4", pressure}, {"3150-0", oxygen}, {"3151-8", oxygen}};

    for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
        if (strcmp(parts[i].code, code) == 0) {
            return parts[i].panels;
        }
    }
    return NULL;
}

/* The codes that are asked for a want: its own, and those they may come under. */
static apr_array_header_t *codes_of(const sl_cdp_want_t *want, apr_pool_t *p)
{
    const apr_array_header_t *own = sl_cdp_catalogue_codes(want->source.name, p);
    apr_array_header_t *codes = apr_array_copy(p, own);

    for (int i = 0; i < own->nelts; i++) {
        const char *const *panel = sl_cdp_plan_panels(APR_ARRAY_IDX(own, i, const char *));

        for (; panel != NULL && *panel != NULL; panel++) {
            APR_ARRAY_PUSH(codes, const char *) = *panel;
        }
    }
    return codes;
}

static apr_int64_t day_start(apr_int64_t seconds)
{
    apr_int64_t rest = seconds % SL_CDP_CLOCK_DAY;

    return seconds - (rest < 0 ? rest + SL_CDP_CLOCK_DAY : rest);
}

static int by_code(const void *a, const void *b)
{
    const span_t *left = a, *right = b;
    int order = strcmp(left->code, right->code);

    return order != 0 ? order : (left->from > right->from) - (left->from < right->from);
}

static int by_days(const void *a, const void *b)
{
    const span_t *left = a, *right = b;

    if (left->from != right->from) {
        return left->from < right->from ? -1 : 1;
    }
    if (left->to != right->to) {
        return left->to < right->to ? -1 : 1;
    }
    return strcmp(left->code, right->code);
}

static void sort(apr_array_header_t *spans, int (*order)(const void *, const void *))
{
    if (spans->nelts > 1) {
        qsort(spans->elts, (size_t)spans->nelts, sizeof(span_t), order);
    }
}

static apr_array_header_t *spans_of(const apr_array_header_t *wants, const asking_t *asking,
                                    apr_pool_t *p)
{
    apr_array_header_t *spans = apr_array_make(p, wants->nelts * 2 + 1, sizeof(span_t));

    for (int i = 0; i < wants->nelts; i++) {
        const sl_cdp_want_t *want = &APR_ARRAY_IDX(wants, i, sl_cdp_want_t);
        const apr_array_header_t *codes = codes_of(want, p);

        for (int j = 0; j < codes->nelts; j++) {
            span_t *span = &APR_ARRAY_PUSH(spans, span_t);

            span->code = APR_ARRAY_IDX(codes, j, const char *);
            span->from = day_start(want->window.from.seconds) - asking->wider;
            span->to = day_start(want->window.to.seconds) + SL_CDP_CLOCK_DAY - 1 + asking->wider;
        }
    }
    return spans;
}

/* Windows of one code that touch become one. */
static apr_array_header_t *merge(apr_array_header_t *spans, apr_pool_t *p)
{
    apr_array_header_t *merged = apr_array_make(p, spans->nelts + 1, sizeof(span_t));
    span_t *last = NULL;

    sort(spans, by_code);
    for (int i = 0; i < spans->nelts; i++) {
        const span_t *span = &APR_ARRAY_IDX(spans, i, span_t);

        if (last != NULL && strcmp(last->code, span->code) == 0 && span->from <= last->to + 1) {
            last->to = span->to > last->to ? span->to : last->to;
        } else {
            last = &APR_ARRAY_PUSH(merged, span_t);
            *last = *span;
        }
    }
    sort(merged, by_days);
    return merged;
}

/* Does an answer to these `count` spans (of the same days) serve the want? */
static bool serves(const span_t *spans, int count, const sl_cdp_want_t *want, apr_pool_t *tmp)
{
    const apr_array_header_t *codes = codes_of(want, tmp);

    if (want->window.from.seconds > spans->to || want->window.to.seconds < spans->from) {
        return false;
    }
    for (int i = 0; i < codes->nelts; i++) {
        for (int j = 0; j < count; j++) {
            if (strcmp(spans[j].code, APR_ARRAY_IDX(codes, i, const char *)) == 0) {
                return true;
            }
        }
    }
    return false;
}

static const char *codes_param(const span_t *spans, int count, apr_pool_t *p)
{
    apr_array_header_t *codes = apr_array_make(p, count, sizeof(const char *));

    for (int i = 0; i < count; i++) {
        APR_ARRAY_PUSH(codes, const char *) = apr_pstrcat(p, SYSTEM, spans[i].code, NULL);
    }
    return apr_array_pstrcat(p, codes, ',');
}

/* A bound as a parameter; the `+` of its zone would be read as a blank. */
static const char *date_param(const char *comparator, apr_int64_t seconds, apr_pool_t *p)
{
    const char *bound = sl_cdp_when_bound(p, comparator, (sl_cdp_when_t){seconds, SL_CDP_DATETIME});
    const char *plus = strchr(bound, '+');

    if (plus == NULL) {
        return bound;
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, bound, (apr_size_t)(plus - bound)), "%2B", plus + 1,
                       NULL);
}

static void fill(sl_cdp_request_t *out, const span_t *spans, int count, const asking_t *asking,
                 apr_pool_t *p)
{
    const char *search = apr_pstrcat(p, "Observation?patient=", sl_text_percent(p, asking->patient),
                                     "&code=", codes_param(spans, count, p), NULL);

    memset(out, 0, sizeof(*out));
    out->category = SL_CDP_OBSERVATIONS;
    out->label = "laboratory results and vital signs";
    out->type = "Observation";
    out->query = apr_pstrcat(p, search, "&date=", date_param("ge", spans->from, p),
                             "&date=", date_param("le", spans->to, p), PAGE, NULL);
    out->fallback = search;
}

/* Spans of the same days are one search, in chunks; each knows all the wants of those days, since
   a result may carry a code of another chunk as well. */
static void push_requests(apr_array_header_t *requests, const span_t *spans, int count,
                          const apr_array_header_t *wants, const asking_t *asking)
{
    apr_pool_t *p = requests->pool;
    apr_array_header_t *served = apr_array_make(p, wants->nelts, sizeof(sl_cdp_want_t));
    apr_pool_t *tmp;

    apr_pool_create(&tmp, p);
    for (int i = 0; i < wants->nelts; i++) {
        const sl_cdp_want_t *want = &APR_ARRAY_IDX(wants, i, sl_cdp_want_t);

        if (serves(spans, count, want, tmp)) {
            APR_ARRAY_PUSH(served, sl_cdp_want_t) = *want;
        }
        apr_pool_clear(tmp);
    }
    apr_pool_destroy(tmp);
    for (int at = 0; at < count; at += SL_CDP_PLAN_CODES) {
        sl_cdp_request_t *request = &APR_ARRAY_PUSH(requests, sl_cdp_request_t);
        int left = count - at;

        fill(request, spans + at, left < SL_CDP_PLAN_CODES ? left : SL_CDP_PLAN_CODES, asking, p);
        request->wants = served;
    }
}

void sl_cdp_plan_observations(apr_array_header_t *requests, const apr_array_header_t *wants,
                              const char *patient, bool convert_gmt, apr_pool_t *p)
{
    const asking_t asking = {patient, convert_gmt ? 0 : SL_CDP_CLOCK_DAY};
    const apr_array_header_t *merged = merge(spans_of(wants, &asking, p), p);
    const span_t *spans = (const span_t *)merged->elts;

    for (int at = 0, end; at < merged->nelts; at = end) {
        for (end = at + 1; end < merged->nelts && spans[end].from == spans[at].from &&
                           spans[end].to == spans[at].to;
             end++) {
        }
        push_requests(requests, spans + at, end - at, wants, &asking);
    }
}
