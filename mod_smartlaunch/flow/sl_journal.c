/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_journal.h"
#include "base/sl_json.h"
#include "base/sl_text.h"
#include "store/sl_store_revocation.h"

#include <apr_strings.h>
#include <string.h>

#define PREFIX "token."
#define AT_A_TIME 256
#define TRIES 3 /* a token gets another user once in its life, if ever */

static const char *name_of(const sl_token_next_t *next, apr_pool_t *p)
{
    return apr_psprintf(p, PREFIX "%s.%" APR_INT64_T_FMT, next->launch, next->follows);
}

static void put_bytes(sl_json_t *json, const char *member, sl_bytes_t bytes, apr_pool_t *p)
{
    if (bytes.bytes != NULL) {
        sl_json_put_str(json, member, sl_text_base64(p, bytes.bytes, bytes.len));
    }
}

/** The tokens in it are sealed as in their row, so that it is safe to have in memory. */
static const sl_secret_t *write_record(const sl_journal_entry_t *entry, apr_pool_t *p)
{
    const sl_token_next_t *next = &entry->next;
    sl_json_t *json = sl_json_object(p);

    sl_json_put_str(json, "launch", next->launch);
    sl_json_put_int(json, "follows", next->follows);
    sl_json_put_str(json, "app", entry->row.app);
    sl_json_put_str(json, "ehr", entry->row.ehr);
    sl_json_put_str(json, "app_user", entry->row.app_user);
    sl_json_put_str(json, "patient", entry->row.patient);
    put_bytes(json, "access", next->access_sealed, p);
    put_bytes(json, "refresh", next->refresh_sealed, p);
    sl_json_put_str(json, "key_id", next->key_id);
    sl_json_put_str(json, "scope", next->scope_granted);
    sl_json_put_int(json, "issued_at", next->issued_at);
    sl_json_put_int(json, "lifetime", next->lifetime);
    sl_json_put_str(json, "encounter", next->encounter);
    sl_json_put_str(json, "context", next->context);
    return sl_secret_str(p, sl_json_text(p, json));
}

static sl_bytes_t get_bytes(const sl_json_t *json, const char *member, apr_pool_t *p)
{
    const char *text = sl_json_str(json, member);
    sl_bytes_t bytes = {NULL, 0};

    if (text != NULL) {
        bytes.bytes = sl_text_unbase64(p, text, &bytes.len);
    }
    return bytes;
}

static sl_rc_t read_record(sl_journal_entry_t *out, const sl_secret_t *record, apr_pool_t *p,
                           sl_err_t *err)
{
    sl_token_next_t *next = &out->next;
    sl_json_t *json = NULL;
    sl_rc_t rc = sl_json_parse(&json, sl_secret_reveal(record), sl_secret_len(record), p, err);

    if (rc != SL_OK) {
        return rc;
    }
    memset(out, 0, sizeof(*out));
    next->launch = out->row.launch = sl_json_str(json, "launch");
    next->follows = json_object_get_int64(sl_json_get(json, "follows"));
    out->row.generation = next->follows + 1;
    out->row.app = sl_json_str(json, "app");
    out->row.ehr = sl_json_str(json, "ehr");
    next->app_user = out->row.app_user = sl_json_str(json, "app_user");
    out->row.patient = sl_json_str(json, "patient");
    next->access_sealed = get_bytes(json, "access", p);
    next->refresh_sealed = get_bytes(json, "refresh", p);
    next->key_id = sl_json_str(json, "key_id");
    next->scope_granted = sl_json_str(json, "scope");
    next->issued_at = json_object_get_int64(sl_json_get(json, "issued_at"));
    next->lifetime = json_object_get_int64(sl_json_get(json, "lifetime"));
    next->encounter = sl_json_str(json, "encounter");
    next->context = sl_json_str(json, "context");
    if (next->launch == NULL || next->follows < 1 || out->row.app == NULL || out->row.ehr == NULL ||
        next->key_id == NULL || next->access_sealed.bytes == NULL) {
        return sl_err_set(err, SL_INVALID, "SL4521", "a journal record lacks its particulars");
    }
    return SL_OK;
}

