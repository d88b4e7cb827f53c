/* SPDX-License-Identifier: Apache-2.0 */
/* R12 to R16, C2: what a mapping has to be. Every fault with its row, its name and its sentence. */
#include "cdp_project.h"
#include "rule.h"
#include <apr_strings.h>
#include <string.h>

#define WHOLE(members, fields)                                                                     \
    "{" members "\"identifier\":{\"source\":\"id\",\"event\":\"e1\",\"field\":\"mrn\"},"           \
    "\"fields\":[" fields "]}"
#define FIELDS(fields) WHOLE("", fields)
#define NA "\"source\":\"2951-2\",\"event\":\"e1\",\"field\":\"na\""
#define DOB "\"source\":\"birthDate\",\"event\":\"e1\",\"field\":\"dob\""
#define DATED "\"temporal_field\":\"visit\""
#define NO_NAME "This cannot be the name of a field or event: 1 to 100 printable characters are."
#define NO_SOURCE                                                                                  \
    "The EHR has no such field: take one of the catalogue, or a LOINC code with its check digit "  \
    "(several with commas)."
#define OFFSET_DAYS "The days have to be a number of 0.01 to 365, with two decimals at most."
#define NO_MEMBER "There is no member of this name."
#define TEN "x123456789"
#define HUNDRED TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

