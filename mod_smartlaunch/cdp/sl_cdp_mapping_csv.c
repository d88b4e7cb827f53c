/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_mapping.h"

#include "cdp/sl_cdp_csv.h"
#include "cdp/sl_cdp_mapping_judge.h"
#include "cdp/sl_cdp_trim.h"
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define MAX_BYTES (1024 * 1024)

/* REDCap's columns, in its order, then ours. */
typedef enum {
    SOURCE,
    IS_IDENTIFIER,
    FIELD,
    TEMPORAL,
    PRESELECT,
    EVENT,
    DAYS,
    DIRECTION,
    UNIT
} column_t;
#define REDCAP_COLUMNS (EVENT + 1)
#define COLUMNS (UNIT + 1)
#define MUST_COLUMNS (FIELD + 1)
static const char *const names[COLUMNS] = {"external_source_field_name",
                                           "is_record_identifier",
                                           "field_name",
                                           "temporal_field",
                                           "preselect",
                                           "event_name",
                                           "day_offset",
                                           "direction",
                                           "unit"};

/* The CSV that is read, and what becomes of it. */
typedef struct {
    apr_array_header_t *faults;
    const sl_cdp_mapping_rules_t *rules;
    int places[COLUMNS]; /* of the columns, -1: not there */
    int width;
    sl_cdp_mapping_t *out;
    apr_array_header_t *fields; /* of sl_cdp_map_t */
    apr_array_header_t *rows;   /* of int: where they stand */
    int identifier;             /* where that stands; 0: nowhere yet */
    apr_pool_t *p;
} reader_t;

static int column_of(const char *name)
{
    for (int i = 0; i < COLUMNS; i++) {
        if (strcasecmp(names[i], name) == 0) {
            return i;
        }
    }
    return -1;
}

static void read_header(reader_t *reader, const apr_array_header_t *cells)
{
    for (int i = 0; i < COLUMNS; i++) {
        reader->places[i] = -1;
    }
    reader->width = cells->nelts;
    for (int i = 0; i < cells->nelts; i++) {
        const char *cell = APR_ARRAY_IDX(cells, i, const char *);
        const char *name = sl_cdp_trim(reader->p, cell, strlen(cell));
        int column = column_of(name);

        if (column < 0) {
            sl_cdp_fault_add(reader->faults, 1, name, "There is no column of this name.");
        } else if (reader->places[column] >= 0) {
            sl_cdp_fault_add(reader->faults, 1, name, "This column is there twice.");
        } else {
            reader->places[column] = i;
        }
    }
    for (int i = 0; i < MUST_COLUMNS; i++) {
        if (reader->places[i] < 0) {
            sl_cdp_fault_add(reader->faults, 1, names[i], "This column is missing.");
        }
    }
}

/* A cell without blanks around; "": empty, or no such column. */
static const char *cell_of(const reader_t *reader, const apr_array_header_t *cells, column_t column)
{
    int place = reader->places[column];
    const char *cell =
        place < 0 || place >= cells->nelts ? "" : APR_ARRAY_IDX(cells, place, const char *);

    return sl_cdp_trim(reader->p, cell, strlen(cell));
}

static const char *cell_or_null(const reader_t *reader, const apr_array_header_t *cells,
                                column_t column)
{
    const char *cell = cell_of(reader, cells, column);

    return cell[0] == '\0' ? NULL : cell;
}

static void read_offset(const reader_t *reader, sl_cdp_offset_t *out,
                        const apr_array_header_t *cells, int row)
{
    const char *days = cell_or_null(reader, cells, DAYS);
    const char *direction = cell_or_null(reader, cells, DIRECTION);

    if (days != NULL && sl_cdp_days_parse(&out->centidays, days) != SL_OK) {
        sl_cdp_fault_add(reader->faults, row, days,
                         "The days have to be a number of 0.01 to 365, with two decimals at most.");
    }
    if (direction == NULL) {
        return;
    }
    if (days == NULL) {
        sl_cdp_fault_add(reader->faults, row, direction, "A direction needs days.");
    } else if (sl_cdp_direction_parse(&out->direction, direction) != SL_OK) {
        sl_cdp_fault_add(reader->faults, row, direction,
                         "The direction is +- (around the date), + (after it) or - (before it).");
    }
}

