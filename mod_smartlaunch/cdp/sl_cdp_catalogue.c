/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_catalogue.h"

#include "cdp/sl_cdp_catalogue_table.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define MAX_DIGITS 7
#define BLANKS " \t\r\n"
#define OTHER_GROUP "Other LOINC codes"

const sl_cdp_source_t *sl_cdp_catalogue(int *count)
{
    *count = sl_cdp_catalogue_size;
    return sl_cdp_catalogue_table;
}

/* Digits, a hyphen, and the check digit that belongs to them (LOINC's mod 10). */
static bool is_loinc(const char *code, apr_size_t len)
{
    int sum = 0;

    if (len < 3 || len > MAX_DIGITS + 2 || code[len - 2] != '-' || !apr_isdigit(code[len - 1])) {
        return false;
    }
    for (apr_size_t i = 0; i < len - 2; i++) {
        bool twice = (len - 3 - i) % 2 == 0;
        int digit = code[i] - '0';

        if (!apr_isdigit(code[i])) {
            return false;
        }
        digit = twice ? digit * 2 : digit;
        sum += digit > 9 ? digit - 9 : digit;
    }
    return (10 - sum % 10) % 10 == code[len - 1] - '0';
}

static bool is_among(const apr_array_header_t *codes, const char *code, apr_size_t len)
{
    for (int i = 0; i < codes->nelts; i++) {
        const char *one = APR_ARRAY_IDX(codes, i, const char *);

        if (strlen(one) == len && memcmp(one, code, len) == 0) {
            return true;
        }
    }
    return false;
}

/* Codes with commas between them, none twice; NULL: something else. */
static apr_array_header_t *split_codes(const char *name, apr_pool_t *p)
{
    apr_array_header_t *codes = apr_array_make(p, 2, sizeof(const char *));

    while (true) {
        apr_size_t len = strcspn(name, ",");

        if (!is_loinc(name, len) || codes->nelts >= SL_CDP_MAX_CODES ||
            is_among(codes, name, len)) {
            return NULL;
        }
        APR_ARRAY_PUSH(codes, const char *) = apr_pstrmemdup(p, name, len);
        if (name[len] == '\0') {
            return codes;
        }
        name += len + 1;
    }
}

static const sl_cdp_source_t *lookup(const char *name)
{
    for (int i = 0; i < sl_cdp_catalogue_size; i++) {
        if (strcmp(sl_cdp_catalogue_table[i].name, name) == 0) {
            return &sl_cdp_catalogue_table[i];
        }
    }
    return NULL;
}

/* Several codes are named after those that the table knows: "Sodium, serum or plasma / 2947-0". */
static const char *codes_label(const apr_array_header_t *codes, apr_pool_t *p)
{
    const char *label = "";

    for (int i = 0; i < codes->nelts; i++) {
        const char *code = APR_ARRAY_IDX(codes, i, const char *);
        const sl_cdp_source_t *known = lookup(code);

        label =
            apr_pstrcat(p, label, i == 0 ? "" : " / ",
                        known != NULL ? known->label : apr_pstrcat(p, "LOINC ", code, NULL), NULL);
    }
    return label;
}

bool sl_cdp_catalogue_find(sl_cdp_source_t *out, const char *name, apr_pool_t *p)
{
    const sl_cdp_source_t *known;
    const apr_array_header_t *codes;

    if (name == NULL) {
        return false;
    }
    if ((known = lookup(name)) != NULL) {
        *out = *known;
        return true;
    }
    if ((codes = split_codes(name, p)) == NULL) {
        return false;
    }
    known = lookup(APR_ARRAY_IDX(codes, 0, const char *));
    out->name = apr_pstrdup(p, name);
    out->label = codes_label(codes, p);
    out->group = known == NULL ? OTHER_GROUP : known->group;
    out->kind = SL_CDP_KIND_OBSERVATION;
    out->unit = known == NULL ? NULL : known->unit;
    out->is_email = false;
    return true;
}

/* Is the word, of `len` bytes, somewhere in the text? Case does not count. */
static bool has_word(const char *text, const char *word, apr_size_t len)
{
    for (; *text != '\0'; text++) {
        if (strncasecmp(text, word, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_words(const sl_cdp_source_t *source, const char *words)
{
    while (*(words += strspn(words, BLANKS)) != '\0') {
        apr_size_t len = strcspn(words, BLANKS);

        if (!has_word(source->name, words, len) && !has_word(source->label, words, len) &&
            !has_word(source->group, words, len)) {
            return false;
        }
        words += len;
    }
    return true;
}

apr_array_header_t *sl_cdp_catalogue_search(const char *words, apr_pool_t *p)
{
    apr_array_header_t *found = apr_array_make(p, 16, sizeof(const sl_cdp_source_t *));
    sl_cdp_source_t *other = apr_palloc(p, sizeof(*other));

    for (int i = 0; i < sl_cdp_catalogue_size; i++) {
        if (has_words(&sl_cdp_catalogue_table[i], words)) {
            APR_ARRAY_PUSH(found, const sl_cdp_source_t *) = &sl_cdp_catalogue_table[i];
        }
    }
    /* A code that is typed in full is offered even if the table does not know it. */
    if (found->nelts == 0 && sl_cdp_catalogue_find(other, words, p)) {
        APR_ARRAY_PUSH(found, const sl_cdp_source_t *) = other;
    }
    return found;
}

apr_array_header_t *sl_cdp_catalogue_codes(const char *name, apr_pool_t *p)
{
    apr_array_header_t *codes = split_codes(name, p);

    return codes == NULL ? apr_array_make(p, 1, sizeof(const char *)) : codes;
}

bool sl_cdp_is_temporal(const sl_cdp_source_t *source)
{
    return source->kind == SL_CDP_KIND_OBSERVATION;
}
