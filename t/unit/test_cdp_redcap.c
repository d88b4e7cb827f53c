/* SPDX-License-Identifier: Apache-2.0 */
/* The rows of REDCap's API, and what it says of those it refuses. */
#include "cdp/sl_cdp_redcap_answer.h"

#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>

static apr_pool_t *pool;

static sl_json_t *json(const char *text)
{
    sl_json_t *out = NULL;
    sl_err_t err;

    if (sl_json_parse_any(&out, text, strlen(text), pool, &err) != SL_OK) {
        ok(false, "JSON of the test: %s", text);
    }
    return out;
}

static const char metadata[] =
    "[{\"field_name\":\"record_id\",\"form_name\":\"base\",\"field_type\":\"text\"},"
    "{\"field_name\":\"dob\",\"form_name\":\"base\",\"field_type\":\"text\","
    "\"text_validation_type_or_show_slider_number\":\"date_ymd\"},"
    "{\"field_name\":\"race\",\"form_name\":\"base\",\"field_type\":\"checkbox\","
    "\"select_choices_or_calculations\":\"2106-3, White | 2054-5, Black | UNK, Unknown\"},"
    "{\"field_name\":\"na\",\"form_name\":\"visit\",\"field_type\":\"text\"},"
    "{\"field_name\":\"k\",\"form_name\":\"labs\",\"field_type\":\"text\"}]";

static sl_cdp_redcap_shape_t shape_of(const char *events, const char *forms, const char *repeating)
{
    sl_cdp_dictionary_t *dictionary = apr_pcalloc(pool, sizeof(*dictionary));
    sl_cdp_redcap_t answers = {json(metadata), NULL, NULL};
    sl_err_t err = {0};

    if (events != NULL) {
        answers.events = json(events);
        answers.form_event_mapping = json(forms);
    }
    ok(sl_cdp_dictionary_parse(dictionary, &answers, pool, &err) == SL_OK, "a dictionary: %s",
       err.text);
    return (sl_cdp_redcap_shape_t){dictionary, repeating == NULL ? NULL : json(repeating)};
}

static sl_cdp_redcap_shape_t visits(void)
{
    return shape_of("[{\"unique_event_name\":\"v1\"},{\"unique_event_name\":\"v2\"},"
                    "{\"unique_event_name\":\"v3\"}]",
                    "[{\"unique_event_name\":\"v1\",\"form\":\"base\"},"
                    "{\"unique_event_name\":\"v1\",\"form\":\"visit\"},"
                    "{\"unique_event_name\":\"v2\",\"form\":\"visit\"},"
                    "{\"unique_event_name\":\"v2\",\"form\":\"labs\"},"
                    "{\"unique_event_name\":\"v3\",\"form\":\"visit\"}]",
                    "[{\"event_name\":\"v2\",\"form_name\":\"labs\"},"
                    "{\"event_name\":\"v3\",\"form_name\":null}]");
}

static void what_repeats(void)
{
    const sl_cdp_redcap_shape_t shape = visits();
    const sl_cdp_redcap_shape_t classic = shape_of(NULL, NULL, NULL);

    is_str(sl_cdp_redcap_id_field(&shape), "record_id", "CDP-DEL the first field names the record");
    is_str(sl_cdp_redcap_repeats(&shape, "v2", "k"), "labs", "… an instrument repeats");
    ok(sl_cdp_redcap_repeats(&shape, "v2", "na") == NULL, "… another of the event does not");
    is_str(sl_cdp_redcap_repeats(&shape, "v3", "na"), "", "… an event repeats as a whole");
    ok(sl_cdp_redcap_repeats(&shape, "v1", "na") == NULL, "… and an event that does not");
    ok(sl_cdp_redcap_repeats(&classic, "", "k") == NULL, "… in a classic project nothing does");
}

