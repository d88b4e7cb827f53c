/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP client against a server that misbehaves: what is sent, how often, and what is believed.
 */
#include "base/sl_text.h"
#include "http_server.h"
#include "net/sl_http.h"
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <sys/mman.h>
#include <sys/wait.h>

static sl_http_t *client;

static sl_http_request_t request_to(const server_t *server, const char *path, apr_pool_t *p)
{
    sl_http_request_t request = {.insecure_loopback = true, .timeout = apr_time_from_sec(20)};

    request.url = apr_psprintf(p, "http://127.0.0.1:%d%s", server->port, path);
    return request;
}

static sl_http_request_t post_to(const server_t *server, const char *path, const char *body,
                                 apr_pool_t *p)
{
    sl_http_request_t request = request_to(server, path, p);

    request.method = SL_HTTP_POST;
    request.body = sl_secret_str(p, body);
    return request;
}

/* A client without kept connections. */
static void fresh_client(apr_pool_t *p)
{
    if (sl_http_open(&client, p, NULL) != SL_OK) {
        abort();
    }
}

static bool has(const sl_http_reply_t *reply, const char *text)
{
    return strstr(sl_secret_reveal(reply->body), text) != NULL;
}

static void get(apr_pool_t *p)
{
    server_t *server = server_start(NULL);
    sl_http_request_t request = request_to(server, "/echo?a=b%20c", p);
    sl_http_reply_t reply;

    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "GET");
    is_int(reply.status, 200, "status");
    is_str(reply.content_type, "text/plain; charset=utf-8", "content type");
    ok(has(&reply, "GET /echo?a=b%20c HTTP/1.1\r\n"), "the target, byte for byte");
    ok(has(&reply, "\r\nAccept: application/json\r\n"), "Accept");
    ok(!has(&reply, "Authorization") && !has(&reply, "Cookie") && !has(&reply, "Content-"),
       "and nothing that was not asked for");
    ok(reply.maybe_sent && reply.ms >= 0, "sent");
    request.accept = "application/jwk-set+json";
    request.authorization = sl_secret_str(p, "Bearer t0ken");
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "GET again");
    ok(has(&reply, "\r\nAccept: application/jwk-set+json\r\n"), "another Accept");
    ok(has(&reply, "\r\nAuthorization: Bearer t0ken\r\n"), "Authorization");
    request.authorization = NULL;
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "and again");
    ok(!has(&reply, "t0ken"), "nothing is left of the one before");
    is_int(server->connections, 1, "all on one connection");
}

static void post(apr_pool_t *p)
{
    server_t *server = server_start(NULL);
    sl_http_request_t request = post_to(server, "/echo", "grant_type=x&code=y", p);
    sl_http_reply_t reply;
    char *big = apr_palloc(p, 20001);

    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "TKR-1: POST");
    ok(has(&reply, "POST /echo HTTP/1.1\r\n"), "method and target");
    ok(has(&reply, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"), "form");
    ok(has(&reply, "\r\nContent-Length: 19\r\n"), "length");
    ok(has(&reply, "\r\n\r\ngrant_type=x&code=y"), "body");
    ok(!has(&reply, "Expect") && !has(&reply, "chunked"), "in one piece");
    memset(big, 'b', 20000);
    big[20000] = '\0';
    request = post_to(server, "/echo", big, p);
    request.content_type = "application/json";
    request.authorization = sl_secret_str(p, apr_pstrcat(p, "Basic ", big + 18000, NULL));
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "a longer POST");
    ok(has(&reply, "\r\nContent-Type: application/json\r\n") && has(&reply, big), "is whole");
    ok(has(&reply, apr_pstrcat(p, "Basic ", big + 18000, "\r\n", NULL)), "so is a long header");
    request = post_to(server, "/echo", NULL, p);
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "POST of nothing");
    ok(has(&reply, "\r\nContent-Length: 0\r\n"), "says so");
}