static void read_map(const reader_t *reader, sl_cdp_map_t *map, const apr_array_header_t *cells,
                     int row)
{
    const char *preselect = cell_of(reader, cells, PRESELECT);

    map->source = cell_of(reader, cells, SOURCE);
    map->event = cell_of(reader, cells, EVENT);
    map->field = cell_of(reader, cells, FIELD);
    map->temporal_field = cell_or_null(reader, cells, TEMPORAL);
    map->unit = cell_or_null(reader, cells, UNIT);
    read_offset(reader, &map->offset, cells, row);
    if (sl_cdp_pick_parse(&map->pick, preselect) != SL_OK) {
        sl_cdp_fault_add(reader->faults, row, preselect,
                         "preselect is MIN, MAX, FIRST, LAST, NEAR or empty.");
    }
    sl_cdp_map_settle(map, reader->rules, reader->p);
}

static void read_identifier(reader_t *reader, const apr_array_header_t *cells, int row)
{
    if (reader->identifier != 0) {
        sl_cdp_fault_add(reader->faults, row, cell_of(reader, cells, SOURCE),
                         "Row %d is the identifier already; there is only one.",
                         reader->identifier);
        return;
    }
    reader->identifier = row;
    read_map(reader, &reader->out->identifier, cells, row);
}

static bool is_blank(const apr_array_header_t *cells)
{
    for (int i = 0; i < cells->nelts; i++) {
        const char *cell = APR_ARRAY_IDX(cells, i, const char *);

        if (cell[strspn(cell, " \t\r\n")] != '\0') {
            return false;
        }
    }
    return true;
}

static void read_row(reader_t *reader, const apr_array_header_t *cells, int row)
{
    const char *flag = cell_of(reader, cells, IS_IDENTIFIER);

    if (cells->nelts > reader->width) {
        sl_cdp_fault_add(reader->faults, row, cell_of(reader, cells, SOURCE),
                         "This row has %d cells, and the table has %d columns.", cells->nelts,
                         reader->width);
        return;
    }
    if (strcmp(flag, "1") == 0) {
        read_identifier(reader, cells, row);
        return;
    }
    if (flag[0] != '\0' && strcmp(flag, "0") != 0) {
        sl_cdp_fault_add(reader->faults, row, flag,
                         "is_record_identifier is 1 for the medical record number, else empty.");
    }
    read_map(reader, apr_array_push(reader->fields), cells, row);
    APR_ARRAY_PUSH(reader->rows, int) = row;
}

static void read_rows(reader_t *reader, const apr_array_header_t *rows)
{
    for (int i = 1; i < rows->nelts; i++) {
        const apr_array_header_t *cells = APR_ARRAY_IDX(rows, i, apr_array_header_t *);

        if (reader->fields->nelts > SL_CDP_MAX_FIELDS) {
            return; /* which is a fault of the whole */
        }
        if (!is_blank(cells)) {
            read_row(reader, cells, i + 1);
        }
    }
}

/* What a CSV does not tell stays. */
static void keep_rest(sl_cdp_mapping_t *out, const sl_cdp_mapping_t *was, const reader_t *reader)
{
    memset(out, 0, sizeof(*out));
    out->project =
        reader->rules->project == NULL && was != NULL ? was->project : reader->rules->project;
    out->ehr = was == NULL ? NULL : was->ehr;
    out->offset = was == NULL ? sl_cdp_offset_default() : was->offset;
    out->convert_gmt = was != NULL && was->convert_gmt;
    out->adjudication = was == NULL ? SL_CDP_MANUAL : was->adjudication;
    out->preview = was == NULL ? apr_array_make(reader->p, 1, sizeof(const char *)) : was->preview;
    out->identifier.source = out->identifier.event = out->identifier.field = "";
    out->fields = reader->fields;
}

