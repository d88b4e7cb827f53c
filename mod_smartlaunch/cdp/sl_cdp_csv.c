/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_csv.h"

#include "base/sl_text.h"
#include <apr_strings.h>
#include <string.h>

#define BOM "\xef\xbb\xbf"

typedef struct {
    sl_cdp_csv_t *out;
    const char *at, *end;
    char separator;
    apr_pool_t *p;
} reader_t;

/* What separates the first row's cells. */
static char find_separator(const char *text)
{
    apr_size_t len = strcspn(text, "\r\n");

    if (memchr(text, ',', len) != NULL) {
        return ',';
    }
    if (memchr(text, ';', len) != NULL) {
        return ';';
    }
    return memchr(text, '\t', len) != NULL ? '\t' : ',';
}

static sl_rc_t refuse(sl_cdp_csv_t *out, int row, const char *reason)
{
    out->bad_row = row;
    out->reason = reason;
    return SL_INVALID;
}

static bool is_cell_end(const reader_t *reader, const char *at)
{
    return at == reader->end || *at == reader->separator || *at == '\r' || *at == '\n';
}

/* The mark that ends a quoted cell; NULL: there is none. Two of them are one of the text. */
static const char *find_mark(const reader_t *reader)
{
    for (const char *at = reader->at; at < reader->end; at++) {
        if (*at == '"') {
            if (at + 1 == reader->end || at[1] != '"') {
                return at;
            }
            at++;
        }
    }
    return NULL;
}

/* "a ""b""" behind its first mark. NULL: it does not end, or goes on behind its end. */
static const char *read_quoted(reader_t *reader)
{
    const char *mark = find_mark(reader);
    char *cell, *to;

    if (mark == NULL || !is_cell_end(reader, mark + 1)) {
        return NULL;
    }
    cell = to = apr_palloc(reader->p, (apr_size_t)(mark - reader->at) + 1);
    for (; reader->at < mark; reader->at++) {
        reader->at += *reader->at == '"';
        *to++ = *reader->at;
    }
    *to = '\0';
    reader->at++;
    return cell;
}

static const char *read_bare(reader_t *reader)
{
    const char *from = reader->at;

    while (!is_cell_end(reader, reader->at)) {
        if (*reader->at == '"') {
            return NULL;
        }
        reader->at++;
    }
    return apr_pstrmemdup(reader->p, from, (apr_size_t)(reader->at - from));
}

static sl_rc_t read_row(reader_t *reader)
{
    apr_array_header_t *cells = apr_array_make(reader->p, 8, sizeof(const char *));

    APR_ARRAY_PUSH(reader->out->rows, apr_array_header_t *) = cells;
    while (true) {
        bool is_quoted = reader->at < reader->end && *reader->at == '"';
        const char *cell;

        reader->at += is_quoted;
        cell = is_quoted ? read_quoted(reader) : read_bare(reader);
        if (cell == NULL) {
            return refuse(reader->out, reader->out->rows->nelts,
                          "The quotation marks of this row do not match: a cell with one in it "
                          "stands in quotation marks, and has it twice.");
        }
        APR_ARRAY_PUSH(cells, const char *) = cell;
        if (reader->at == reader->end || *reader->at != reader->separator) {
            break;
        }
        reader->at++;
    }
    if (reader->at < reader->end) {
        bool is_cr = *reader->at++ == '\r';

        reader->at += is_cr && reader->at < reader->end && *reader->at == '\n';
    }
    return SL_OK;
}

sl_rc_t sl_cdp_csv_parse(sl_cdp_csv_t *out, const char *text, apr_size_t len, apr_pool_t *p)
{
    reader_t reader = {.out = out, .p = p};
    sl_rc_t rc = SL_OK;

    out->rows = apr_array_make(p, 16, sizeof(apr_array_header_t *));
    out->bad_row = 0;
    out->reason = NULL;
    if (!sl_text_is_utf8(text, len)) {
        return refuse(out, 0, "This is no UTF-8 text: save it as \"CSV UTF-8\".");
    }
    text = apr_pstrmemdup(p, text, len); /* ends with a NUL, which it has nowhere else */
    reader.at = text + (sl_text_has_prefix(text, BOM) ? strlen(BOM) : 0);
    reader.end = text + len;
    reader.separator = find_separator(reader.at);
    while (rc == SL_OK && reader.at < reader.end) {
        rc = read_row(&reader);
    }
    return rc;
}

/* Blanks at the ends are quoted, too, since some readers drop them. */
static bool wants_quotes(const char *cell)
{
    apr_size_t len = strlen(cell);

    return strpbrk(cell, ",;\t\"\r\n") != NULL ||
           (len > 0 && (cell[0] == ' ' || cell[len - 1] == ' '));
}

static const char *quoted(apr_pool_t *p, const char *cell)
{
    char *text = apr_palloc(p, 2 * strlen(cell) + 3);
    char *to = text;

    *to++ = '"';
    for (; *cell != '\0'; cell++) {
        if (*cell == '"') {
            *to++ = '"';
        }
        *to++ = *cell;
    }
    *to++ = '"';
    *to = '\0';
    return text;
}

const char *sl_cdp_csv_row(apr_pool_t *p, const char *const *cells, int count)
{
    apr_array_header_t *parts = apr_array_make(p, 2 * count, sizeof(const char *));

    for (int i = 0; i < count; i++) {
        APR_ARRAY_PUSH(parts, const char *) = i == 0 ? "" : ",";
        APR_ARRAY_PUSH(parts, const char *) =
            wants_quotes(cells[i]) ? quoted(p, cells[i]) : cells[i];
    }
    return apr_pstrcat(p, apr_array_pstrcat(p, parts, '\0'), "\r\n", NULL);
}
