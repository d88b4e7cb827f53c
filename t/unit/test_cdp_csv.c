/* SPDX-License-Identifier: Apache-2.0 */
/* C2: CSV as RFC 4180 and spreadsheets have it, and mappings in REDCap's columns. */
#include "cdp/sl_cdp_csv.h"
#include "cdp_project.h"
#include "rule.h"

#define HEAD                                                                                       \
    "external_source_field_name,is_record_identifier,field_name,temporal_field,preselect,"         \
    "event_name"
#define MRN "id,1,mrn,,,e1\r\n"
#define GOOD HEAD "\r\n" MRN "2951-2,,na,visit,NEAR,e1\r\nbirthDate,,dob,,,e1\r\n"
#define MARKS                                                                                      \
    "The quotation marks of this row do not match: a cell with one in it stands in quotation "     \
    "marks, and has it twice."

/* Cells with | between them, rows with /. */
static const char *shown(const sl_cdp_csv_t *csv, apr_pool_t *p)
{
    const char *text = "";

    for (int i = 0; i < csv->rows->nelts; i++) {
        apr_array_header_t *cells = APR_ARRAY_IDX(csv->rows, i, apr_array_header_t *);

        text = apr_pstrcat(p, text, i == 0 ? "" : "/", apr_array_pstrcat(p, cells, '|'), NULL);
    }
    return text;
}

static void test_grammar(apr_pool_t *p)
{
    static const struct {
        const char *name, *text, *want; /* NULL: refused */
        int bad_row;
    } rows[] = {
        {"nothing", "", "", 0},
        {"one cell", "a", "a", 0},
        {"a line end at the end", "a,b\r\n", "a|b", 0},
        {"none at the end", "a,b\r\nc,d", "a|b/c|d", 0},
        {"LF", "a\nb\n", "a/b", 0},
        {"CR", "a\rb\r", "a/b", 0},
        {"empty cells", "a,,b,\n,", "a||b|/|", 0},
        {"an empty row is one", "a\n\nb", "a//b", 0},
        {"quoted", "\"a,b\",\"c\"", "a,b|c", 0},
        {"a mark in a quoted cell", "\"a\"\"b\"", "a\"b", 0},
        {"nothing quoted", "\"\",\"\"\"\"", "|\"", 0},
        {"a line end in a quoted cell", "\"a\r\nb\",c\nd", "a\r\nb|c/d", 0},
        {"blanks stay", " a , b ", " a | b ", 0},
        {"a BOM",
         "\xef\xbb\xbf"
         "a,b",
         "a|b", 0},
        {"semicolons", "a;b\n1,5;c", "a|b/1,5|c", 0},
        {"tabs", "a\tb\nc\td", "a|b/c|d", 0},
        {"commas go before semicolons", "a,b;c", "a|b;c", 0},
        {"a mark in a bare cell", "a\nb\"c", NULL, 2},
        {"a quoted cell without its end", "a\n\nb,\"c", NULL, 3},
        {"something behind a quoted cell", "\"a\"b", NULL, 1},
        {"a blank behind a quoted cell", "\"a\" ,b", NULL, 1},
        {"no UTF-8", "a,\xff", NULL, 0},
        {"UTF-16",
         "\xff\xfe"
         "a",
         NULL, 0},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_csv_t csv;
        sl_rc_t rc = sl_cdp_csv_parse(&csv, rows[i].text, strlen(rows[i].text), p);

        is_str(rc == SL_OK ? shown(&csv, p) : NULL, rows[i].want,
               apr_psprintf(p, "RFC 4180: %s", rows[i].name));
        if (rows[i].want == NULL) {
            is_int(csv.bad_row, rows[i].bad_row, apr_psprintf(p, "%s: where", rows[i].name));
            ok(csv.reason != NULL, "%s: why", rows[i].name);
        }
    }
}

static void test_nul(apr_pool_t *p)
{
    sl_cdp_csv_t csv;

    is_int(sl_cdp_csv_parse(&csv, "a\0b", 3, p), SL_INVALID, "a NUL is no text");
}

static void test_row(apr_pool_t *p)
{
    static const char *const cells[] = {"a", "", "b,c", "d\"e", "f\ng", " h", "i;j", "+-"};

    is_str(sl_cdp_csv_row(p, cells, COUNT_OF(cells)),
           "a,,\"b,c\",\"d\"\"e\",\"f\ng\",\" h\",\"i;j\",+-\r\n", "a row is quoted where it must");
}