/* faults: "row|name|sentence", several with a line end between; "": it is taken */
static const struct {
    const char *name, *json, *faults;
} rows[] = {
    {"R12 nothing mapped", FIELDS(""), ""},
    {"R12 a date of birth", FIELDS("{" DOB "}"), ""},
    {"R13 a laboratory value with its date", FIELDS("{" NA "," DATED "}"), ""},
    {"R13 one without its date", FIELDS("{" NA "}"),
     "1|2951-2|This source has values of many days: name the date field that says which are "
     "wanted."},
    {"R13 a date of birth with a date field", FIELDS("{" DOB "," DATED "}"),
     "1|birthDate|This source has one value, and no date field goes with it."},
    {"R13 a list with a date field",
     FIELDS("{\"source\":\"allergy-list\",\"event\":\"e1\",\"field\":\"notes\"," DATED "}"),
     "1|allergy-list|This source has one value, and no date field goes with it."},
    {"R13 a date field with a time", FIELDS("{" NA ",\"temporal_field\":\"visit_time\"}"), ""},
    {"R13 a date field with seconds", FIELDS("{" NA ",\"temporal_field\":\"visit_second\"}"), ""},
    {"R13 a date field that is none", FIELDS("{" NA ",\"temporal_field\":\"weight\"}"),
     "1|weight|The field \"weight\" holds no date: it has to be validated as a date, or a date "
     "with "
     "a time."},
    {"R13 a date field that is notes", FIELDS("{" NA ",\"temporal_field\":\"notes\"}"),
     "1|notes|The field \"notes\" holds no date: it has to be validated as a date, or a date with "
     "a "
     "time."},
    {"R13 a date field of another event", FIELDS("{" NA ",\"temporal_field\":\"followup_date\"}"),
     "1|followup_date|The field \"followup_date\" is on no form of the event \"e1\"."},
    {"R13 a date field there is not", FIELDS("{" NA ",\"temporal_field\":\"nowhere\"}"),
     "1|nowhere|The project has no field \"nowhere\"."},
    {"R13 its own date field",
     FIELDS("{\"source\":\"2951-2\",\"event\":\"e1\",\"field\":\"visit\"," DATED "}"),
     "1|visit|A field cannot be its own date field."},
    {"R15 a rule", FIELDS("{" NA "," DATED ",\"preselect\":\"NEAR\"}"), ""},
    {"R15 a rule in small letters", FIELDS("{" NA "," DATED ",\"preselect\":\"max\"}"), ""},
    {"R15 no rule", FIELDS("{" NA "," DATED ",\"preselect\":\"\"}"), ""},
    {"R15 no such rule", FIELDS("{" NA "," DATED ",\"preselect\":\"MEAN\"}"),
     "1|preselect|This has to be MIN, MAX, FIRST, LAST or NEAR, or left out."},
    {"R15 a rule for a date of birth", FIELDS("{" DOB ",\"preselect\":\"MAX\"}"),
     "1|birthDate|This source has one value: there is nothing to preselect."},
    {"a unit", FIELDS("{" NA "," DATED ",\"unit\":\"mmol/L\"}"), ""},
    {"a unit of 65 bytes",
     FIELDS("{" NA "," DATED ",\"unit\":\"" TEN TEN TEN TEN TEN TEN "12345\"}"),
     "1|2951-2|The unit has to be a UCUM code of 1 to 64 printable characters."},
    {"a unit that is a formula", FIELDS("{" NA "," DATED ",\"unit\":\"=1+1\"}"),
     "1|2951-2|The unit has to be a UCUM code of 1 to 64 printable characters."},
    {"a unit of a date of birth", FIELDS("{" DOB ",\"unit\":\"a\"}"),
     "1|birthDate|This source has no unit."},
    {"R12 no source", FIELDS("{\"event\":\"e1\",\"field\":\"dob\"}"),
     "1|dob|Say which field of the EHR it is."},
    {"R12 no field", FIELDS("{\"source\":\"birthDate\",\"event\":\"e1\"}"),
     "1|birthDate|Say which field of the project it is."},
    {"R12 no such source", FIELDS("{\"source\":\"birthdate\",\"event\":\"e1\",\"field\":\"dob\"}"),
     "1|birthdate|" NO_SOURCE},
    {"R12 a LOINC code with a wrong check digit",
     FIELDS("{\"source\":\"2951-3\",\"event\":\"e1\",\"field\":\"na\"," DATED "}"),
     "1|2951-3|" NO_SOURCE},
    {"R12 two LOINC codes",
     FIELDS("{\"source\":\"2951-2, 2947-0\",\"event\":\"e1\",\"field\":\"na\"," DATED "}"), ""},
    {"R12 no such field", FIELDS("{\"source\":\"birthDate\",\"event\":\"e1\",\"field\":\"bdate\"}"),
     "1|bdate|The project has no field \"bdate\"."},
    {"R12 no such event", FIELDS("{\"source\":\"birthDate\",\"event\":\"e9\",\"field\":\"dob\"}"),
     "1|e9|The project has no event \"e9\"."},
    {"R12 no event", FIELDS("{\"source\":\"birthDate\",\"field\":\"dob\"}"),
     "1|dob|The project has several events: say in which one."},
    {"R12 a field that is not in this event",
     FIELDS("{\"source\":\"birthDate\",\"event\":\"e2\",\"field\":\"dob\"}"),
     "1|dob|The field \"dob\" is on no form of the event \"e2\"."},
    {"R12 a calculated field",
     FIELDS("{\"source\":\"birthDate\",\"event\":\"e1\",\"field\":\"age\"}"),
     "1|age|Nothing can be saved into a field of this kind (calculated, file, descriptive)."},
    {"R12 the name of the record",
     FIELDS("{\"source\":\"birthDate\",\"event\":\"e1\",\"field\":\"record_id\"}"),
     "1|record_id|This field is the name of the record; nothing can be saved into it."},
    {"R12 the field of the medical record number",
     FIELDS("{\"source\":\"birthDate\",\"event\":\"e1\",\"field\":\"mrn\"}"),
     "1|mrn|This field holds the medical record number already."},
    {"R12 a line end in a name",
     FIELDS("{\"source\":\"birthDate\",\"event\":\"e1\",\"field\":\"d\\nob\"}"),
     "1|d\nob|" NO_NAME},
    {"R12 a formula for a name",
     FIELDS("{\"source\":\"birthDate\",\"event\":\"e1\",\"field\":\"=dob\"}"), "1|=dob|" NO_NAME},
    {"R12 a name of 101 bytes",
     FIELDS("{\"source\":\"birthDate\",\"event\":\"e1\",\"field\":\"" HUNDRED "1\"}"),
     "1|" HUNDRED "1|" NO_NAME},
    {"R12 one source to two fields",
     FIELDS("{" DOB "},{\"source\":\"birthDate\",\"event\":\"e1\",\"field\":\"notes\"}"), ""},
    {"R12 two sources to one field",
     FIELDS("{" NA "," DATED "},{\"source\":\"2947-0\",\"event\":\"e1\",\"field\":\"na\"," DATED
            "}"),
     ""},
    {"R12 the same in two events",
     FIELDS("{" NA "," DATED "},{\"source\":\"2951-2\",\"event\":\"e2\",\"field\":\"na\","
            "\"temporal_field\":\"visit\"}"),
     ""},
    {"R12 the same twice", FIELDS("{" DOB "},{" NA "," DATED "},{" DOB "}"),
     "3|birthDate|Row 1 has the same source, event and field."},
    {"R12 the same twice, with and without blanks",
     FIELDS("{\"source\":\"2951-2,2947-0\",\"event\":\"e1\",\"field\":\"na\"," DATED "},"
            "{\"source\":\"2951-2 , 2947-0\",\"event\":\"e1\",\"field\":\"na\"," DATED "}"),
     "2|2951-2,2947-0|Row 1 has the same source, event and field."},
    {"R12 the medical record number as a field",
     FIELDS("{\"source\":\"id\",\"event\":\"e1\",\"field\":\"notes\"}"),
     "1|id|The medical record number is the identifier, once, and no field besides."},
    {"R12 no identifier", "{\"fields\":[]}",
     "0|-|Say which field of the project holds the medical record number: the identifier, whose "
     "source is \"id\"."},
    {"R12 an identifier without its source",
     "{\"fields\":[],\"identifier\":{\"event\":\"e1\","
     "\"field\":\"mrn\"}}",
     ""},
    {"R12 another source as identifier",
     "{\"fields\":[],\"identifier\":{\"source\":\"fhir-id\",\"event\":\"e1\",\"field\":\"mrn\"}}",
     "0|fhir-id|The source of the identifier is \"id\"."},
    {"R12 an identifier without its field",
     "{\"fields\":[],\"identifier\":{\"source\":\"id\",\"event\":\"e1\"}}",
     "0|id|Say which field of the project holds the medical record number."},
    {"R12 an identifier in a field there is not",
     "{\"fields\":[],\"identifier\":{\"event\":\"e1\",\"field\":\"nowhere\"}}",
     "0|nowhere|The project has no field \"nowhere\"."},
    {"R12 an identifier in a choice",
     "{\"fields\":[],\"identifier\":{\"event\":\"e1\",\"field\":\"sex\"}}",
     "0|sex|A medical record number goes into a text field."},
    {"R12 an identifier in the name of the record",
     "{\"fields\":[],\"identifier\":{\"event\":\"e1\",\"field\":\"record_id\"}}", ""},
    {"R12 two identifiers", "{\"fields\":[],\"identifier\":[{\"event\":\"e1\",\"field\":\"mrn\"}]}",
     "0|identifier|This has to be a JSON object, once.\n"
     "0|-|Say which field of the project holds the medical record number: the identifier, whose "
     "source is \"id\"."},
    {"R12 an identifier with a rule",
     "{\"fields\":[],\"identifier\":{\"event\":\"e1\",\"field\":\"mrn\",\"preselect\":\"MAX\"}}",
     "0|preselect|" NO_MEMBER},
    {"R14 days of a field",
     FIELDS("{" NA "," DATED ",\"day_offset\":{\"days\":0.01,\"direction\":\"-\"}}"), ""},
    {"R14 days without a direction", FIELDS("{" NA "," DATED ",\"day_offset\":{\"days\":365}}"),
     ""},
    {"R14 a direction without days",
     FIELDS("{" NA "," DATED ",\"day_offset\":{\"direction\":\"+\"}}"), "1|days|" OFFSET_DAYS},
    {"R14 no days", FIELDS("{" NA "," DATED ",\"day_offset\":{\"days\":0}}"),
     "1|days|" OFFSET_DAYS},
    {"R14 days below zero", FIELDS("{" NA "," DATED ",\"day_offset\":{\"days\":-7}}"),
     "1|days|" OFFSET_DAYS},
    {"R14 366 days", FIELDS("{" NA "," DATED ",\"day_offset\":{\"days\":366}}"),
     "1|days|" OFFSET_DAYS},
    {"R14 365.01 days", FIELDS("{" NA "," DATED ",\"day_offset\":{\"days\":365.01}}"),
     "1|days|" OFFSET_DAYS},
    {"R14 a thousandth of a day", FIELDS("{" NA "," DATED ",\"day_offset\":{\"days\":0.005}}"),
     "1|days|" OFFSET_DAYS},
    {"R14 days as a text", FIELDS("{" NA "," DATED ",\"day_offset\":{\"days\":\"7\"}}"),
     "1|days|" OFFSET_DAYS},
    {"R14 days alone", FIELDS("{" NA "," DATED ",\"day_offset\":7}"),
     "1|day_offset|This has to be {\"days\": 7, \"direction\": \"+-\"}."},
    {"R14 another direction",
     FIELDS("{" NA "," DATED ",\"day_offset\":{\"days\":7,\"direction\":\"-+\"}}"),
     "1|direction|The direction is \"+-\" (around the date), \"+\" (after it) or \"-\" (before "
     "it)."},
    {"R14 something else beside the days",
     FIELDS("{" NA "," DATED ",\"day_offset\":{\"days\":7,\"hours\":3}}"), "1|hours|" NO_MEMBER},
    {"R14 days of a date of birth", FIELDS("{" DOB ",\"day_offset\":{\"days\":7}}"),
     "1|birthDate|This source has one value: no days go with it."},
    {"R14 days of the project", WHOLE("\"day_offset\":{\"days\":1.5,\"direction\":\"+\"},", ""),
     ""},
    {"R14 too many days of the project", WHOLE("\"day_offset\":{\"days\":3650},", ""),
     "0|days|" OFFSET_DAYS},
    {"R16 five previews",
     WHOLE("\"preview\":[\"name-given\",\"name-family\",\"birthDate\",\"gender\",\"id\"],", ""),
     ""},
    {"C3 six previews",
     WHOLE("\"preview\":[\"name-given\",\"name-family\",\"birthDate\",\"gender\",\"id\",\"race\"],",
           ""),
     "0|-|Preview: 5 fields at most, and these are 6."},
    {"R16 a laboratory value as preview", WHOLE("\"preview\":[\"2951-2\"],", ""),
     "0|2951-2|Preview: only what a patient has once can be shown, like a name."},
    {"R16 a list as preview", WHOLE("\"preview\":[\"allergy-list\"],", ""),
     "0|allergy-list|Preview: only what a patient has once can be shown, like a name."},
    {"R16 a preview there is not", WHOLE("\"preview\":[\"first name\"],", ""),
     "0|first name|Preview: the EHR has no such field."},
    {"R16 a preview twice", WHOLE("\"preview\":[\"birthDate\",\"birthDate\"],", ""),
     "0|birthDate|Preview: this field is there twice."},
    {"R16 a preview that is no name", WHOLE("\"preview\":[1],", ""),
     "0|preview|This has to be a list of names."},
    {"R16 a preview with a NUL", WHOLE("\"preview\":[\"birthDate\\u0000\"],", ""),
     "0|preview|This has to be a list of names."},
    {"R16 previews that are no list", WHOLE("\"preview\":\"birthDate\",", ""),
     "0|preview|This has to be a list of names."},
    {"R8 an e-mail address",
     FIELDS("{\"source\":\"email-2\",\"event\":\"e1\",\"field\":\"notes\"}"),
     "1|email-2|E-mail addresses are not allowed here."},
    {"R8 an e-mail address as preview", WHOLE("\"preview\":[\"email\"],", ""),
     "0|email|Preview: e-mail addresses are not allowed here."},
    {"H7 adjudication", WHOLE("\"adjudication\":\"instant\",", ""), ""},
    {"H7 another adjudication", WHOLE("\"adjudication\":\"never\",", ""),
     "0|adjudication|This has to be manual, auto or instant."},
    {"W8 conversion in words", WHOLE("\"convert_gmt\":\"yes\",", ""),
     "0|convert_gmt|This has to be true or false."},
    {"version 1", WHOLE("\"version\":1,", ""), ""},
    {"version 2", WHOLE("\"version\":2,", ""), "0|version|This server reads version 1."},
    {"version in words", WHOLE("\"version\":\"1\",", ""), "0|version|This server reads version 1."},
    {"its own project and EHR", WHOLE("\"project\":\"study1\",\"ehr\":\"main\",", ""), ""},
    {"another project", WHOLE("\"project\":\"study2\",", ""),
     "0|study2|This mapping is made for another project; here it is study1."},
    {"another EHR", WHOLE("\"ehr\":\"other\",", ""),
     "0|other|This mapping is made for another EHR; here it is main."},
    {"a project that is no text", WHOLE("\"project\":1,", ""), "0|project|This has to be a text."},
    {"a member there is not", WHOLE("\"mapping\":[],", ""), "0|mapping|" NO_MEMBER},
    {"a misspelt member", FIELDS("{" DOB ",\"preselekt\":\"MAX\"}"), "1|preselekt|" NO_MEMBER},
    {"a source that is no text", FIELDS("{\"source\":5,\"event\":\"e1\",\"field\":\"dob\"}"),
     "1|source|This has to be a text.\n1|dob|Say which field of the EHR it is."},
    {"a field with a NUL",
     FIELDS("{\"source\":\"birthDate\",\"event\":\"e1\",\"field\":\"dob\\u0000x\"}"),
     "1|field|This has to be a text.\n1|birthDate|Say which field of the project it is."},
    {"a field that is no object", FIELDS("5"),
     "1|-|A field has to be a JSON object.\n1|-|Say which field of the EHR it is.\n"
     "1|-|The project has several events: say in which one.\n"
     "1|-|Say which field of the project it is."},
    {"no fields", "{\"identifier\":{\"event\":\"e1\",\"field\":\"mrn\"}}",
     "0|fields|This has to be a list of fields."},
    {"fields that are no list",
     "{\"identifier\":{\"event\":\"e1\",\"field\":\"mrn\"},\"fields\":{}}",
     "0|fields|This has to be a list of fields."},
    {"no JSON", "{", "0|-|This is no JSON object, or longer than 1 MiB."},
    {"a list", "[]", "0|-|This is no JSON object, or longer than 1 MiB."},
    {"C2 every row that is wrong is named, those between them are not",
     FIELDS("{\"source\":\"x\",\"event\":\"e1\",\"field\":\"dob\"},{" NA "," DATED "},{" NA
            "},{" DOB "},{\"source\":\"gender\",\"event\":\"e1\",\"field\":\"nope\"}"),
     "1|x|" NO_SOURCE "\n"
     "3|2951-2|This source has values of many days: name the date field that says which are "
     "wanted.\n"
     "3|2951-2|Row 2 has the same source, event and field.\n"
     "5|nope|The project has no field \"nope\"."},
};

