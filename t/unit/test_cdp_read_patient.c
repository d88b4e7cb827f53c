/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp_read.h"

#define CORE "http://hl7.org/fhir/us/core/StructureDefinition/"

static const sl_cdp_reading_t reading = {"urn:mrn", {1710504000, SL_CDP_DATETIME}};

/* The golden row of reference section 5, and its first and last name. */
static const char golden[] =
    "{'resourceType':'Patient','id':'p-1','extension':["
    "{'url':'" CORE "us-core-race','extension':["
    "{'url':'ombCategory','valueCoding':{'system':'urn:oid:2.16.840.1.113883.6.238',"
    "'code':'2106-3','display':'White'}},{'url':'text','valueString':'White'}]},"
    "{'url':'" CORE "us-core-ethnicity','extension':["
    "{'url':'ombCategory','valueCoding':{'code':'2186-5'}},{'url':'text','valueString':'no'}]},"
    "{'url':'" CORE "us-core-birthsex','valueCode':'M'},"
    "{'url':'http://hl7.org/fhir/StructureDefinition/individual-recordedSexOrGender','extension':["
    "{'url':'value','valueCodeableConcept':{'coding':[{'code':'male'}]}}]}],"
    "'identifier':[{'system':'urn:ssn','value':'999-1'},{'use':'old','system':'urn:mrn','value':"
    "'old-1'},{'system':'urn:mrn','value':'203711'},"
    "{'type':{'coding':[{'code':'MR'}]},'system':'urn:other','value':'typed-1'}],"
    "'name':[{'use':'maiden','family':'Nobody','given':['No']},"
    "{'use':'usual','family':'Locky','given':['M']},"
    "{'use':'official','family':'Lockman','given':['Morris','Luis Miguel'],'prefix':['Mr.'],"
    "'suffix':['Jr.']}],"
    "'telecom':[{'system':'phone','use':'mobile','value':'555-1'},"
    "{'system':'phone','use':'home','value':'555-172-1610'},"
    "{'system':'phone','use':'home','rank':1,'value':'555-0','period':{'end':'2019'}},"
    "{'system':'email','value':'b@x.example'},{'system':'email','rank':1,'value':'a@x.example'}],"
    "'gender':'male','birthDate':'1970-12-24','deceasedBoolean':false,"
    "'address':[{'use':'work','city':'Boston'},{'use':'home','line':['1047 Main','Unit 2'],"
    "'city':'Chicopee','district':'Hampden','state':'Massachusetts','postalCode':'01013',"
    "'country':'US'}],"
    "'maritalStatus':{'coding':[{'code':'M','display':'Married'}],'text':'Married'},"
    "'communication':[{'language':{'coding':[{'code':'es'}]}},"
    "{'preferred':true,'language':{'coding':[{'code':'en-US'}]}}],"
    "'generalPractitioner':[{'display':'Dr. Who'}],"
    "'managingOrganization':{'reference':'Organization/1','display':'PCP1401'}}";

static void test_golden(apr_pool_t *p)
{
    static const struct {
        const char *source, *want;
    } rows[] = {
        {"id", "203711"},
        {"fhir-id", "p-1"},
        {"name-given", "Morris Luis Miguel"},
        {"name-middle", "Luis Miguel"},
        {"name-family", "Lockman"},
        {"name-prefix", "Mr."},
        {"name-suffix", "Jr."},
        {"birthDate", "1970-12-24"},
        {"gender", "M"},
        {"birthsex", "M"},
        {"legal-sex", "male"},
        {"race", "2106-3"},
        {"race-all-codes", "2106-3"},
        {"ethnicity", "2186-5"},
        {"marital-status", "M"},
        {"preferred-language", "en-US"},
        {"is-deceased", "0"},
        {"deceasedDateTime", NULL},
        {"general-practitioner", "Dr. Who"},
        {"managing-organization", "PCP1401"},
        {"address-line", "1047 Main Unit 2"},
        {"address-city", "Chicopee"},
        {"address-district", "Hampden"},
        {"address-state", "Massachusetts"},
        {"address-postalCode", "01013"},
        {"address-country", "US"},
        {"phone-home", "555-172-1610"},
        {"phone-home-2", NULL},
        {"phone-mobile", "555-1"},
        {"phone-mobile-2", NULL},
        {"phone-work", NULL},
        {"email", "a@x.example"},
        {"email-2", "b@x.example"},
        {"email-3", NULL},
        {"shoe-size", NULL},
    };
    const sl_json_t *patient = json(p, golden);

    for (int i = 0; i < COUNT_OF(rows); i++) {
        is_str(sl_cdp_read_preview(patient, rows[i].source, &reading, p), rows[i].want,
               apr_pstrcat(p, "C4 ", rows[i].source, NULL));
    }
}

