/* SPDX-License-Identifier: Apache-2.0 */
/** How a call ended, and the detail that goes into the log. */
#ifndef SL_RC_H
#define SL_RC_H

#include <stdbool.h>

#define SL_MUST_USE __attribute__((warn_unused_result))
#define SL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/** Every way a call can end. What a browser or an app sees of it is one switch in httpd/. */
typedef enum {
    SL_OK = 0,
    SL_NONE,        /* it does not exist; never said when a backend could not be asked */
    SL_INVALID,     /* malformed or oversized input */
    SL_UNKNOWN_EHR, /* an issuer that is not configured here */
    SL_DENIED,      /* a rule, the user or the EHR refused */
    SL_FOREIGN,     /* it belongs to another browser, app or caller */
    SL_EXPIRED,     /* it existed; answered too late, or ended */
    SL_USED,        /* single use, and used */
    SL_CONFLICT,    /* the name is taken by somebody else */
    SL_UPSTREAM,    /* the EHR answered nonsense, or refuses our registration */
    SL_TIMEOUT,     /* the EHR did not answer in time */
    SL_BUSY,        /* a bound of ours, or the EHR's 429/503: come again */
    SL_UNAVAILABLE, /* PostgreSQL cannot be asked */
    SL_FAILED       /* our own fault or the machine's */
} sl_rc_t;

/** What the log says of a failure. Lives on the caller's stack; holds no secret, no patient. */
typedef struct {
    sl_rc_t rc;
    const char *id;  /* "SL2101": a literal */
    int retry_after; /* seconds, 0: not known */
    char text[400];  /* one plain sentence, NUL-terminated */
} sl_err_t;

/** Fill in `err` (may be NULL) and hand back `rc`, so that a failure is one return statement. */
SL_PRINTF(4, 5)
sl_rc_t sl_err_set(sl_err_t *err, sl_rc_t rc, const char *id, const char *fmt, ...);

/** The name of a code, for logs and tests: "SL_EXPIRED". */
const char *sl_rc_name(sl_rc_t rc);

#endif
