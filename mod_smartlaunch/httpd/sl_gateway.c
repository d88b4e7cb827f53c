/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_gateway.h"
#include "httpd/sl_gateway_call.h"

#include <apr_strings.h>
#include <http_protocol.h>
#include <http_request.h>
#include <string.h>

sl_gateway_call_t *sl_gateway_call_of(request_rec *r)
{
    return sl_request_of(r)->call;
}

/** Methods of FHIR's RESTful API. */
static bool is_method(const request_rec *r)
{
    switch (r->method_number) {
    case M_GET: /* HEAD, too */
    case M_POST:
    case M_PUT:
    case M_PATCH:
    case M_DELETE:
        return true;
    default:
        return false;
    }
}

/** The issuer without a slash at its end: what the EHR's own links begin with. */
static const char *link_base(const sl_ehr_t *ehr, apr_pool_t *p)
{
    size_t len = strlen(ehr->issuer);

    if (len == 0 || ehr->issuer[len - 1] != '/') {
        return ehr->issuer;
    }
    while (len > 0 && ehr->issuer[len - 1] == '/') {
        len--;
    }
    return apr_pstrmemdup(p, ehr->issuer, len);
}

/** `/fhir/epic/Patient/p1`: the EHR's name, and what is below it. */
static void read_address(sl_gateway_call_t *call, const sl_server_t *server)
{
    request_rec *r = call->r;
    const sl_ehr_conf_t *conf = sl_conf_ehr_section(server->main, call->ask->ehr);
    sl_err_t err;

    if (conf == NULL || conf->base == NULL) {
        return;
    }
    call->ehr = &conf->ehr;
    call->base = link_base(call->ehr, r->pool);
    call->gateway = apr_pstrcat(r->pool, call->ask->gateway->links, call->ask->ehr, NULL);
    call->target = conf->base;
    call->is_fhir = is_method(r) && sl_fhir_request_parse(&call->fhir, r->method, call->ask->path,
                                                          r->pool, &err) == SL_OK;
    if (call->is_fhir) {
        r->filename = apr_pstrcat(r->pool, "proxy:", conf->base, "/", call->fhir.path, NULL);
    }
}

/** The address is mod_proxy's, or ours to refuse: in the handler, after Require. */
static void claim(sl_gateway_call_t *call)
{
    request_rec *r = call->r;

    if (!call->is_fhir) {
        r->filename = apr_pstrcat(r->pool, "smartlaunch:", r->uri, NULL);
        r->handler = "smart-gateway";
        return;
    }
    r->proxyreq = PROXYREQ_REVERSE;
    r->handler = "proxy-server";
}

int sl_gateway_translate(request_rec *r)
{
    const sl_server_t *server = sl_conf_server(r->server);
    sl_request_t *request;
    sl_gateway_call_t *call;

    if (server->gateways->nelts == 0 || r->main != NULL || r->prev != NULL) {
        return DECLINED;
    }
    request = sl_request_of(r);
    if (request->gateway == NULL) {
        return sl_conf_gateway(server, r->uri) == NULL ? DECLINED : HTTP_BAD_REQUEST;
    }
    if (!sl_gateway_ask_settle(r, request->gateway)) {
        request->gateway = NULL;
        return DECLINED;
    }
    call = apr_pcalloc(r->pool, sizeof(*call));
    call->r = r;
    call->request = request;
    call->ask = request->gateway;
    call->rt = server->main->runtime;
    call->session = call->ask->session;
    request->call = call;
    read_address(call, server);
    claim(call);
    return OK;
}

/**
 * Rules of the administrator's (mod_rewrite's in a section around the gateway) may have given the
 * request another way in the meantime: the token must not go it. mod_proxy has written the URL anew
 * since, but not its scheme, host and port.
 */
static bool is_on_its_way(const sl_gateway_call_t *call)
{
    static const char proxy[] = "proxy:";
    const char *filename = call->r->filename;
    const char *host = strstr(call->target, "://") + 3;
    size_t len = (size_t)(host - call->target) + strcspn(host, "/");

    if (call->r->proxyreq != PROXYREQ_REVERSE || strncmp(filename, proxy, sizeof(proxy) - 1) != 0) {
        return false;
    }
    filename += sizeof(proxy) - 1;
    return strncasecmp(filename, call->target, len) == 0 && filename[len] == '/';
}