static void test_faults(const sl_cdp_mapping_rules_t *rules, apr_pool_t *p)
{
    for (int i = 0; i < COUNT_OF(rows); i++) {
        apr_array_header_t *faults;
        sl_cdp_mapping_t mapping;
        sl_rc_t rc =
            sl_cdp_mapping_parse(&mapping, &faults, rows[i].json, strlen(rows[i].json), rules, p);

        is_str(project_faults(faults, p), rows[i].faults, rows[i].name);
        if (rc != (rows[i].faults[0] == '\0' ? SL_OK : SL_INVALID)) {
            ok(false, "%s: %s", rows[i].name, sl_rc_name(rc));
        }
    }
}

/* What is read, member by member. */
static void test_values(const sl_cdp_mapping_rules_t *rules, apr_pool_t *p)
{
    static const char json[] =
        WHOLE("\"version\":1,\"project\":\"study1\",\"ehr\":\"main\",\"day_offset\":{\"days\":1.5,"
              "\"direction\":\"+\"},\"convert_gmt\":true,\"adjudication\":\"auto\","
              "\"preview\":[\"name-given\"],",
              "{\"source\":\"2951-2, 2947-0\",\"event\":\"e1\",\"field\":\"na\"," DATED
              ",\"preselect\":\"NEAR\",\"unit\":\"mmol/L\",\"day_offset\":{\"days\":0.25,"
              "\"direction\":\"-\"}},{" DOB "}");
    apr_array_header_t *faults;
    sl_cdp_mapping_t mapping;
    const sl_cdp_map_t *na, *dob;

    is_int(sl_cdp_mapping_parse(&mapping, &faults, json, strlen(json), rules, p), SL_OK, "taken");
    na = &APR_ARRAY_IDX(mapping.fields, 0, sl_cdp_map_t);
    dob = &APR_ARRAY_IDX(mapping.fields, 1, sl_cdp_map_t);
    is_str(mapping.project, "study1", "project");
    is_str(mapping.ehr, "main", "EHR");
    is_int(mapping.offset.centidays, 150, "R14 one and a half days");
    is_int(mapping.offset.direction, SL_CDP_AFTER, "R14 after");
    ok(mapping.convert_gmt, "W8 to local time");
    is_int(mapping.adjudication, SL_CDP_AUTO, "H7 auto");
    is_str(mapping.identifier.field, "mrn", "R12 identifier");
    is_str(na->source, "2951-2,2947-0", "R12 two codes, without blanks");
    is_str(na->temporal_field, "visit", "R13 date field");
    is_int(na->pick, SL_CDP_PICK_NEAR, "R15 NEAR");
    is_str(na->unit, "mmol/L", "unit");
    is_int(sl_cdp_mapping_offset(&mapping, na).centidays, 25, "R14 its own days");
    is_int(sl_cdp_mapping_offset(&mapping, na).direction, SL_CDP_BEFORE, "R14 its own direction");
    is_int(sl_cdp_mapping_offset(&mapping, dob).centidays, 150, "R14 the project's days");
    ok(dob->temporal_field == NULL && dob->unit == NULL && dob->pick == SL_CDP_PICK_NONE,
       "nothing else is there");
    ok(sl_cdp_mapping_by_id(&mapping, 7) == NULL, "no such id");
    APR_ARRAY_IDX(mapping.fields, 1, sl_cdp_map_t).id = 7;
    ok(sl_cdp_mapping_by_id(&mapping, 7) == dob, "found by its id");
}

