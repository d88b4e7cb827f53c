/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_decide_store.h"

#include "base/sl_digest.h"
#include "flow/sl_cdp_vault.h"
#include "store/sl_store_cdp_decide.h"
#include <apr_strings.h>

/** A random UUID (RFC 9562, version 4): the seal of a row covers its key, so we make it. */
static sl_rc_t new_uuid(const char **out, apr_pool_t *p, sl_err_t *err)
{
    unsigned char b[16];
    sl_rc_t rc = sl_digest_random(b, sizeof(b), err);

    b[6] = (unsigned char)((b[6] & 0x0f) | 0x40);
    b[8] = (unsigned char)((b[8] & 0x3f) | 0x80);
    *out = apr_psprintf(p, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
                        b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8], b[9], b[10], b[11],
                        b[12], b[13], b[14], b[15]);
    return rc;
}

static sl_rc_t seal_choice(sl_store_cdp_choice_t *out, const sl_cdp_sheet_ask_t *ask,
                           const sl_cdp_choice_of_t *choice, apr_pool_t *p, sl_err_t *err)
{
    const sl_cdp_target_t *target = choice->target;
    sl_cdp_outbox_place_t place = {ask->project->name, ask->record, target->event, target->instance,
                                   target->field,      NULL,        false};
    sl_cdp_sealed_t sealed;
    sl_rc_t rc = new_uuid(&place.key, p, err);

    if (rc == SL_OK) {
        rc = sl_cdp_vault_seal_outbox(&sealed, ask->cdp->rt->ring, &place, choice->shown->saved_as,
                                      p, err);
    }
    if (rc == SL_OK) {
        out->value = choice->shown->id;
        out->key = place.key;
        out->event = target->event;
        out->instance = target->instance;
        out->field = target->field;
        out->sealed = sealed.bytes;
        out->key_id = sealed.key_id;
    }
    return rc;
}

/** Of the targets something is chosen for. */
static apr_array_header_t *unseen(const sl_cdp_decision_t *decision, apr_pool_t *p)
{
    apr_array_header_t *ids = apr_array_make(p, 1, sizeof(apr_int64_t));

    for (int i = 0; i < decision->choose->nelts; i++) {
        const apr_array_header_t *candidates =
            APR_ARRAY_IDX(decision->choose, i, sl_cdp_choice_of_t).target->candidates;

        for (int k = 0; k < candidates->nelts; k++) {
            const sl_cdp_shown_t *shown = &APR_ARRAY_IDX(candidates, k, const sl_cdp_shown_t);

            if (shown->is_closed) {
                APR_ARRAY_PUSH(ids, apr_int64_t) = shown->id;
            }
        }
    }
    return ids;
}

sl_rc_t sl_cdp_decide_store(sl_cdp_decided_t *out, const sl_cdp_sheet_ask_t *ask,
                            const sl_cdp_decision_t *decision, apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *choose =
        apr_array_make(p, decision->choose->nelts, sizeof(sl_store_cdp_choice_t));
    sl_store_cdp_decision_t row = {.place = {ask->project->name, ask->record},
                                   .version = decision->version,
                                   .seen = decision->seen,
                                   .by = decision->user,
                                   .reference = decision->reference,
                                   .choose = choose,
                                   .exclude = decision->exclude,
                                   .include = decision->include,
                                   .unseen = unseen(decision, p)};
    sl_store_cdp_decided_t decided = {0};
    sl_rc_t rc = new_uuid(&row.decision, p, err);

    for (int i = 0; rc == SL_OK && i < decision->choose->nelts; i++) {
        rc = seal_choice(apr_array_push(choose), ask,
                         &APR_ARRAY_IDX(decision->choose, i, sl_cdp_choice_of_t), p, err);
    }
    if (rc == SL_OK) {
        rc = sl_store_cdp_decide(&decided, ask->cdp->rt->db, &row, p, err);
    }
    out->saved = decided.saved;
    out->passed = decided.passed;
    out->excluded = decided.excluded;
    out->included = decided.included;
    return rc;
}
