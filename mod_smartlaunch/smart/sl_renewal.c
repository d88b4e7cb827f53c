/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_renewal.h"

#include <string.h>

/* A token that lives shorter than twice renew_ahead would be renewed at every request. */
static apr_interval_time_t ahead_of(const sl_renewal_token_t *token, const sl_ehr_t *ehr)
{
    apr_interval_time_t half = (token->expires_at - token->issued_at) / 2;

    return ehr->renew_ahead < half ? ehr->renew_ahead : half;
}

sl_renewal_need_t sl_renewal_need(const sl_renewal_token_t *token, const sl_ehr_t *ehr,
                                  apr_time_t now)
{
    if (token->expires_at == 0) {
        return SL_RENEWAL_NOT_NEEDED;
    }
    if (now >= token->expires_at) {
        return token->can_renew ? SL_RENEWAL_NEEDED : SL_RENEWAL_IMPOSSIBLE;
    }
    if (!token->can_renew || now - token->issued_at < ehr->renew_interval ||
        now < token->expires_at - ahead_of(token, ehr)) {
        return SL_RENEWAL_NOT_NEEDED;
    }
    return SL_RENEWAL_AHEAD;
}

static bool is_one_of(const char *error, const char *const *list)
{
    for (; *list != NULL; list++) {
        if (strcmp(error, *list) == 0) {
            return true;
        }
    }
    return false;
}

bool sl_renewal_is_trouble(int status)
{
    return status >= 500 || status == 429 || status == 408;
}

bool sl_renewal_is_final(const sl_ehr_t *ehr, int status, const char *error)
{
    static const char *const passing[] = {"server_error", "temporarily_unavailable", "slow_down",
                                          NULL};
    static const char *const lasting[] = {
        "invalid_request",     "invalid_client", "invalid_grant",
        "unauthorized_client", "invalid_scope",  "unsupported_grant_type",
        "invalid_target",      "access_denied",  NULL};

    if ((status >= 200 && status <= 299) ||
        (status >= 500 && ehr->quirks.error_by_500 == SL_SWITCH_ON)) {
        return is_one_of(error, lasting);
    }
    return status >= 400 && !sl_renewal_is_trouble(status) && !is_one_of(error, passing);
}

sl_rc_t sl_renewal_check_patient(const sl_context_t *now, const char *was, sl_err_t *err)
{
    if (now->patient == NULL || (was != NULL && strcmp(now->patient, was) == 0)) {
        return SL_OK;
    }
    return sl_err_set(err, SL_DENIED, "SL2701", "the renewed token speaks of another patient");
}