static void test_defaults(const sl_cdp_mapping_rules_t *rules, apr_pool_t *p)
{
    static const char json[] = FIELDS("");
    apr_array_header_t *faults;
    sl_cdp_mapping_t mapping;

    is_int(sl_cdp_mapping_parse(&mapping, &faults, json, strlen(json), rules, p), SL_OK, "taken");
    is_str(mapping.project, "study1", "the project is ours");
    ok(mapping.ehr == NULL, "the EHR is not said");
    is_int(mapping.offset.centidays, 700, "R14 seven days");
    is_int(mapping.offset.direction, SL_CDP_AROUND, "R14 around");
    is_int(mapping.adjudication, SL_CDP_MANUAL, "H7 manual");
    ok(!mapping.convert_gmt, "W8 as sent");
}

/* Without a dictionary names are believed; without events REDCap's only one is none. */
static void test_dictionaries(sl_cdp_mapping_rules_t rules, apr_pool_t *p)
{
    static const char json[] =
        "{\"identifier\":{\"event\":\"event_1_arm_1\",\"field\":\"mrn\"},\"fields\":[{"
        "\"source\":\"2951-2\",\"event\":\"event_1_arm_1\",\"field\":\"na\",\"temporal_field\":"
        "\"visit\"}]}";
    static const char named[] = FIELDS("{" DOB "}");
    sl_cdp_dictionary_t classic = *rules.dictionary;
    apr_array_header_t *faults;
    sl_cdp_mapping_t mapping;

    rules.dictionary = NULL;
    is_int(sl_cdp_mapping_parse(&mapping, &faults, json, strlen(json), &rules, p), SL_OK,
           "names are believed where the app does not tell");
    is_str(mapping.identifier.event, "event_1_arm_1", "and events stay");
    project_classic(&classic, p);
    rules.dictionary = &classic;
    is_int(sl_cdp_mapping_parse(&mapping, &faults, json, strlen(json), &rules, p), SL_OK,
           "REDCap's only event where the project has none");
    is_str(mapping.identifier.event, "", "is none, for the identifier");
    is_str(APR_ARRAY_IDX(mapping.fields, 0, sl_cdp_map_t).event, "", "and for a field");
    is_int(sl_cdp_mapping_parse(&mapping, &faults, named, strlen(named), &rules, p), SL_INVALID,
           "another event where the project has none");
    is_str(project_faults(faults, p),
           "0|e1|The project has no events: leave the event empty.\n"
           "1|e1|The project has no events: leave the event empty.",
           "R12 the event is named");
}

