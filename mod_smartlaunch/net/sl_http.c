/* SPDX-License-Identifier: Apache-2.0 */
#include "net/sl_http_client.h"
#include "net/sl_http_inspect.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <arpa/inet.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define MAX_HEADER_BYTES (64 * 1024)
#define MAX_RETRY_AFTER 86400
#define GATE_RETRY_AFTER 2
#define MAX_CORRELATION 80
#define CORRELATION_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._:"
#define DEFAULT_TIMEOUT 10000L /* milliseconds */
/* How long a connection may have been idle to be used again, in seconds. A POST must not meet one
 * that the other side is just closing: it could not be sent again. */
#define IDLE_GET 30L
#define IDLE_POST 4L

/* One exchange. */
typedef struct {
    const sl_http_request_t *request;
    CURLU *url;
    const char *host; /* for messages */
    struct curl_slist *headers;
    sl_http_buffer_t answer;
    apr_size_t header_bytes;
    apr_pool_t *p;
    const char *location;
    int locations;
    const char *correlation;
    apr_size_t body_at; /* how much of the request's body libcurl took */
    apr_time_t date;
    bool too_large;
    bool body_taken;
} exchange_t;

static const char *part_of(CURLU *url, CURLUPart part, apr_pool_t *p)
{
    char *text = NULL;
    const char *copy = NULL;

    if (curl_url_get(url, part, &text, 0) == CURLUE_OK) {
        copy = apr_pstrdup(p, text);
        curl_free(text);
    }
    return copy;
}

static bool is_loopback(const char *host)
{
    unsigned char address[4];

    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, address) == 1 && address[0] == 127);
}

/* Parsed once, by what will use it, so that no two parsers can read it differently. */
static bool is_allowed(exchange_t *x, apr_pool_t *p)
{
    const char *scheme, *host;

    x->host = "an EHR";
    x->url = curl_url();
    if (x->url == NULL || x->request->url == NULL ||
        curl_url_set(x->url, CURLUPART_URL, x->request->url, CURLU_NON_SUPPORT_SCHEME) !=
            CURLUE_OK) {
        return false;
    }
    scheme = part_of(x->url, CURLUPART_SCHEME, p);
    host = part_of(x->url, CURLUPART_HOST, p);
    if (scheme == NULL || host == NULL || part_of(x->url, CURLUPART_USER, p) != NULL ||
        part_of(x->url, CURLUPART_PASSWORD, p) != NULL ||
        part_of(x->url, CURLUPART_FRAGMENT, p) != NULL) {
        return false;
    }
    x->host = host;
    return strcasecmp(scheme, "https") == 0 ||
           (strcasecmp(scheme, "http") == 0 && x->request->insecure_loopback &&
            is_loopback(x->host));
}

static size_t take_answer(char *bytes, size_t size, size_t count, void *data)
{
    exchange_t *x = data;

    if (!sl_http_buffer_add(&x->answer, bytes, size * count)) {
        x->too_large = true;
        return 0;
    }
    return size * count;
}

static const char *trimmed(apr_pool_t *p, const char *from, const char *end)
{
    while (end > from && strchr(" \t\r\n", end[-1]) != NULL) {
        end--;
    }
    while (from < end && (*from == ' ' || *from == '\t')) {
        from++;
    }
    return apr_pstrmemdup(p, from, (apr_size_t)(end - from));
}

/* An interim answer (1xx) has headers, too: only those of the last one count. */
static void note_location(exchange_t *x, const char *line, size_t len)
{
    static const char name[] = "Location:";
    const size_t skip = sizeof(name) - 1;

    if (len >= 5 && memcmp(line, "HTTP/", 5) == 0) {
        x->location = NULL;
        x->locations = 0;
        x->correlation = NULL;
    } else if (len > 0 && (line[0] == ' ' || line[0] == '\t') && x->locations > 0) {
        x->locations++; /* folded: perhaps into this one, and no two read that alike */
    } else if (len >= skip && strncasecmp(line, name, skip) == 0 && x->locations++ == 0) {
        x->location = trimmed(x->p, line + skip, line + len);
    }
}

/* The name under which the other side can find this exchange in its logs. */
static void note_correlation(exchange_t *x, const char *line, size_t len)
{
    static const char *const names[] = {"Cerner-Correlation-Id:", "X-Correlation-Id:"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        size_t skip = strlen(names[i]);

        if (len > skip && strncasecmp(line, names[i], skip) == 0) {
            const char *id = trimmed(x->p, line + skip, line + len);

            if (strlen(id) <= MAX_CORRELATION && strspn(id, CORRELATION_BYTES) == strlen(id)) {
                x->correlation = id[0] != '\0' ? id : NULL;
            }
        }
    }
}

