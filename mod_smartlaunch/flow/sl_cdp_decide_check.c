/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_decide_check.h"

#include <apr_hash.h>
#include <string.h>

typedef struct {
    apr_hash_t *shown;   /* id → sl_cdp_choice_of_t */
    apr_hash_t *used;    /* ids that were named once */
    apr_hash_t *targets; /* of what is chosen */
    apr_array_header_t *unknown;
    apr_int64_t seen;
} check_t;

static void index_sheet(check_t *c, const sl_cdp_sheet_t *sheet, apr_pool_t *p)
{
    for (int i = 0; i < sheet->targets->nelts; i++) {
        const sl_cdp_target_t *target = &APR_ARRAY_IDX(sheet->targets, i, sl_cdp_target_t);

        for (int k = 0; k < target->candidates->nelts; k++) {
            sl_cdp_choice_of_t *place = apr_palloc(p, sizeof(*place));

            place->target = target;
            place->shown = &APR_ARRAY_IDX(target->candidates, k, sl_cdp_shown_t);
            apr_hash_set(c->shown, &place->shown->id, sizeof(place->shown->id), place);
        }
    }
}

/** What `id` names on the form; NULL: nothing that stood there. */
static const sl_cdp_choice_of_t *find(const check_t *c, const apr_int64_t *id)
{
    return *id <= c->seen ? apr_hash_get(c->shown, id, sizeof(*id)) : NULL;
}

static bool is_twice(check_t *c, const apr_int64_t *id)
{
    if (apr_hash_get(c->used, id, sizeof(*id)) != NULL) {
        return true;
    }
    apr_hash_set(c->used, id, sizeof(*id), id);
    return false;
}

static sl_rc_t check_choice(check_t *c, const sl_cdp_choice_of_t *place, sl_err_t *err)
{
    const sl_cdp_target_t *target = place->target;

    if (place->shown->state == SL_CDP_EXCLUDED) {
        return sl_err_set(err, SL_INVALID, "SL8205",
                          "A value that is excluded cannot be saved: offer it again first.");
    }
    if (place->shown->saved_as == NULL) {
        return sl_err_set(err, SL_INVALID, "SL8206", "%s",
                          place->shown->problem != NULL ? place->shown->problem
                                                        : "This value cannot be saved.");
    }
    if (apr_hash_get(c->targets, &target, sizeof(target)) != NULL) {
        return sl_err_set(err, SL_INVALID, "SL8207", "Two values were chosen for one field.");
    }
    apr_hash_set(c->targets, &place->target, sizeof(place->target), target);
    return SL_OK;
}

/** One list of ids; for `choose` NULL they only have to be in this state. */
static sl_rc_t take(check_t *c, const apr_array_header_t *ids, sl_cdp_value_state_t state,
                    apr_array_header_t *choose, sl_err_t *err)
{
    sl_rc_t rc = SL_OK;

    for (int i = 0; rc == SL_OK && i < ids->nelts; i++) {
        const apr_int64_t *id = &APR_ARRAY_IDX(ids, i, apr_int64_t);
        const sl_cdp_choice_of_t *place = find(c, id);

        if (is_twice(c, id)) {
            rc = sl_err_set(err, SL_INVALID, "SL8208", "One value was named twice.");
        } else if (place == NULL) {
            APR_ARRAY_PUSH(c->unknown, apr_int64_t) = *id;
        } else if (choose != NULL) {
            rc = check_choice(c, place, err);
            APR_ARRAY_PUSH(choose, sl_cdp_choice_of_t) = *place;
        } else if (place->shown->state != state) {
            rc = sl_err_set(err, SL_INVALID, "SL8209",
                            state == SL_CDP_NEW ? "Only a new value can be excluded."
                                                : "Only an excluded value can be offered again.");
        }
    }
    return rc;
}

static apr_array_header_t *or_none(const apr_array_header_t *ids, apr_pool_t *p)
{
    return ids != NULL ? apr_array_copy(p, ids) : apr_array_make(p, 1, sizeof(apr_int64_t));
}

sl_rc_t sl_cdp_decide_check(sl_cdp_decision_t *decision, apr_array_header_t **unknown,
                            const sl_cdp_sheet_t *sheet, const sl_cdp_choices_t *choices,
                            apr_pool_t *p, sl_err_t *err)
{
    check_t c = {apr_hash_make(p), apr_hash_make(p), apr_hash_make(p),
                 apr_array_make(p, 1, sizeof(apr_int64_t)), decision->seen};
    apr_array_header_t *choose = or_none(choices->choose, p);
    sl_rc_t rc;

    index_sheet(&c, sheet, p);
    decision->choose = apr_array_make(p, choose->nelts, sizeof(sl_cdp_choice_of_t));
    decision->exclude = or_none(choices->exclude, p);
    decision->include = or_none(choices->include, p);
    rc = take(&c, choose, SL_CDP_NEW, decision->choose, err);
    if (rc == SL_OK) {
        rc = take(&c, decision->exclude, SL_CDP_NEW, NULL, err);
    }
    if (rc == SL_OK) {
        rc = take(&c, decision->include, SL_CDP_EXCLUDED, NULL, err);
    }
    *unknown = c.unknown;
    return rc == SL_OK && c.unknown->nelts > 0 ? SL_NONE : rc;
}
