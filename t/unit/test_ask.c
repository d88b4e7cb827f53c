/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_ask.h"

#define PAGE_ACCEPT "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

static const struct {
    const char *name;
    sl_ask_headers_t headers;
    sl_ask_kind_t kind;
    sl_ask_form_t wants;
} kinds[] = {
    {"a page",
     {.sec_fetch_mode = "navigate", .sec_fetch_dest = "document", .accept = PAGE_ACCEPT},
     SL_ASK_NAVIGATION,
     SL_ASK_HTML},
    {"a page in a frame",
     {.sec_fetch_mode = "navigate", .sec_fetch_dest = "iframe"},
     SL_ASK_NAVIGATION,
     SL_ASK_HTML},
    {"a page in a frameset",
     {.sec_fetch_mode = "navigate", .sec_fetch_dest = "frame"},
     SL_ASK_NAVIGATION,
     SL_ASK_HTML},
    {"a page, whatever a script adds",
     {.sec_fetch_mode = "navigate", .sec_fetch_dest = "document", .requested_with = "x"},
     SL_ASK_NAVIGATION,
     SL_ASK_HTML},
    {"a page that prefers JSON (a viewer)",
     {.sec_fetch_mode = "navigate", .sec_fetch_dest = "document", .accept = "application/json"},
     SL_ASK_NAVIGATION,
     SL_ASK_HTML},
    {"a page of an old browser", {.accept = PAGE_ACCEPT}, SL_ASK_NAVIGATION, SL_ASK_HTML},
    {"an old browser's script that asks for HTML",
     {.accept = PAGE_ACCEPT, .requested_with = "XMLHttpRequest"},
     SL_ASK_FETCH,
     SL_ASK_JSON},
    {"an old browser's image",
     {.accept = "image/png,image/*;q=0.8,*/*;q=0.5"},
     SL_ASK_PASSIVE,
     SL_ASK_JSON},
    {"an old browser's style", {.accept = "text/css,*/*;q=0.1"}, SL_ASK_PASSIVE, SL_ASK_JSON},
    {"an old browser's anything", {.accept = "*/*"}, SL_ASK_FETCH, SL_ASK_JSON},
    {"no header at all", {.method = "GET"}, SL_ASK_FETCH, SL_ASK_JSON},
    {"a fetch",
     {.sec_fetch_mode = "cors", .sec_fetch_dest = "empty", .accept = "*/*"},
     SL_ASK_FETCH,
     SL_ASK_JSON},
    {"a fetch for HTML",
     {.sec_fetch_mode = "cors", .sec_fetch_dest = "empty", .accept = PAGE_ACCEPT},
     SL_ASK_FETCH,
     SL_ASK_JSON},
    {"a fetch for FHIR",
     {.sec_fetch_mode = "cors",
      .sec_fetch_dest = "empty",
      .accept = "application/fhir+json, application/json;q=0.5"},
     SL_ASK_FETCH,
     SL_ASK_FHIR},
    {"a fetch that sends FHIR",
     {.sec_fetch_mode = "cors",
      .sec_fetch_dest = "empty",
      .accept = "*/*",
      .content_type = "application/fhir+xml; charset=utf-8"},
     SL_ASK_FETCH,
     SL_ASK_FHIR},
    {"a beacon",
     {.sec_fetch_mode = "no-cors", .sec_fetch_dest = "empty"},
     SL_ASK_FETCH,
     SL_ASK_JSON},
    {"an image",
     {.sec_fetch_mode = "no-cors", .sec_fetch_dest = "image"},
     SL_ASK_PASSIVE,
     SL_ASK_JSON},
    {"a script",
     {.sec_fetch_mode = "no-cors", .sec_fetch_dest = "script", .accept = "*/*"},
     SL_ASK_PASSIVE,
     SL_ASK_JSON},
    {"a module script",
     {.sec_fetch_mode = "cors", .sec_fetch_dest = "script"},
     SL_ASK_PASSIVE,
     SL_ASK_JSON},
    {"a font", {.sec_fetch_mode = "cors", .sec_fetch_dest = "font"}, SL_ASK_PASSIVE, SL_ASK_JSON},
    {"a style",
     {.sec_fetch_mode = "no-cors", .sec_fetch_dest = "style"},
     SL_ASK_PASSIVE,
     SL_ASK_JSON},
    {"a film",
     {.sec_fetch_mode = "no-cors", .sec_fetch_dest = "video"},
     SL_ASK_PASSIVE,
     SL_ASK_JSON},
    {"a page inside <object>",
     {.sec_fetch_mode = "navigate", .sec_fetch_dest = "object"},
     SL_ASK_FETCH,
     SL_ASK_HTML},
    {"a page inside <embed>",
     {.sec_fetch_mode = "navigate", .sec_fetch_dest = "embed"},
     SL_ASK_FETCH,
     SL_ASK_HTML},
    {"a destination of next year",
     {.sec_fetch_mode = "cors", .sec_fetch_dest = "thought"},
     SL_ASK_FETCH,
     SL_ASK_JSON},
    {"a page, by its destination alone",
     {.sec_fetch_dest = "document"},
     SL_ASK_NAVIGATION,
     SL_ASK_HTML},
    {"a page, by its mode alone", {.sec_fetch_mode = "navigate"}, SL_ASK_NAVIGATION, SL_ASK_HTML},
    {"an image, by its destination alone",
     {.sec_fetch_dest = "image", .accept = PAGE_ACCEPT},
     SL_ASK_PASSIVE,
     SL_ASK_JSON},
    {"a fetch, by its mode alone",
     {.sec_fetch_mode = "cors", .accept = PAGE_ACCEPT},
     SL_ASK_FETCH,
     SL_ASK_JSON},
    {"a WebSocket",
     {.sec_fetch_mode = "websocket", .sec_fetch_dest = "websocket"},
     SL_ASK_WEBSOCKET,
     SL_ASK_JSON},
    {"an old browser's WebSocket", {.upgrade = "WebSocket"}, SL_ASK_WEBSOCKET, SL_ASK_JSON},
    {"an upgrade to HTTP/2 is none",
     {.upgrade = "h2c", .accept = PAGE_ACCEPT},
     SL_ASK_NAVIGATION,
     SL_ASK_HTML},
    {"a prefetched page",
     {.sec_fetch_mode = "navigate", .sec_fetch_dest = "document", .sec_purpose = "prefetch"},
     SL_ASK_PREFETCH,
     SL_ASK_JSON},
    {"a prerendered page",
     {.sec_fetch_mode = "navigate",
      .sec_fetch_dest = "document",
      .sec_purpose = "prefetch;prerender"},
     SL_ASK_PREFETCH,
     SL_ASK_JSON},
    {"a prefetch of Firefox",
     {.purpose = "prefetch", .accept = PAGE_ACCEPT},
     SL_ASK_PREFETCH,
     SL_ASK_JSON},
    {"a preview of Safari",
     {.purpose = "preview", .accept = PAGE_ACCEPT},
     SL_ASK_PREFETCH,
     SL_ASK_JSON},
    {"a service worker's script",
     {.sec_fetch_mode = "same-origin",
      .sec_fetch_dest = "serviceworker",
      .service_worker = "script"},
     SL_ASK_WORKER,
     SL_ASK_JSON},
    {"an old browser's service worker",
     {.service_worker = "script", .accept = "*/*"},
     SL_ASK_WORKER,
     SL_ASK_JSON},
    {"a worker's script",
     {.sec_fetch_mode = "same-origin", .sec_fetch_dest = "worker"},
     SL_ASK_WORKER,
     SL_ASK_JSON},
    {"a shared worker's script",
     {.sec_fetch_mode = "same-origin", .sec_fetch_dest = "sharedworker"},
     SL_ASK_WORKER,
     SL_ASK_JSON},
};