static void odd_answers(apr_pool_t *p)
{
    static const struct {
        const char *path;
        sl_rc_t rc;
        const char *id, *name;
    } rows[] = {
        {"/announced", SL_UPSTREAM, "SL3504", "DIS-8: too large, as announced"},
        {"/endless", SL_UPSTREAM, "SL3504", "DIS-8: too large, unannounced"},
        {"/headers", SL_UPSTREAM, "SL3504", "too many headers"},
        {"/short", SL_UPSTREAM, "SL3510", "shorter than announced"},
        {"/noise", SL_UPSTREAM, "SL3510", "no HTTP"},
    };
    server_t *server = server_start(NULL);
    sl_http_request_t request;
    sl_http_reply_t reply;
    sl_err_t err = {0};

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        request = request_to(server, rows[i].path, p);
        is_int(sl_http_do(client, &request, &reply, p, &err), rows[i].rc, rows[i].name);
        is_str(err.id, rows[i].id, "log id");
        ok(strstr(err.text, "127.0.0.1") != NULL && strstr(err.text, rows[i].path) == NULL,
           "the sentence names the host, not the path");
        is_int((intmax_t)sl_secret_len(reply.body), 0, "no body");
    }
    request = request_to(server, "/busy", p);
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "503 is an answer");
    ok(reply.status == 503 && reply.retry_after == 7 && has(&reply, "later"), "with its details");
    request = request_to(server, "/patience", p);
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "429 too");
    is_int(reply.retry_after, 86400, "no longer than a day");
    request = request_to(server, "/plain", p);
    request.max_bytes = 4;
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "as large as allowed");
    request.max_bytes = 3;
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_UPSTREAM, "a byte more");
}

static void redirects(apr_pool_t *p)
{
    server_t *server = server_start(NULL);
    sl_http_request_t request = request_to(server, "/away", p);
    sl_http_reply_t reply;

    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "a redirect is an answer");
    is_int(reply.status, 307, "its status");
    request = post_to(server, "/away", "code=x", p);
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "TKR-4: a redirected POST, too");
    is_int(reply.status, 307, "its status");
    is_int(server->requests, 2, "neither is followed");
}

static void locations(apr_pool_t *p)
{
    static const struct {
        const char *name, *path, *location; /* NULL: not looked at */
        bool one;
    } rows[] = {
        {"X4 a Location is handed on as it came", "/away", "/echo", true},
        {"X4 blanks around it go, an interim answer has none", "/hints", "https://one.example/x",
         true},
        {"X4 two of them are seen to be two", "/two-ways", NULL, false},
        {"X4 a folded one is more than one", "/folded", NULL, false},
    };
    server_t *server = server_start(NULL);

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sl_http_request_t request = request_to(server, rows[i].path, p);
        sl_http_reply_t reply;

        is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, rows[i].name);
        ok((reply.locations == 1) == rows[i].one, "%s: %d", rows[i].name, reply.locations);
        if (rows[i].location != NULL) {
            is_str(reply.location, rows[i].location, rows[i].name);
        }
    }
}

static void own_header(apr_pool_t *p)
{
    server_t *server = server_start(NULL);
    sl_http_request_t request = request_to(server, "/echo", p);
    sl_http_reply_t reply;

    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "a GET");
    ok(reply.location == NULL && reply.locations == 0, "no Location, none told");
    request.header_name = "verification-token";
    request.header = sl_secret_str(p, "tok");
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "X2 a header of the caller's");
    ok(has(&reply, "\r\nverification-token: tok\r\n"), "X2 is sent");
}

/* A connection that is cut after the request: GET may go again, POST may not. */
static void dead_connections(apr_pool_t *p)
{
    server_t *server = server_start(NULL);
    sl_http_request_t request = request_to(server, "/plain", p);
    sl_http_reply_t reply;

    fresh_client(p);
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "a GET");
    request = request_to(server, "/cut2", p);
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "a GET on a dead connection");
    is_int(server->requests, 3, "is sent once more");
    is_int(server->connections, 2, "on another one");

    server = server_start(NULL);
    request = post_to(server, "/plain", "code=x", p);
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "a POST");
    request = post_to(server, "/cut2", "code=x", p);
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_UPSTREAM,
           "TKR-4: a POST on a dead connection");
    is_int(server->requests, 2, "is not sent again");
    ok(reply.maybe_sent, "and may have arrived");

    server = server_start(NULL);
    request = post_to(server, "/cut", "code=x", p);
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_UPSTREAM,
           "TKR-4: a POST that is cut on a new connection");
    is_int(server->requests, 1, "is not sent again");
}

static void no_connection(apr_pool_t *p)
{
    server_t *server = server_start(NULL);
    sl_http_request_t request = post_to(server, "/plain", "code=x", p);
    sl_http_reply_t reply;
    sl_err_t err = {0};

    (void)shutdown(server->listener, SHUT_RDWR);
    (void)close(server->listener);
    is_int(sl_http_do(client, &request, &reply, p, &err), SL_UPSTREAM, "nobody listens");
    is_str(err.id, "SL3506", "log id");
    ok(!reply.maybe_sent, "nothing was sent");
    request.url = "https://no-such-host.invalid/";
    is_int(sl_http_do(client, &request, &reply, p, &err), SL_UPSTREAM, "no such host");
    ok(!reply.maybe_sent, "nothing was sent");
}

