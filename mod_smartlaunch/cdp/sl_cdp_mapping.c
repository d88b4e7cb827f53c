/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_mapping.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define DIGITS "0123456789"
#define DEFAULT_CENTIDAYS (7 * SL_CDP_DAY)

static const char *const pick_words[] = {"", "MIN", "MAX", "FIRST", "LAST", "NEAR"};
static const char *const direction_words[] = {"+-", "+", "-"};
static const char *const adjudication_words[] = {"manual", "auto", "instant"};

#define COUNT(words) ((int)(sizeof(words) / sizeof(*(words))))

/* Which of the words, whatever its case; -1: none. */
static int word_index(const char *const *words, int count, const char *word)
{
    for (int i = 0; word != NULL && i < count; i++) {
        if (strcasecmp(words[i], word) == 0) {
            return i;
        }
    }
    return -1;
}

const char *sl_cdp_pick_word(sl_cdp_pick_t pick)
{
    return pick_words[pick];
}

const char *sl_cdp_direction_word(sl_cdp_direction_t direction)
{
    return direction_words[direction];
}

const char *sl_cdp_adjudication_word(sl_cdp_adjudication_t adjudication)
{
    return adjudication_words[adjudication];
}

sl_rc_t sl_cdp_pick_parse(sl_cdp_pick_t *out, const char *word)
{
    int i = word_index(pick_words, COUNT(pick_words), word);

    *out = i < 0 ? SL_CDP_PICK_NONE : (sl_cdp_pick_t)i;
    return i < 0 ? SL_INVALID : SL_OK;
}

sl_rc_t sl_cdp_direction_parse(sl_cdp_direction_t *out, const char *word)
{
    int i = word_index(direction_words, COUNT(direction_words), word);

    *out = i < 0 ? SL_CDP_AROUND : (sl_cdp_direction_t)i;
    return i < 0 ? SL_INVALID : SL_OK;
}

sl_rc_t sl_cdp_adjudication_parse(sl_cdp_adjudication_t *out, const char *word)
{
    int i = word_index(adjudication_words, COUNT(adjudication_words), word);

    *out = i < 0 ? SL_CDP_MANUAL : (sl_cdp_adjudication_t)i;
    return i < 0 ? SL_INVALID : SL_OK;
}

/* One or two decimals as hundredths; -1: something else. */
static int hundredths(const char *text)
{
    apr_size_t len = strspn(text, DIGITS);

    if (len < 1 || len > 2 || text[len] != '\0') {
        return -1;
    }
    return (text[0] - '0') * 10 + (len == 2 ? text[1] - '0' : 0);
}

sl_rc_t sl_cdp_days_parse(int *centidays, const char *text)
{
    apr_size_t len = text == NULL ? 0 : strspn(text, DIGITS);
    int days = 0, rest;

    *centidays = 0;
    if (len < 1 || len > 3 || (text[len] != '\0' && text[len] != '.')) {
        return SL_INVALID;
    }
    for (apr_size_t i = 0; i < len; i++) {
        days = days * 10 + (text[i] - '0');
    }
    rest = text[len] == '.' ? hundredths(text + len + 1) : 0;
    days = days * SL_CDP_DAY + rest;
    if (rest < 0 || !sl_cdp_days_are_valid(days)) {
        return SL_INVALID;
    }
    *centidays = days;
    return SL_OK;
}

bool sl_cdp_days_are_valid(int centidays)
{
    return centidays >= 1 && centidays <= SL_CDP_MAX_DAYS * SL_CDP_DAY;
}

const char *sl_cdp_days_text(apr_pool_t *p, int centidays)
{
    int days = centidays / SL_CDP_DAY, rest = centidays % SL_CDP_DAY;

    if (rest == 0) {
        return apr_itoa(p, days);
    }
    return rest % 10 == 0 ? apr_psprintf(p, "%d.%d", days, rest / 10)
                          : apr_psprintf(p, "%d.%02d", days, rest);
}

sl_cdp_offset_t sl_cdp_mapping_offset(const sl_cdp_mapping_t *mapping, const sl_cdp_map_t *map)
{
    if (map->offset.centidays != 0) {
        return map->offset;
    }
    return mapping->offset.centidays != 0 ? mapping->offset : sl_cdp_offset_default();
}

sl_cdp_offset_t sl_cdp_offset_default(void)
{
    return (sl_cdp_offset_t){DEFAULT_CENTIDAYS, SL_CDP_AROUND};
}

const sl_cdp_map_t *sl_cdp_mapping_by_id(const sl_cdp_mapping_t *mapping, apr_int64_t id)
{
    for (int i = 0; i < mapping->fields->nelts; i++) {
        const sl_cdp_map_t *map = &APR_ARRAY_IDX(mapping->fields, i, sl_cdp_map_t);

        if (map->id == id) {
            return map;
        }
    }
    return NULL;
}