sl_rc_t sl_journal_put(const sl_runtime_t *rt, const sl_journal_entry_t *entry, apr_pool_t *tmp,
                       sl_err_t *err)
{
    if (rt->spool == NULL) {
        return SL_OK;
    }
    return sl_spool_put(rt->spool, name_of(&entry->next, tmp), write_record(entry, tmp), tmp, err);
}

void sl_journal_del(const sl_runtime_t *rt, const sl_journal_entry_t *entry, apr_pool_t *tmp)
{
    if (rt->spool != NULL) {
        sl_spool_del(rt->spool, name_of(&entry->next, tmp));
    }
}

static sl_token_t row_of(const sl_journal_entry_t *entry)
{
    sl_token_t row = {0};

    row.launch = entry->row.launch;
    row.app = entry->row.app;
    row.ehr = entry->row.ehr;
    row.app_user = entry->row.app_user;
    row.patient = entry->row.patient;
    row.generation = entry->row.generation;
    row.access_sealed = entry->next.access_sealed;
    row.refresh_sealed = entry->next.refresh_sealed;
    row.key_id = entry->next.key_id;
    return row;
}

/** The same tokens under another user: the seal covers who it is. */
static sl_rc_t seal_anew(sl_journal_entry_t *entry, const sl_runtime_t *rt, const char *app_user,
                         apr_pool_t *p, sl_err_t *err)
{
    const sl_token_t row = row_of(entry);
    sl_tokens_t tokens = {NULL, NULL};
    sl_sealed_tokens_t sealed;
    sl_rc_t rc;

    rc = sl_vault_open_tokens(&tokens, rt->ring, &row, p, err);
    if (rc != SL_OK) {
        return rc;
    }
    entry->row.app_user = entry->next.app_user = app_user;
    rc = sl_vault_seal_tokens(&sealed, rt->ring, &entry->row, &tokens, p, err);
    if (rc == SL_OK) {
        entry->next.access_sealed = sealed.access;
        entry->next.refresh_sealed = sealed.refresh;
        entry->next.key_id = sealed.key_id;
    }
    return rc;
}

