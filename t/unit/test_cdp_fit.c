/* SPDX-License-Identifier: Apache-2.0 */
/* H5: what fits into a field of the project, what is saved then, and the sentence where it does
 * not. */
#include "cdp/sl_cdp_dictionary.h"
#include "rule.h"
#include <apr_strings.h>
#include <string.h>

#define NOT_A_DATE "The field wants a date."
#define NOT_A_TIME "The field wants a date with a time."
#define ONLY_A_DATE "The field wants a date with a time; this is a date without one."
#define PARTIAL "The field wants a full date; this is only a year or a month."
#define NOT_WHOLE "The field wants a whole number."
#define NOT_A_NUMBER "The field wants a number."
#define A_BOUND "The field wants a number; this is only a bound (< or >)."
#define LINES "This has several lines, and the field takes one."
#define CHARACTERS "This has characters that cannot be saved."
#define NOT_EMAIL "The field wants an e-mail address."
#define NO_SEX "This is none of the field's choices (1 Male, 2 Female)."

/* The project the rows are about. */
static const char metadata[] =
    "[{\"field_name\":\"record_id\",\"field_type\":\"text\"},"
    "{\"field_name\":\"text\",\"field_type\":\"text\"},"
    "{\"field_name\":\"phone\",\"field_type\":\"text\","
    "\"text_validation_type_or_show_slider_number\":\"phone\"},"
    "{\"field_name\":\"notes\",\"field_type\":\"notes\"},"
    "{\"field_name\":\"calc\",\"field_type\":\"calc\"},"
    "{\"field_name\":\"sex\",\"field_type\":\"radio\","
    "\"select_choices_or_calculations\":\"1, Male | 2, Female\"},"
    "{\"field_name\":\"gender\",\"field_type\":\"dropdown\","
    "\"select_choices_or_calculations\":\"M, Male | F, Female | UNK, Unknown | X, M\"},"
    "{\"field_name\":\"same\",\"field_type\":\"dropdown\","
    "\"select_choices_or_calculations\":\"1, Yes | 2, yes\"},"
    "{\"field_name\":\"yesno\",\"field_type\":\"yesno\"},"
    "{\"field_name\":\"race\",\"field_type\":\"checkbox\",\"select_choices_or_calculations\":"
    "\"2106-3, White | 2028-9, Asian | 9, Other, or none\"},"
    "{\"field_name\":\"date\",\"field_type\":\"text\","
    "\"text_validation_type_or_show_slider_number\":\"date_mdy\"},"
    "{\"field_name\":\"recent\",\"field_type\":\"text\",\"text_validation_min\":\"2020-01-01\","
    "\"text_validation_max\":\"2024-12-31\","
    "\"text_validation_type_or_show_slider_number\":\"date_ymd\"},"
    "{\"field_name\":\"until_today\",\"field_type\":\"text\",\"text_validation_max\":\"today\","
    "\"text_validation_type_or_show_slider_number\":\"date_ymd\"},"
    "{\"field_name\":\"minute\",\"field_type\":\"text\","
    "\"text_validation_type_or_show_slider_number\":\"datetime_dmy\"},"
    "{\"field_name\":\"second\",\"field_type\":\"text\","
    "\"text_validation_type_or_show_slider_number\":\"datetime_seconds_ymd\"},"
    "{\"field_name\":\"int\",\"field_type\":\"text\",\"text_validation_min\":\"0\","
    "\"text_validation_max\":\"120\","
    "\"text_validation_type_or_show_slider_number\":\"integer\"},"
    "{\"field_name\":\"number\",\"field_type\":\"text\",\"text_validation_min\":\"-0.5\","
    "\"text_validation_max\":\"[weight_max]\","
    "\"text_validation_type_or_show_slider_number\":\"number\"},"
    "{\"field_name\":\"one\",\"field_type\":\"text\","
    "\"text_validation_type_or_show_slider_number\":\"number_1dp\"},"
    "{\"field_name\":\"comma\",\"field_type\":\"text\",\"text_validation_max\":\"99,5\","
    "\"text_validation_type_or_show_slider_number\":\"number_2dp_comma_decimal\"},"
    "{\"field_name\":\"slider\",\"field_type\":\"slider\"},"
    "{\"field_name\":\"email\",\"field_type\":\"text\","
    "\"text_validation_type_or_show_slider_number\":\"email\"}]";

