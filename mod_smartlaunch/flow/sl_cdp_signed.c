/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_signed.h"

#include "base/sl_digest.h"
#include "base/sl_json.h"
#include "base/sl_text.h"

#include <apr_strings.h>
#include <string.h>

#define MAX_ANSWER (64 * 1024)

static const char *body_of(const sl_cdp_shipment_t *shipment, const sl_cdp_parcel_t *parcel,
                           apr_pool_t *p)
{
    sl_json_t *body = sl_json_object(p);
    sl_json_t *values = sl_json_object(p);

    sl_json_put_str(body, "project", shipment->project->name);
    sl_json_put_str(body, "record", shipment->record);
    sl_json_put_str(body, "event", parcel->value.event);
    if (parcel->value.instance > 0) {
        sl_json_put_int(body, "instance", parcel->value.instance);
    }
    sl_json_put_str(values, parcel->value.field, parcel->value.value);
    sl_json_put(body, "values", values);
    sl_json_put_str(body, "user", parcel->user);
    sl_json_put_str(body, "key", parcel->key);
    return sl_json_text(p, body);
}

static const sl_secret_t *sign(const sl_secret_t *secret, const char *body, apr_time_t now,
                               apr_pool_t *p)
{
    const char *t = apr_psprintf(p, "%" APR_TIME_T_FMT, apr_time_sec(now));
    const char *text = apr_pstrcat(p, t, ".", body, NULL);
    unsigned char mac[SL_SHA256_LEN];

    sl_digest_hmac((const unsigned char *)sl_secret_reveal(secret), sl_secret_len(secret), text,
                   strlen(text), mac);
    return sl_secret_str(p,
                         apr_pstrcat(p, "t=", t, ",v1=", sl_text_hex(p, mac, sizeof(mac)), NULL));
}

/** What the app says of its refusal: JSON's error_description, message or error, or text. */
static const char *reason_of(const sl_http_reply_t *reply, apr_pool_t *p)
{
    static const char *const names[] = {"error_description", "message", "error"};
    const char *text = sl_secret_reveal(reply->body);
    sl_json_t *json = NULL;
    sl_err_t err;

    if (sl_json_parse(&json, text, sl_secret_len(reply->body), p, &err) == SL_OK) {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            const char *said = sl_json_str(json, names[i]);

            if (said != NULL && *said != '\0') {
                return sl_cdp_plain_reason(said, p);
            }
        }
        return sl_cdp_plain_reason("", p);
    }
    return sl_cdp_plain_reason(text, p);
}

static bool is_refusal(int status)
{
    return status == 400 || status == 409 || status == 422 || status == 423;
}

static sl_rc_t ship_one(const sl_cdp_t *cdp, const sl_cdp_shipment_t *shipment,
                        sl_cdp_parcel_t *parcel, apr_pool_t *p, sl_err_t *err)
{
    const char *body = body_of(shipment, parcel, p);
    sl_http_request_t request;
    sl_http_reply_t reply;
    sl_rc_t rc;

    sl_cdp_app_request(&request, shipment->project);
    request.content_type = "application/json";
    request.body = sl_secret_str(p, body);
    request.header_name = "Smart-Signature";
    /* a receiver behind an httpd with this module gets no Smart-… header from outside */
    request.header_also = "X-Smart-Signature";
    request.header = sign(shipment->project->delivery.secret, body, apr_time_now(), p);
    request.max_bytes = MAX_ANSWER;
    rc = sl_cdp_app_do(&reply, cdp, shipment->project, &request, p, err);
    if (rc == SL_OK) {
        rc = sl_cdp_app_judge(shipment->project, &reply, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    if (is_refusal(reply.status)) {
        parcel->state = SL_CDP_PARCEL_REFUSED;
        parcel->reason = reason_of(&reply, p);
        return SL_OK;
    }
    if (reply.status >= 300) {
        return sl_err_set(err, SL_UPSTREAM, "SL8308",
                          "the app of project %s takes no values at this URL (status %d)",
                          shipment->project->name, reply.status);
    }
    parcel->state = SL_CDP_PARCEL_DELIVERED;
    return SL_OK;
}

sl_rc_t sl_cdp_signed_ship(const sl_cdp_t *cdp, sl_cdp_shipment_t *shipment, apr_pool_t *p,
                           sl_err_t *err)
{
    sl_rc_t rc = SL_OK;

    for (int i = 0; rc == SL_OK && i < shipment->parcels->nelts; i++) {
        if (apr_time_now() >= shipment->until) {
            break;
        }
        rc = ship_one(cdp, shipment, &APR_ARRAY_IDX(shipment->parcels, i, sl_cdp_parcel_t), p, err);
    }
    return rc;
}