static const struct {
    const char *name, *site, *origin;
    sl_ask_proof_t proof;
} proofs[] = {
    {"Sec-Fetch-Site same-origin", "same-origin", NULL, SL_ORIGIN_OWN},
    {"Sec-Fetch-Site same-origin with our Origin", "same-origin", "https://app.example",
     SL_ORIGIN_OWN},
    {"Sec-Fetch-Site cross-site", "cross-site", NULL, SL_ORIGIN_FOREIGN},
    {"Sec-Fetch-Site cross-site, whatever Origin says", "cross-site", "https://app.example",
     SL_ORIGIN_FOREIGN},
    {"Sec-Fetch-Site same-site is another origin", "same-site", NULL, SL_ORIGIN_FOREIGN},
    {"Sec-Fetch-Site none", "none", NULL, SL_ORIGIN_USER},
    {"Sec-Fetch-Site twice", "same-origin, cross-site", NULL, SL_ORIGIN_FOREIGN},
    {"Sec-Fetch-Site empty", "", "https://app.example", SL_ORIGIN_FOREIGN},
    {"Sec-Fetch-Site unheard of", "same-planet", NULL, SL_ORIGIN_FOREIGN},
    {"our Origin", NULL, "https://app.example", SL_ORIGIN_OWN},
    {"our Origin with its port", NULL, "https://app.example:443", SL_ORIGIN_OWN},
    {"another Origin", NULL, "https://ehr.example", SL_ORIGIN_FOREIGN},
    {"Origin null", NULL, "null", SL_ORIGIN_FOREIGN},
    {"Origin empty", NULL, "", SL_ORIGIN_FOREIGN},
    {"Origin that begins like ours", NULL, "https://app.example.evil", SL_ORIGIN_FOREIGN},
    {"neither", NULL, NULL, SL_ORIGIN_UNKNOWN},
};