static void test_email(sl_cdp_mapping_rules_t rules, apr_pool_t *p)
{
    static const char json[] = WHOLE("\"preview\":[\"email\"],",
                                     "{\"source\":\"email\",\"event\":\"e1\",\"field\":\"notes\"}");
    apr_array_header_t *faults;
    sl_cdp_mapping_t mapping;

    rules.may_email = true;
    is_int(sl_cdp_mapping_parse(&mapping, &faults, json, strlen(json), &rules, p), SL_OK,
           "R8 e-mail addresses where they are allowed");
}

static void test_many(const sl_cdp_mapping_rules_t *rules, apr_pool_t *p)
{
    apr_array_header_t *fields = apr_array_make(p, SL_CDP_MAX_FIELDS + 1, sizeof(const char *));
    apr_array_header_t *faults;
    sl_cdp_mapping_rules_t believing = *rules;
    sl_cdp_mapping_t mapping;
    const char *json;

    believing.dictionary = NULL;
    for (int i = 0; i <= SL_CDP_MAX_FIELDS; i++) {
        APR_ARRAY_PUSH(fields, const char *) =
            apr_psprintf(p, "{\"source\":\"gender\",\"field\":\"f%d\"}", i);
        if (i + 1 >= SL_CDP_MAX_FIELDS) {
            json = apr_psprintf(p, FIELDS("%s"), apr_array_pstrcat(p, fields, ','));
            is_int(sl_cdp_mapping_parse(&mapping, &faults, json, strlen(json), &believing, p),
                   i < SL_CDP_MAX_FIELDS ? SL_OK : SL_INVALID, apr_psprintf(p, "%d fields", i + 1));
        }
    }
    is_str(project_faults(faults, p), "0|fields|2000 fields at most can be mapped.",
           "too many fields: the sentence");
}

