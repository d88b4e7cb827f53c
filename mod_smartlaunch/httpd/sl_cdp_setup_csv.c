/* SPDX-License-Identifier: Apache-2.0 */
/* The mapping as CSV, out and in. */
#include "cdp/sl_cdp_multipart.h"
#include "httpd/sl_cdp_setup_part.h"

#include "base/sl_text.h"

#include <apr_strings.h>
#include <string.h>

#define MAX_CSV (1024 * 1024)
#define MAX_BODY (2 * MAX_CSV + 16384) /* a file and a text, with what is around them */

void sl_cdp_setup_put_csv(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state, const char *text)
{
    sl_cdp_html_put(html, "<h2 id=\"csv\">As a table (CSV)</h2>");
    if (state->revision > 0) {
        sl_cdp_html_put(html, "<p><a class=\"button\" href=\"%s\">Export the mapping</a></p>",
                        sl_cdp_setup_href(state, "mapping.csv", NULL));
    }
    if (text != NULL || state->revision == 0) {
        sl_cdp_html_put(html, "<details open>");
    } else {
        sl_cdp_html_put(html, "<details>");
    }
    sl_cdp_html_put(html, "<summary>Import a mapping</summary><p>The columns are those of REDCap: "
                          "external_source_field_name, is_record_identifier, field_name, "
                          "temporal_field, preselect, event_name. All rows are replaced; if one "
                          "cannot be used, none is. The settings stay.</p>");
    sl_cdp_setup_form_file(html, state, "import");
    sl_cdp_html_put(html,
                    "<div class=\"fields top\"><label>A file <input type=\"file\" name=\"file\" "
                    "accept=\".csv,text/csv,text/plain\"></label></div>"
                    "<label>or its text <textarea name=\"text\" spellcheck=\"false\">\n%s"
                    "</textarea></label><p><button class=\"main\">Import</button></p></form>"
                    "</details>",
                    text);
}

/** Letters, digits, dots and dashes of the project's name, for a file's. */
static const char *file_name(const sl_cdp_setup_state_t *state)
{
    char *name = apr_pstrdup(state->r->pool, state->visit->project->name);

    for (char *c = name; *c != '\0'; c++) {
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-", *c) ==
            NULL) {
            *c = '_';
        }
    }
    return name;
}

int sl_cdp_setup_csv_export(sl_cdp_setup_state_t *state)
{
    request_rec *r = state->r;

    if (state->revision == 0) {
        return sl_cdp_visit_not_found(state->visit, r);
    }
    apr_table_setn(
        r->err_headers_out, "Content-Disposition",
        apr_pstrcat(r->pool, "attachment; filename=\"", file_name(state), "-mapping.csv\"", NULL));
    return state->visit->core->body(r, HTTP_OK, "text/csv; charset=utf-8",
                                    sl_cdp_mapping_csv(&state->mapping, r->pool));
}

static const char *text_of(const apr_array_header_t *parts, const char *name)
{
    const sl_cdp_part_t *part = sl_cdp_multipart_one(parts, name);

    return part != NULL ? part->body : NULL;
}

/** The parts of the form. DECLINED: it is one of ours; else it has been answered. */
static int read_form(apr_array_header_t **parts, const sl_cdp_setup_state_t *state)
{
    request_rec *r = state->r;
    const char *body;
    apr_size_t len;
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_visit_body(&body, &len, r, NULL, MAX_BODY, &err);

    if (rc == SL_OK) {
        rc = sl_cdp_multipart_parse(parts, apr_table_get(r->headers_in, "Content-Type"), body, len,
                                    r->pool, &err);
    }
    if (rc != SL_OK) {
        return state->visit->core->error(r, rc, &err);
    }
    return sl_cdp_setup_prove(state, "import", text_of(*parts, "token"),
                              text_of(*parts, "revision"));
}

/** What can be shown again. */
static const char *kept(const sl_cdp_part_t *csv)
{
    return sl_text_is_utf8(csv->body, csv->len) ? csv->body : "";
}

static int refuse_rows(const sl_cdp_setup_state_t *state, const sl_cdp_part_t *csv,
                       const apr_array_header_t *faults)
{
    const sl_cdp_setup_said_t wrong = {
        .status = HTTP_BAD_REQUEST,
        .text = "Nothing was imported: these rows cannot be used. Please mend them, here or in "
                "your file, and import again.",
        .is_trouble = true,
        .faults = faults,
        .csv = kept(csv),
    };

    return sl_cdp_setup_show(state, &wrong);
}

/** The file where there is one, else the text. */
static const sl_cdp_part_t *csv_of(const apr_array_header_t *parts)
{
    static const sl_cdp_part_t none = {"", "", 0};
    const sl_cdp_part_t *file = sl_cdp_multipart_one(parts, "file");
    const sl_cdp_part_t *text = sl_cdp_multipart_one(parts, "text");

    if (file != NULL && file->len > 0) {
        return file;
    }
    return text != NULL ? text : &none;
}

int sl_cdp_setup_csv_import(sl_cdp_setup_state_t *state)
{
    apr_array_header_t *parts = NULL;
    apr_array_header_t *faults;
    sl_cdp_mapping_t mapping;
    const sl_cdp_part_t *csv;
    int answer = read_form(&parts, state);

    if (answer != DECLINED) {
        return answer;
    }
    csv = csv_of(parts);
    if (sl_cdp_setup_is_old(state, text_of(parts, "revision"))) {
        return sl_cdp_setup_show_old(state, kept(csv));
    }
    if (sl_cdp_setup_is_away(state)) {
        return sl_cdp_setup_show_away(state);
    }
    if (sl_cdp_mapping_from_csv(&mapping, &faults, csv->body, csv->len, &state->mapping,
                                &state->rules, state->r->pool) != SL_OK) {
        return refuse_rows(state, csv, faults);
    }
    return sl_cdp_setup_keep(state, &mapping, "imported");
}