static const struct {
    const char *method;
    sl_ask_method_t is;
    bool safe;
} methods[] = {
    {"GET", SL_METHOD_GET, true},        {"HEAD", SL_METHOD_HEAD, true},
    {"POST", SL_METHOD_POST, false},     {"OPTIONS", SL_METHOD_SAFE, true},
    {"TRACE", SL_METHOD_SAFE, true},     {"PUT", SL_METHOD_UNSAFE, false},
    {"DELETE", SL_METHOD_UNSAFE, false}, {"PATCH", SL_METHOD_UNSAFE, false},
    {"get", SL_METHOD_UNSAFE, false},    {"BREW", SL_METHOD_UNSAFE, false},
    {"", SL_METHOD_UNSAFE, false},       {NULL, SL_METHOD_UNSAFE, false},
};

int main(void)
{
    sl_ask_t got;
    size_t i;

    for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        sl_ask_classify(&got, &kinds[i].headers, "https://app.example");
        is_int(got.kind, kinds[i].kind, kinds[i].name);
        ok(got.wants == kinds[i].wants, "%s: its errors", kinds[i].name);
    }
    for (i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
        sl_ask_headers_t headers = {.sec_fetch_site = proofs[i].site, .origin = proofs[i].origin};

        sl_ask_classify(&got, &headers, "https://app.example");
        ok(got.proof == proofs[i].proof, "design 12 proof: %s", proofs[i].name);
        ok(sl_ask_is_own(&got) == (proofs[i].proof == SL_ORIGIN_OWN), "design 12 own: %s",
           proofs[i].name);
    }
    for (i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        sl_ask_headers_t headers = {.method = methods[i].method};

        sl_ask_classify(&got, &headers, "https://app.example");
        ok(got.method == methods[i].is && sl_ask_is_safe(&got) == methods[i].safe, "method %s",
           methods[i].method != NULL ? methods[i].method : "(none)");
    }
    return tap_done();
}
