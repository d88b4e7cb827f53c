/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The one strict HTTP client, on libcurl: https only (loopback excepted, by an explicit switch),
 * TLS 1.2 or later with chain and host name verified (TKR-3), no redirects, no proxy from the
 * environment, no cookies, connect and total time-outs, a cap on the answer. Made after fork;
 * used by any number of threads; connections are kept between requests.
 */
#ifndef SL_HTTP_H
#define SL_HTTP_H

#include "base/sl_rc.h"
#include "base/sl_secret.h"
#include <apr_pools.h>
#include <apr_time.h>

typedef struct sl_http sl_http_t;
typedef struct sl_http_gate sl_http_gate_t;

typedef enum { SL_HTTP_GET, SL_HTTP_POST } sl_http_method_t;

#define SL_HTTP_MAX_BYTES (256 * 1024)

/** One request. Members left zero take the default named beside them. */
typedef struct {
    sl_http_method_t method;
    const char *url;
    const char *accept;                  /* application/json */
    const char *content_type;            /* of the body; application/x-www-form-urlencoded */
    const sl_secret_t *body;             /* POST only; none */
    const sl_secret_t *authorization;    /* whole value of the header; none */
    const char *header_name;             /* one header more; none */
    const sl_secret_t *header;           /* its value: printable ASCII */
    const char *header_also;             /* the same value by a second name; none */
    const char *ca_file;                 /* PEM; the system's CAs */
    const char *proxy;                   /* URL; none, never from the environment */
    apr_interval_time_t connect_timeout; /* 3 s */
    apr_interval_time_t timeout;         /* whole exchange; 10 s */
    apr_size_t max_bytes;                /* of the answer's body; SL_HTTP_MAX_BYTES */
    bool insecure_loopback;              /* http:// to 127.0.0.0/8, [::1], localhost allowed */
    sl_http_gate_t *gate;                /* bound on requests in flight; none */
    bool inspect; /* on a new connection, and `date` and `certificate_ends` are told, too */
} sl_http_request_t;

/** Why there is no answer, as far as the network tells. */
typedef enum {
    SL_HTTP_NO_FAULT = 0,
    SL_HTTP_NO_CONNECTION, /* name, proxy, refused */
    SL_HTTP_UNTRUSTED,     /* TLS: chain, name, version */
    SL_HTTP_BAD_CA_FILE,
    SL_HTTP_TOO_SLOW,
    SL_HTTP_TOO_LARGE,
    SL_HTTP_BROKE_OFF,
    SL_HTTP_OUR_FAULT
} sl_http_fault_t;

/** The answer. Without SL_OK only `ms`, `maybe_sent` and `fault` are meaningful. */
typedef struct {
    int status;                  /* 100 to 599, whatever it is */
    const char *content_type;    /* "" when the answer named none */
    const char *location;        /* the first Location as it came, never followed; NULL: none */
    int locations;               /* how many there were; a folded one counts twice */
    const char *correlation;     /* the other side's name for this exchange; NULL: none, or not fit
                                    for a log */
    const sl_secret_t *body;     /* never NULL; wiped with the pool: it may hold tokens */
    int retry_after;             /* seconds, 0: not said (or a date we do not follow) */
    int ms;                      /* time the exchange took */
    bool maybe_sent;             /* the request may have reached the other side */
    sl_http_fault_t fault;       /* why there is no answer, once it was sent or tried to be */
    apr_time_t date;             /* `inspect`: its Date header; 0: none that can be read */
    apr_time_t certificate_ends; /* `inspect`: the first of its chain to end; 0: not https */
} sl_http_reply_t;

/**
 * Once per process, before threads start; again is harmless. SIGPIPE must be ignored, as httpd does
 * itself. SL_FAILED.
 */
SL_MUST_USE sl_rc_t sl_http_init(sl_err_t *err);

/** A client for this process, after fork. Closed with the pool. */
SL_MUST_USE sl_rc_t sl_http_open(sl_http_t **out, apr_pool_t *p, sl_err_t *err);

/** Bytes that a gate with `max` places needs. */
apr_size_t sl_http_gate_size(int max);

/**
 * At most `max` (> 0) requests at a time, over all processes that see `memory`: zeroed before the
 * first of them, aligned for 64-bit words. Thread safe. SL_INVALID: `max`.
 */
SL_MUST_USE sl_rc_t sl_http_gate_open(sl_http_gate_t **out, void *memory, int max, apr_pool_t *p,
                                      sl_err_t *err);

/** A place in a gate, for its holder only. */
typedef struct {
    int index;
    apr_time_t until;
} sl_http_place_t;

/**
 * Take a place for `longest` at most, after which it counts as free: a process that is killed
 * holds its place no longer. False: there is none. A NULL gate has room for all.
 */
bool sl_http_gate_enter(sl_http_gate_t *gate, apr_interval_time_t longest, sl_http_place_t *place);
void sl_http_gate_leave(sl_http_gate_t *gate, const sl_http_place_t *place);

#define SL_HTTP_GATE_RECENT 5 /* minutes */

/** What became of the requests to one EHR, over all processes since the memory was zeroed. */
typedef struct {
    int places, taken;    /* now */
    int64_t answered;     /* with any status but those below */
    int64_t failed;       /* no answer, or 5xx */
    int64_t busy;         /* 429 and 503 */
    int64_t refused;      /* found no place */
    int recent_failed;    /* of `failed`, within SL_HTTP_GATE_RECENT minutes */
    int recent_busy;      /* of `busy`, the same */
    apr_time_t failed_at; /* when last; 0: never */
} sl_http_gate_stats_t;

/** A request was answered with `status`, 0: not at all. Cheap, no lock; a NULL gate counts none. */
void sl_http_gate_tell(sl_http_gate_t *gate, int status, apr_time_t now);

void sl_http_gate_stats(const sl_http_gate_t *gate, apr_time_t now, sl_http_gate_stats_t *out);

/**
 * Send one request and wait for the whole answer, whatever its status.
 *
 * A GET is sent once more when the kept connection turned out dead; a POST only when the
 * connection was never made (TKR-4). Redirects are answers like any other.
 *
 * SL_OK: there is an answer. SL_INVALID: the URL is not allowed, nothing was sent. SL_BUSY: the
 * gate is full, at once. SL_TIMEOUT: the time ran out. SL_UPSTREAM: no connection, TLS refused,
 * answer broken or larger than max_bytes. SL_FAILED: our own fault. `err` names the host at most,
 * never path, query or body.
 */
SL_MUST_USE sl_rc_t sl_http_do(sl_http_t *client, const sl_http_request_t *request,
                               sl_http_reply_t *reply, apr_pool_t *p, sl_err_t *err);

#endif
