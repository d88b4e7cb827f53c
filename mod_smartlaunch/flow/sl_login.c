/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_login.h"
#include "base/sl_text.h"
#include "flow/sl_grant.h"
#include "flow/sl_vault.h"

#include <string.h>

#define MAX_NAME 255

bool sl_login_is_name(const char *user)
{
    return sl_text_is_header_safe(user, MAX_NAME) && user[0] != ' ' &&
           user[strlen(user) - 1] != ' ';
}

/** Browser and gateway of this host know at once; others hear of it. */
static void forget(const sl_login_t *login)
{
    const sl_browser_launch_t *launch = login->launch;

    sl_browser_forget(login->rt, login->key->cookie, login->key->app);
    if (launch != NULL && launch->row.id != NULL && launch->row.key_id != NULL) {
        sl_grant_forget(login->rt, launch->row.id, launch->row.key_id);
    }
}

/** Linked with another EHR user of the same EHR? The page says so before anybody confirms. */
sl_rc_t sl_login_check(const sl_login_t *login, const char *user, sl_err_t *err)
{
    const sl_launch_t *row = &login->launch->row;
    const sl_link_key_t key = {row->app,    row->ehr, row->ehr_user,
                               row->issuer, row->sub, row->source};
    sl_link_user_t found = {0};
    sl_rc_t rc;

    if (row->ehr_user == NULL) {
        return sl_err_set(err, SL_FAILED, "SL4502",
                          "the row of a launch that waits for its link names no EHR user");
    }
    rc = sl_store_link_by_user(&found, login->rt->db, &key, user, login->trace->p, err);
    if (rc == SL_OK && found.outcome == SL_LINK_FOUND &&
        strcmp(found.ehr_user, row->ehr_user) != 0) {
        return sl_err_set(err, SL_CONFLICT, "SL4501",
                          "the app user who logged in is linked with another user of %s", row->ehr);
    }
    return rc;
}

sl_rc_t sl_login_remember(const sl_login_t *login, const char *user, const char *return_to,
                          sl_err_t *err)
{
    sl_rc_t rc = sl_login_check(login, user, err);

    if (rc == SL_OK) {
        rc = sl_store_launch_login(login->rt->db, login->launch->row.id, user, return_to, err);
        forget(login);
    }
    return rc;
}

/** The token as it is, sealed anew for its user. A launch without a token is no error. */
static sl_rc_t reseal(sl_link_make_t *make, const sl_login_t *login, const char *user,
                      sl_err_t *err)
{
    sl_token_t row = {0};
    sl_sealed_tokens_t sealed;
    sl_token_row_t covered;
    sl_tokens_t tokens = {0};
    apr_pool_t *p = login->trace->p;
    sl_rc_t rc = sl_store_token_find(&row, login->rt->db, login->launch->row.id, p, err);

    if (rc == SL_NONE || (rc == SL_OK && row.status != SL_TOKEN_ACTIVE)) {
        return SL_OK;
    }
    if (rc == SL_OK) {
        rc = sl_vault_open_tokens(&tokens, login->rt->ring, &row, p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    covered.launch = row.launch;
    covered.app = row.app;
    covered.ehr = row.ehr;
    covered.app_user = user;
    covered.patient = row.patient;
    covered.generation = row.generation;
    rc = sl_vault_seal_tokens(&sealed, login->rt->ring, &covered, &tokens, p, err);
    if (rc == SL_OK) {
        make->generation = row.generation;
        make->access_sealed = sealed.access;
        make->refresh_sealed = sealed.refresh;
        make->key_id = sealed.key_id;
    }
    return rc;
}

/** A new cookie value, with the fingerprints of both. */
typedef struct {
    const char *value;
    unsigned char old_hash[SL_SHA256_LEN], new_hash[SL_SHA256_LEN];
} renewal_t;

static sl_rc_t renew(renewal_t *renewal, const sl_login_t *login, sl_err_t *err)
{
    sl_rc_t rc = sl_id_new(&renewal->value, login->rt->ring, SL_ID_BROWSER, login->trace->p, err);

    if (rc == SL_OK) {
        sl_id_print(login->key->cookie, renewal->old_hash);
        sl_id_print(renewal->value, renewal->new_hash);
    }
    return rc;
}

/** Seal for the user what there is, and store it with the link. */
static sl_rc_t make_link(sl_link_made_t *made, sl_link_make_t *make, const sl_login_t *login,
                         sl_err_t *err)
{
    sl_rc_t rc;

    make->generation = 0;
    rc = reseal(make, login, make->app_user, err);
    return rc == SL_OK ? sl_store_link_make(made, login->rt->db, make, login->trace->p, err) : rc;
}

sl_rc_t sl_login_link(const char **new_browser, const sl_login_t *login, const char *user,
                      const char *how, sl_err_t *err)
{
    sl_link_made_t made = {0};
    sl_link_make_t make = {0};
    renewal_t renewal;
    sl_rc_t rc = renew(&renewal, login, err);

    if (rc != SL_OK) {
        return rc;
    }
    sl_trace_ok(login->trace, "link", 0, 0, "confirmed by the user");
    make.launch = login->launch->row.id;
    make.browser_hash = renewal.old_hash;
    make.new_browser_hash = renewal.new_hash;
    make.app_user = user;
    make.how = how;
    make.others = SL_OTHERS_END;
    make.max = login->key->max;
    make.steps = login->trace->steps;
    rc = make_link(&made, &make, login, err);
    if (rc == SL_EXPIRED) {
        /* Perhaps the token was renewed between reading and writing it: then it is another now. */
        rc = make_link(&made, &make, login, err);
    }
    forget(login);
    *new_browser = rc == SL_OK && made.moved ? renewal.value : NULL;
    return rc;
}

sl_rc_t sl_login_release(const char **new_browser, const sl_login_t *login, sl_err_t *err)
{
    sl_launch_release_t release;
    sl_launch_finished_t done = {0};
    renewal_t renewal;
    sl_rc_t rc = renew(&renewal, login, err);

    if (rc != SL_OK) {
        return rc;
    }
    sl_trace_ok(login->trace, "release", 0, 0, "the user confirmed the change of user");
    release.id = login->launch->row.id;
    release.browser_hash = renewal.old_hash;
    release.new_browser_hash = renewal.new_hash;
    release.max = login->key->max;
    release.steps = login->trace->steps;
    rc = sl_store_launch_release(&done, login->rt->db, &release, login->trace->p, err);
    forget(login);
    *new_browser = rc == SL_OK && done.moved ? renewal.value : NULL;
    return rc;
}

sl_rc_t sl_login_end(const sl_login_t *login, const char *reason, bool all, sl_err_t *err)
{
    unsigned char browser[SL_SHA256_LEN];
    sl_launch_end_t end;
    int ended = 0;
    sl_rc_t rc;

    sl_id_print(login->key->cookie, browser);
    sl_trace_ok(login->trace, "end", 0, 0, reason);
    end.id = all ? NULL : login->launch->row.id;
    end.browser_hash = browser;
    end.app = all ? NULL : login->key->app; /* their cookie goes: they would live on unreached */
    end.reason = reason;
    end.revoke_tokens = true;
    end.steps = login->trace->steps;
    rc = sl_store_launch_end(&ended, login->rt->db, &end, login->trace->p, err);
    forget(login);
    return rc;
}