/* Every source of the catalogue that is one of Patient is read by somebody. */
static void test_catalogue(apr_pool_t *p)
{
    const sl_json_t *rich =
        json(p, "{'resourceType':'Patient','id':'1','birthDate':'1970','gender':'other',"
                "'deceasedDateTime':'2020-01-02T03:04:05Z','extension':["
                "{'url':'" CORE "us-core-race','extension':[{'url':'text','valueString':'?'}]},"
                "{'url':'" CORE "us-core-ethnicity','extension':[{'url':'detailed','valueCoding':"
                "{'code':'2148-5'}}]},{'url':'" CORE "us-core-birthsex','valueCode':'F'},"
                "{'url':'http://hl7.org/fhir/StructureDefinition/individual-recordedSexOrGender',"
                "'extension':[{'url':'value','valueCodeableConcept':{'coding':[{'code':'x'}]}}]}],"
                "'identifier':[{'system':'urn:mrn','value':'1'}],"
                "'name':[{'family':'a','given':['b','c'],'prefix':['d'],'suffix':['e']}],"
                "'address':[{'line':['l'],'city':'c','district':'d','state':'s','postalCode':'p',"
                "'country':'x'}],'maritalStatus':{'text':'single'},"
                "'communication':[{'language':{'text':'Elvish'}}],"
                "'generalPractitioner':[{'display':'g'}],'managingOrganization':{'display':'m'},"
                "'telecom':[{'system':'phone','use':'home','value':'1'},{'system':'phone','use':"
                "'home','value':'2'},{'system':'phone','use':'home','value':'3'},"
                "{'system':'phone','use':'mobile','value':'1'},{'system':'phone','use':'mobile',"
                "'value':'2'},{'system':'phone','use':'mobile','value':'3'},{'system':'phone',"
                "'use':'work','value':'1'},{'system':'email','value':'1'},{'system':'email',"
                "'value':'2'},{'system':'email','value':'3'}]}");
    int count;
    const sl_cdp_source_t *table = sl_cdp_catalogue(&count);

    for (int i = 0; i < count; i++) {
        if (table[i].kind == SL_CDP_KIND_PATIENT) {
            ok(sl_cdp_read_preview(rich, table[i].name, &reading, p) != NULL, "C4 %s is read",
               table[i].name);
        }
    }
}

