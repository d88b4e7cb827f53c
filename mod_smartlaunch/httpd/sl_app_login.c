/* SPDX-License-Identifier: Apache-2.0 */
/* Smart-Login and Smart-Logout: the app says who has logged in or out. */
#include "flow/sl_login.h"
#include "flow/sl_session.h"
#include "httpd/sl_app_filter.h"
#include "httpd/sl_bind_request.h"
#include "httpd/sl_pass.h"
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_respond.h"
#include "smart/sl_header_name.h"
#include "smart/sl_url.h"

#include <apr_strings.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch);

/** What the answer's headers said. */
typedef struct {
    const char *login;
    int logins;
    bool has_logout;           /* with whatever value */
    bool logout;               /* with 1 */
    apr_array_header_t *names; /* of every Smart-* header met; NULL: none */
    apr_pool_t *p;
} said_t;

/** Also where it was said more than once and joined: who logs out once too often does no harm. */
static bool says_one(const char *value, apr_pool_t *p)
{
    char *rest = apr_pstrdup(p, value);
    char *state;

    for (char *word = apr_strtok(rest, ",", &state); word != NULL;
         word = apr_strtok(NULL, ",", &state)) {
        apr_collapse_spaces(word, word);
        if (strcmp(word, "1") == 0) {
            return true;
        }
    }
    return false;
}

static int look(void *data, const char *key, const char *value)
{
    said_t *said = data;

    if (!sl_header_is_ours(key)) {
        return 1;
    }
    if (said->names == NULL) {
        said->names = apr_array_make(said->p, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(said->names, const char *) = key;
    if (strcasecmp(key, "Smart-Login") == 0) {
        said->login = value;
        said->logins++;
    } else if (strcasecmp(key, "Smart-Logout") == 0) {
        said->has_logout = true;
        said->logout = said->logout || says_one(value, said->p);
    }
    return 1;
}

static void take(said_t *said, apr_table_t *table)
{
    said->names = NULL;
    apr_table_do(look, said, table, NULL);
    for (int i = 0; said->names != NULL && i < said->names->nelts; i++) {
        apr_table_unset(table, APR_ARRAY_IDX(said->names, i, const char *));
    }
}

static void warn(request_rec *r, const char *id, const char *text)
{
    ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r, "%s: %s (reference %s)", id, text,
                  sl_request_reference(r));
}

/** May this answer say so, and is it said well? */
static bool counts(request_rec *r, const said_t *said)
{
    if (!sl_bind_is_smart(r) || sl_conf_location(r)->login != 1) {
        warn(r, "SL6501", "Smart-Login or Smart-Logout from a location without SmartLogin on");
        return false;
    }
    if (apr_table_get(r->headers_out, "Age") != NULL ||
        apr_table_get(r->err_headers_out, "Age") != NULL) {
        warn(r, "SL6502", "Smart-Login or Smart-Logout in an answer from a cache");
        return false;
    }
    if (said->login != NULL &&
        (said->logins > 1 || strchr(said->login, ',') != NULL || !sl_login_is_name(said->login))) {
        warn(r, "SL6503", "a Smart-Login that names nobody, or more than one");
        return false;
    }
    return true;
}

static void keep_cookies(request_rec *r, apr_array_header_t *cookies);

/** Replace the app's answer; its cookies go along only where `with_cookies`. */
static void drop_answer(request_rec *r, bool with_cookies)
{
    apr_array_header_t *cookies = apr_array_make(r->pool, 4, sizeof(const char *));

    if (with_cookies) {
        sl_app_headers(r, true);
        keep_cookies(r, cookies);
    }
    apr_table_clear(r->err_headers_out);
    for (int i = 0; i < cookies->nelts; i++) {
        apr_table_add(r->err_headers_out, "Set-Cookie", APR_ARRAY_IDX(cookies, i, const char *));
    }
    r->content_encoding = NULL;
    r->content_languages = NULL;
}

static int push(void *data, const char *key, const char *value)
{
    (void)key;
    APR_ARRAY_PUSH((apr_array_header_t *)data, const char *) = value;
    return 1;
}

static void keep_cookies(request_rec *r, apr_array_header_t *cookies)
{
    apr_table_do(push, cookies, r->headers_out, "Set-Cookie", NULL);
    apr_table_do(push, cookies, r->err_headers_out, "Set-Cookie", NULL);
}

static void refuse(sl_app_login_t *out, request_rec *r, sl_rc_t rc, const sl_err_t *err)
{
    sl_refusal_t refusal;

    drop_answer(r, false);
    sl_respond_describe(&refusal, r, rc, err);
    out->replaced = true;
    out->body = sl_respond_prepare(r, &refusal);
}

/** A relative Location as a path, beside the page that was asked for; NULL: it has a scheme. */
static const char *beside(request_rec *r, const char *to)
{
    const char *asked = sl_request_of(r)->uri;
    size_t base = strcspn(asked, "?");
    size_t len = strcspn(to, "?");
    char *path;

    if (to[strcspn(to, ":/?")] == ':') {
        return NULL;
    }
    while (len > 0 && base > 0 && asked[base - 1] != '/') {
        base--;
    }
    path = apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, asked, base),
                       apr_pstrmemdup(r->pool, to, len), NULL);
    ap_getparents(path);
    return apr_pstrcat(r->pool, path, to + len, NULL);
}