static void urls(apr_pool_t *p)
{
    static const char *const refused[] = {"http://128.0.0.1/",
                                          "http://ehr.example/",
                                          "http://localhost.example/",
                                          "ftp://127.0.0.1/",
                                          "file:///etc/hostname",
                                          "127.0.0.1/x",
                                          "https://u@ehr.example/",
                                          "https://u:p@ehr.example/",
                                          "https://ehr.example/#f",
                                          "",
                                          "https://",
                                          "https://ehr.example/\r\nX: y",
                                          "http://127.0.0.1@ehr.example/",
                                          "gopher://127.0.0.1/"};
    server_t *server = server_start(NULL);
    sl_http_request_t request = request_to(server, "/plain", p);
    sl_http_reply_t reply;
    sl_err_t err = {0};

    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        request.url = refused[i];
        is_int(sl_http_do(client, &request, &reply, p, &err), SL_INVALID,
               apr_psprintf(p, "refused: %s", sl_text_loggable(p, refused[i], 60)));
        is_str(err.id, "SL3512", "log id");
    }
    request = request_to(server, "/plain", p);
    request.insecure_loopback = false;
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_INVALID, "TKR-3: no plain http");
    request.url = NULL;
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_INVALID, "no URL");
    request.insecure_loopback = true;
    request.url = apr_psprintf(p, "http://127.1.2.3:%d/plain", server->port);
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_UPSTREAM,
           "every address of 127.0.0.0/8 is loopback, as configtest has it");
    request.url = apr_psprintf(p, "http://127.evil.example:%d/plain", server->port);
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_INVALID, "no name that looks like it");
    is_int(server->connections, 0, "and nobody was called");
}

/* What the environment says about proxies counts for nothing. */
static void proxies(apr_pool_t *p)
{
    server_t *server = server_start(NULL), *proxy = server_start(NULL);
    const char *url = apr_psprintf(p, "http://127.0.0.1:%d", proxy->port);
    sl_http_request_t request = request_to(server, "/plain", p);
    sl_http_reply_t reply;

    setenv("http_proxy", url, 1);
    setenv("all_proxy", url, 1);
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "GET");
    ok(server->requests == 1 && proxy->connections == 0, "goes straight");
    setenv("no_proxy", "*", 1);
    request.proxy = url;
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "GET by a proxy");
    ok(server->requests == 1 && proxy->requests == 1, "goes there");
    unsetenv("http_proxy");
    unsetenv("all_proxy");
    unsetenv("no_proxy");
}

typedef struct {
    const sl_http_request_t *request;
    sl_rc_t rc;
} call_t;

static void *call(void *data)
{
    call_t *one = data;
    sl_http_reply_t reply;
    apr_pool_t *p;

    apr_pool_create(&p, NULL);
    one->rc = sl_http_do(client, one->request, &reply, p, NULL);
    apr_pool_destroy(p);
    return NULL;
}

/* Another process takes the one place of a gate and is killed in it. */
static void killed_in_gate(apr_pool_t *p)
{
    size_t size = sl_http_gate_size(1);
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    sl_http_gate_t *gate = NULL;
    sl_http_place_t place;
    apr_time_t killed;
    pid_t child;

    if (memory == MAP_FAILED) {
        abort();
    }
    is_int(sl_http_gate_open(&gate, memory, 1, p, NULL), SL_OK, "a gate of two processes");
    child = fork();
    if (child == 0) {
        _exit(sl_http_gate_enter(gate, apr_time_from_msec(300), &place) ? 7 : 8);
    }
    int status = 0;
    ok(waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7, "one dies in it");
    killed = apr_time_now();
    ok(!sl_http_gate_enter(gate, apr_time_from_sec(9), &place) ||
           apr_time_now() > killed + apr_time_from_msec(200),
       "the other finds it full");
    while (!sl_http_gate_enter(gate, apr_time_from_sec(9), &place)) {
        apr_sleep(1000);
    }
    ok(apr_time_now() < killed + apr_time_from_sec(9), "until the time of the dead is over");
    ok(!sl_http_gate_enter(gate, apr_time_from_sec(9), &(sl_http_place_t){0}), "then it is his");
    sl_http_gate_leave(gate, &place);
    ok(sl_http_gate_enter(gate, apr_time_from_sec(9), &place), "until he leaves");
    ok(sl_http_gate_enter(NULL, 0, &place), "no gate: room for all");
    sl_http_gate_leave(NULL, &place);
    munmap(memory, size);
}

