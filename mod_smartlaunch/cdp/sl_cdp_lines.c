/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_lines.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <apr_tables.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const char *date, *text;
} line_t;

struct sl_cdp_lines {
    apr_pool_t *parent;
    apr_pool_t *p; /* of the lines at hand; a new one whenever the oldest go */
    sl_cdp_lines_bound_t bound;
    apr_array_header_t *lines; /* of line_t */
    apr_hash_t *known;         /* text of a line → it */
    const char *omitted;
    bool is_cut;
};

static void begin(sl_cdp_lines_t *lines)
{
    apr_pool_create(&lines->p, lines->parent);
    lines->lines = apr_array_make(lines->p, 16, sizeof(line_t));
    lines->known = apr_hash_make(lines->p);
}

sl_cdp_lines_t *sl_cdp_lines_new(const sl_cdp_lines_bound_t *bound, apr_pool_t *p)
{
    sl_cdp_lines_t *lines = apr_pcalloc(p, sizeof(*lines));

    lines->parent = p;
    lines->bound = *bound;
    begin(lines);
    return lines;
}

static int newest_first(const void *a, const void *b)
{
    const line_t *left = a, *right = b;
    int order = strcmp(right->date, left->date);

    return order != 0 ? order : strcmp(left->text, right->text);
}

static void sort(apr_array_header_t *lines)
{
    if (lines->nelts > 1) {
        qsort(lines->elts, (size_t)lines->nelts, sizeof(line_t), newest_first);
    }
}

static void push(sl_cdp_lines_t *lines, const char *date, const char *text)
{
    line_t line = {apr_pstrdup(lines->p, date), apr_pstrdup(lines->p, text)};

    APR_ARRAY_PUSH(lines->lines, line_t) = line;
    apr_hash_set(lines->known, line.text, APR_HASH_KEY_STRING, line.text);
}

/* The newest half goes on. What a later line pushes out could not have stayed in any order. */
static void prune(sl_cdp_lines_t *lines)
{
    apr_array_header_t *all = lines->lines;
    apr_pool_t *old = lines->p;

    sort(all);
    begin(lines);
    for (int i = 0; i < lines->bound.limit; i++) {
        const line_t *line = &APR_ARRAY_IDX(all, i, line_t);

        push(lines, line->date, line->text);
    }
    apr_pool_destroy(old);
    lines->is_cut = true;
}

void sl_cdp_lines_add(sl_cdp_lines_t *lines, const char *date, const char *text)
{
    if (apr_hash_get(lines->known, text, APR_HASH_KEY_STRING) != NULL) {
        return;
    }
    push(lines, date, text);
    if (lines->lines->nelts >= 2 * lines->bound.limit) {
        prune(lines);
    }
}

void sl_cdp_lines_omit(sl_cdp_lines_t *lines, const char *sentence)
{
    /* The first by the alphabet, whatever came first. */
    if (lines->omitted == NULL || strcmp(sentence, lines->omitted) < 0) {
        lines->omitted = apr_pstrdup(lines->parent, sentence);
    }
}

/* How many of the lines fit into the bound. */
static int fitting(const sl_cdp_lines_t *lines)
{
    apr_size_t len = 0;
    int n = 0;

    for (; n < lines->lines->nelts && n < lines->bound.limit; n++) {
        len += strlen(APR_ARRAY_IDX(lines->lines, n, line_t).text);
        len += n == 0 ? 0 : strlen(lines->bound.between);
        if (len > lines->bound.max) {
            break;
        }
    }
    return n;
}

const char *sl_cdp_lines_text(sl_cdp_lines_t *lines, const char **note, apr_pool_t *p)
{
    const line_t *line = (const line_t *)lines->lines->elts;
    int count;
    char *text, *to;
    apr_size_t size = 1;

    *note = lines->omitted;
    sort(lines->lines);
    count = fitting(lines);
    if (count < lines->lines->nelts || lines->is_cut) {
        *note = apr_psprintf(p, "only the newest %d are here; older ones are left out", count);
    }
    if (count == 0) {
        return NULL;
    }
    for (int i = 0; i < count; i++) {
        size += strlen(line[i].text) + strlen(lines->bound.between);
    }
    to = text = apr_palloc(p, size);
    for (int i = 0; i < count; i++) {
        to = apr_cpystrn(to, i == 0 ? "" : lines->bound.between, size - (apr_size_t)(to - text));
        to = apr_cpystrn(to, line[i].text, size - (apr_size_t)(to - text));
    }
    return text;
}
