/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What kind of request a browser sends, and whether it proves to come from our own origin
 * (design 12 "Same-origin proof"). Reads header values only; no allocation.
 */
#ifndef SL_ASK_H
#define SL_ASK_H

#include <stdbool.h>

/** Header values as they came; NULL: absent. Repeated headers may come joined by commas. */
typedef struct {
    const char *method;
    const char *sec_fetch_site, *sec_fetch_mode, *sec_fetch_dest;
    const char *origin;
    const char *accept;
    const char *requested_with; /* X-Requested-With */
    const char *sec_purpose;    /* Sec-Purpose */
    const char *purpose;        /* Purpose, X-Purpose or X-Moz */
    const char *service_worker; /* Service-Worker */
    const char *upgrade;
    const char *content_type;
} sl_ask_headers_t;

typedef enum {
    SL_ASK_NAVIGATION, /* a page, in a window or a frame; form posts too */
    SL_ASK_FETCH,      /* a script's own request, and whatever we cannot tell */
    SL_ASK_PASSIVE,    /* images, fonts, styles, scripts, media and the like */
    SL_ASK_WEBSOCKET,
    SL_ASK_PREFETCH, /* a page or file asked for in advance */
    SL_ASK_WORKER    /* the script of a worker */
} sl_ask_kind_t;

/** In which form it can read an error. */
typedef enum { SL_ASK_HTML, SL_ASK_JSON, SL_ASK_FHIR } sl_ask_form_t;

typedef enum {
    SL_ORIGIN_OWN,     /* proven: Sec-Fetch-Site same-origin, or without it our Origin */
    SL_ORIGIN_FOREIGN, /* another origin, also of the same site, `Origin: null`, or nonsense */
    SL_ORIGIN_USER,    /* Sec-Fetch-Site none: typed, bookmarked, reloaded by hand */
    SL_ORIGIN_UNKNOWN  /* neither header: an old browser's GET */
} sl_ask_proof_t;

typedef enum {
    SL_METHOD_GET,
    SL_METHOD_HEAD,
    SL_METHOD_POST,
    SL_METHOD_SAFE,
    SL_METHOD_UNSAFE
} sl_ask_method_t; /* SAFE: OPTIONS, TRACE; UNSAFE: every other one, known or not */

typedef struct {
    sl_ask_kind_t kind;
    sl_ask_form_t wants;
    sl_ask_proof_t proof;
    sl_ask_method_t method;
} sl_ask_t;

/** Classify; every request gets an answer. @param public_url SmartPublicURL */
void sl_ask_classify(sl_ask_t *out, const sl_ask_headers_t *headers, const char *public_url);

/** GET, HEAD, OPTIONS, TRACE. */
bool sl_ask_is_safe(const sl_ask_t *ask);

/** The same-origin proof that logout, link, window and every unsafe method need. */
bool sl_ask_is_own(const sl_ask_t *ask);

#endif