static void test_days(apr_pool_t *p)
{
    static const struct {
        const char *text;
        int centidays; /* 0: refused */
        const char *back;
    } days[] = {
        {"7", 700, "7"},      {"0.01", 1, "0.01"},   {"1.5", 150, "1.5"},
        {"1.50", 150, "1.5"}, {"365", 36500, "365"}, {"364.99", 36499, "364.99"},
        {"007", 700, "7"},    {"0.10", 10, "0.1"},   {"365.01", 0, ""},
        {"366", 0, ""},       {"0", 0, ""},          {"0.00", 0, ""},
        {"0.001", 0, ""},     {"1.", 0, ""},         {".5", 0, ""},
        {"-1", 0, ""},        {"+1", 0, ""},         {"1e1", 0, ""},
        {"1,5", 0, ""},       {" 1", 0, ""},         {"1 ", 0, ""},
        {"", 0, ""},          {NULL, 0, ""},         {"99999999999", 0, ""},
    };

    for (int i = 0; i < COUNT_OF(days); i++) {
        int centidays = -1;
        sl_rc_t rc = sl_cdp_days_parse(&centidays, days[i].text);

        ok(rc == (days[i].centidays == 0 ? SL_INVALID : SL_OK) && centidays == days[i].centidays,
           "W6 days \"%s\"", days[i].text == NULL ? "(none)" : days[i].text);
        if (centidays > 0) {
            is_str(sl_cdp_days_text(p, centidays), days[i].back,
                   apr_psprintf(p, "W6 days \"%s\", written", days[i].text));
        }
    }
}