static void rows_of_an_import(void)
{
    static const sl_cdp_current_t values[] = {
        {"v1", 0, "dob", "1970-12-24"}, {"v2", 2, "k", "4.1"}, {"v1", 0, "na", "<140 \"x\""},
        {"v2", 3, "k", "4.2"},          {"v3", 1, "na", "1"},  {"v1", 0, "race", "2106-3,UNK"}};
    static const sl_cdp_current_t plain[] = {{"", 0, "dob", "1970-12-24"}};
    const sl_cdp_redcap_shape_t shape = visits();
    const sl_cdp_redcap_shape_t classic = shape_of(NULL, NULL, NULL);

    is_str(sl_json_text(pool, sl_cdp_redcap_rows(&shape, "r/1", values, 6, pool)),
           "[{\"record_id\":\"r/1\",\"redcap_event_name\":\"v1\",\"dob\":\"1970-12-24\","
           "\"na\":\"<140 \\\"x\\\"\",\"race___2106_3\":\"1\",\"race___2054_5\":\"0\","
           "\"race___unk\":\"1\"},"
           "{\"record_id\":\"r/1\",\"redcap_event_name\":\"v2\",\"redcap_repeat_instrument\":"
           "\"labs\",\"redcap_repeat_instance\":2,\"k\":\"4.1\"},"
           "{\"record_id\":\"r/1\",\"redcap_event_name\":\"v2\",\"redcap_repeat_instrument\":"
           "\"labs\",\"redcap_repeat_instance\":3,\"k\":\"4.2\"},"
           "{\"record_id\":\"r/1\",\"redcap_event_name\":\"v3\",\"redcap_repeat_instrument\":\"\","
           "\"redcap_repeat_instance\":1,\"na\":\"1\"}]",
           "CDP-DEL a row for each event and instance");
    is_str(sl_json_text(pool, sl_cdp_redcap_rows(&classic, "1", plain, 1, pool)),
           "[{\"record_id\":\"1\",\"dob\":\"1970-12-24\"}]", "CDP-DEL a row of a classic project");
}

static const char *told(const sl_cdp_redcap_shape_t *shape, const char *rows)
{
    static const char *const names[] = {"dob", "race", "na", "k", "gone"};
    apr_array_header_t *fields = apr_array_make(pool, 5, sizeof(const char *));
    const apr_array_header_t *values;
    const char *out = "";

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        APR_ARRAY_PUSH(fields, const char *) = names[i];
    }
    values = sl_cdp_redcap_values(shape, "1", json(rows), fields, pool);
    for (int i = 0; i < values->nelts; i++) {
        const sl_cdp_current_t *value = &APR_ARRAY_IDX(values, i, sl_cdp_current_t);

        out = apr_psprintf(pool, "%s%s/%d/%s=%s;", out, value->event, value->instance, value->field,
                           value->value);
    }
    return out;
}

static void values_of_an_export(void)
{
    const sl_cdp_redcap_shape_t shape = visits();
    const sl_cdp_redcap_shape_t classic = shape_of(NULL, NULL, NULL);

    is_str(told(&shape, "[{\"record_id\":\"1\",\"redcap_event_name\":\"v1\","
                        "\"redcap_repeat_instrument\":\"\",\"redcap_repeat_instance\":\"\","
                        "\"dob\":\"1970-12-24\",\"race___2106_3\":\"1\",\"race___2054_5\":\"0\","
                        "\"race___unk\":1,\"na\":\"\",\"k\":\"\"},"
                        "{\"record_id\":1,\"redcap_event_name\":\"v2\","
                        "\"redcap_repeat_instrument\":\"labs\",\"redcap_repeat_instance\":2,"
                        "\"na\":\"\",\"k\":\"4.1\"},"
                        "{\"record_id\":\"1\",\"redcap_event_name\":\"v2\",\"na\":140,\"k\":\"x\"},"
                        "{\"record_id\":\"1\",\"redcap_event_name\":\"v3\","
                        "\"redcap_repeat_instance\":\"1\",\"na\":\"7\"},"
                        "{\"record_id\":\"10\",\"redcap_event_name\":\"v1\",\"na\":\"9\"}]"),
           "v1/0/dob=1970-12-24;v1/0/race=2106-3,UNK;v1/0/na=;v2/2/k=4.1;v2/0/na=140;v3/1/na=7;",
           "CDP-DEL a field stands in rows of its own kind, and other records are left out");
    is_str(told(&classic, "[{\"record_id\":\"1\",\"dob\":\"\",\"k\":\"5\"}]"),
           "/0/dob=;/0/race=;/0/na=;/0/k=5;", "CDP-DEL a classic project");
    is_str(told(&classic, "[]"), "", "CDP-DEL no such record");
    is_str(told(&classic, "{\"error\":\"x\"}"), "", "CDP-DEL no rows at all");
}

