/* SPDX-License-Identifier: Apache-2.0 */
/* <redirect>/session and <redirect>/logout. */
#include "base/sl_json.h"
#include "flow/sl_login.h"
#include "httpd/sl_page.h"
#include "httpd/sl_pass.h"
#include "httpd/sl_redirect_url.h"
#include "httpd/sl_respond.h"
#include "smart/sl_cookie.h"
#include "smart/sl_params.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <string.h>

static int send_json(request_rec *r, const sl_json_t *json)
{
    sl_respond_headers(r, HTTP_OK);
    apr_table_setn(r->err_headers_out, "X-Content-Type-Options", "nosniff");
    ap_set_content_type(r, "application/json");
    return sl_respond_body(r, sl_json_text(r->pool, json));
}

int sl_session_url(const sl_visit_t *visit)
{
    const sl_browser_launch_t *launch;
    sl_json_t *json = sl_json_object(visit->r->pool);
    bool known;
    int answer;

    if (visit->r->method_number != M_GET) {
        return sl_visit_not_allowed(visit, "GET");
    }
    visit->request->ask.wants = SL_ASK_JSON;
    launch = sl_visit_launch(visit, &answer);
    if (launch == NULL) {
        return answer;
    }
    known = launch->row.link_state != SL_LINK_PENDING;
    sl_json_put_str(json, "user", known ? launch->row.app_user : NULL);
    sl_json_put_str(json, "ehr", launch->row.ehr);
    sl_json_put_str(json, "ehr_user", launch->row.ehr_user);
    sl_json_put_str(json, "patient", known ? launch->row.patient : NULL);
    sl_json_put_str(json, "encounter", known ? launch->row.encounter : NULL);
    sl_json_put_int(json, "expires_in",
                    apr_time_sec(visit->request->ends_at - visit->r->request_time));
    sl_json_put_str(json, "link", sl_pass_link_word(launch->row.link_state));
    sl_json_put_str(json, "launch", launch->handle);
    return send_json(visit->r, json);
}

/** `all=1` in the query or in a form body. */
static bool wants_all(const sl_visit_t *visit)
{
    sl_params_t *params = NULL;
    const char *body = visit->request->query;
    const char *all = NULL;
    apr_size_t len = 0;

    if (body != NULL &&
        sl_params_parse(&params, body, strlen(body), visit->r->pool, NULL) == SL_OK) {
        all = sl_params_one(params, "all");
    }
    if (all == NULL && sl_visit_form(visit, &body, &len, NULL) == SL_OK &&
        sl_params_parse(&params, body, len, visit->r->pool, NULL) == SL_OK) {
        all = sl_params_one(params, "all");
    }
    return all != NULL && strcmp(all, "1") == 0;
}

static int logged_out(const sl_visit_t *visit)
{
    sl_json_t *json;
    sl_page_t page;

    if (visit->request->ask.wants != SL_ASK_HTML) {
        json = sl_json_object(visit->r->pool);
        sl_json_put_bool(json, "ended", true);
        return send_json(visit->r, json);
    }
    memset(&page, 0, sizeof(page));
    page.status = HTTP_OK;
    page.title = "You are logged out";
    page.text[0] = "You can close this window. To come back, open the application from the "
                   "patient's chart.";
    return sl_page_send(visit->r, &page);
}

/** No same-origin proof: nothing changes (design section 11, "Cookie"). */
static int refuse_foreign(const sl_visit_t *visit)
{
    sl_err_t err;

    return sl_respond_error(visit->r,
                            sl_err_set(&err, SL_DENIED, "SL6201",
                                       "a logout without proof that it came from our own pages"),
                            &err);
}

int sl_logout_url(const sl_visit_t *visit)
{
    const sl_server_t *server = sl_conf_server(visit->r->server);
    sl_browser_key_t key = sl_request_browser_key(visit->r, visit->site->app);
    sl_login_t login;
    sl_err_t err;
    sl_rc_t rc;
    bool all;
    int answer;

    if (visit->r->method_number != M_POST) {
        return sl_visit_not_allowed(visit, "POST");
    }
    if (!sl_ask_is_own(&visit->request->ask)) {
        return refuse_foreign(visit);
    }
    login.launch = sl_visit_launch(visit, &answer);
    if (login.launch == NULL) {
        return answer;
    }
    all = wants_all(visit);
    login.rt = visit->rt;
    login.key = &key;
    login.trace = sl_request_trace(visit->r);
    rc = sl_login_end(&login, "logout", all, &err);
    if (rc != SL_OK) {
        return sl_respond_error(visit->r, rc, &err);
    }
    if (all) {
        apr_table_add(
            visit->r->err_headers_out, "Set-Cookie",
            sl_cookie_clear(visit->r->pool, sl_conf_cookie(server), !sl_conf_is_toplevel(server)));
    }
    return logged_out(visit);
}
