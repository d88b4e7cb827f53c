/* SPDX-License-Identifier: Apache-2.0 */
/* The project's fields, as REDCap's API tells them. */
#include "cdp_project.h"
#include "rule.h"

#define FIELD(members) "[{\"field_name\":\"x\"" members "}]"
#define TEXT(valid)                                                                                \
    FIELD(",\"field_type\":\"text\",\"text_validation_type_or_show_slider_number\":\"" valid "\"")
#define CHOICES(type, choices)                                                                     \
    FIELD(",\"field_type\":\"" type "\",\"select_choices_or_calculations\":\"" choices "\"")

/* kind, validation, decimals, comma, bounds, choices, label */
static const char *shown(const sl_cdp_field_t *field, apr_pool_t *p)
{
    static const char *const kinds[] = {"text", "notes", "choice", "checkbox", "other"};
    static const char *const valids[] = {"any",     "date",   "datetime", "seconds",
                                         "integer", "number", "email",    "other"};
    const char *text = apr_psprintf(p, "%s %s", kinds[field->kind], valids[field->valid]);

    if (field->decimals > 0 || field->has_comma) {
        text = apr_psprintf(p, "%s %d%s", text, field->decimals, field->has_comma ? "comma" : "");
    }
    if (field->min != NULL || field->max != NULL) {
        text = apr_psprintf(p, "%s %s..%s", text, field->min == NULL ? "" : field->min,
                            field->max == NULL ? "" : field->max);
    }
    for (int i = 0; field->choices != NULL && i < field->choices->nelts; i++) {
        const sl_cdp_choice_t *choice = &APR_ARRAY_IDX(field->choices, i, sl_cdp_choice_t);

        text = apr_psprintf(p, "%s [%s=%s]", text, choice->code, choice->label);
    }
    return strcmp(field->label, "x") == 0 ? text : apr_psprintf(p, "%s \"%s\"", text, field->label);
}

static const struct {
    const char *name, *metadata, *want; /* what shown() says of the field; an id: refused */
} rows[] = {
    {"text", FIELD(",\"field_type\":\"text\""), "text any"},
    {"date_ymd", TEXT("date_ymd"), "text date"},
    {"date_mdy", TEXT("date_mdy"), "text date"},
    {"date_dmy", TEXT("date_dmy"), "text date"},
    {"datetime_ymd", TEXT("datetime_ymd"), "text datetime"},
    {"datetime_seconds_mdy", TEXT("datetime_seconds_mdy"), "text seconds"},
    {"integer", TEXT("integer"), "text integer"},
    {"number", TEXT("number"), "text number"},
    {"number_1dp", TEXT("number_1dp"), "text number 1"},
    {"number_4dp", TEXT("number_4dp"), "text number 4"},
    {"number_comma_decimal", TEXT("number_comma_decimal"), "text number 0comma"},
    {"number_2dp_comma_decimal", TEXT("number_2dp_comma_decimal"), "text number 2comma"},
    {"a number of another kind", TEXT("number_roman"), "text other"},
    {"email", TEXT("email"), "text email"},
    {"phone", TEXT("phone"), "text other"},
    {"time", TEXT("time"), "text other"},
    {"bounds",
     FIELD(",\"field_type\":\"text\",\"text_validation_type_or_show_slider_number\":\"number\","
           "\"text_validation_min\":\"0\",\"text_validation_max\":\"9.5\""),
     "text number 0..9.5"},
    {"no bounds", FIELD(",\"field_type\":\"text\",\"text_validation_min\":\"\""), "text any"},
    {"slider",
     FIELD(",\"field_type\":\"slider\",\"text_validation_max\":\"10\","
           "\"select_choices_or_calculations\":\"low | high\""),
     "text integer 0..10"},
    {"notes", FIELD(",\"field_type\":\"notes\""), "notes any"},
    {"radio", CHOICES("radio", "1, Male | 2, Female"), "choice any [1=Male] [2=Female]"},
    {"dropdown", CHOICES("dropdown", "M,Male|F , Female, or so|"),
     "choice any [M=Male] [F=Female, or so]"},
    {"choices with markup", CHOICES("radio", "1, <b>Male</b> | 2, a<br>b"),
     "choice any [1=Male] [2=a b]"},
    {"choices without labels", CHOICES("radio", "A | B"), "choice any [A=A] [B=B]"},
    {"no choices", FIELD(",\"field_type\":\"radio\""), "choice any"},
    {"yesno", FIELD(",\"field_type\":\"yesno\""), "choice any [1=Yes] [0=No]"},
    {"truefalse", FIELD(",\"field_type\":\"truefalse\""), "choice any [1=True] [0=False]"},
    {"checkbox", CHOICES("checkbox", "1, White | 2, Asian"), "checkbox any [1=White] [2=Asian]"},
    {"calc", CHOICES("calc", "[a]+1"), "other any"},
    {"file", FIELD(",\"field_type\":\"file\""), "other any"},
    {"descriptive", FIELD(",\"field_type\":\"descriptive\""), "other any"},
    {"a type that is new", FIELD(",\"field_type\":\"hologram\""), "other any"},
    {"no type", FIELD(""), "other any"},
    {"a label", FIELD(",\"field_type\":\"text\",\"field_label\":\"Weight (kg)\""),
     "text any \"Weight (kg)\""},
    {"a label with markup",
     FIELD(",\"field_type\":\"text\",\"field_label\":\" <div class='a'>Body<br>weight &lt;\\n "
           "<!-- x -->(if < 5 kg)</div>\""),
     "text any \"Body weight &lt; (if < 5 kg)\""},
    {"a label of markup alone", FIELD(",\"field_type\":\"text\",\"field_label\":\"<hr>\""),
     "text any"},
    {"no list", "{\"error\":\"no\"}", "SL8705"},
    {"a text", "\"no\"", "SL8705"},
    {"a field without a name", "[{\"field_type\":\"text\"}]", "SL8706"},
    {"a field that is a number", "[5]", "SL8706"},
};

