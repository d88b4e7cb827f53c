/* SPDX-License-Identifier: Apache-2.0 */
/* What can be mapped: the reference's sources (section 5), and LOINC codes. */
#include "cdp/sl_cdp_catalogue.h"
#include "rule.h"
#include <apr_strings.h>
#include <string.h>

/* All of section 5, by name. */
static const char *const sources[] = {"id",
                                      "fhir-id",
                                      "name-given",
                                      "name-family",
                                      "name-middle",
                                      "name-prefix",
                                      "name-suffix",
                                      "birthDate",
                                      "gender",
                                      "birthsex",
                                      "legal-sex",
                                      "race",
                                      "race-all-codes",
                                      "ethnicity",
                                      "address-line",
                                      "address-city",
                                      "address-state",
                                      "address-postalCode",
                                      "address-country",
                                      "address-district",
                                      "phone-home",
                                      "phone-home-2",
                                      "phone-home-3",
                                      "phone-mobile",
                                      "phone-mobile-2",
                                      "phone-mobile-3",
                                      "phone-work",
                                      "email",
                                      "email-2",
                                      "email-3",
                                      "is-deceased",
                                      "deceasedDateTime",
                                      "marital-status",
                                      "preferred-language",
                                      "general-practitioner",
                                      "managing-organization",
                                      "2951-2",
                                      "2947-0",
                                      "2823-3",
                                      "6298-4",
                                      "2075-0",
                                      "2069-3",
                                      "2028-9",
                                      "20565-8",
                                      "3094-0",
                                      "6299-2",
                                      "2160-0",
                                      "38483-4",
                                      "2345-7",
                                      "2339-0",
                                      "17861-6",
                                      "49765-1",
                                      "718-7",
                                      "4544-3",
                                      "6690-2",
                                      "777-3",
                                      "4548-4",
                                      "2093-3",
                                      "2085-9",
                                      "18262-6",
                                      "2571-8",
                                      "1742-6",
                                      "1920-8",
                                      "1975-2",
                                      "6301-6",
                                      "8480-6",
                                      "8462-4",
                                      "29463-7",
                                      "8302-2",
                                      "39156-5",
                                      "8310-5",
                                      "8331-1",
                                      "8867-4",
                                      "9279-1",
                                      "59408-5",
                                      "2708-6",
                                      "3150-0",
                                      "3151-8",
                                      "9843-4",
                                      "72166-2",
                                      "76689-9",
                                      "active-problem-list",
                                      "resolved-problem-list",
                                      "inactive-problem-list",
                                      "encounter-diagnosis-list",
                                      "active-medications-list",
                                      "completed-medications-list",
                                      "stopped-medications-list",
                                      "on-hold-medications-list",
                                      "allergy-list",
                                      "immunization-list",
                                      "procedure-list",
                                      "encounter-list",
                                      "document-notes"};

static bool is_in_table(const char *name)
{
    int count;
    const sl_cdp_source_t *all = sl_cdp_catalogue(&count);

    for (int i = 0; i < count; i++) {
        if (strcmp(all[i].name, name) == 0) {
            return true;
        }
    }
    return false;
}

static void test_table(apr_pool_t *p)
{
    int count;
    const sl_cdp_source_t *all = sl_cdp_catalogue(&count);
    sl_cdp_source_t found;

    for (int i = 0; i < COUNT_OF(sources); i++) {
        ok(is_in_table(sources[i]), "R13 the catalogue has %s", sources[i]);
    }
    for (int i = 0; i < count; i++) {
        bool is_loinc = sl_cdp_catalogue_codes(all[i].name, p)->nelts == 1;
        bool has_group = i > 0 && strcmp(all[i].group, all[i - 1].group) != 0;

        ok(is_loinc == (all[i].kind == SL_CDP_KIND_OBSERVATION) &&
               sl_cdp_is_temporal(&all[i]) == is_loinc,
           "R13 %s is an observation if, and only if, it is a LOINC code with its check digit",
           all[i].name);
        ok(all[i].label[0] != '\0' && strcmp(all[i].label, all[i].name) != 0 &&
               (is_loinc || all[i].unit == NULL),
           "%s has a label, and a unit only as an observation", all[i].name);
        for (int k = i + 1; k < count; k++) {
            if (strcmp(all[i].name, all[k].name) == 0 || strcmp(all[i].label, all[k].label) == 0 ||
                (has_group && k > i && strcmp(all[k].group, all[i - 1].group) == 0)) {
                ok(false, "%s and %s: one name, one label, groups together", all[i].name,
                   all[k].name);
            }
        }
        ok(sl_cdp_catalogue_find(&found, all[i].name, p) && found.label == all[i].label,
           "%s is found", all[i].name);
    }
}

