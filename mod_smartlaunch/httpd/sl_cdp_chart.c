/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_chart.h"

#include "cdp/sl_cdp_decimal.h"
#include "httpd/sl_cdp_pages.h"

#include <apr_strings.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH 360
#define HEIGHT 72
#define LEFT 8
#define RIGHT 312
#define TOP 10
#define BOTTOM 52
#define ROOM 7 /* letters beside the drawing */

typedef struct {
    const sl_cdp_shown_t *shown;
    double value; /* for drawing only */
} dot_t;

typedef struct {
    apr_array_header_t *dots; /* of dot_t, by time */
    const dot_t *low, *high;
} chart_t;

static bool same_unit(const sl_cdp_shown_t *a, const sl_cdp_shown_t *b)
{
    return a->unit == NULL || b->unit == NULL ? a->unit == b->unit : strcmp(a->unit, b->unit) == 0;
}

/** False: values that cannot stand on one axis. */
static bool collect(chart_t *chart, const sl_cdp_target_t *target, apr_pool_t *p)
{
    chart->dots = apr_array_make(p, target->candidates->nelts, sizeof(dot_t));
    for (int i = 0; i < target->candidates->nelts; i++) {
        const sl_cdp_shown_t *shown = &APR_ARRAY_IDX(target->candidates, i, sl_cdp_shown_t);
        dot_t dot = {shown, 0};

        if (shown->state == SL_CDP_EXCLUDED) {
            continue;
        }
        if (shown->when.precision == SL_CDP_NO_TIME || shown->value == NULL ||
            !sl_cdp_is_decimal(shown->value)) {
            return false;
        }
        dot.value = strtod(shown->value, NULL);
        if (!isfinite(dot.value) ||
            (chart->dots->nelts > 0 &&
             !same_unit(shown, APR_ARRAY_IDX(chart->dots, 0, dot_t).shown))) {
            return false;
        }
        APR_ARRAY_PUSH(chart->dots, dot_t) = dot;
    }
    return true;
}

static void find_ends(chart_t *chart)
{
    for (int i = 0; i < chart->dots->nelts; i++) {
        const dot_t *dot = &APR_ARRAY_IDX(chart->dots, i, dot_t);

        if (chart->low == NULL || dot->value < chart->low->value) {
            chart->low = dot;
        }
        if (chart->high == NULL || dot->value > chart->high->value) {
            chart->high = dot;
        }
    }
}

static const dot_t *dot_at(const chart_t *chart, int i)
{
    return &APR_ARRAY_IDX(chart->dots, i, dot_t);
}

static int x_of(const chart_t *chart, const dot_t *dot)
{
    apr_int64_t from = dot_at(chart, 0)->shown->when.seconds;
    apr_int64_t to = dot_at(chart, chart->dots->nelts - 1)->shown->when.seconds;
    double part = (double)(dot->shown->when.seconds - from) / (double)(to - from);

    return LEFT + (int)(part * (RIGHT - LEFT) + 0.5);
}

static int y_of(const chart_t *chart, const dot_t *dot)
{
    double range = chart->high->value - chart->low->value;
    double part = range > 0 && isfinite(range) ? (dot->value - chart->low->value) / range : 0.5;

    return BOTTOM - (int)(part * (BOTTOM - TOP) + 0.5);
}

static void put_words(sl_cdp_html_t *html, const chart_t *chart, const char *label)
{
    const dot_t *first = dot_at(chart, 0);
    const dot_t *last = dot_at(chart, chart->dots->nelts - 1);
    const char *unit = first->shown->unit;

    sl_cdp_html_put(html, "%s: %d values from %s to %s, ", label, chart->dots->nelts,
                    sl_cdp_pages_when(first->shown->when, html->p),
                    sl_cdp_pages_when(last->shown->when, html->p));
    sl_cdp_html_put(html, "between %s and %s%s%s. All of them are listed below.",
                    chart->low->shown->value, chart->high->shown->value, unit != NULL ? " " : NULL,
                    unit);
}

/** What there is room for; the whole value is in the list. */
static const char *short_text(const char *value, apr_pool_t *p)
{
    return strlen(value) <= ROOM ? value
                                 : apr_pstrcat(p, apr_pstrndup(p, value, ROOM - 1), "…", NULL);
}

static void put_drawing(sl_cdp_html_t *html, const chart_t *chart)
{
    sl_cdp_html_put(html,
                    "<path class=\"axis\" d=\"M%d %dH%d\"/><polyline class=\"curve\" "
                    "points=\"",
                    LEFT, BOTTOM + 6, RIGHT);
    for (int i = 0; i < chart->dots->nelts; i++) {
        sl_cdp_html_put(html, "%d,%d ", x_of(chart, dot_at(chart, i)),
                        y_of(chart, dot_at(chart, i)));
    }
    sl_cdp_html_put(html, "\"/>");
    for (int i = 0; i < chart->dots->nelts; i++) {
        const dot_t *dot = dot_at(chart, i);

        sl_cdp_html_put(html, "<circle cx=\"%d\" cy=\"%d\" r=\"%d\" class=\"%s\"/>",
                        x_of(chart, dot), y_of(chart, dot), dot->shown->ticked ? 5 : 3,
                        dot->shown->ticked ? "dot ticked" : "dot");
    }
    sl_cdp_html_put(html, "<text x=\"%d\" y=\"%d\">%s</text>", RIGHT + 8,
                    y_of(chart, chart->high) + 4, short_text(chart->high->shown->value, html->p));
    if (chart->high->value > chart->low->value) {
        sl_cdp_html_put(html, "<text x=\"%d\" y=\"%d\">%s</text>", RIGHT + 8,
                        y_of(chart, chart->low) + 4, short_text(chart->low->shown->value, html->p));
    }
    sl_cdp_html_put(html, "<text x=\"%d\" y=\"%d\">%s</text>", LEFT, HEIGHT - 2,
                    sl_cdp_pages_when(dot_at(chart, 0)->shown->when, html->p));
    sl_cdp_html_put(html, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>", RIGHT,
                    HEIGHT - 2,
                    sl_cdp_pages_when(dot_at(chart, chart->dots->nelts - 1)->shown->when, html->p));
}

void sl_cdp_chart_put(sl_cdp_html_t *html, const sl_cdp_target_t *target, int n)
{
    chart_t chart = {NULL, NULL, NULL};

    if (!collect(&chart, target, html->p) || chart.dots->nelts < 2 ||
        dot_at(&chart, 0)->shown->when.seconds >=
            dot_at(&chart, chart.dots->nelts - 1)->shown->when.seconds) {
        return;
    }
    find_ends(&chart);
    sl_cdp_html_put(html,
                    "<svg class=\"chart\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" "
                    "role=\"img\" aria-labelledby=\"chart%d\"><title id=\"chart%d\">",
                    WIDTH, HEIGHT, WIDTH, HEIGHT, n, n);
    put_words(html, &chart, target->label);
    sl_cdp_html_put(html, "</title>");
    put_drawing(html, &chart);
    sl_cdp_html_put(html, "</svg>");
}