/* faults: as in test_cdp_mapping.c */
static const struct {
    const char *name, *csv, *faults;
} imports[] = {
    {"C2 REDCap's columns", GOOD, ""},
    {"C2 with a BOM", "\xef\xbb\xbf" GOOD, ""},
    {"C2 with LF and empty rows", HEAD "\n\nid,1,mrn,,,e1\n,,,,,\n\n", ""},
    {"C2 all cells in quotation marks",
     "\"external_source_field_name\",\"is_record_identifier\",\"field_name\",\"event_name\"\r\n"
     "\"id\",\"1\",\"mrn\",\"e1\"\r\n",
     ""},
    {"C2 semicolons",
     "external_source_field_name;is_record_identifier;field_name;event_name\r\n"
     "id;1;mrn;e1\r\n2951-2,2947-0;0;na;e1\r\n",
     "3|2951-2,2947-0|This source has values of many days: name the date field that says which are "
     "wanted."},
    {"C2 columns in another order and case",
     "Event_Name,field_name, External_Source_Field_Name ,is_record_identifier\r\ne1,mrn,id,1\r\n",
     ""},
    {"C2 flags 0", HEAD "\r\n" MRN "birthDate,0,dob,,,e1\r\n", ""},
    {"C2 short rows", HEAD "\r\nid,1,mrn,,,e1\r\nbirthDate,,dob\r\n",
     "3|dob|The project has several events: say in which one."},
    {"C2 long rows", HEAD "\r\nid,1,mrn,,,e1,\r\n",
     "0|-|Say which field of the project holds the medical record number: the identifier, whose "
     "source is \"id\".\n2|id|This row has 7 cells, and the table has 6 columns."},
    {"C2 a column there is not", HEAD ",comment\r\n" MRN,
     "1|comment|There is no column of this name."},
    {"C2 a column twice", HEAD ",field_name\r\n" MRN, "1|field_name|This column is there twice."},
    {"C2 columns that are missing", "external_source_field_name,event_name\r\n",
     "1|is_record_identifier|This column is missing.\n1|field_name|This column is missing."},
    {"C2 nothing", "", "0|-|There is nothing in it, not even the names of columns."},
    {"C2 columns alone", HEAD "\r\n",
     "0|-|Say which field of the project holds the medical record number: the identifier, whose "
     "source is \"id\"."},
    {"C2 marks that do not match", HEAD "\r\n" MRN "\"birthDate,,dob,,,e1\r\n", "3|-|" MARKS},
    {"C2 no text", HEAD "\r\n\xe9", "0|-|This is no UTF-8 text: save it as \"CSV UTF-8\"."},
    {"C2 two identifiers", HEAD "\r\n" MRN "birthDate,,dob,,,e1\r\n" MRN,
     "4|id|Row 2 is the identifier already; there is only one."},
    {"C2 the identifier without its flag", HEAD "\r\nid,,mrn,,,e1\r\n",
     "0|-|Say which field of the project holds the medical record number: the identifier, whose "
     "source is \"id\".\n"
     "2|id|The medical record number is the identifier, once, and no field besides."},
    {"C2 the flag at another source", HEAD "\r\nbirthDate,1,dob,,,e1\r\n",
     "2|birthDate|The source of the identifier is \"id\"."},
    {"C2 another flag", HEAD "\r\n" MRN "birthDate,yes,dob,,,e1\r\n",
     "3|yes|is_record_identifier is 1 for the medical record number, else empty."},
    {"C2 an identifier with a date", HEAD "\r\nid,1,mrn,visit,,e1\r\n",
     "2|id|The identifier has no date field, rule, unit or days."},
    {"C2 every row that is wrong is named",
     HEAD "\r\n" MRN "\r\nbirthdate,,dob,,,e1\r\n2951-2,,na,visit,MEAN,e1\r\n"
          "name-given,,nowhere,,,e1\r\nbirthDate,,dob,,,e1\r\n2951-2,,na,weight,,e1\r\n",
     "4|birthdate|The EHR has no such field: take one of the catalogue, or a LOINC code with its "
     "check digit (several with commas).\n"
     "5|MEAN|preselect is MIN, MAX, FIRST, LAST, NEAR or empty.\n"
     "6|nowhere|The project has no field \"nowhere\".\n"
     "8|weight|The field \"weight\" holds no date: it has to be validated as a date, or a date "
     "with "
     "a time.\n8|2951-2|Row 5 has the same source, event and field."},
    {"C2 our own columns",
     HEAD ",unit,direction,day_offset\r\n" MRN "2951-2,,na,visit,,e1,mmol/L,-,1.5\r\n", ""},
    {"C2 bad days", HEAD ",day_offset\r\n" MRN "2951-2,,na,visit,,e1,\"1,5\"\r\n",
     "3|1,5|The days have to be a number of 0.01 to 365, with two decimals at most."},
    {"C2 a direction without days", HEAD ",direction\r\n" MRN "2951-2,,na,visit,,e1,+\r\n",
     "3|+|A direction needs days."},
    {"C2 another direction",
     HEAD ",direction,day_offset\r\n" MRN "2951-2,,na,visit,,e1,before,7\r\n",
     "3|before|The direction is +- (around the date), + (after it) or - (before it)."},
};