static void test_find(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *label; /* NULL: unknown */
    } rows[] = {
        {"name-given", "First name"},
        {"2951-2", "Sodium, serum or plasma"},
        {"2951-2,2947-0", "Sodium, serum or plasma / Sodium, blood"},
        {"10839-9", "LOINC 10839-9"},
        {"10839-9,2951-2", "LOINC 10839-9 / Sodium, serum or plasma"},
        {"1-8", "LOINC 1-8"},
        {"", NULL},
        {NULL, NULL},
        {"Name-Given", NULL},
        {"name-given ", NULL},
        {"name-given,name-family", NULL},
        {"2951-3", NULL},
        {"2951", NULL},
        {"2951-", NULL},
        {"-2", NULL},
        {"2951-22", NULL},
        {"12345678-4", NULL},
        {"295a-2", NULL},
        {"2951-2,", NULL},
        {",2951-2", NULL},
        {"2951-2,,2947-0", NULL},
        {"2951-2, 2947-0", NULL},
        {"2951-2;2947-0", NULL},
        {"2951-2,2951-2", NULL},
        {"2951-2,2947-1", NULL},
        {"2951-2,name-given", NULL},
        {"2951-2\n", NULL},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        sl_cdp_source_t found;
        bool is_known = sl_cdp_catalogue_find(&found, rows[i].name, p);

        is_str(is_known ? found.label : NULL, rows[i].label,
               apr_psprintf(p, "R12 source \"%s\"", rows[i].name == NULL ? "" : rows[i].name));
        if (is_known) {
            is_str(found.name, rows[i].name, apr_psprintf(p, "%s keeps its name", found.name));
        }
    }
}

static void test_bounds(apr_pool_t *p)
{
    const char *name = "1-8";
    sl_cdp_source_t found;

    for (int i = 2; i <= SL_CDP_MAX_CODES + 1; i++) {
        int twice = i % 10 * 2; /* the check digit of one or two digits */
        int check = (10 - (i / 10 + (twice > 9 ? twice - 9 : twice)) % 10) % 10;

        name = apr_psprintf(p, "%s,%d-%d", name, i, check);
        if (i >= SL_CDP_MAX_CODES) {
            is_int(sl_cdp_catalogue_find(&found, name, p), i == SL_CDP_MAX_CODES,
                   apr_psprintf(p, "%d codes", i));
            is_int(sl_cdp_catalogue_codes(name, p)->nelts, i == SL_CDP_MAX_CODES ? i : 0,
                   apr_psprintf(p, "%d codes, taken apart", i));
        }
    }
    is_int(sl_cdp_catalogue_codes("name-given", p)->nelts, 0, "a name has no codes");
    is_str(APR_ARRAY_IDX(sl_cdp_catalogue_codes("2951-2,2947-0", p), 1, const char *), "2947-0",
           "the second of two codes");
}

static void test_search(apr_pool_t *p)
{
    static const struct {
        const char *words, *first; /* NULL: nothing is found */
        int count;                 /* -1: several */
    } rows[] = {
        {"sodium", "2951-2", 2},
        {"SODIUM blood", "2947-0", 1},
        {"  blood\tsodium ", "2947-0", 1},
        {"29463", "29463-7", 1},
        {"weight", "29463-7", 1},
        {"problem", "active-problem-list", 3},
        {"demographics", "id", -1},
        {"10839-9", "10839-9", 1},
        {"2951-2,2947-0", "2951-2,2947-0", 1},
        {"troponin unicorn", NULL, 0},
        {"sodium unicorn", NULL, 0},
    };
    int count;

    for (int i = 0; i < COUNT_OF(rows); i++) {
        apr_array_header_t *found = sl_cdp_catalogue_search(rows[i].words, p);

        is_str(found->nelts == 0 ? NULL : APR_ARRAY_IDX(found, 0, const sl_cdp_source_t *)->name,
               rows[i].first, apr_psprintf(p, "search \"%s\": first", rows[i].words));
        if (rows[i].count >= 0) {
            is_int(found->nelts, rows[i].count,
                   apr_psprintf(p, "search \"%s\": count", rows[i].words));
        }
    }
    (void)sl_cdp_catalogue(&count);
    is_int(sl_cdp_catalogue_search(" ", p)->nelts, count, "no words find everything");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_table(p);
    test_find(p);
    test_bounds(p);
    test_search(p);
    rule_release(p);
    return tap_done();
}