static size_t take_header(char *bytes, size_t size, size_t count, void *data)
{
    exchange_t *x = data;

    x->header_bytes += size * count;
    if (x->header_bytes > MAX_HEADER_BYTES) {
        x->too_large = true;
        return 0;
    }
    note_location(x, bytes, size * count);
    note_correlation(x, bytes, size * count);
    if (x->request->inspect) {
        sl_http_inspect_date(&x->date, bytes, size * count);
    }
    return size * count;
}

/*
 * The body goes out by a callback that cannot be wound back: libcurl would otherwise send a POST
 * again by itself when a kept connection is cut before the answer (TKR-4).
 */
static size_t give_body(char *to, size_t size, size_t count, void *data)
{
    exchange_t *x = data;
    apr_size_t left = sl_secret_len(x->request->body) - x->body_at;
    apr_size_t part = left < size * count ? left : size * count;

    x->body_taken = true;
    if (part > 0) {
        memcpy(to, sl_secret_reveal(x->request->body) + x->body_at, part);
        x->body_at += part;
    }
    return part;
}

static bool add_header(exchange_t *x, const char *name, const char *value)
{
    apr_size_t size = strlen(name) + strlen(value) + 1;
    char line[512], *text = size <= sizeof(line) ? line : malloc(size);
    struct curl_slist *longer;

    if (text == NULL) {
        return false;
    }
    (void)apr_snprintf(text, size, "%s%s", name, value);
    longer = curl_slist_append(x->headers, text);
    sl_secret_wipe(text, size);
    if (text != line) {
        free(text);
    }
    if (longer != NULL) {
        x->headers = longer;
    }
    return longer != NULL;
}

static const char *or_default(const char *text, const char *otherwise)
{
    return text == NULL ? otherwise : text;
}

static bool build_headers(exchange_t *x)
{
    const sl_http_request_t *request = x->request;
    bool done = add_header(x, "Accept: ", or_default(request->accept, "application/json"));

    if (request->method == SL_HTTP_POST) {
        done = done &&
               add_header(x, "Content-Type: ",
                          or_default(request->content_type, "application/x-www-form-urlencoded")) &&
               add_header(x, "Expect:", "");
    }
    if (request->authorization != NULL) {
        done = done && add_header(x, "Authorization: ", sl_secret_reveal(request->authorization));
    }
    if (request->header != NULL) {
        done = done && add_header(x, apr_pstrcat(x->p, request->header_name, ": ", NULL),
                                  sl_secret_reveal(request->header));
    }
    if (request->header_also != NULL) {
        done = done && add_header(x, apr_pstrcat(x->p, request->header_also, ": ", NULL),
                                  sl_secret_reveal(request->header));
    }
    return done;
}

static void drop_headers(exchange_t *x)
{
    for (struct curl_slist *at = x->headers; at != NULL; at = at->next) {
        sl_secret_wipe(at->data, strlen(at->data));
    }
    curl_slist_free_all(x->headers);
    x->headers = NULL;
}

static long millis(apr_interval_time_t time, long otherwise)
{
    return time <= 0 ? otherwise : (long)apr_time_as_msec(time + 999);
}

/* TKR-3, and nothing that the environment or the other side could bend. */
static bool set_rules(CURL *handle, const sl_http_request_t *request)
{
    CURLcode rc[] = {
#if LIBCURL_VERSION_NUM >= 0x075500
        curl_easy_setopt(handle, CURLOPT_PROTOCOLS_STR, "http,https"),
#else
        curl_easy_setopt(handle, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS),
#endif
        curl_easy_setopt(handle, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2),
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYPEER, 1L),
        curl_easy_setopt(handle, CURLOPT_SSL_VERIFYHOST, 2L),
        curl_easy_setopt(handle, CURLOPT_FOLLOWLOCATION, 0L),
        curl_easy_setopt(handle, CURLOPT_PROXY, or_default(request->proxy, "")),
        curl_easy_setopt(handle, CURLOPT_NOPROXY, ""),
        curl_easy_setopt(handle, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L),
        curl_easy_setopt(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1),
        curl_easy_setopt(handle, CURLOPT_NOSIGNAL, 1L),
        curl_easy_setopt(handle, CURLOPT_MAXCONNECTS, 4L),
        curl_easy_setopt(handle, CURLOPT_USERAGENT, "mod_smartlaunch"),
        curl_easy_setopt(handle, CURLOPT_CONNECTTIMEOUT_MS,
                         millis(request->connect_timeout, 3000L)),
        curl_easy_setopt(handle, CURLOPT_TIMEOUT_MS, millis(request->timeout, DEFAULT_TIMEOUT)),
    };

    for (size_t i = 0; i < sizeof(rc) / sizeof(*rc); i++) {
        if (rc[i] != CURLE_OK) {
            return false;
        }
    }
    /* A CA of the EHR's own takes the place of the system's, it does not join them. */
    return request->ca_file == NULL ||
           (curl_easy_setopt(handle, CURLOPT_CAINFO, request->ca_file) == CURLE_OK &&
            curl_easy_setopt(handle, CURLOPT_CAPATH, NULL) == CURLE_OK);
}