/* saved NULL: refused with `reason` */
static const struct {
    const char *name, *field, *value, *code, *saved, *reason;
} rows[] = {
    {"a text stays as it is", "text", " Luis  Miguel ", NULL, " Luis  Miguel ", NULL},
    {"markup is text", "text", "<b>x</b> & \"y\"", NULL, "<b>x</b> & \"y\"", NULL},
    {"a postal code keeps its zeros", "text", "02134", NULL, "02134", NULL},
    {"a partial date goes into a text", "text", "1970-12", NULL, "1970-12", NULL},
    {"a time with a zone goes into a text", "text", "2024-03-15T10:51:00Z", NULL,
     "2024-03-15T10:51:00Z", NULL},
    {"a bound goes into a text", "text", "<5", NULL, "<5", NULL},
    {"two lines in a text", "text", "a\nb", NULL, NULL, LINES},
    {"a line end in a text", "text", "a\r\n", NULL, NULL, LINES},
    {"a line end in a number", "number", "5\n", NULL, NULL, LINES},
    {"control characters", "text",
     "a\x01"
     "b",
     NULL, NULL, CHARACTERS},
    {"control characters in notes", "notes", "a\x1b[0m", NULL, NULL, CHARACTERS},
    {"no UTF-8", "text", "\xff", NULL, NULL, CHARACTERS},
    {"nothing", "text", "", NULL, NULL, "There is no value."},
    {"unreadable", "text", NULL, NULL, NULL, "There is no value."},
    {"another validation is the app's matter", "phone", "555", NULL, "555", NULL},
    {"notes take lines", "notes", "a\nb\tc\r\n", NULL, "a\nb\tc\r\n", NULL},
    {"a calculated field", "calc", "5", NULL, NULL,
     "Nothing can be saved into a field of this kind."},
    {"the name of the record", "record_id", "5", NULL, NULL,
     "This field is the name of the record; nothing is saved into it."},

    {"a choice by its code", "sex", "1", NULL, "1", NULL},
    {"a choice by its label, case ignored", "sex", "fEMALE", NULL, "2", NULL},
    {"a choice by the code of the EHR", "gender", "female", "F", "F", NULL},
    {"the code of the EHR goes before the value", "gender", "M", "F", "F", NULL},
    {"a code goes before a label", "gender", "M", NULL, "M", NULL},
    {"the value where the code is none", "gender", "UNK", "unknown", "UNK", NULL},
    {"a label where neither is a code", "gender", "male", "http", "M", NULL},
    {"codes are matched to the letter", "gender", "m", NULL, "X", NULL},
    {"no such choice", "sex", "UNK", NULL, NULL, NO_SEX},
    {"nearly a label", "sex", "Male ", NULL, NULL, NO_SEX},
    {"a label of two choices tells nothing", "same", "YES", NULL, NULL,
     "This is none of the field's choices (1 Yes, 2 yes)."},
    {"yes", "yesno", "1", NULL, "1", NULL},
    {"no", "yesno", "0", NULL, "0", NULL},
    {"yes in words", "yesno", "yes", NULL, "1", NULL},
    {"perhaps", "yesno", "2", NULL, NULL, "This is none of the field's choices (1 Yes, 0 No)."},
    {"a checkbox", "race", "2106-3", NULL, "2106-3", NULL},
    {"two of a checkbox", "race", "2106-3, 2028-9", NULL, "2106-3,2028-9", NULL},
    {"two labels of a checkbox, in the order of the choices", "race", "asian,WHITE", NULL,
     "2106-3,2028-9", NULL},
    {"the same twice in a checkbox", "race", "2028-9, 2028-9", NULL, "2028-9", NULL},
    {"a label with a comma", "race", "Other, or none", NULL, "9", NULL},
    {"one of two is no choice", "race", "2106-3, 2135-2", NULL, NULL,
     "Not all of this is among the field's choices (2106-3 White, 2028-9 Asian, 9 Other, or "
     "none)."},
    {"nothing behind a comma", "race", "2106-3,", NULL, NULL,
     "Not all of this is among the field's choices (2106-3 White, 2028-9 Asian, 9 Other, or "
     "none)."},

    {"a date", "date", "1970-12-24", NULL, "1970-12-24", NULL},
    {"a year", "date", "1970", NULL, NULL, PARTIAL},
    {"a month", "date", "1970-12", NULL, NULL, PARTIAL},
    {"no such day", "date", "2023-02-29", NULL, NULL, NOT_A_DATE},
    {"a leap day", "date", "2024-02-29", NULL, "2024-02-29", NULL},
    {"the American way", "date", "12/24/1970", NULL, NULL, NOT_A_DATE},
    {"words", "date", "yesterday", NULL, NULL, NOT_A_DATE},
    {"a time gives its day", "date", "2024-03-15T23:59:59-05:00", NULL, "2024-03-15", NULL},
    {"a time before 1970 gives its day", "date", "1969-12-31T23:59:59Z", NULL, "1969-12-31", NULL},
    {"the app's own time gives its day", "date", "2024-03-15 10:51", NULL, "2024-03-15", NULL},
    {"the first day that is taken", "recent", "2020-01-01", NULL, "2020-01-01", NULL},
    {"the day before it", "recent", "2019-12-31", NULL, NULL,
     "This is before the first date the field takes (2020-01-01)."},
    {"the last day that is taken", "recent", "2024-12-31T23:59:59Z", NULL, "2024-12-31", NULL},
    {"the day behind it", "recent", "2025-01-01", NULL, NULL,
     "This is after the last date the field takes (2024-12-31)."},
    {"a bound in words is the app's matter", "until_today", "2999-01-01", NULL, "2999-01-01", NULL},
    {"a date with a time", "minute", "2024-03-15T10:51:07.123Z", NULL, "2024-03-15 10:51", NULL},
    {"a date without a time", "minute", "2024-03-15", NULL, NULL, ONLY_A_DATE},
    {"a year for a time", "minute", "2024", NULL, NULL, PARTIAL},
    {"no time at all", "minute", "soon", NULL, NULL, NOT_A_TIME},
    {"hour 25", "minute", "2024-03-15T25:00:00Z", NULL, NULL, NOT_A_TIME},
    {"to the second", "second", "2024-03-15T10:51:07+01:00", NULL, "2024-03-15 10:51:07", NULL},
    {"the app's own form", "second", "2024-03-15 10:51:07", NULL, "2024-03-15 10:51:07", NULL},
    {"a date for seconds", "second", "2024-03-15", NULL, NULL, ONLY_A_DATE},

    {"a whole number", "int", "42", NULL, "42", NULL},
    {"with a sign", "int", "+42", NULL, "+42", NULL},
    {"zeros in front", "int", "007", NULL, "007", NULL},
    {"a whole number with decimals", "int", "42.0", NULL, NULL, NOT_WHOLE},
    {"a whole number with an exponent", "int", "1e1", NULL, NULL, NOT_WHOLE},
    {"no number", "int", "42 kg", NULL, NULL, NOT_WHOLE},
    {"below the least", "int", "-1", NULL, NULL, "This is less than the field takes (0 at least)."},
    {"the least", "int", "0", NULL, "0", NULL},
    {"the most", "int", "120", NULL, "120", NULL},
    {"above the most", "int", "121", NULL, NULL,
     "This is more than the field takes (120 at most)."},
    {"a number byte for byte", "number", "72.50", NULL, "72.50", NULL},
    {"a long number", "number", "96.90476228975700000000001", NULL, "96.90476228975700000000001",
     NULL},
    {"an exponent", "number", "1.0E-3", NULL, "1.0E-3", NULL},
    {"less than", "number", "<5", NULL, NULL, A_BOUND},
    {"at least", "int", ">=5", NULL, NULL, A_BOUND},
    {"a range", "number", "5 - 7", NULL, NULL, NOT_A_NUMBER},
    {"a number with a comma", "number", "5,7", NULL, NULL, NOT_A_NUMBER},
    {"hexadecimal", "number", "0x10", NULL, NULL, NOT_A_NUMBER},
    {"not a number", "number", "NaN", NULL, NULL, NOT_A_NUMBER},
    {"below zero", "number", "-0.5000", NULL, "-0.5000", NULL},
    {"a little below the least", "number", "-0.50000000000000000001", NULL, NULL,
     "This is less than the field takes (-0.5 at least)."},
    {"far above a bound that is a field", "number", "1e300", NULL, "1e300", NULL},
    {"one decimal", "one", "72.5", NULL, "72.5", NULL},
    {"one decimal of none", "one", "72", NULL, "72.0", NULL},
    {"one decimal of two, the last a zero", "one", "72.50", NULL, "72.5", NULL},
    {"one decimal of two", "one", "72.55", NULL, NULL,
     "The field takes 1 decimal; nothing is rounded."},
    {"one decimal of an exponent", "one", "7e1", NULL, NULL,
     "The field takes 1 decimal; nothing is rounded."},
    {"decimals behind a comma", "comma", "72.5", NULL, "72,50", NULL},
    {"the app's own comma", "comma", "72,50", NULL, "72,50", NULL},
    {"a most with a comma", "comma", "99.51", NULL, NULL,
     "This is more than the field takes (99,5 at most)."},
    {"three decimals for two", "comma", "7.125", NULL, NULL,
     "The field takes 2 decimals; nothing is rounded."},
    {"a slider", "slider", "100", NULL, "100", NULL},
    {"beyond a slider", "slider", "101", NULL, NULL,
     "This is more than the field takes (100 at most)."},

    {"an e-mail address", "email", "a.b@example.org", NULL, "a.b@example.org", NULL},
    {"no @", "email", "example.org", NULL, NULL, NOT_EMAIL},
    {"two @", "email", "a@b@example.org", NULL, NULL, NOT_EMAIL},
    {"nothing before the @", "email", "@example.org", NULL, NULL, NOT_EMAIL},
    {"no dot", "email", "a@localhost", NULL, NULL, NOT_EMAIL},
    {"a dot at the end", "email", "a@example.", NULL, NULL, NOT_EMAIL},
    {"a name around it", "email", "A <a@example.org>", NULL, NULL, NOT_EMAIL},
};

