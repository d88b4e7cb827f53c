/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_token_request.h"

#include "base/sl_text.h"
#include <apr_lib.h>
#include <string.h>

/* A buffer for secrets: made once, large enough, so that no copy is left behind; then wiped. */
typedef struct {
    char *bytes;
    apr_size_t len;
    apr_size_t size;
} buffer_t;

typedef struct {
    const char *name;
    const char *value;
    apr_size_t len;
} field_t;

static buffer_t make_buffer(apr_pool_t *p, apr_size_t size)
{
    buffer_t buffer = {apr_palloc(p, size), 0, size};

    return buffer;
}

static void add(buffer_t *to, const char *bytes, apr_size_t len)
{
    memcpy(to->bytes + to->len, bytes, len);
    to->len += len;
}

/* Percent-encoded, which every form decoder reads; at most three bytes for one. */
static void add_encoded(buffer_t *to, const char *bytes, apr_size_t len)
{
    static const char digits[] = "0123456789ABCDEF";

    for (apr_size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];

        if (c < 0x80 && (apr_isalnum(c) || (c != '\0' && strchr("-._~", c) != NULL))) {
            to->bytes[to->len++] = (char)c;
        } else {
            const char escape[] = {'%', digits[c >> 4], digits[c & 15]};

            add(to, escape, sizeof(escape));
        }
    }
}

static const sl_secret_t *seal_buffer(apr_pool_t *p, buffer_t *buffer)
{
    const sl_secret_t *secret = sl_secret_new(p, buffer->bytes, buffer->len);

    sl_secret_wipe(buffer->bytes, buffer->size);
    return secret;
}

static const sl_secret_t *form(apr_pool_t *p, const field_t *fields, int count)
{
    apr_size_t size = 1;
    buffer_t body;

    for (int i = 0; i < count; i++) {
        size += strlen(fields[i].name) + 3 * fields[i].len + 2;
    }
    body = make_buffer(p, size);
    for (int i = 0; i < count; i++) {
        if (i > 0) {
            add(&body, "&", 1);
        }
        add(&body, fields[i].name, strlen(fields[i].name));
        add(&body, "=", 1);
        add_encoded(&body, fields[i].value, fields[i].len);
    }
    return seal_buffer(p, &body);
}

/* TKR-S1, TKR-S3 */
static const sl_secret_t *basic(const sl_ehr_t *ehr, apr_pool_t *p)
{
    const char *secret = sl_secret_reveal(ehr->client_secret);
    apr_size_t secret_len = sl_secret_len(ehr->client_secret);
    apr_size_t id_len = strlen(ehr->client_id);
    buffer_t pair = make_buffer(p, 3 * (id_len + secret_len) + 1);
    buffer_t header;
    char *encoded;

    if (ehr->basic == SL_BASIC_FORM) {
        add_encoded(&pair, ehr->client_id, id_len);
        add(&pair, ":", 1);
        add_encoded(&pair, secret, secret_len);
    } else {
        add(&pair, ehr->client_id, id_len);
        add(&pair, ":", 1);
        add(&pair, secret, secret_len);
    }
    encoded = sl_text_base64(p, pair.bytes, pair.len);
    sl_secret_wipe(pair.bytes, pair.size);
    header = make_buffer(p, strlen(encoded) + 6);
    add(&header, "Basic ", 6);
    add(&header, encoded, strlen(encoded));
    sl_secret_wipe(encoded, strlen(encoded));
    return seal_buffer(p, &header);
}

#define FIELDS_MAX 8 /* four of the grant, three of the client authentication */

/* A call in the making. */
typedef struct {
    const sl_ehr_t *ehr;
    const sl_secret_t *assertion;
    field_t fields[FIELDS_MAX];
    int count;
} request_t;

static void add_text(request_t *to, const char *name, const char *value)
{
    const field_t field = {name, value, strlen(value)};

    to->fields[to->count++] = field;
}

static void add_secret(request_t *to, const char *name, const sl_secret_t *value)
{
    const field_t field = {name, sl_secret_reveal(value), sl_secret_len(value)};

    to->fields[to->count++] = field;
}