static void gates(apr_pool_t *p)
{
    void *memory = apr_pcalloc(p, sl_http_gate_size(2));
    server_t *server = server_start(NULL);
    sl_http_request_t request = request_to(server, "/wait", p);
    call_t calls[2] = {{&request, SL_FAILED}, {&request, SL_FAILED}};
    pthread_t threads[2];
    sl_http_reply_t reply;
    sl_err_t err = {0};

    is_int(sl_http_gate_open(&request.gate, memory, 0, p, NULL), SL_INVALID, "a gate for none");
    is_int(sl_http_gate_open(&request.gate, memory, 2, p, NULL), SL_OK, "a gate for two");
    for (int i = 0; i < 2; i++) {
        if (pthread_create(&threads[i], NULL, call, &calls[i]) != 0) {
            abort();
        }
    }
    server_await(server, 2);
    is_int(sl_http_do(client, &request, &reply, p, &err), SL_BUSY, "the third is told to go");
    ok(err.retry_after > 0, "and when to come again");
    ok(reply.ms < 1000, "at once");
    server_release(server);
    for (int i = 0; i < 2; i++) {
        pthread_join(threads[i], NULL);
        is_int(calls[i].rc, SL_OK, "the first two are served");
    }
    is_int(sl_http_do(client, &request, &reply, p, NULL), SL_OK, "then there is room again");
    is_int(server->requests, 3, "three in all");
}

/* What became of requests is counted; what went wrong is recent for five minutes. */
static void counts(apr_pool_t *p)
{
    const apr_time_t now = apr_time_from_sec(60) * 30000000;
    sl_http_gate_t *gate = NULL;
    sl_http_gate_stats_t stats;
    sl_http_place_t place, none;
    static const int statuses[] = {200, 404, 401, 429, 503, 500, 502, 0, 302};

    is_int(sl_http_gate_open(&gate, apr_pcalloc(p, sl_http_gate_size(1)), 1, p, NULL), SL_OK,
           "a gate that counts");
    for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
        sl_http_gate_tell(gate, statuses[i], now);
    }
    sl_http_gate_tell(gate, 500, now + apr_time_from_sec(120));
    sl_http_gate_tell(NULL, 500, now);
    sl_http_gate_stats(gate, now + apr_time_from_sec(120), &stats);
    is_int(stats.answered, 4, "answers, refusals of ours among them");
    is_int(stats.busy, 2, "429 and 503");
    is_int(stats.failed, 4, "500, 502, no answer, and 500 again");
    is_int(stats.recent_failed, 4, "all recent");
    is_int(stats.recent_busy, 2, "these, too");
    ok(stats.failed_at == now + apr_time_from_sec(120), "when last");
    sl_http_gate_stats(gate, now + apr_time_from_sec(5 * 60), &stats);
    is_int(stats.recent_failed, 1, "five minutes later the first are not");
    is_int(stats.failed, 4, "but counted still");
    sl_http_gate_tell(gate, 503, now + apr_time_from_sec(6 * 60));
    sl_http_gate_stats(gate, now + apr_time_from_sec(6 * 60), &stats);
    is_int(stats.recent_busy, 1, "a slot that comes round again begins anew");
    ok(sl_http_gate_enter(gate, apr_time_from_sec(60), &place) &&
           !sl_http_gate_enter(gate, apr_time_from_sec(60), &none),
       "one place, and one who finds none");
    sl_http_gate_stats(gate, apr_time_now(), &stats);
    is_int(stats.taken, 1, "it is taken");
    is_int(stats.places, 1, "of one");
    is_int(stats.refused, 1, "and one was refused");
    sl_http_gate_leave(gate, &place);
    sl_http_gate_stats(NULL, now, &stats);
    is_int(stats.places, 0, "no gate: nothing to tell");
}

static void timeouts(apr_pool_t *p)
{
    server_t *server = server_start(NULL);
    sl_http_request_t request = post_to(server, "/wait", "code=x", p);
    sl_http_reply_t reply;
    sl_err_t err = {0};

    request.timeout = apr_time_from_msec(150);
    is_int(sl_http_do(client, &request, &reply, p, &err), SL_TIMEOUT, "no answer");
    is_str(err.id, "SL3505", "log id");
    ok(reply.maybe_sent, "it may have arrived");
    ok(reply.ms >= 150 && reply.ms < 5000, "after %d ms", reply.ms);
    is_int(server->requests, 1, "sent once");
    server_release(server);
}

static X509 *certificate(EVP_PKEY *key, const char *san, long valid_for)
{
    X509 *cert = X509_new();
    X509_NAME *name = X509_get_subject_name(cert);
    X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, san);

    X509_set_version(cert, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), -7200);
    X509_gmtime_adj(X509_getm_notAfter(cert), valid_for);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"test", -1, -1, 0);
    X509_set_issuer_name(cert, name);
    X509_add_ext(cert, ext, -1);
    X509_EXTENSION_free(ext);
    if (X509_sign(cert, key, EVP_sha256()) == 0) {
        abort();
    }
    return cert;
}