static sl_rc_t import(sl_cdp_mapping_t *out, apr_array_header_t **faults, const char *csv,
                      const sl_cdp_mapping_t *was, apr_pool_t *p)
{
    const sl_cdp_mapping_rules_t rules = {"study1", "main", project_dictionary(p), false};

    return sl_cdp_mapping_from_csv(out, faults, csv, strlen(csv), was, &rules, p);
}

static void test_imports(apr_pool_t *p)
{
    for (int i = 0; i < COUNT_OF(imports); i++) {
        apr_array_header_t *faults;
        sl_cdp_mapping_t mapping;
        sl_rc_t rc = import(&mapping, &faults, imports[i].csv, NULL, p);

        is_str(project_faults(faults, p), imports[i].faults, imports[i].name);
        if (rc != (imports[i].faults[0] == '\0' ? SL_OK : SL_INVALID)) {
            ok(false, "%s: %s", imports[i].name, sl_rc_name(rc));
        }
    }
}

static void test_export(apr_pool_t *p)
{
    static const char own[] = HEAD ",day_offset,direction,unit\r\nid,1,mrn,,,e1,,,\r\n"
                                   "\"2951-2,2947-0\",,na,visit,,e1,1.5,-,\r\n"
                                   "29463-7,,weight,visit,MAX,e1,,,kg\r\n";
    apr_array_header_t *faults;
    sl_cdp_mapping_t mapping;
    const sl_cdp_map_t *map;

    is_int(import(&mapping, &faults, GOOD, NULL, p), SL_OK, "C2 imported");
    is_int(mapping.fields->nelts, 2, "C2 N mappings exist");
    map = &APR_ARRAY_IDX(mapping.fields, 0, sl_cdp_map_t);
    ok(strcmp(map->source, "2951-2") == 0 && strcmp(map->field, "na") == 0 &&
           strcmp(map->event, "e1") == 0 && strcmp(map->temporal_field, "visit") == 0 &&
           map->pick == SL_CDP_PICK_NEAR && map->unit == NULL && map->offset.centidays == 0,
       "C2 with what the row says");
    is_str(sl_cdp_mapping_csv(&mapping, p), GOOD, "C2 the export is equal, byte for byte");
    is_int(import(&mapping, &faults, own, NULL, p), SL_OK, "C2 our own columns imported");
    is_str(sl_cdp_mapping_csv(&mapping, p), own, "C2 and exported");
}

static void test_rest(apr_pool_t *p)
{
    sl_cdp_mapping_t was = {.project = "study1",
                            .ehr = "main",
                            .offset = {25, SL_CDP_AFTER},
                            .convert_gmt = true,
                            .adjudication = SL_CDP_INSTANT};
    apr_array_header_t *preview = apr_array_make(p, 1, sizeof(const char *));
    apr_array_header_t *faults;
    sl_cdp_mapping_t mapping;

    APR_ARRAY_PUSH(preview, const char *) = "birthDate";
    was.preview = preview;
    was.fields = apr_array_make(p, 1, sizeof(sl_cdp_map_t));
    is_int(import(&mapping, &faults, GOOD, &was, p), SL_OK, "C2 imported over a mapping");
    ok(mapping.offset.centidays == 25 && mapping.offset.direction == SL_CDP_AFTER &&
           mapping.convert_gmt && mapping.adjudication == SL_CDP_INSTANT &&
           mapping.preview->nelts == 1 && strcmp(mapping.ehr, "main") == 0,
       "C2 what a CSV does not have stays");
    is_int(mapping.fields->nelts, 2, "C2 the fields are those of the CSV");
    is_int(import(&mapping, &faults, GOOD, NULL, p), SL_OK, "C2 imported over nothing");
    ok(mapping.offset.centidays == 700 && mapping.preview->nelts == 0 && !mapping.convert_gmt &&
           mapping.adjudication == SL_CDP_MANUAL && strcmp(mapping.project, "study1") == 0,
       "C2 the rest is as nobody said anything");
}

static void test_long(apr_pool_t *p)
{
    apr_size_t len = 1024 * 1024 + 1;
    char *text = apr_palloc(p, len + 1);
    apr_array_header_t *faults;
    sl_cdp_mapping_t mapping;

    memset(text, 'x', len);
    text[len] = '\0';
    is_int(import(&mapping, &faults, text, NULL, p), SL_INVALID, "C2 more than 1 MiB");
    is_str(project_faults(faults, p), "0|-|This is longer than 1 MiB.", "C2 the sentence");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_grammar(p);
    test_nul(p);
    test_row(p);
    test_imports(p);
    test_export(p);
    test_rest(p);
    test_long(p);
    rule_release(p);
    return tap_done();
}
