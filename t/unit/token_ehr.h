/* SPDX-License-Identifier: Apache-2.0 */
/** A token endpoint for tests of renewal: it says what it is told to, and counts what it was sent.
 */
#ifndef TOKEN_EHR_H
#define TOKEN_EHR_H
#include "net/sl_http.h"
#include "signer.h"
#include "smart/sl_ehr.h"
#include "token_table.h"

#include <apr_time.h>

#define EHR_ISSUER "https://ehr.example.org/fhir"
#define EHR_TOKEN "https://ehr.example.org/token"
#define EHR_JWKS "https://ehr.example.org/jwks"

typedef struct {
    sl_rc_t rc; /* of the connection */
    int status, retry_after;
    const char *body; /* NULL: the next access token and refresh token */
    apr_interval_time_t takes;
    void (*during)(void); /* called while the request is under way; NULL: nothing */
    int posts, reuses;    /* a refresh token that was used before counts as a reuse */
    int used;             /* highest number of a refresh token that was sent */
    bool saw_gate;
    const char *keys; /* JWKS */
} token_ehr_t;

static token_ehr_t token_ehr;

static void token_ehr_fill(void)
{
    const char *keys = token_ehr.keys;

    memset(&token_ehr, 0, sizeof(token_ehr));
    token_ehr.status = 200;
    token_ehr.keys = keys;
}

/** Number of the refresh token in the body: they are called refresh-1, refresh-2, … */
static int token_ehr_number(const sl_secret_t *body)
{
    const char *at = strstr(sl_secret_reveal(body), "refresh_token=refresh-");

    return at == NULL ? 0 : atoi(at + strlen("refresh_token=refresh-"));
}

static const char *token_ehr_take(const sl_http_request_t *request, apr_pool_t *p)
{
    int number = token_ehr_number(request->body);

    apr_thread_mutex_lock(table.lock);
    token_ehr.posts++;
    token_ehr.reuses += number <= token_ehr.used;
    token_ehr.used = number;
    token_ehr.saw_gate = request->gate != NULL;
    apr_thread_mutex_unlock(table.lock);
    if (token_ehr.takes > 0) {
        apr_sleep(token_ehr.takes);
    }
    if (token_ehr.during != NULL) {
        token_ehr.during();
    }
    if (token_ehr.body != NULL) {
        return token_ehr.body;
    }
    return apr_psprintf(p,
                        "{\"access_token\":\"access-%d\",\"refresh_token\":\"refresh-%d\","
                        "\"token_type\":\"Bearer\",\"expires_in\":600}",
                        number + 1, number + 1);
}

sl_rc_t sl_http_do(sl_http_t *client, const sl_http_request_t *request, sl_http_reply_t *reply,
                   apr_pool_t *p, sl_err_t *err)
{
    const char *body;

    (void)client;
    memset(reply, 0, sizeof(*reply));
    if (request->method == SL_HTTP_GET) {
        reply->status = strcmp(request->url, EHR_JWKS) == 0 ? 200 : 404;
        reply->body = sl_secret_str(p, reply->status == 200 ? token_ehr.keys : "");
        return SL_OK;
    }
    body = token_ehr_take(request, p);
    if (token_ehr.rc != SL_OK) {
        reply->maybe_sent = true;
        return sl_err_set(err, token_ehr.rc, "SL0010", "no answer");
    }
    reply->status = token_ehr.status;
    reply->retry_after = token_ehr.retry_after;
    reply->body = sl_secret_str(p, body);
    return SL_OK;
}

/** How we are registered there. */
static sl_ehr_t token_ehr_config(void)
{
    sl_ehr_t ehr = {0};

    ehr.name = "sandbox";
    ehr.issuer = EHR_ISSUER;
    ehr.client_id = "me";
    ehr.auth = SL_CLIENT_NONE;
    ehr.ep_issuer = EHR_ISSUER;
    ehr.ep_authorize = "https://ehr.example.org/authorize";
    ehr.ep_token = EHR_TOKEN;
    ehr.ep_jwks = EHR_JWKS;
    ehr.connect_timeout = apr_time_from_sec(1);
    ehr.timeout = apr_time_from_sec(2);
    ehr.renew_ahead = apr_time_from_sec(60);
    return ehr;
}

#endif
