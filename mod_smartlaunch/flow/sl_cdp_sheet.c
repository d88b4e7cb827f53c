/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_sheet.h"

#include "flow/sl_cdp_sheet_open.h"
#include "store/sl_store_cdp_sheet.h"
#include <apr_strings.h>
#include <string.h>

#define NUMBER_MAX 19 /* digits of a 64 bit number */
#define LOOKS 3       /* while values go that were about to be shown */

/* ---- reading ---- */

/** The app's fields and what the record has in them. That it is away is something to show. */
static sl_rc_t ask_app(sl_cdp_sheet_parts_t *parts, sl_cdp_sheet_t *out,
                       const sl_cdp_sheet_ask_t *ask, apr_pool_t *p, sl_err_t *err)
{
    sl_cdp_dictionary_t *dictionary = apr_pcalloc(p, sizeof(*dictionary));
    apr_array_header_t *current = NULL;
    sl_rc_t rc = sl_cdp_app_dictionary(dictionary, ask->cdp, ask->project, p, err);

    if (rc == SL_OK) {
        parts->dictionary = dictionary;
    } else if (rc != SL_NONE) {
        parts->is_away = true;
        out->app_is_away = true;
        return SL_OK;
    }
    if (!ask->without_current) {
        rc = sl_cdp_app_record(&current, ask->cdp, ask->project, parts->mapping, ask->record, p,
                               err);
        out->app_is_away = rc != SL_OK && rc != SL_NONE;
        parts->current = rc == SL_OK ? current : NULL;
    }
    return SL_OK;
}

static void count_sent(sl_cdp_sheet_t *out)
{
    for (int i = 0; i < out->targets->nelts; i++) {
        const sl_cdp_target_t *target = &APR_ARRAY_IDX(out->targets, i, sl_cdp_target_t);

        out->waiting += target->sent == SL_CDP_WAITING;
        out->aside += target->sent == SL_CDP_ASIDE;
        out->refused += target->sent == SL_CDP_REFUSED;
        out->revised += target->revised != SL_CDP_AS_IT_WAS;
    }
}

sl_rc_t sl_cdp_sheet_read(sl_cdp_sheet_t *out, const sl_cdp_sheet_ask_t *ask, apr_pool_t *p,
                          sl_err_t *err)
{
    sl_cdp_mapping_t *mapping = apr_pcalloc(p, sizeof(*mapping));
    sl_cdp_sheet_parts_t parts = {.mapping = mapping};
    apr_int64_t revision;
    sl_rc_t rc;

    memset(out, 0, sizeof(*out));
    out->targets = apr_array_make(p, 1, sizeof(sl_cdp_target_t));
    /* The record first: a decision of now makes its version old, whatever is read after it. */
    rc = sl_cdp_hold_record(&out->record, ask->cdp, ask->project->name, ask->record, p, err);
    out->version = out->record.version;
    if (rc == SL_OK) {
        rc = sl_cdp_setup_load(mapping, &revision, ask->cdp, ask->project->name, p, err);
        if (rc == SL_NONE) {
            return SL_OK;
        }
    }
    if (rc == SL_OK) {
        rc = ask_app(&parts, out, ask, p, err);
    }
    if (rc == SL_OK) {
        rc = sl_cdp_sheet_open(&parts, &out->seen, ask, p, err);
    }
    if (rc == SL_OK) {
        out->targets = sl_cdp_sheet_build(&parts, p);
        count_sent(out);
    }
    return rc;
}

/* ---- who saw what ---- */