/** The row was not as we expected. SL_OK: `entry` fits it now. */
static sl_rc_t look_again(sl_journal_entry_t *entry, const sl_runtime_t *rt, apr_pool_t *p,
                          sl_err_t *err)
{
    sl_token_view_t view;
    sl_rc_t rc = sl_store_token_by_launch(&view, rt->db, entry->next.launch, p, err);

    if (rc == SL_NONE ||
        (rc == SL_OK && (view.token.launch == NULL || view.token.status == SL_TOKEN_REVOKED))) {
        return sl_err_set(err, SL_EXPIRED, "SL4522", "a renewed token was revoked meanwhile");
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (view.token.generation > entry->next.follows) {
        return sl_err_set(err, SL_USED, "SL4523", "a renewed token is stored already");
    }
    if (view.token.generation < entry->next.follows) {
        return sl_err_set(err, SL_CONFLICT, "SL4524",
                          "a renewed token follows one that was never stored");
    }
    return seal_anew(entry, rt, view.token.app_user, p, err);
}

/** It was revoked while it was renewed: the EHR has to hear of these tokens, not of the old ones.
 */
static sl_rc_t hand_over(const sl_runtime_t *rt, const sl_journal_entry_t *entry,
                         const sl_err_t *err)
{
    const sl_token_t row = row_of(entry);
    sl_err_t lost;

    if (sl_store_revocation_add(rt->db, &row, &lost) != SL_OK) {
        sl_log(&rt->log, SL_LOG_WARN, "SL4529",
               "a token that was revoked during its renewal is not revoked at %s: %s (%s)",
               entry->row.ehr, lost.text, lost.id);
    }
    return err->rc;
}

sl_rc_t sl_journal_store(const sl_runtime_t *rt, const sl_journal_entry_t *entry, apr_pool_t *p,
                         sl_err_t *err)
{
    sl_journal_entry_t now = *entry;
    sl_rc_t rc = SL_CONFLICT;

    for (int i = 0; i < TRIES && rc == SL_CONFLICT; i++) {
        rc = sl_store_token_renew(rt->db, &now.next, err);
        if (rc == SL_CONFLICT) {
            sl_rc_t looked = look_again(&now, rt, p, err);

            if (looked != SL_OK) {
                return looked == SL_EXPIRED ? hand_over(rt, &now, err) : looked;
            }
        }
    }
    if (rc == SL_EXPIRED) {
        return hand_over(rt, &now, err);
    }
    return rc == SL_CONFLICT ? sl_err_set(err, SL_BUSY, "SL4525",
                                          "a renewed token's row changes too often to be stored")
                             : rc;
}

static void put_aside(const sl_runtime_t *rt, const char *name, const sl_err_t *why)
{
    sl_log(&rt->log, SL_LOG_ERROR, "SL4526", "journal record %s is put aside: %s (%s)", name,
           why->text, why->id);
    sl_spool_put_aside(rt->spool, name);
}

/** One record. SL_OK: it is done with. */
static sl_rc_t bring_home(const sl_runtime_t *rt, const char *name, apr_pool_t *p, sl_err_t *err)
{
    sl_journal_entry_t entry;
    sl_secret_t *record = NULL;
    sl_rc_t rc = sl_spool_get(&record, rt->spool, name, p, err);

    if (rc == SL_NONE) {
        return SL_OK;
    }
    if (rc == SL_OK) {
        rc = read_record(&entry, record, p, err);
    }
    if (rc == SL_OK) {
        rc = sl_journal_store(rt, &entry, p, err);
    }
    if (rc == SL_OK) {
        sl_log(&rt->log, SL_LOG_INFO, "SL4527", "a renewed token in the journal is stored now");
    }
    if (rc == SL_OK || rc == SL_USED || rc == SL_EXPIRED) {
        sl_spool_del(rt->spool, name);
        return SL_OK;
    }
    if (rc == SL_DENIED || rc == SL_INVALID || rc == SL_CONFLICT) {
        put_aside(rt, name, err);
        return SL_OK;
    }
    return rc;
}

static bool is_away(sl_rc_t rc)
{
    return rc == SL_UNAVAILABLE || rc == SL_BUSY || rc == SL_TIMEOUT;
}

sl_rc_t sl_journal_replay(int *left, const sl_runtime_t *rt, const char *launch, apr_pool_t *p,
                          sl_err_t *err)
{
    const char *prefix = launch == NULL ? PREFIX : apr_pstrcat(p, PREFIX, launch, ".", NULL);
    apr_array_header_t *names = NULL;
    sl_rc_t failed = SL_OK, rc;
    sl_err_t one = {0};
    apr_pool_t *tmp;

    *left = 0;
    if (rt->spool == NULL) {
        return SL_OK;
    }
    rc = sl_spool_list(&names, rt->spool, prefix, AT_A_TIME, p, err);
    if (rc != SL_OK || names->nelts == 0) {
        return rc;
    }
    if (apr_pool_create(&tmp, p) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL4528", "out of memory");
    }
    for (int i = 0; i < names->nelts && !is_away(failed); i++) {
        rc = bring_home(rt, APR_ARRAY_IDX(names, i, const char *), tmp, &one);
        if (rc != SL_OK) {
            failed = rc;
            *err = one;
        }
        *left += is_away(rc) ? names->nelts - i : rc != SL_OK;
        apr_pool_clear(tmp);
    }
    apr_pool_destroy(tmp);
    return failed;
}