/* A TLS server with a certificate of its own, which is written to `path`. */
static server_t *tls_server(const char *san, long valid_for, int version, const char *path)
{
    SSL_CTX *tls = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
    X509 *cert = certificate(key, san, valid_for);
    FILE *file = fopen(path, "w");

    if (file == NULL || PEM_write_X509(file, cert) != 1 || fclose(file) != 0 ||
        SSL_CTX_use_certificate(tls, cert) != 1 || SSL_CTX_use_PrivateKey(tls, key) != 1) {
        abort();
    }
    if (version != 0) {
        SSL_CTX_set_security_level(tls, 0);
        SSL_CTX_set_max_proto_version(tls, version);
    }
    X509_free(cert);
    EVP_PKEY_free(key);
    return server_start(tls);
}

typedef struct {
    const char *name, *san;
    long valid_for;
    int version;
    bool trusted;
    sl_rc_t rc;
} tls_row_t;

static const tls_row_t tls_rows[] = {
    {"a trusted server", "IP:127.0.0.1", 3600, 0, true, SL_OK},
    {"TLS 1.2", "IP:127.0.0.1", 3600, TLS1_2_VERSION, true, SL_OK},
    {"self-signed, system CAs", "IP:127.0.0.1", 3600, 0, false, SL_UPSTREAM},
    {"another host", "DNS:ehr.example", 3600, 0, true, SL_UPSTREAM},
    {"expired", "IP:127.0.0.1", -3600, 0, true, SL_UPSTREAM},
    {"TLS 1.1", "IP:127.0.0.1", 3600, TLS1_1_VERSION, true, SL_UPSTREAM},
};

static void tls(apr_pool_t *p)
{
    char path[] = "/tmp/sl_http.XXXXXX";
    sl_http_reply_t reply;
    sl_err_t err;
    int fd = mkstemp(path);

    (void)close(fd);
    for (size_t i = 0; i < sizeof(tls_rows) / sizeof(*tls_rows); i++) {
        const tls_row_t *row = &tls_rows[i];
        server_t *server = tls_server(row->san, row->valid_for, row->version, path);
        sl_http_request_t request = post_to(server, "/plain", "code=x", p);

        request.url = apr_psprintf(p, "https://127.0.0.1:%d/plain", server->port);
        request.insecure_loopback = false;
        request.ca_file = row->trusted ? path : NULL;
        err.id = "";
        /* libcurl keeps the certificates of a file it has read. */
        fresh_client(p);
        is_int(sl_http_do(client, &request, &reply, p, &err), row->rc,
               apr_pstrcat(p, "TKR-3: ", row->name, NULL));
        is_int(server->requests, row->rc == SL_OK, "requests that arrived");
        is_int(reply.maybe_sent, row->rc == SL_OK, "and we know it");
        is_str(err.id, row->rc == SL_OK ? "" : "SL3508", "log id");
        is_int(reply.fault, row->rc == SL_OK ? SL_HTTP_NO_FAULT : SL_HTTP_UNTRUSTED, "and why");
        if (row->rc == SL_OK) {
            request.inspect = true;
            is_int(sl_http_do(client, &request, &reply, p, &err), SL_OK, "inspected");
            ok(reply.certificate_ends > apr_time_now() + apr_time_from_sec(3500) &&
                   reply.certificate_ends <= apr_time_now() + apr_time_from_sec(3600),
               "when its certificate ends");
            request.inspect = false;
            request.ca_file = NULL;
            is_int(sl_http_do(client, &request, &reply, p, &err), SL_UPSTREAM,
                   "a kept connection is of no use where its CA is not trusted");
            request.ca_file = "/nonexistent.pem";
            is_int(sl_http_do(client, &request, &reply, p, &err), SL_FAILED, "no CA file");
        }
    }
    (void)unlink(path);
}

int main(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    is_int(sl_http_init(NULL), SL_OK, "libcurl");
    is_int(sl_http_init(NULL), SL_OK, "once more");
    fresh_client(p);
    get(p);
    post(p);
    odd_answers(p);
    redirects(p);
    locations(p);
    own_header(p);
    dead_connections(p);
    no_connection(p);
    urls(p);
    proxies(p);
    gates(p);
    killed_in_gate(p);
    counts(p);
    timeouts(p);
    tls(p);
    apr_pool_destroy(p);
    apr_terminate();
    return tap_done();
}