/** What is on the screen can be read there; what is unreadable was not shown to anybody. */
static sl_rc_t note_view(const sl_cdp_sheet_t *sheet, const sl_cdp_sheet_ask_t *ask,
                         const sl_cdp_actor_t *actor, apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *ids = apr_array_make(p, 16, sizeof(apr_int64_t));
    const sl_store_cdp_view_t view = {ask->project->name, ask->record,      actor->user,
                                      actor->launch,      actor->reference, ids};

    for (int i = 0; i < sheet->targets->nelts; i++) {
        const sl_cdp_target_t *target = &APR_ARRAY_IDX(sheet->targets, i, sl_cdp_target_t);

        for (int k = 0; k < target->candidates->nelts; k++) {
            const sl_cdp_shown_t *shown = &APR_ARRAY_IDX(target->candidates, k, sl_cdp_shown_t);

            if (shown->value != NULL) {
                APR_ARRAY_PUSH(ids, apr_int64_t) = shown->id;
            }
        }
    }
    return ids->nelts > 0 ? sl_store_cdp_view_add(ask->cdp->rt->db, &view, p, err) : SL_OK;
}

sl_rc_t sl_cdp_sheet_load(sl_cdp_sheet_t *out, const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                          const char *record, const sl_cdp_actor_t *actor, apr_pool_t *p,
                          sl_err_t *err)
{
    const sl_cdp_sheet_ask_t ask = {cdp, project, record, false};
    bool is_seen = actor != NULL && strcmp(actor->user, SL_CDP_SYSTEM) != 0;
    sl_rc_t rc = SL_CONFLICT;

    /* What went meanwhile is not shown: nobody could tell that it was. */
    for (int i = 0; i < LOOKS && rc == SL_CONFLICT; i++) {
        rc = sl_cdp_sheet_read(out, &ask, p, err);
        if (rc == SL_OK && is_seen) {
            rc = note_view(out, &ask, actor, p, err);
        }
    }
    if (rc == SL_OK && is_seen) {
        rc = sl_cdp_hold_touch(cdp, project->name, record, err);
    }
    return rc;
}

/* ---- the form's token ---- */

static const char **token_parts(const sl_cdp_sheet_ask_t *ask, const sl_cdp_actor_t *actor,
                                const char *version, const char *seen, apr_pool_t *p)
{
    const char *const parts[] = {"cdp",       actor->launch != NULL ? actor->launch : "",
                                 actor->user, ask->project->name,
                                 ask->record, version,
                                 seen,        NULL};

    return apr_pmemdup(p, parts, sizeof(parts));
}

const char *sl_cdp_sheet_token(const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                               const sl_cdp_sheet_t *sheet, const sl_cdp_actor_t *actor,
                               apr_pool_t *p)
{
    const sl_cdp_sheet_ask_t ask = {cdp, project, sheet->record.record, false};
    const char *version = apr_psprintf(p, "%" APR_INT64_T_FMT, sheet->version);
    const char *seen = apr_psprintf(p, "%" APR_INT64_T_FMT, sheet->seen);

    return apr_pstrcat(p, version, ".", seen, ".",
                       sl_keyring_mac(cdp->rt->ring, token_parts(&ask, actor, version, seen, p), p),
                       NULL);
}

/** Digits up to a dot, as we write them. */
static const char *take_number(apr_int64_t *number, const char **text, apr_pool_t *p)
{
    apr_size_t len = strspn(*text, "0123456789");
    const char *digits = apr_pstrmemdup(p, *text, len);

    if (len == 0 || len > NUMBER_MAX || (*text)[len] != '.') {
        return NULL;
    }
    *number = apr_atoi64(digits);
    *text += len + 1;
    return digits;
}

sl_rc_t sl_cdp_sheet_check(apr_int64_t *version, apr_int64_t *seen, const sl_cdp_sheet_ask_t *ask,
                           const sl_cdp_actor_t *actor, const char *token, apr_pool_t *p,
                           sl_err_t *err)
{
    const char *mac = token != NULL ? token : "";
    const char *of_version = take_number(version, &mac, p);
    const char *of_seen = of_version != NULL ? take_number(seen, &mac, p) : NULL;

    if (of_seen == NULL ||
        !sl_keyring_is_mac(ask->cdp->rt->ring, token_parts(ask, actor, of_version, of_seen, p), mac,
                           p)) {
        return sl_err_set(err, SL_DENIED, "SL8201",
                          "the form was not made for this user, session and record");
    }
    return SL_OK;
}