/** Where the app was about to go, as a path of ours; NULL: nowhere in particular. */
static const char *destination(request_rec *r)
{
    const char *public_url = sl_conf_server(r->server)->public_url;
    const char *to = apr_table_get(r->headers_out, "Location");
    size_t len = strlen(public_url);

    if (to == NULL) {
        to = apr_table_get(r->err_headers_out, "Location");
    }
    if (to == NULL || r->status < 300 || r->status > 399) {
        return r->method_number == M_GET ? sl_request_of(r)->uri : NULL;
    }
    to = apr_pstrndup(r->pool, to, strcspn(to, "#"));
    if (strncmp(to, public_url, len) == 0 && to[len] == '/') {
        to += len;
    } else if (to[0] != '/') {
        to = beside(r, to);
    }
    return sl_url_is_return_path(to, r->pool) ? to : NULL;
}

static void go_confirm(sl_app_login_t *out, request_rec *r, const sl_browser_launch_t *launch)
{
    const char *location = sl_confirm_location(r, launch);

    if (location == NULL) {
        return;
    }
    drop_answer(r, true);
    sl_respond_headers(r, HTTP_SEE_OTHER);
    apr_table_setn(r->err_headers_out, "Location", location);
    apr_table_setn(r->err_headers_out, "Referrer-Policy", "same-origin");
    ap_set_content_type(r, "text/plain; charset=utf-8");
    out->replaced = true;
    out->body = "Going on.\n";
}

/** The first login on a launch that is not linked: ask, or link at once with confirm=off. */
static void on_pending(sl_app_login_t *out, request_rec *r, const sl_login_t *login,
                       const char *user)
{
    const sl_redirect_conf_t *redirect = sl_conf_redirect(
        sl_conf_server(r->server), login->launch->row.app, login->launch->row.redirect_path);
    sl_err_t err;
    sl_rc_t rc;

    if (redirect != NULL && !redirect->site->confirm) {
        rc = sl_login_link(&out->new_browser, login, user, "app", &err);
    } else {
        rc = sl_login_remember(login, user, destination(r), &err);
        if (rc == SL_OK && sl_request_of(r)->ask.kind == SL_ASK_NAVIGATION) {
            go_confirm(out, r, login->launch);
        }
    }
    if (rc != SL_OK) {
        refuse(out, r, rc, &err);
    }
}

/** Two people never share a launch: it ends, and the app's answer with it. */
static void on_other_user(sl_app_login_t *out, request_rec *r, const sl_login_t *login)
{
    sl_err_t err;
    sl_rc_t rc = sl_login_end(login, "other user", false, &err);

    if (rc == SL_OK) {
        rc = sl_err_set(&err, SL_CONFLICT, "SL6504",
                        "another app user logged in on a launch; the launch has ended");
    }
    refuse(out, r, rc, &err);
}