static void test_rows(const sl_cdp_dictionary_t *dictionary, apr_pool_t *p)
{
    for (int i = 0; i < COUNT_OF(rows); i++) {
        const sl_cdp_field_t *field = sl_cdp_dictionary_field(dictionary, "", rows[i].field);
        const char *reason = "not set";
        const char *saved = sl_cdp_fit(&reason, field, rows[i].value, rows[i].code, p);

        is_str(saved, rows[i].saved, apr_psprintf(p, "H5 %s", rows[i].name));
        is_str(reason, rows[i].reason, apr_psprintf(p, "H5 %s: the sentence", rows[i].name));
    }
}

static void test_length(const sl_cdp_dictionary_t *dictionary, apr_pool_t *p)
{
    const sl_cdp_field_t *field = sl_cdp_dictionary_field(dictionary, "", "notes");
    char *text = apr_palloc(p, SL_CDP_MAX_FIT + 2);
    const char *reason;

    memset(text, 'x', SL_CDP_MAX_FIT + 1);
    text[SL_CDP_MAX_FIT + 1] = '\0';
    ok(sl_cdp_fit(&reason, field, text, NULL, p) == NULL, "H5 too long for any field");
    is_str(reason, "This is longer than a field takes (65,535 bytes).",
           "H5 too long: the sentence");
    text[SL_CDP_MAX_FIT] = '\0';
    ok(sl_cdp_fit(&reason, field, text, NULL, p) != NULL, "H5 as long as a field takes");
}

