/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sl_ctl_ehr.h"
#include "ctl/sl_ctl_runtime.h"
#include "ctl/sl_ctl_table.h"
#include "flow/sl_introspect.h"
#include "flow/sl_renew.h"
#include "flow/sl_vault.h"

#include <stdio.h>
#include <string.h>

static const sl_ctl_column_t COLUMNS[] = {
    {"launch", "LAUNCH", SL_CTL_TEXT, SL_CTL_BOTH},
    {"app", "APP", SL_CTL_TEXT, SL_CTL_BOTH},
    {"ehr", "EHR", SL_CTL_TEXT, SL_CTL_BOTH},
    {"app_user", "APP USER", SL_CTL_TEXT, SL_CTL_BOTH},
    {"patient", "PATIENT", SL_CTL_TEXT, SL_CTL_PATIENT},
    {"status", "STATUS", SL_CTL_TEXT, SL_CTL_BOTH},
    {"can_renew", "RENEWABLE", SL_CTL_YES_NO, SL_CTL_BOTH},
    {"renewals", "RENEWED", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"issued_at", "", SL_CTL_TIME, SL_CTL_JSON_ONLY},
    {"expires_at", "ENDS", SL_CTL_TIME, SL_CTL_BOTH},
    {"retry_at", "", SL_CTL_TIME, SL_CTL_JSON_ONLY},
    {"key_id", "KEY", SL_CTL_TEXT, SL_CTL_BOTH},
    {"generation", "", SL_CTL_NUMBER, SL_CTL_JSON_ONLY},
    {"link", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {"scope_asked", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {"scope_granted", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {"lease_until", "", SL_CTL_TIME, SL_CTL_JSON_ONLY},
    {"lease_by", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {"last_error", "LAST ERROR", SL_CTL_TEXT, SL_CTL_BOTH},
    {NULL, NULL, SL_CTL_TEXT, SL_CTL_BOTH},
};

static int which_launch(void)
{
    (void)fputs("smartlaunchctl: whose token? By the id of its launch (token list)\n", stderr);
    return SL_CTL_USAGE;
}

static int needs_all(void)
{
    (void)fputs("smartlaunchctl: this needs all of httpd's configuration: say -f, or nothing, "
                "in place of --db\n",
                stderr);
    return SL_CTL_USAGE;
}

static int revoke_one(sl_ctl_t *ctl)
{
    const char *id = sl_ctl_id(ctl);
    sl_json_t *object = sl_json_object(ctl->p);
    bool was_revoked = false;
    sl_db_t *db = NULL;
    sl_err_t err = {0};

    if (id == NULL) {
        return which_launch();
    }
    if (sl_ctl_open(&db, ctl, &err) != SL_OK ||
        sl_store_admin_revoke_token(&was_revoked, db, id, ctl->reason, ctl->p, &err) != SL_OK) {
        return sl_ctl_missing(&err);
    }
    if (ctl->json) {
        sl_json_put_str(object, "launch", id);
        sl_json_put_bool(object, "revoked", true);
        sl_json_put_bool(object, "was_revoked", was_revoked);
        sl_ctl_print_json(ctl, object);
    } else {
        (void)printf("the tokens of launch %s %s\n", id,
                     was_revoked ? "were revoked before" : "are revoked");
    }
    return SL_CTL_OK;
}

static sl_rc_t find(sl_token_view_t *row, const sl_runtime_t *rt, const char *id, apr_pool_t *p,
                    sl_err_t *err)
{
    sl_rc_t rc = sl_store_token_by_launch(row, rt->db, id, p, err);

    if (rc == SL_OK && row->token.launch == NULL) {
        return sl_err_set(err, SL_NONE, "SL7013", "the launch has no token of an EHR");
    }
    if (rc == SL_OK && row->token.status != SL_TOKEN_ACTIVE) {
        return sl_err_set(err, SL_EXPIRED, "SL7014", "the token is over: only a launch helps");
    }
    return rc;
}

static sl_rc_t find_renewable(sl_token_view_t *row, const sl_runtime_t *rt, const char *id,
                              apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc = find(row, rt, id, p, err);

    return rc == SL_OK && !row->can_renew
               ? sl_err_set(err, SL_EXPIRED, "SL7015",
                            "the token cannot be renewed: there is no refresh token")
               : rc;
}

static int print_renewed(const sl_ctl_t *ctl, const sl_token_view_t *now)
{
    sl_json_t *object = sl_json_object(ctl->p);
    const char *until = sl_ctl_stamp(ctl->p, now->token.expires_at);

    if (ctl->json) {
        sl_json_put_str(object, "launch", now->token.launch);
        sl_json_put_bool(object, "renewed", true);
        sl_json_put_int(object, "generation", now->token.generation);
        sl_json_put_str(object, "expires_at", now->token.expires_at != 0 ? until : NULL);
        sl_json_put_str(object, "scope_granted", now->token.scope_granted);
        sl_ctl_print_json(ctl, object);
    } else {
        (void)printf("the token of launch %s is renewed%s%s\n", now->token.launch,
                     now->token.expires_at != 0 ? ", and ends " : "", until);
    }
    return SL_CTL_OK;
}

/** The flows' runtime, with every EHR, secrets and all. */
static sl_rc_t open_runtime(sl_runtime_t **rt, apr_array_header_t **ehrs, sl_ctl_t *ctl,
                            sl_err_t *err)
{
    apr_array_header_t *plain = apr_array_make(ctl->p, 4, sizeof(const sl_ehr_t *));
    sl_json_t *dump = NULL;
    sl_rc_t rc = sl_ctl_configuration(&dump, ctl, err);

    if (rc == SL_OK) {
        rc = sl_ctl_ehrs(ehrs, dump, ctl->p, err);
    }
    for (int i = 0; rc == SL_OK && i < (*ehrs)->nelts; i++) {
        APR_ARRAY_PUSH(plain, const sl_ehr_t *) = &APR_ARRAY_IDX(*ehrs, i, sl_ctl_ehr_t *)->ehr;
    }
    return rc == SL_OK ? sl_ctl_runtime(rt, ctl, plain, err) : rc;
}

static sl_rc_t check_secret(const apr_array_header_t *ehrs, const char *name, sl_err_t *err)
{
    const sl_ctl_ehr_t *ehr = sl_ctl_ehr_find(ehrs, name);

    if (ehr != NULL && ehr->secret_err.rc != SL_OK) {
        *err = ehr->secret_err;
        return err->rc;
    }
    return SL_OK;
}

static int renew(sl_ctl_t *ctl)
{
    const char *id = sl_ctl_id(ctl);
    apr_array_header_t *ehrs = NULL;
    sl_token_view_t row, now;
    sl_runtime_t *rt = NULL;
    sl_err_t err = {0};

    if (id == NULL) {
        return which_launch();
    }
    if (ctl->db != NULL) {
        return needs_all();
    }
    if (open_runtime(&rt, &ehrs, ctl, &err) != SL_OK ||
        find_renewable(&row, rt, id, ctl->p, &err) != SL_OK ||
        check_secret(ehrs, row.token.ehr, &err) != SL_OK ||
        sl_renew_now(&now, rt, &row, "smartlaunchctl", ctl->p, &err) != SL_OK) {
        return sl_ctl_missing(&err);
    }
    return print_renewed(ctl, &now);
}

/** What its EHR says of it, now. */
static sl_rc_t ask_ehr(sl_introspection_t *out, const sl_runtime_t *rt, const sl_token_view_t *row,
                       apr_pool_t *p, sl_err_t *err)
{
    const sl_ehr_t *ehr = sl_runtime_ehr(rt->ehrs, row->token.ehr);
    sl_tokens_t tokens = {NULL, NULL};
    sl_rc_t rc;

    if (ehr == NULL) {
        return sl_err_set(err, SL_NONE, "SL7016", "there is no EHR %s here", row->token.ehr);
    }
    rc = sl_vault_open_tokens(&tokens, rt->ring, &row->token, p, err);
    return rc == SL_OK ? sl_introspect_token(out, rt, ehr, tokens.access,
                                             sl_trace_new(p, "smartlaunchctl"), err)
                       : rc;
}

static int print_checked(const sl_ctl_t *ctl, const char *id, const sl_introspection_t *found)
{
    sl_json_t *object = sl_json_object(ctl->p);
    const char *until = found->expires_at != 0 ? sl_ctl_stamp(ctl->p, found->expires_at) : NULL;

    if (ctl->json) {
        sl_json_put_str(object, "launch", id);
        sl_json_put_bool(object, "active", found->is_active);
        sl_json_put_str(object, "expires_at", until);
        sl_json_put_str(object, "scope", found->scope);
        sl_ctl_print_json(ctl, object);
    } else {
        (void)printf("the EHR says that the access token of launch %s is %s%s%s%s%s\n", id,
                     found->is_active ? "active" : "not active", until != NULL ? ", ends " : "",
                     until != NULL ? until : "", found->scope != NULL ? ", and is for " : "",
                     found->scope != NULL ? found->scope : "");
    }
    return found->is_active ? SL_CTL_OK : SL_CTL_FAILED;
}

/** Nothing changes: neither here nor at the EHR. */
static int check(sl_ctl_t *ctl)
{
    const char *id = sl_ctl_id(ctl);
    apr_array_header_t *ehrs = NULL;
    sl_introspection_t found = {0};
    sl_runtime_t *rt = NULL;
    sl_token_view_t row;
    sl_err_t err = {0};

    if (id == NULL) {
        return which_launch();
    }
    if (ctl->db != NULL) {
        return needs_all();
    }
    if (open_runtime(&rt, &ehrs, ctl, &err) != SL_OK || find(&row, rt, id, ctl->p, &err) != SL_OK ||
        check_secret(ehrs, row.token.ehr, &err) != SL_OK ||
        ask_ehr(&found, rt, &row, ctl->p, &err) != SL_OK) {
        return sl_ctl_missing(&err);
    }
    return print_checked(ctl, id, &found);
}

int sl_ctl_token(sl_ctl_t *ctl)
{
    const char *word = ctl->args[0];

    if (word != NULL && strcmp(word, "revoke") == 0) {
        return revoke_one(ctl);
    }
    if (word != NULL && strcmp(word, "renew") == 0) {
        return renew(ctl);
    }
    if (word != NULL && strcmp(word, "check") == 0) {
        return check(ctl);
    }
    return sl_ctl_is(ctl, "list") ? sl_ctl_list(ctl, sl_store_admin_tokens, COLUMNS)
                                  : sl_ctl_usage();
}