static void test_elements(apr_pool_t *p)
{
    static const struct {
        const char *name, *source, *members, *want;
    } rows[] = {
        {"C4 a year alone", "birthDate", "'birthDate':'1970'", "1970"},
        {"C4 female", "gender", "'gender':'female'", "F"},
        {"C4 another gender", "gender", "'gender':'other'", "UNK"},
        {"C4 no gender", "gender", "'active':true", "UNK"},
        {"C4 died at a time", "is-deceased", "'deceasedDateTime':'2020-01-02'", "1"},
        {"C4 when", "deceasedDateTime", "'deceasedDateTime':'2020-01-02T03:04:05Z'",
         "2020-01-02T03:04:05Z"},
        {"C4 died", "is-deceased", "'deceasedBoolean':true", "1"},
        {"C4 nothing said of death", "is-deceased", "'active':true", "0"},
        {"C4 usual where nothing is official", "name-family",
         "'name':[{'family':'A'},{'use':'usual','family':'B'}]", "B"},
        {"C4 a use that is not said", "name-family",
         "'name':[{'use':'temp','family':'A'},{'family':'B'}]", "B"},
        {"C4 else the first", "name-family",
         "'name':[{'use':'temp','family':'A'},{'use':'anonymous','family':'B'}]", "A"},
        {"C4 never an old name", "name-family", "'name':[{'use':'old','family':'A'}]", NULL},
        {"C4 never a nickname", "name-given", "'name':[{'use':'nickname','given':['Mo']}]", NULL},
        {"C4 a name that ended", "name-family",
         "'name':[{'use':'official','family':'A','period':{'end':'2024-03-14'}},{'family':'B'}]",
         "B"},
        {"C4 a name that ends today", "name-family",
         "'name':[{'use':'official','family':'A','period':{'end':'2024-03-15T23:00:00Z'}},"
         "{'family':'B'}]",
         "A"},
        {"C4 a name that ends in a year that goes on", "name-family",
         "'name':[{'use':'official','family':'A','period':{'end':'2024'}},{'family':'B'}]", "A"},
        {"C4 a name to come", "name-family",
         "'name':[{'use':'official','family':'A','period':{'start':'2024-03-16'}},"
         "{'family':'B'}]",
         "B"},
        {"C4 a given name alone has no middle", "name-middle", "'name':[{'given':['A']}]", NULL},
        {"C4 two suffixes", "name-suffix", "'name':[{'suffix':['Jr.','MD']}]", "Jr. MD"},
        {"C4 a temporary address before that at work", "address-city",
         "'address':[{'use':'work','city':'A'},{'use':'temp','city':'B'}]", "B"},
        {"C4 an old address", "address-city", "'address':[{'use':'old','city':'A'}]", NULL},
        {"C4 a billing address where there is no other", "address-city",
         "'address':[{'use':'billing','city':'A'}]", "A"},
        {"C4 detailed race", "race",
         "'extension':[{'url':'" CORE "us-core-race','extension':[{'url':'detailed',"
         "'valueCoding':{'code':'1586-7'}}]}]",
         "1586-7"},
        {"C4 a race in words", "race",
         "'extension':[{'url':'" CORE "us-core-race','extension':[{'url':'text',"
         "'valueString':'x'}]}]",
         "UNK"},
        {"C4 races in words", "race-all-codes",
         "'extension':[{'url':'" CORE "us-core-race','extension':[{'url':'text',"
         "'valueString':'x'}]}]",
         "UNK"},
        {"C4 all races in their order, once", "race-all-codes",
         "'extension':[{'url':'" CORE "us-core-race','extension':["
         "{'url':'ombCategory','valueCoding':{'code':'2106-3'}},"
         "{'url':'detailed','valueCoding':{'code':'1586-7'}},"
         "{'url':'ombCategory','valueCoding':{'code':'2028-9'}},"
         "{'url':'detailed','valueCoding':{'code':'1586-7'}}]}]",
         "2106-3, 1586-7, 2028-9"},
        {"C4 an ethnicity where a race should be stays what it is", "race",
         "'extension':[{'url':'" CORE "us-core-race','extension':[{'url':'ombCategory',"
         "'valueCoding':{'code':'2135-2'}}]}]",
         "2135-2"},
        {"C4 no race", "race", "'active':true", NULL},
        {"C4 marital status in words", "marital-status", "'maritalStatus':{'text':'Single'}",
         "Single"},
        {"C4 the first language", "preferred-language",
         "'communication':[{'language':{'coding':[{'code':'es'}]}},{'language':{'text':'x'}}]",
         "es"},
        {"H5 control characters become blanks", "name-family",
         "'name':[{'family':'A\\u0000B\\nC\\u0085D\\u2028E\\tF\\u007fG'}]", "A B C D E F G"},
        {"H5 markup stays what it is", "name-family",
         "'name':[{'family':'<script>alert(1)</script>'}]", "<script>alert(1)</script>"},
        {"C4 blanks alone are nothing", "name-family", "'name':[{'family':'  \\n '}]", NULL},
        {"C4 a number where a text should be", "name-family", "'name':[{'family':7}]", NULL},
        {"C4 an object where a list should be", "name-family", "'name':{'family':'A'}", NULL},
        {"C4 a numbers' rank of no use", "phone-home",
         "'telecom':[{'system':'phone','use':'home','value':'1','rank':'x'},"
         "{'system':'phone','use':'home','value':'2','rank':-4}]",
         "1"},
        {"C4 the rank before the place", "phone-home-2",
         "'telecom':[{'system':'phone','use':'home','value':'1'},"
         "{'system':'phone','use':'home','value':'2','rank':2},"
         "{'system':'phone','use':'home','value':'3','rank':1}]",
         "2"},
        {"C4 a fax is no phone", "phone-home",
         "'telecom':[{'system':'fax','use':'home','value':'1'}]", NULL},
        {"C10 a marker that is not known", "name-family",
         "'modifierExtension':[{'url':'urn:x'}],'name':[{'family':'A'}]", NULL},
        {"C10 an empty list of markers is none", "name-family",
         "'modifierExtension':[],'name':[{'family':'A'}]", "A"},
        {"C5 the official number of several", "id",
         "'identifier':[{'system':'urn:mrn','value':'1'},{'use':'official','system':'urn:mrn',"
         "'value':'2'}]",
         "2"},
        {"C5 a number that ended", "id",
         "'identifier':[{'system':'urn:mrn','value':'1','period':{'end':'2020-01-01'}}]", NULL},
        {"C5 another system's number", "id",
         "'identifier':[{'system':'urn:mrn2','value':'1','type':{'coding':[{'code':'MR'}]}}]",
         NULL},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        const sl_json_t *patient =
            json(p, apr_pstrcat(p, "{'resourceType':'Patient',", rows[i].members, "}", NULL));

        is_str(sl_cdp_read_preview(patient, rows[i].source, &reading, p), rows[i].want,
               rows[i].name);
    }
}

