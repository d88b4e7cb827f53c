/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sl_ctl_table.h"

#include <apr_strings.h>
#include <stdio.h>
#include <string.h>

#define MAX_COLUMNS 32

const char *sl_ctl_stamp(apr_pool_t *p, apr_time_t at)
{
    apr_time_exp_t t;

    if (at == 0) {
        return "";
    }
    (void)apr_time_exp_gmt(&t, at);
    return apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02dZ", t.tm_year + 1900, t.tm_mon + 1,
                        t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec);
}

const char *sl_ctl_plain(apr_pool_t *p, const char *text)
{
    char *copy = apr_pstrdup(p, text == NULL ? "" : text);
    unsigned char *at = (unsigned char *)copy;

    for (; *at != '\0'; at++) {
        if (*at < ' ' || *at == 0x7f) {
            *at = '?';
        } else if (*at == 0xc2 && at[1] >= 0x80 && at[1] <= 0x9f) {
            at[0] = at[1] = '?'; /* the other control characters, in UTF-8 */
        }
    }
    return copy;
}

void sl_ctl_print_json(const sl_ctl_t *ctl, const sl_json_t *value)
{
    (void)puts(sl_json_text(ctl->p, value));
}

static bool is_shown(const sl_ctl_t *ctl, const sl_ctl_column_t *column)
{
    return column->where == SL_CTL_BOTH || (column->where == SL_CTL_JSON_ONLY && ctl->json) ||
           (column->where == SL_CTL_PATIENT && ctl->patients);
}

static const char *cell(const sl_rows_t *rows, int row, const sl_ctl_column_t *column,
                        apr_pool_t *p)
{
    switch (column->kind) {
    case SL_CTL_YES_NO:
        return sl_rows_bool(rows, row, column->name) ? "yes" : "no";
    case SL_CTL_TIME:
        return sl_ctl_stamp(p, sl_rows_time(rows, row, column->name));
    case SL_CTL_TEXT:
    case SL_CTL_NUMBER:
        break;
    }
    return sl_ctl_plain(p, sl_rows_text(rows, row, column->name));
}

static void put_cell(sl_json_t *object, const sl_rows_t *rows, int row,
                     const sl_ctl_column_t *column, apr_pool_t *p)
{
    const char *text = sl_rows_text(rows, row, column->name);

    if (text == NULL) {
        sl_json_put_str(object, column->name, NULL);
        return;
    }
    switch (column->kind) {
    case SL_CTL_NUMBER:
        sl_json_put_int(object, column->name, sl_rows_int(rows, row, column->name, 0));
        break;
    case SL_CTL_YES_NO:
        sl_json_put_bool(object, column->name, sl_rows_bool(rows, row, column->name));
        break;
    case SL_CTL_TIME:
        sl_json_put_str(object, column->name,
                        sl_ctl_stamp(p, sl_rows_time(rows, row, column->name)));
        break;
    case SL_CTL_TEXT:
        sl_json_put_str(object, column->name, text);
        break;
    }
}

static void print_array(const sl_ctl_t *ctl, const sl_rows_t *rows, int count,
                        const sl_ctl_column_t *columns)
{
    sl_json_t *array = sl_json_array(ctl->p);

    for (int row = 0; row < count; row++) {
        sl_json_t *object = sl_json_object(ctl->p);

        for (int i = 0; columns[i].name != NULL; i++) {
            if (is_shown(ctl, &columns[i])) {
                put_cell(object, rows, row, &columns[i], ctl->p);
            }
        }
        sl_json_push(array, object);
    }
    sl_ctl_print_json(ctl, array);
}

/** Characters, not bytes, so that names with umlauts stand in line. */
static int width_of(const char *text)
{
    int width = 0;

    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
    return width;
}

/** The last column is not filled up. */
static void print_cell(const char *text, int width, bool is_last)
{
    (void)fputs(text, stdout);
    if (is_last) {
        (void)putchar('\n');
    } else {
        (void)printf("%*s", width - width_of(text) + 2, "");
    }
}

static void print_table(const sl_ctl_t *ctl, const sl_rows_t *rows, int count,
                        const sl_ctl_column_t *columns)
{
    const sl_ctl_column_t *shown[MAX_COLUMNS];
    int widths[MAX_COLUMNS];
    int n = 0;

    for (int i = 0; columns[i].name != NULL && n < MAX_COLUMNS; i++) {
        if (!is_shown(ctl, &columns[i])) {
            continue;
        }
        shown[n] = &columns[i];
        widths[n] = width_of(columns[i].head);
        for (int row = 0; row < count; row++) {
            int width = width_of(cell(rows, row, &columns[i], ctl->p));

            widths[n] = width > widths[n] ? width : widths[n];
        }
        n++;
    }
    for (int i = 0; i < n; i++) {
        print_cell(shown[i]->head, widths[i], i + 1 == n);
    }
    for (int row = 0; row < count; row++) {
        for (int i = 0; i < n; i++) {
            print_cell(cell(rows, row, shown[i], ctl->p), widths[i], i + 1 == n);
        }
    }
}

void sl_ctl_print_rows(const sl_ctl_t *ctl, const sl_rows_t *rows, const sl_ctl_column_t *columns)
{
    int count = sl_rows_count(rows);
    bool more = count > ctl->limit;

    count = more ? ctl->limit : count;
    if (ctl->json) {
        print_array(ctl, rows, count, columns);
    } else if (count == 0) {
        (void)puts("none");
    } else {
        print_table(ctl, rows, count, columns);
    }
    if (more) {
        (void)fprintf(stderr, "smartlaunchctl: there are more than %d: say --limit\n", ctl->limit);
    }
}

int sl_ctl_list(sl_ctl_t *ctl, sl_ctl_read_t *read, const sl_ctl_column_t *columns)
{
    const sl_admin_filter_t filter = {ctl->app,      ctl->ehr, ctl->user,
                                      ctl->ehr_user, ctl->all, ctl->limit + 1};
    sl_rows_t *rows = NULL;
    sl_db_t *db = NULL;
    sl_err_t err = {0};

    if (sl_ctl_open(&db, ctl, &err) != SL_OK || read(&rows, db, &filter, ctl->p, &err) != SL_OK) {
        return sl_ctl_missing(&err);
    }
    sl_ctl_print_rows(ctl, rows, columns);
    return SL_CTL_OK;
}