/* A reason may reach the log, where no value may be. */
static void test_silence(const sl_cdp_dictionary_t *dictionary, apr_pool_t *p)
{
    for (int i = 1; i < dictionary->fields->nelts; i++) {
        const sl_cdp_field_t *field = &APR_ARRAY_IDX(dictionary->fields, i, sl_cdp_field_t);
        const char *reason = NULL;
        const char *saved = sl_cdp_fit(&reason, field, "Lockman\nzebra", "zebra", p);

        ok(saved != NULL || (strstr(reason, "Lockman") == NULL && strstr(reason, "zebra") == NULL),
           "H5 the reason of %s has nothing of the value", field->name);
    }
}

int main(void)
{
    apr_pool_t *p = rule_pool();
    sl_cdp_redcap_t answers = {NULL, NULL, NULL};
    sl_cdp_dictionary_t dictionary;
    sl_json_t *json = NULL;

    is_int(sl_json_parse_any(&json, metadata, strlen(metadata), p, NULL), SL_OK, "the project");
    answers.metadata = json;
    is_int(sl_cdp_dictionary_parse(&dictionary, &answers, p, NULL), SL_OK, "its fields");
    test_rows(&dictionary, p);
    test_length(&dictionary, p);
    test_silence(&dictionary, p);
    rule_release(p);
    return tap_done();
}
