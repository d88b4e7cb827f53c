/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_api.h"

#include <string.h>

static const char *state_word(sl_cdp_value_state_t state)
{
    switch (state) {
    case SL_CDP_NEW:
        return "new";
    case SL_CDP_SAVED:
        return "saved";
    case SL_CDP_PASSED:
        return "passed";
    case SL_CDP_EXCLUDED:
        return "excluded";
    case SL_CDP_SUPERSEDED:
        break;
    }
    return "superseded";
}

static const char *sent_word(sl_cdp_sent_t sent)
{
    switch (sent) {
    case SL_CDP_NOT_SENT:
        return NULL;
    case SL_CDP_WAITING:
        return "waiting";
    case SL_CDP_ASIDE:
        return "aside";
    case SL_CDP_DELIVERED:
        return "delivered";
    case SL_CDP_REFUSED:
        break;
    }
    return "refused";
}

static const char *revised_word(sl_cdp_revised_t revised)
{
    switch (revised) {
    case SL_CDP_AS_IT_WAS:
        return NULL;
    case SL_CDP_CORRECTED:
        return "corrected";
    case SL_CDP_WITHDRAWN:
        break;
    }
    return "withdrawn";
}

const char *sl_cdp_api_state(sl_cdp_fetch_state_t state)
{
    switch (state) {
    case SL_CDP_IDLE:
        return "idle";
    case SL_CDP_QUEUED:
        return "queued";
    case SL_CDP_FETCHING:
        break;
    }
    return "fetching";
}

static sl_json_t *candidate_json(const sl_cdp_shown_t *shown, apr_pool_t *p)
{
    sl_json_t *json = sl_json_object(p);

    sl_json_put_int(json, "id", shown->id);
    sl_json_put_str(json, "source", shown->map->source);
    sl_json_put_str(json, "source_label", shown->source_label);
    sl_json_put_str(json, "value", shown->value);
    sl_json_put_str(json, "saved_as", shown->saved_as);
    sl_json_put_str(json, "unit", shown->unit);
    sl_json_put_str(json, "note", shown->note);
    sl_cdp_api_put_when(json, "taken_at", shown->when, p);
    sl_json_put_str(json, "state", state_word(shown->state));
    sl_json_put_str(json, "problem", shown->problem);
    sl_json_put_bool(json, "selected", shown->ticked);
    return json;
}

static sl_json_t *target_json(const sl_cdp_target_t *target, apr_pool_t *p)
{
    sl_json_t *json = sl_json_object(p);
    sl_json_t *candidates = sl_json_array(p);

    for (int i = 0; i < target->candidates->nelts; i++) {
        sl_json_push(candidates,
                     candidate_json(&APR_ARRAY_IDX(target->candidates, i, sl_cdp_shown_t), p));
    }
    sl_json_put_str(json, "event", target->event);
    sl_json_put_int(json, "instance", target->instance);
    sl_json_put_str(json, "field", target->field);
    sl_json_put_str(json, "label", target->label);
    sl_json_put_str(json, "current", target->current);
    sl_json_put_str(json, "date", target->date);
    sl_json_put_str(json, "sent", sent_word(target->sent));
    sl_json_put_str(json, "refusal", target->refusal);
    sl_json_put_str(json, "revised", revised_word(target->revised));
    sl_json_put(json, "candidates", candidates);
    return json;
}

/** What the holding area keeps as text is JSON already. */
static sl_json_t *warnings_json(const char *text, apr_pool_t *p)
{
    sl_json_t *json;

    if (text == NULL || sl_json_parse_any(&json, text, strlen(text), p, NULL) != SL_OK) {
        return sl_json_array(p);
    }
    return json;
}

sl_json_t *sl_cdp_api_sheet(const sl_cdp_sheet_t *sheet, const char *token, apr_pool_t *p)
{
    sl_json_t *json = sl_json_object(p);
    sl_json_t *targets = sl_json_array(p);

    for (int i = 0; i < sheet->targets->nelts; i++) {
        sl_json_push(targets, target_json(&APR_ARRAY_IDX(sheet->targets, i, sl_cdp_target_t), p));
    }
    sl_json_put_str(json, "record", sheet->record.record);
    sl_json_put_str(json, "state", sl_cdp_api_state(sheet->record.state));
    sl_json_put_str(json, "outcome", sheet->record.outcome);
    sl_cdp_api_put_time(json, "fetched_at", sheet->record.fetched_at, p);
    sl_json_put_int(json, "new", sheet->record.fresh);
    sl_json_put_bool(json, "app_is_away", sheet->app_is_away);
    sl_json_put_str(json, "token", token);
    sl_json_put(json, "warnings", warnings_json(sheet->record.warnings, p));
    sl_json_put(json, "targets", targets);
    return json;
}