static bool set_method(CURL *handle, exchange_t *x)
{
    bool post = x->request->method == SL_HTTP_POST;

    if (curl_easy_setopt(handle, CURLOPT_MAXAGE_CONN, post ? IDLE_POST : IDLE_GET) != CURLE_OK) {
        return false;
    }
    if (!post) {
        return curl_easy_setopt(handle, CURLOPT_HTTPGET, 1L) == CURLE_OK;
    }
    return curl_easy_setopt(handle, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_READFUNCTION, give_body) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_READDATA, x) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_POSTFIELDSIZE_LARGE,
                            (curl_off_t)sl_secret_len(x->request->body)) == CURLE_OK;
}

static bool set_all(CURL *handle, exchange_t *x)
{
    return set_rules(handle, x->request) && set_method(handle, x) && build_headers(x) &&
           (!x->request->inspect || sl_http_inspect_set(handle)) &&
           curl_easy_setopt(handle, CURLOPT_CURLU, x->url) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_HTTPHEADER, x->headers) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)x->answer.max) ==
               CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_WRITEFUNCTION, take_answer) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_WRITEDATA, x) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_HEADERFUNCTION, take_header) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_HEADERDATA, x) == CURLE_OK;
}

/* libcurl compares host names by itself, and leaves OpenSSL's verdict unset then. */
static const char *tls_problem(CURL *handle, CURLcode code)
{
    long verdict = X509_V_ERR_UNSPECIFIED;

    (void)curl_easy_getinfo(handle, CURLINFO_SSL_VERIFYRESULT, &verdict);
    if (verdict != X509_V_OK && verdict != X509_V_ERR_UNSPECIFIED) {
        return X509_verify_cert_error_string(verdict);
    }
    return code == CURLE_PEER_FAILED_VERIFICATION ? "its certificate is not for this host name"
                                                  : "it does not speak TLS 1.2 or later";
}

static sl_http_fault_t fault_of(const exchange_t *x, CURLcode code)
{
    if (x->too_large || code == CURLE_FILESIZE_EXCEEDED) {
        return SL_HTTP_TOO_LARGE;
    }
    if (code == CURLE_OPERATION_TIMEDOUT) {
        return SL_HTTP_TOO_SLOW;
    }
    if (code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY ||
        code == CURLE_COULDNT_CONNECT) {
        return SL_HTTP_NO_CONNECTION;
    }
    if (code == CURLE_SSL_CACERT_BADFILE) {
        return SL_HTTP_BAD_CA_FILE;
    }
    if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CONNECT_ERROR) {
        return SL_HTTP_UNTRUSTED;
    }
    return code == CURLE_OUT_OF_MEMORY || code == CURLE_FAILED_INIT ? SL_HTTP_OUR_FAULT
                                                                    : SL_HTTP_BROKE_OFF;
}

/* What libcurl's end means to us. */
static sl_rc_t failed(CURL *handle, const exchange_t *x, CURLcode code, sl_http_fault_t fault,
                      sl_err_t *err)
{
    switch (fault) {
    case SL_HTTP_TOO_LARGE:
        return sl_err_set(err, SL_UPSTREAM, "SL3504", "%s: the answer is too large", x->host);
    case SL_HTTP_TOO_SLOW:
        return sl_err_set(err, SL_TIMEOUT, "SL3505", "%s: no answer in time", x->host);
    case SL_HTTP_NO_CONNECTION:
        return sl_err_set(err, SL_UPSTREAM, "SL3506", "%s: no connection: %s", x->host,
                          curl_easy_strerror(code));
    case SL_HTTP_BAD_CA_FILE:
        return sl_err_set(err, SL_FAILED, "SL3507", "%s: the file of CA certificates is unusable",
                          x->host);
    case SL_HTTP_UNTRUSTED:
        return sl_err_set(err, SL_UPSTREAM, "SL3508", "%s: no trusted TLS connection: %s", x->host,
                          tls_problem(handle, code));
    case SL_HTTP_OUR_FAULT:
        return sl_err_set(err, SL_FAILED, "SL3509", "%s: %s", x->host, curl_easy_strerror(code));
    case SL_HTTP_NO_FAULT:
    case SL_HTTP_BROKE_OFF:
        break;
    }
    return sl_err_set(err, SL_UPSTREAM, "SL3510", "%s: the exchange broke off: %s", x->host,
                      curl_easy_strerror(code));
}