static bool is_user_of(const sl_browser_launch_t *launch, const char *user)
{
    return launch->row.app_user != NULL && strcmp(launch->row.app_user, user) == 0;
}

/** Live in this browser already, and nobody else is: a picture has said so, or the like. */
static bool is_here(const sl_browser_view_t *view, const char *user)
{
    bool found = false;

    for (int i = 0; i < view->count; i++) {
        const sl_browser_launch_t *launch = &view->launches[i];

        if (launch->live && launch->row.app_user != NULL) {
            if (!is_user_of(launch, user)) {
                return false;
            }
            found = true;
        }
    }
    return found;
}

/** No launch: this browser gets a session of that user. */
static void on_no_launch(sl_app_login_t *out, request_rec *r, const sl_login_t *login,
                         const char *user)
{
    const sl_runtime_t *rt = sl_conf_server(r->server)->main->runtime;
    const sl_request_t *request = sl_request_of(r);
    sl_browser_key_t key = sl_request_browser_key(r, sl_conf_app(sl_conf_location(r)));
    sl_err_t err;
    sl_rc_t rc;

    if (request->ask.proof == SL_ORIGIN_FOREIGN ||
        (!sl_ask_is_safe(&request->ask) && !sl_ask_is_own(&request->ask))) {
        warn(r, "SL6505", "a login from another site gives this browser no session");
        return;
    }
    if (is_here(&request->view, user)) {
        return;
    }
    rc = sl_session_begin(&out->new_browser, rt, &key, user, login->trace, &err);
    if (rc == SL_OK) {
        return;
    }
    out->new_browser = NULL;
    if (login->launch != NULL) {
        refuse(out, r, rc, &err); /* or the app would be theirs and the session somebody else's */
    } else {
        warn(r, err.id, apr_pstrdup(r->pool, err.text));
    }
}

/** A session is no launch: whoever logs in next takes it over, and no page has to say so. */
static void log_in(sl_app_login_t *out, request_rec *r, const sl_login_t *login, const char *user)
{
    const sl_browser_launch_t *launch = login->launch;

    if (launch == NULL || (launch->row.kind == SL_KIND_SESSION && !is_user_of(launch, user))) {
        on_no_launch(out, r, login, user);
        return;
    }
    switch (launch->row.link_state) {
    case SL_LINK_NONE:
        return;
    case SL_LINK_PENDING:
        on_pending(out, r, login, user);
        return;
    case SL_LINK_LINKED:
        if (!is_user_of(launch, user)) {
            on_other_user(out, r, login);
        }
        return;
    }
}

/** Where it cannot be written down, nobody may believe it: it would be undone by itself. */
static void log_out(sl_app_login_t *out, request_rec *r, const sl_login_t *login)
{
    sl_err_t err;
    sl_rc_t rc = sl_login_end(login, "logout by the app", false, &err);

    if (rc != SL_OK) {
        refuse(out, r, rc, &err);
    }
}

void sl_app_login(sl_app_login_t *out, request_rec *r)
{
    sl_browser_key_t key = sl_request_browser_key(r, sl_conf_app(sl_conf_location(r)));
    sl_login_t login;
    said_t said;

    memset(&said, 0, sizeof(said));
    said.p = r->pool;
    take(&said, r->headers_out);
    take(&said, r->err_headers_out);
    if ((said.login == NULL && !said.has_logout) || !counts(r, &said)) {
        return;
    }
    out->is_login = true;
    login.rt = sl_conf_server(r->server)->main->runtime;
    login.key = &key;
    login.launch = sl_pass_launch(r);
    login.trace = sl_request_trace(r);
    if (said.login != NULL) {
        log_in(out, r, &login, said.login);
    } else if (said.logout && login.launch != NULL) {
        log_out(out, r, &login);
    }
}