/* Add what proves who we are to the grant's fields, and make the call. */
static sl_rc_t authenticate(sl_token_call_t *out, request_t *request, apr_pool_t *p, sl_err_t *err)
{
    const sl_ehr_t *ehr = request->ehr;
    bool has_secret = sl_secret_len(ehr->client_secret) > 0;
    bool with_id = ehr->quirks.client_id_in_body == SL_SWITCH_ON;

    out->authorization = NULL;
    switch (ehr->auth) {
    case SL_CLIENT_BASIC:
        if (!has_secret || (ehr->basic != SL_BASIC_FORM && strchr(ehr->client_id, ':') != NULL)) {
            return sl_err_set(err, SL_FAILED, "SL2101",
                              "EHR %s: Basic needs a client secret, and a client id without colon",
                              ehr->name);
        }
        out->authorization = basic(ehr, p);
        break;
    case SL_CLIENT_POST:
        if (!has_secret) {
            return sl_err_set(err, SL_FAILED, "SL2102", "EHR %s has no client secret", ehr->name);
        }
        add_secret(request, "client_secret", ehr->client_secret);
        with_id = true;
        break;
    case SL_CLIENT_KEY:
        if (sl_secret_len(request->assertion) == 0) {
            return sl_err_set(err, SL_FAILED, "SL2103", "EHR %s: the call has no client assertion",
                              ehr->name);
        }
        add_text(request, "client_assertion_type",
                 "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        add_secret(request, "client_assertion", request->assertion);
        break;
    case SL_CLIENT_NONE:
        with_id = true;
        break;
    case SL_CLIENT_UNSET:
        return sl_err_set(err, SL_FAILED, "SL2104", "EHR %s has no way of client authentication",
                          ehr->name);
    }
    if (with_id) {
        add_text(request, "client_id", ehr->client_id);
    }
    out->body = form(p, request->fields, request->count);
    return SL_OK;
}

sl_rc_t sl_token_request_code(sl_token_call_t *out, const sl_code_grant_t *grant, apr_pool_t *p,
                              sl_err_t *err)
{
    request_t request = {.ehr = grant->ehr, .assertion = grant->assertion};

    add_text(&request, "grant_type", "authorization_code");
    add_secret(&request, "code", grant->code);
    add_text(&request, "redirect_uri", grant->redirect_uri);
    if (grant->verifier != NULL) {
        add_secret(&request, "code_verifier", grant->verifier);
    }
    return authenticate(out, &request, p, err);
}

sl_rc_t sl_token_request_refresh(sl_token_call_t *out, const sl_refresh_grant_t *grant,
                                 apr_pool_t *p, sl_err_t *err)
{
    request_t request = {.ehr = grant->ehr, .assertion = grant->assertion};

    add_text(&request, "grant_type", "refresh_token");
    add_secret(&request, "refresh_token", grant->refresh);
    return authenticate(out, &request, p, err);
}

sl_rc_t sl_token_request_client(sl_token_call_t *out, const sl_client_grant_t *grant, apr_pool_t *p,
                                sl_err_t *err)
{
    request_t request = {.ehr = grant->ehr, .assertion = grant->assertion};

    if (grant->ehr->auth != SL_CLIENT_KEY) {
        return sl_err_set(err, SL_FAILED, "SL2107",
                          "EHR %s: backend services need SmartClientAuth private-key-jwt",
                          grant->ehr->name);
    }
    add_text(&request, "grant_type", "client_credentials");
    add_text(&request, "scope", grant->scope);
    return authenticate(out, &request, p, err);
}

sl_rc_t sl_token_request_about(sl_token_call_t *out, const sl_token_about_t *about, apr_pool_t *p,
                               sl_err_t *err)
{
    request_t request = {.ehr = about->ehr, .assertion = about->assertion};

    add_secret(&request, "token", about->token);
    if (about->hint != NULL) {
        add_text(&request, "token_type_hint", about->hint);
    }
    return authenticate(out, &request, p, err);
}

/* Would form-encoding change it? */
static bool is_changed_by_form(const char *text, apr_size_t len)
{
    for (apr_size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x80 || c == '\0' || (!apr_isalnum(c) && strchr("-._~", c) == NULL)) {
            return true;
        }
    }
    return false;
}

sl_rc_t sl_token_request_check(const sl_ehr_t *ehr, apr_array_header_t *notices, sl_err_t *err)
{
    if (ehr->auth != SL_CLIENT_BASIC || ehr->basic == SL_BASIC_FORM) {
        return SL_OK;
    }
    if (strchr(ehr->client_id, ':') != NULL) {
        return sl_err_set(err, SL_INVALID, "SL2105",
                          "EHR %s: SmartClient has a colon, which Basic cannot carry raw; "
                          "write SmartClientAuth basic form",
                          ehr->name);
    }
    if (is_changed_by_form(ehr->client_id, strlen(ehr->client_id)) ||
        (ehr->client_secret != NULL && is_changed_by_form(sl_secret_reveal(ehr->client_secret),
                                                          sl_secret_len(ehr->client_secret)))) {
        sl_notice_add(notices, "SL2106",
                      "client id or secret reads differently raw and form-encoded; if it answers "
                      "invalid_client, write SmartClientAuth basic form");
    }
    return SL_OK;
}