static void read_reply(sl_http_reply_t *reply, CURL *handle, const exchange_t *x, apr_pool_t *p)
{
    const char *type = NULL;
    curl_off_t wait = 0;
    long status = 0;

    (void)curl_easy_getinfo(handle, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(handle, CURLINFO_CONTENT_TYPE, &type);
    (void)curl_easy_getinfo(handle, CURLINFO_RETRY_AFTER, &wait);
    reply->status = (int)status;
    reply->content_type = type == NULL ? "" : apr_pstrdup(p, type);
    reply->location = x->location;
    reply->locations = x->locations;
    reply->correlation = x->correlation;
    reply->retry_after = wait > MAX_RETRY_AFTER ? MAX_RETRY_AFTER : (int)wait;
    reply->body = sl_secret_new(p, x->answer.bytes, x->answer.len);
    if (x->request->inspect) {
        reply->date = x->date;
        reply->certificate_ends = sl_http_inspect_ends(handle);
    }
}

static bool was_maybe_sent(CURL *handle, const exchange_t *x)
{
    long bytes = 0;

    (void)curl_easy_getinfo(handle, CURLINFO_REQUEST_SIZE, &bytes);
    return x->body_taken || bytes > 0;
}

static sl_rc_t perform(sl_http_t *client, exchange_t *x, sl_http_reply_t *reply, apr_pool_t *p,
                       sl_err_t *err)
{
    CURL *handle = sl_http_handle_take(client);
    CURLcode code;
    sl_rc_t rc;

    if (handle == NULL || !set_all(handle, x)) {
        rc = sl_err_set(err, SL_FAILED, "SL3511", "%s: libcurl lacks something", x->host);
    } else {
        code = curl_easy_perform(handle);
        reply->maybe_sent = was_maybe_sent(handle, x);
        if (code == CURLE_OK) {
            rc = SL_OK;
            read_reply(reply, handle, x, p);
        } else {
            reply->fault = fault_of(x, code);
            rc = failed(handle, x, code, reply->fault, err);
        }
    }
    if (handle != NULL) {
        sl_http_handle_give(client, handle);
    }
    return rc;
}

/* Both tries of a GET, and a little for ourselves. */
static apr_interval_time_t longest(const sl_http_request_t *request)
{
    return 2 * apr_time_from_msec(millis(request->timeout, DEFAULT_TIMEOUT)) + apr_time_from_sec(1);
}

sl_rc_t sl_http_do(sl_http_t *client, const sl_http_request_t *request, sl_http_reply_t *reply,
                   apr_pool_t *p, sl_err_t *err)
{
    exchange_t x = {.request = request, .p = p};
    apr_time_t began = apr_time_now();
    sl_http_place_t place;
    sl_rc_t rc;

    memset(reply, 0, sizeof(*reply));
    reply->content_type = "";
    x.answer.max = request->max_bytes == 0 ? SL_HTTP_MAX_BYTES : request->max_bytes;
    if (!is_allowed(&x, p)) {
        rc = sl_err_set(err, SL_INVALID, "SL3512", "%s: this URL is not one we may call", x.host);
    } else if (!sl_http_gate_enter(request->gate, longest(request), &place)) {
        rc = sl_err_set(err, SL_BUSY, "SL3513", "%s: too many requests are waiting for it", x.host);
        if (err != NULL) {
            err->retry_after = GATE_RETRY_AFTER;
        }
    } else {
        rc = perform(client, &x, reply, p, err);
        sl_http_gate_leave(request->gate, &place);
    }
    if (reply->body == NULL) {
        reply->body = sl_secret_new(p, "", 0);
    }
    reply->ms = (int)apr_time_as_msec(apr_time_now() - began);
    drop_headers(&x);
    sl_http_buffer_drop(&x.answer);
    curl_url_cleanup(x.url);
    return rc;
}