static void test_fields(apr_pool_t *p)
{
    for (int i = 0; i < COUNT_OF(rows); i++) {
        const sl_cdp_redcap_t answers = {project_json(rows[i].metadata, p), NULL, NULL};
        sl_cdp_dictionary_t dictionary;
        sl_err_t err;
        sl_rc_t rc = sl_cdp_dictionary_parse(&dictionary, &answers, p, &err);
        const sl_cdp_field_t *field =
            rc == SL_OK ? sl_cdp_dictionary_field(&dictionary, "", "x") : NULL;

        is_str(field == NULL ? err.id : shown(field, p), rows[i].want, rows[i].name);
    }
}

static void test_events(apr_pool_t *p)
{
    static const struct {
        const char *name, *event, *field;
        bool is_there;
    } fields[] = {
        {"a field of its event", "e1", "dob", true},
        {"of two events, the first", "e1", "na", true},
        {"of two events, the second", "e2", "na", true},
        {"of another event", "e2", "dob", false},
        {"of an event there is not", "e3", "dob", false},
        {"of no event", "", "dob", false},
        {"a field there is not", "e1", "nowhere", false},
        {"in another case", "e1", "DOB", false},
    };
    const sl_cdp_dictionary_t *dictionary = project_dictionary(p);
    sl_cdp_dictionary_t classic;

    for (int i = 0; i < COUNT_OF(fields); i++) {
        ok((sl_cdp_dictionary_field(dictionary, fields[i].event, fields[i].field) != NULL) ==
               fields[i].is_there,
           "events: %s", fields[i].name);
    }
    is_int(dictionary->events->nelts, 2, "there are two events");
    is_str(sl_cdp_dictionary_event(dictionary, "e1"), "Baseline", "one has a name for people");
    is_str(sl_cdp_dictionary_event(dictionary, "e2"), "e2",
           "the other has none, and keeps its own");
    is_str(sl_cdp_dictionary_event(dictionary, "e9"), "e9", "one that is not there has no other");
    ok(sl_cdp_dictionary_field(dictionary, "e1", "record_id")->is_record_id &&
           !sl_cdp_dictionary_field(dictionary, "e1", "mrn")->is_record_id,
       "the first field is the name of the record");
    project_classic(&classic, p);
    is_int(classic.events->nelts, 0, "a project without events has none");
    ok(sl_cdp_dictionary_field(&classic, "", "dob") != NULL, "and its fields are there");
}

static void test_bad_events(apr_pool_t *p)
{
    static const struct {
        const char *name, *events, *forms, *id; /* id NULL: taken */
    } answers[] = {
        {"no events", "[]", NULL, NULL},
        {"an error for events", "{\"error\":\"classic\"}", NULL, "SL8701"},
        {"an event without a name", "[{\"event_name\":\"E\"}]", "[]", "SL8702"},
        {"events, and no forms", "[{\"unique_event_name\":\"e\"}]", NULL, "SL8703"},
        {"an error for forms", "[{\"unique_event_name\":\"e\"}]", "{\"error\":\"\"}", "SL8703"},
        {"a form without its event", "[{\"unique_event_name\":\"e\"}]", "[{\"form\":\"f\"}]",
         "SL8704"},
        {"an event without a form", "[{\"unique_event_name\":\"e\"}]",
         "[{\"unique_event_name\":\"e\"}]", "SL8704"},
        {"an event with no forms", "[{\"unique_event_name\":\"e\"}]", "[]", NULL},
    };

    for (int i = 0; i < COUNT_OF(answers); i++) {
        const sl_cdp_redcap_t asked = {
            project_json(project_metadata, p), project_json(answers[i].events, p),
            answers[i].forms == NULL ? NULL : project_json(answers[i].forms, p)};
        sl_cdp_dictionary_t dictionary;
        sl_err_t err;
        sl_rc_t rc = sl_cdp_dictionary_parse(&dictionary, &asked, p, &err);

        (void)is_end(rc, &err, answers[i].id, answers[i].id == NULL ? SL_OK : SL_INVALID,
                     answers[i].name);
    }
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_fields(p);
    test_events(p);
    test_bad_events(p);
    rule_release(p);
    return tap_done();
}