static void test_mrn(apr_pool_t *p)
{
    static const sl_cdp_reading_t by_type = {NULL, {1710504000, SL_CDP_DATETIME}};
    const sl_json_t *patient = json(p, golden);

    ok(sl_cdp_read_has_mrn(patient, "203711", &reading), "C5 it has its number");
    ok(!sl_cdp_read_has_mrn(patient, "203712", &reading), "C5 it has no other");
    ok(!sl_cdp_read_has_mrn(patient, "999-1", &reading), "C5 another system's is none");
    ok(!sl_cdp_read_has_mrn(patient, "old-1", &reading), "C5 an old one is none");
    ok(!sl_cdp_read_has_mrn(patient, NULL, &reading), "C5 none is none");
    ok(!sl_cdp_read_has_mrn(patient, "", &reading), "C5 an empty one is none");
    ok(!sl_cdp_read_has_mrn(NULL, "203711", &reading), "C5 nobody has none");
    ok(sl_cdp_read_has_mrn(patient, "typed-1", &by_type) &&
           !sl_cdp_read_has_mrn(patient, "203711", &by_type),
       "C5 without a system the type MR tells");
    is_str(sl_cdp_read_preview(patient, "id", &by_type, p), "typed-1", "C5 and is shown");
}

static void test_items(apr_pool_t *p)
{
    static const char *const sources[] = {"name-given", "name-family", "birthDate",
                                          "deceasedDateTime", NULL};
    const sl_cdp_request_t *request = asking(p, SL_CDP_PATIENT, "Patient", sources);

    is_str(items_text(
               p, sl_cdp_read_patient(json(p, "{'resourceType':'Patient','birthDate':'1970-12-24',"
                                              "'name':[{'family':'Lockman','given':['Morris']}]}"),
                                      request, &reading, p)),
           "name-given=Morris\nname-family=Lockman\nbirthDate=1970-12-24",
           "C4 three items, and none for what the chart does not have");
    is_int(sl_cdp_read_patient(json(p, "{'resourceType':'Person','birthDate':'1970-12-24'}"),
                               request, &reading, p)
               ->nelts,
           0, "C4 nothing of another type");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_golden(p);
    test_catalogue(p);
    test_elements(p);
    test_mrn(p);
    test_items(p);
    rule_release(p);
    return tap_done();
}