static void is_it_the_same(void)
{
    static const struct {
        const char *ours, *theirs;
        bool same;
    } table[] = {{"a", "a", true},          {"a\r\nb\n", "a\nb", true}, {" a ", "a", true},
                 {"a b", "a  b", false},    {"a", "A", false},          {"", "", true},
                 {"", " ", true},           {"1", "", false},           {"", "1", false},
                 {"1.0", "1", false},       {"a\nb", "a", false},       {"a", "ab", false},
                 {"a\n\nb", "a\nb", false}, {"x\r", "x", true}};

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        ok(sl_cdp_redcap_same(table[i].ours, table[i].theirs) == table[i].same,
           "CDP-DEL same value, row %d", (int)i + 1);
    }
}

static const char *refusals_of(const char *error)
{
    const apr_array_header_t *refusals = sl_cdp_redcap_refusals(error, pool);
    const char *out = "";

    for (int i = 0; i < refusals->nelts; i++) {
        const sl_cdp_redcap_refusal_t *one = &APR_ARRAY_IDX(refusals, i, sl_cdp_redcap_refusal_t);

        out = apr_pstrcat(pool, out, one->field, "|", one->value, "|", one->reason, ";", NULL);
    }
    return out;
}

static void refusals(void)
{
    static const sl_cdp_redcap_refusal_t box = {"race___unk", "1", "no"};
    static const sl_cdp_redcap_refusal_t dob = {"dob", "1970", "no"};
    static const sl_cdp_current_t race = {"v1", 0, "race", "UNK"};
    static const sl_cdp_current_t born = {"v1", 0, "dob", "1970"};
    static const sl_cdp_current_t other = {"v1", 0, "dob", "1971"};
    static const sl_cdp_current_t longer = {"v1", 0, "dob_2", "1970"};

    is_str(refusals_of("\"1\",\"dob\",\"24.12.\",\"Not the\n<b>expected</b> format.\"\r\n"
                       "\"1\",\"na\",\"a \"\"b\"\"\nc\",\"Not valid\"\n"),
           "dob|24.12.|Not the expected format.;na|a \"b\"\nc|Not valid;",
           "H5 each line of an error names field, value and reason");
    is_str(refusals_of("The record is locked"), "", "H5 an error in other words names none");
    is_str(refusals_of("\"1\",\"dob\",\"x\",\"y\"\nand more"), "", "H5 … nor one that is mixed");
    is_str(refusals_of("\"1\",\"dob\",\"x"), "", "H5 … nor one that breaks off");
    is_str(refusals_of("\"1\",\"dob\",\"x\",\"y\",\"z\""), "", "H5 … nor one with more cells");
    is_str(refusals_of(""), "", "H5 … nor an empty one");
    ok(sl_cdp_redcap_is_about(&box, &race), "H5 a column of a checkbox is about the checkbox");
    ok(sl_cdp_redcap_is_about(&dob, &born), "H5 field and value");
    ok(!sl_cdp_redcap_is_about(&dob, &other), "H5 another value of the field");
    ok(!sl_cdp_redcap_is_about(&dob, &longer), "H5 another field with the same beginning");
}

static void reasons(void)
{
    char *much = apr_palloc(pool, 1002);
    const char *cut;

    memset(much, 'a', 1001);
    much[1001] = '\0';
    is_str(sl_cdp_plain_reason("  The\r\n<br>value\tis <b>wrong</b>, a < b \x01 ", pool),
           "The value is wrong , a < b", "H5 a reason is one plain line");
    is_str(sl_cdp_plain_reason("", pool), "It gave no reason.", "H5 … and never empty");
    is_str(sl_cdp_plain_reason("<p></p>", pool), "It gave no reason.", "H5 … nor of tags alone");
    is_str(sl_cdp_plain_reason(NULL, pool), "It gave no reason that can be read.", "H5 … none");
    is_str(sl_cdp_plain_reason("\xff", pool), "It gave no reason that can be read.",
           "H5 … no UTF-8");
    is_int((int)strlen(sl_cdp_plain_reason(much, pool)), 500, "H5 … and not long");
    memcpy(much + 499, "\xc3\xa9", 2);
    cut = sl_cdp_plain_reason(much, pool);
    is_int((int)strlen(cut), 499, "H5 … and not cut within a character");
}

int main(void)
{
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 1;
    }
    what_repeats();
    rows_of_an_import();
    values_of_an_export();
    is_it_the_same();
    refusals();
    reasons();
    apr_pool_destroy(pool);
    return tap_done();
}
