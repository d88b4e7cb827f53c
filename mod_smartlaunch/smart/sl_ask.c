/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_ask.h"

#include "smart/sl_origin.h"
#include <stddef.h>
#include <string.h>
#include <strings.h>

/* `wanted` begins with a small letter, by which most of what is asked is answered. */
static bool is(const char *value, const char *wanted)
{
    return value != NULL && (value[0] | ' ') == wanted[0] && strcasecmp(value, wanted) == 0;
}

/* One of the words of a header value; parameters are words, too. */
static bool has_word(const char *value, const char *word)
{
    static const char parting[] = ",; \t=";
    size_t wanted, len;

    if (value == NULL) {
        return false;
    }
    wanted = strlen(word);
    for (; *value != '\0'; value += len) {
        value += strspn(value, parting);
        len = strcspn(value, parting);
        if (len == wanted && strncasecmp(value, word, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_one_of(const char *value, const char *const *words)
{
    for (; *words != NULL; words++) {
        if (is(value, *words)) {
            return true;
        }
    }
    return false;
}

static sl_ask_method_t method_of(const char *method)
{
    static const struct {
        const char *name;
        sl_ask_method_t method;
    } known[] = {{"GET", SL_METHOD_GET},
                 {"HEAD", SL_METHOD_HEAD},
                 {"POST", SL_METHOD_POST},
                 {"OPTIONS", SL_METHOD_SAFE},
                 {"TRACE", SL_METHOD_SAFE}};
    size_t i;

    for (i = 0; method != NULL && i < sizeof(known) / sizeof(known[0]); i++) {
        if (strcmp(method, known[i].name) == 0) {
            return known[i].method;
        }
    }
    return SL_METHOD_UNSAFE;
}

/* Where the browser says where it comes from, that alone counts; a word we do not know is foreign.
 */
static sl_ask_proof_t proof_of(const sl_ask_headers_t *in, const char *public_url)
{
    if (in->sec_fetch_site != NULL) {
        if (is(in->sec_fetch_site, "same-origin")) {
            return SL_ORIGIN_OWN;
        }
        return is(in->sec_fetch_site, "none") ? SL_ORIGIN_USER : SL_ORIGIN_FOREIGN;
    }
    if (in->origin == NULL) {
        return SL_ORIGIN_UNKNOWN;
    }
    return sl_origin_is(public_url, in->origin) ? SL_ORIGIN_OWN : SL_ORIGIN_FOREIGN;
}

static bool is_prefetch(const sl_ask_headers_t *in)
{
    return has_word(in->sec_purpose, "prefetch") || has_word(in->sec_purpose, "prerender") ||
           has_word(in->purpose, "prefetch") || has_word(in->purpose, "prerender") ||
           has_word(in->purpose, "preview");
}

static bool is_worker(const sl_ask_headers_t *in)
{
    static const char *const dests[] = {"serviceworker", "sharedworker", "worker", NULL};

    return is(in->service_worker, "script") || is_one_of(in->sec_fetch_dest, dests);
}

/* With Sec-Fetch-Mode or -Dest the browser says it. A page inside <object> or <embed> counts as a
 * fetch: it is no window that could be sent on, yet must not show a page without its launch. */
static sl_ask_kind_t kind_by_fetch(const sl_ask_headers_t *in)
{
    static const char *const pages[] = {"document", "iframe", "frame", "fencedframe", NULL};
    static const char *const parts[] = {"image",
                                        "font",
                                        "style",
                                        "script",
                                        "audio",
                                        "video",
                                        "track",
                                        "manifest",
                                        "xslt",
                                        "audioworklet",
                                        "paintworklet",
                                        "report",
                                        "speculationrules",
                                        "dictionary",
                                        NULL};

    if (in->sec_fetch_mode == NULL || is(in->sec_fetch_mode, "navigate")) {
        if (is_one_of(in->sec_fetch_dest, pages) || in->sec_fetch_dest == NULL) {
            return SL_ASK_NAVIGATION;
        }
    }
    return is_one_of(in->sec_fetch_dest, parts) ? SL_ASK_PASSIVE : SL_ASK_FETCH;
}

/* Without, Accept is what is left; `*` may be anything, so it counts as a script's request. */
static sl_ask_kind_t kind_by_accept(const sl_ask_headers_t *in)
{
    static const char *const parts[] = {"image/", "font/", "text/css", "audio/", "video/", NULL};
    const char *const *part;

    if (in->requested_with != NULL || in->accept == NULL) {
        return SL_ASK_FETCH;
    }
    if (has_word(in->accept, "text/html")) {
        return SL_ASK_NAVIGATION;
    }
    for (part = parts; *part != NULL; part++) {
        if (strncasecmp(in->accept, *part, strlen(*part)) == 0) {
            return SL_ASK_PASSIVE;
        }
    }
    return SL_ASK_FETCH;
}

static sl_ask_kind_t kind_of(const sl_ask_headers_t *in)
{
    if (has_word(in->upgrade, "websocket") || is(in->sec_fetch_mode, "websocket")) {
        return SL_ASK_WEBSOCKET;
    }
    if (is_prefetch(in)) {
        return SL_ASK_PREFETCH;
    }
    if (is_worker(in)) {
        return SL_ASK_WORKER;
    }
    return in->sec_fetch_mode != NULL || in->sec_fetch_dest != NULL ? kind_by_fetch(in)
                                                                    : kind_by_accept(in);
}

static sl_ask_form_t form_of(const sl_ask_headers_t *in, sl_ask_kind_t kind)
{
    static const char *const embedded[] = {"object", "embed", NULL};

    if (kind == SL_ASK_NAVIGATION || is_one_of(in->sec_fetch_dest, embedded)) {
        return SL_ASK_HTML;
    }
    if (has_word(in->accept, "application/fhir+json") ||
        has_word(in->accept, "application/fhir+xml") ||
        has_word(in->content_type, "application/fhir+json") ||
        has_word(in->content_type, "application/fhir+xml")) {
        return SL_ASK_FHIR;
    }
    return SL_ASK_JSON;
}

void sl_ask_classify(sl_ask_t *out, const sl_ask_headers_t *headers, const char *public_url)
{
    out->kind = kind_of(headers);
    out->wants = form_of(headers, out->kind);
    out->proof = proof_of(headers, public_url);
    out->method = method_of(headers->method);
}

bool sl_ask_is_safe(const sl_ask_t *ask)
{
    return ask->method != SL_METHOD_POST && ask->method != SL_METHOD_UNSAFE;
}

bool sl_ask_is_own(const sl_ask_t *ask)
{
    return ask->proof == SL_ORIGIN_OWN;
}