static sl_rc_t read_table(apr_array_header_t **rows, apr_array_header_t *faults, const char *text,
                          apr_size_t len, apr_pool_t *p)
{
    sl_cdp_csv_t csv;

    if (len > MAX_BYTES) {
        sl_cdp_fault_add(faults, 0, NULL, "This is longer than 1 MiB.");
        return SL_INVALID;
    }
    if (sl_cdp_csv_parse(&csv, text, len, p) != SL_OK) {
        sl_cdp_fault_add(faults, csv.bad_row, NULL, "%s", csv.reason);
        return SL_INVALID;
    }
    *rows = csv.rows;
    if (csv.rows->nelts == 0) {
        sl_cdp_fault_add(faults, 0, NULL, "There is nothing in it, not even the names of columns.");
        return SL_INVALID;
    }
    return SL_OK;
}

sl_rc_t sl_cdp_mapping_from_csv(sl_cdp_mapping_t *out, apr_array_header_t **faults,
                                const char *text, apr_size_t len, const sl_cdp_mapping_t *was,
                                const sl_cdp_mapping_rules_t *rules, apr_pool_t *p)
{
    reader_t reader = {.faults = sl_cdp_faults_new(p), .rules = rules, .out = out, .p = p};
    apr_array_header_t *table;
    sl_cdp_rows_t rows;

    *faults = reader.faults;
    reader.fields = apr_array_make(p, 16, sizeof(sl_cdp_map_t));
    reader.rows = apr_array_make(p, 16, sizeof(int));
    keep_rest(out, was, &reader);
    if (read_table(&table, *faults, text, len, p) != SL_OK) {
        return SL_INVALID;
    }
    read_header(&reader, APR_ARRAY_IDX(table, 0, apr_array_header_t *));
    if (sl_cdp_faults_end(*faults) != SL_OK) {
        return SL_INVALID; /* no row can be understood */
    }
    read_rows(&reader, table);
    rows = (sl_cdp_rows_t){reader.rows, reader.identifier};
    sl_cdp_mapping_judge(*faults, out, &rows, rules);
    return sl_cdp_faults_end(*faults);
}

/* Our own columns are written only where they say something: REDCap does not know them. */
static int columns_of(const sl_cdp_mapping_t *mapping)
{
    for (int i = 0; i < mapping->fields->nelts; i++) {
        const sl_cdp_map_t *map = &APR_ARRAY_IDX(mapping->fields, i, sl_cdp_map_t);

        if (map->offset.centidays != 0 || map->unit != NULL) {
            return COLUMNS;
        }
    }
    return REDCAP_COLUMNS;
}

static const char *map_row(apr_pool_t *p, const sl_cdp_map_t *map, bool is_identifier, int columns)
{
    bool has_offset = map->offset.centidays != 0;
    const char *cells[COLUMNS] = {
        [SOURCE] = map->source,
        [IS_IDENTIFIER] = is_identifier ? "1" : "",
        [FIELD] = map->field,
        [TEMPORAL] = map->temporal_field == NULL ? "" : map->temporal_field,
        [PRESELECT] = sl_cdp_pick_word(map->pick),
        [EVENT] = map->event,
        [DAYS] = has_offset ? sl_cdp_days_text(p, map->offset.centidays) : "",
        [DIRECTION] = has_offset ? sl_cdp_direction_word(map->offset.direction) : "",
        [UNIT] = map->unit == NULL ? "" : map->unit,
    };

    return sl_cdp_csv_row(p, cells, columns);
}

const char *sl_cdp_mapping_csv(const sl_cdp_mapping_t *mapping, apr_pool_t *p)
{
    apr_array_header_t *rows = apr_array_make(p, mapping->fields->nelts + 2, sizeof(const char *));
    int columns = columns_of(mapping);

    APR_ARRAY_PUSH(rows, const char *) = sl_cdp_csv_row(p, names, columns);
    APR_ARRAY_PUSH(rows, const char *) = map_row(p, &mapping->identifier, true, columns);
    for (int i = 0; i < mapping->fields->nelts; i++) {
        APR_ARRAY_PUSH(rows, const char *) =
            map_row(p, &APR_ARRAY_IDX(mapping->fields, i, sl_cdp_map_t), false, columns);
    }
    return apr_array_pstrcat(p, rows, '\0');
}