static sl_gateway_no_t check_address(sl_gateway_call_t *call, sl_err_t *err)
{
    err->id = NULL;
    if (call->rt == NULL) {
        (void)sl_err_set(err, SL_FAILED, "SL5831", "the child has no runtime; see its start");
        return SL_GATEWAY_OWN_FAULT;
    }
    if (call->ehr == NULL) {
        return SL_GATEWAY_NO_EHR;
    }
    if (!is_method(call->r)) {
        return SL_GATEWAY_BAD_METHOD;
    }
    if (!call->is_fhir) {
        return SL_GATEWAY_BAD_PATH;
    }
    if (!is_on_its_way(call)) {
        (void)sl_err_set(err, SL_FAILED, "SL5837",
                         "a rule of httpd's configuration (RewriteRule?) sends the gateway's "
                         "requests somewhere else");
        return SL_GATEWAY_OWN_FAULT;
    }
    return SL_GATEWAY_OK;
}

static sl_gateway_no_t find_token(sl_gateway_call_t *call, sl_err_t *err)
{
    request_rec *r = call->r;
    sl_grant_ask_t ask;
    sl_rc_t rc;

    if (call->has_grant) { /* backend services: nobody's session has to be found */
        return SL_GATEWAY_OK;
    }
    memset(&ask, 0, sizeof(ask));
    ask.app = sl_conf_app(call->location);
    ask.ehr = call->ehr;
    ask.session = call->session;
    if (call->session == NULL) {
        ask.user = call->ask->user;
        ask.patient = call->ask->patient;
    }
    ask.idle = call->ask->gateway->idle;
    ask.now = r->request_time;
    rc = sl_grant_find(&call->grant, call->rt, &ask, r->pool, err);
    call->has_grant = rc == SL_OK;
    return sl_gateway_no(rc);
}

/** SmartWrites, and the patient guard, which may have to see the body. */
static sl_gateway_no_t may_ask(sl_gateway_call_t *call, sl_err_t *err)
{
    request_rec *r = call->r;
    sl_guard_input_t input;
    sl_gateway_no_t no = SL_GATEWAY_OK;

    err->id = NULL;
    if (!call->fhir.is_read && !sl_conf_may_write(call->location)) {
        return SL_GATEWAY_WRITES;
    }
    memset(&input, 0, sizeof(input));
    input.mode = sl_conf_guard(call->location);
    input.patient = call->grant.patient;
    input.base = call->ehr->issuer;
    input.request = &call->fhir;
    input.query = r->args;
    input.if_none_exist = apr_table_get(r->headers_in, "If-None-Exist");
    input.content_type = apr_table_get(r->headers_in, "Content-Type");
    input.content_encoding = apr_table_get(r->headers_in, "Content-Encoding");
    input.has_body = true; /* whether there is one shows when it is read */
    if (sl_guard_wants_body(&input)) {
        no = sl_gateway_body_read(call, SL_GUARD_MAX_BODY, err);
    }
    if (no != SL_GATEWAY_OK) {
        return no;
    }
    input.has_body = call->has_body;
    if (call->is_read && call->is_whole) {
        input.body = call->body;
        input.body_len = call->body_len;
    }
    return sl_guard_check(&call->verdict, &input, r->pool, err) == SL_OK ? SL_GATEWAY_OK
                                                                         : SL_GATEWAY_GUARD;
}

static sl_gateway_no_t serve(sl_gateway_call_t *call, sl_err_t *err)
{
    static sl_gateway_no_t (*const steps[])(sl_gateway_call_t *, sl_err_t *) = {
        check_address, sl_gateway_body_form, sl_gateway_bind, find_token,
        may_ask,       sl_gateway_forward};
    sl_gateway_no_t no = SL_GATEWAY_OK;

    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && no == SL_GATEWAY_OK; i++) {
        no = steps[i](call, err);
    }
    return no;
}

int sl_gateway_handle(request_rec *r)
{
    sl_gateway_call_t *call = sl_gateway_call_of(r);
    sl_gateway_no_t no;
    sl_err_t err;

    if (call == NULL || call->r != r || call->is_proxying) {
        return DECLINED;
    }
    call->location = sl_conf_location(r);
    no = serve(call, &err);
    return no == SL_GATEWAY_OK ? OK : sl_gateway_refuse(call, no, &err);
}

void sl_gateway_filters(request_rec *r)
{
    sl_gateway_call_t *call = sl_gateway_call_of(r);

    if (call == NULL || r->main != NULL) {
        return;
    }
    if (call->r == r) {
        sl_gateway_answer_insert(call);
    } else {
        sl_gateway_error_insert(r); /* an ErrorDocument: callers cannot read it */
    }
}

void sl_gateway_error_filters(request_rec *r)
{
    if (r->main == NULL && sl_request_of(r)->gateway != NULL) {
        sl_gateway_error_insert(r);
    }
}

void sl_gateway_register(apr_pool_t *p)
{
    (void)p;
    sl_gateway_body_register();
    sl_gateway_answer_register();
    sl_gateway_links_register();
    sl_gateway_upstream_register();
    sl_gateway_error_register();
}