/* A mapping that a form put together is judged the same. */
static void test_check(const sl_cdp_mapping_rules_t *rules, apr_pool_t *p)
{
    sl_cdp_mapping_t mapping = {.project = "study1", .offset = {0, SL_CDP_AROUND}};
    apr_array_header_t *fields = apr_array_make(p, 1, sizeof(sl_cdp_map_t));
    apr_array_header_t *faults;
    sl_cdp_map_t *map = apr_array_push(fields);

    mapping.preview = apr_array_make(p, 1, sizeof(const char *));
    mapping.identifier = (sl_cdp_map_t){.source = "id", .event = "e1", .field = "mrn"};
    mapping.fields = fields;
    *map = (sl_cdp_map_t){.source = "2951-2",
                          .event = "e1",
                          .field = "na",
                          .temporal_field = "visit",
                          .offset = {36501, SL_CDP_AROUND}};
    is_int(sl_cdp_mapping_check(&faults, &mapping, rules, p), SL_INVALID, "R14 a form's offsets");
    is_str(project_faults(faults, p),
           "0|-|The days of the project have to be 0.01 to 365.\n"
           "1|2951-2|The days have to be 0.01 to 365.",
           "R14 a form's offsets: the sentences");
    mapping.offset.centidays = map->offset.centidays = 1;
    is_int(sl_cdp_mapping_check(&faults, &mapping, rules, p), SL_OK, "a good form");
    is_int(faults->nelts, 0, "has no faults");
}

int main(void)
{
    apr_pool_t *p = rule_pool();
    sl_cdp_mapping_rules_t rules = {"study1", "main", project_dictionary(p), false};

    test_faults(&rules, p);
    test_values(&rules, p);
    test_defaults(&rules, p);
    test_dictionaries(rules, p);
    test_email(rules, p);
    test_many(&rules, p);
    test_days(p);
    test_check(&rules, p);
    rule_release(p);
    return tap_done();
}
