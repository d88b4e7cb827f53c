/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_challenge.h"
#include "base/sl_text.h"
#include "smart/sl_signon.h"

#include <apr_strings.h>
#include <string.h>

#define KIND_CHALLENGE 'C'
#define VERIFIED apr_time_from_sec(24 * 3600)
#define FAILED apr_time_from_sec(30)
#define CHALLENGE_BYTES 24

void sl_challenge_prepare(sl_http_request_t *request, const sl_destination_t *to)
{
    memset(request, 0, sizeof(*request));
    request->url = to->url;
    request->accept = "*/*";
    request->content_type = "application/json";
    request->ca_file = to->ca_file;
    request->insecure_loopback = true; /* the URL is the administrator's, and configtest saw it */
    if (to->token != NULL) {
        request->header_name = "verification-token";
        request->header = to->token;
    }
}

static sl_rc_t try_once(const sl_http_request_t *request, const char *challenge, sl_http_t *http,
                        apr_pool_t *p, sl_err_t *err)
{
    sl_http_reply_t reply;
    sl_rc_t rc = sl_http_do(http, request, &reply, p, err);

    if (rc == SL_OK && !sl_signon_is_echo(reply.status, sl_secret_reveal(reply.body),
                                          sl_secret_len(reply.body), challenge)) {
        rc = sl_err_set(err, SL_UPSTREAM, "SL4801",
                        "the destination of SmartNotify did not echo the challenge (status %d)",
                        reply.status);
    }
    return rc;
}

sl_rc_t sl_challenge_ask(const sl_destination_t *to, sl_http_t *http, sl_http_gate_t *gate,
                         apr_pool_t *p, sl_err_t *err)
{
    const char *token = sl_secret_reveal(to->token);
    unsigned char random[CHALLENGE_BYTES];
    sl_http_request_t request;
    const char *challenge;
    sl_rc_t rc = sl_digest_random(random, sizeof(random), err);

    if (rc != SL_OK) {
        return rc;
    }
    challenge = sl_text_base64url(p, random, sizeof(random));
    sl_challenge_prepare(&request, to);
    request.gate = gate;
    request.method = SL_HTTP_POST;
    request.body = sl_secret_str(p, sl_signon_challenge(token, challenge, p));
    rc = try_once(&request, challenge, http, p, err);
    if (rc == SL_UPSTREAM) {
        request.method = SL_HTTP_GET;
        request.body = NULL;
        request.url = sl_signon_challenge_url(to->url, token, challenge, p);
        rc = try_once(&request, challenge, http, p, err);
    }
    return rc;
}

/** By URL and token: another token is another question. */
static sl_shm_key_t key_of(const sl_destination_t *to, apr_pool_t *p)
{
    unsigned char print[SL_SHA256_LEN];
    const char *name;

    sl_digest_sha256(sl_secret_reveal(to->token), sl_secret_len(to->token), print);
    name = apr_pstrcat(p, sl_text_hex(p, print, sizeof(print)), " ", to->url, NULL);
    return sl_shm_key(KIND_CHALLENGE, name, strlen(name));
}

static void remember(const sl_runtime_t *rt, const sl_shm_key_t *key, bool verified)
{
    static const unsigned char words[2] = {'-', '+'};
    sl_shm_put_t entry;
    sl_err_t err;

    memset(&entry, 0, sizeof(entry));
    entry.value.bytes = &words[verified ? 1 : 0];
    entry.value.len = 1;
    entry.now = apr_time_now();
    entry.expires = entry.now + (verified ? VERIFIED : FAILED);
    entry.rank = SL_SHM_HIGH;
    if (sl_shm_put(rt->shm, key, &entry, &err) != SL_OK) {
        sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text); /* then it is asked again */
    }
}

sl_rc_t sl_challenge_settle(const sl_runtime_t *rt, const sl_destination_t *to, apr_pool_t *p,
                            sl_err_t *err)
{
    sl_shm_entry_t entry;
    sl_shm_key_t key;
    sl_rc_t rc;

    if (to->token == NULL) {
        return SL_OK;
    }
    key = key_of(to, p);
    if (sl_shm_get(rt->shm, &key, apr_time_now(), &entry, p) == SL_OK && entry.value.len == 1) {
        return entry.value.bytes[0] == '+'
                   ? SL_OK
                   : sl_err_set(err, SL_UPSTREAM, "SL4802",
                                "the destination of SmartNotify failed its challenge a moment ago");
    }
    rc = sl_challenge_ask(to, rt->http, rt->notify_gate, p, err);
    if (rc != SL_BUSY) {
        remember(rt, &key, rc == SL_OK);
    }
    return rc;
}
