/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_signon.h"
#include "base/sl_digest.h"
#include "base/sl_text.h"
#include "smart/sl_url.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define MAX_CLAIM 255
#define ID_TYPE "FHIR"

/** A claim worth passing on. */
static const char *claim(const sl_signon_who_t *who, const char *name)
{
    const char *value = who->claims != NULL ? sl_json_str(who->claims, name) : NULL;

    return value != NULL && value[0] != '\0' && strlen(value) <= MAX_CLAIM ? value : NULL;
}

static const char *timestamp(apr_pool_t *p, apr_time_t now)
{
    apr_time_exp_t at;

    (void)apr_time_exp_gmt(&at, now);
    return apr_psprintf(p, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", at.tm_year + 1900, at.tm_mon + 1,
                        at.tm_mday, at.tm_hour, at.tm_min, at.tm_sec, at.tm_usec / 1000);
}

static sl_json_t *party(const char *id, const char *name, apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);

    sl_json_put_str(out, "ID", id);
    sl_json_put_str(out, "Name", name);
    return out;
}

static sl_json_t *number(apr_uint64_t id, apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);

    sl_json_put_int(out, "ID", (int64_t)id);
    return out;
}

static sl_json_t *meta(const sl_signon_t *signon, apr_pool_t *p)
{
    const sl_signon_parties_t *parties = signon->parties;
    const sl_signon_who_t *who = signon->who;
    sl_json_t *out = sl_json_object(p);
    sl_json_t *destinations = sl_json_array(p);

    sl_json_put_str(out, "DataModel", "SSO");
    sl_json_put_str(out, "EventType", "Sign-on");
    sl_json_put_str(out, "EventDateTime", timestamp(p, signon->now));
    sl_json_put_bool(out, "Test", false);
    sl_json_put(out, "Source", party(parties->source_id, parties->source_name, p));
    if (who->session_id != NULL && who->session_base_url != NULL) {
        sl_json_put_str(out, "SessionID", who->session_id);
        sl_json_put_str(out, "SessionBaseURL", who->session_base_url);
    }
    sl_json_push(destinations, party(parties->destination_id, parties->destination_name, p));
    sl_json_put(out, "Destinations", destinations);
    sl_json_put(out, "Message", number(signon->message_id, p));
    sl_json_put(out, "Transmission", number(signon->message_id, p));
    sl_json_put_str(out, "FacilityCode", NULL);
    return out;
}

static sl_json_t *person(const sl_signon_who_t *who, apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);

    sl_json_put_str(out, "UserID", who->user);
    sl_json_put_str(out, "EHRUserName", who->ehr_user);
    sl_json_put_str(out, "FHIRUser", who->fhir_user);
    sl_json_put_str(out, "NPI", claim(who, "npi"));
    sl_json_put_str(out, "FirstName", claim(who, "given_name"));
    sl_json_put_str(out, "LastName", claim(who, "family_name"));
    sl_json_put_str(out, "Email", claim(who, "email"));
    return out;
}

/** One identifier, under the names that the body or the JWT has for its parts. */
static sl_json_t *identifiers(const char *patient, const char *id, const char *type, apr_pool_t *p)
{
    sl_json_t *out = sl_json_array(p);
    sl_json_t *one = sl_json_object(p);

    sl_json_put_str(one, id, patient);
    sl_json_put_str(one, type, ID_TYPE);
    sl_json_push(out, one);
    return out;
}

/** Minimum necessary: whoever needs a name or a birthday reads it through the gateway. */
static sl_json_t *patient(const sl_signon_who_t *who, apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);

    sl_json_put(out, "Identifiers", identifiers(who->patient, "ID", "IDType", p));
    sl_json_put_str(out, "Demographics", NULL);
    return out;
}

static sl_json_t *visit(const sl_signon_who_t *who, apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);
    sl_json_t *location = sl_json_object(p);

    sl_json_put_str(location, "Facility", NULL);
    sl_json_put_str(location, "Department", NULL);
    sl_json_put_str(out, "VisitNumber", who->encounter);
    sl_json_put(out, "Location", location);
    return out;
}

static sl_json_t *launch(const sl_signon_who_t *who, apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);

    sl_json_put_str(out, "EHR", who->ehr);
    sl_json_put_str(out, "Kind", who->kind);
    sl_json_put_str(out, "Link", who->link);
    sl_json_put_str(out, "ReturnTo", who->return_to);
    return out;
}

const char *sl_signon_body(const sl_signon_t *signon, apr_pool_t *p)
{
    const sl_signon_who_t *who = signon->who;
    sl_json_t *out = sl_json_object(p);

    sl_json_put(out, "Meta", meta(signon, p));
    sl_json_put(out, "Person", person(who, p));
    if (who->patient != NULL) {
        sl_json_put(out, "Patient", patient(who, p));
    } else {
        sl_json_put_str(out, "Patient", NULL);
    }
    if (who->encounter != NULL) {
        sl_json_put(out, "Visit", visit(who, p));
    } else {
        sl_json_put_str(out, "Visit", NULL);
    }
    sl_json_put(out, "Launch", launch(who, p));
    return sl_json_text(p, out);
}

static void put_known(sl_json_t *out, const char *name, const char *value)
{
    if (value != NULL) {
        sl_json_put_str(out, name, value);
    }
}

/** RFC 7519, and the claims that Redox has for a person. What is not known is not there. */
static void put_identity(sl_json_t *out, const sl_signon_who_t *who, apr_pool_t *p)
{
    static const char *const passed[] = {"name",        "given_name", "family_name",
                                         "middle_name", "email",      "npi",
                                         "zoneinfo",    "locale",     "phone_number"};

    for (size_t i = 0; i < sizeof(passed) / sizeof(passed[0]); i++) {
        put_known(out, passed[i], claim(who, passed[i]));
    }
    put_known(out, "ehr", who->ehr);
    put_known(out, "link", who->link);
    put_known(out, "visit_id", who->encounter);
    if (who->patient != NULL) {
        sl_json_put(out, "patient_ids", identifiers(who->patient, "id", "id_type", p));
    }
}

sl_json_t *sl_signon_claims(const sl_signon_t *signon, const char *body, apr_pool_t *p)
{
    unsigned char digest[SL_SHA256_LEN];
    int64_t now = apr_time_sec(signon->now);
    sl_json_t *out = sl_json_object(p);

    sl_digest_sha256(body, strlen(body), digest);
    sl_json_put_str(out, "iss", signon->parties->source_id);
    sl_json_put_str(out, "aud", signon->parties->destination_id);
    put_known(out, "sub", signon->who->user);
    sl_json_put_int(out, "iat", now);
    sl_json_put_int(out, "exp", now + SL_SIGNON_LIFETIME);
    sl_json_put_str(out, "jti", signon->jti);
    sl_json_put_str(out, "body_sha256", sl_text_base64url(p, digest, sizeof(digest)));
    put_identity(out, signon->who, p);
    return out;
}

static bool is_allowed(const char *origin, const apr_array_header_t *allow)
{
    for (int i = 0; i < allow->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(allow, i, const char *), origin) == 0) {
            return true;
        }
    }
    return false;
}

static sl_rc_t judge_redirect(sl_signon_verdict_t *out, const sl_signon_answer_t *answer,
                              const sl_signon_rule_t *rule, apr_pool_t *p, sl_err_t *err)
{
    sl_url_t url;
    sl_err_t why;

    if (answer->locations != 1 || answer->location == NULL) {
        return sl_err_set(err, SL_UPSTREAM, "SL2901",
                          "the app redirects with %d Location headers in place of one",
                          answer->locations);
    }
    if (sl_url_parse(&url, answer->location, p, &why) != SL_OK) {
        return sl_err_set(err, SL_UPSTREAM, "SL2902",
                          "the app redirects to what is no absolute URL (%s)", why.text);
    }
    if (!is_allowed(sl_url_origin(p, answer->location), rule->allow)) {
        return sl_err_set(err, SL_UPSTREAM, "SL2903",
                          "the app redirects to %s://%.100s, which SmartNotify does not allow",
                          url.scheme, url.host);
    }
    out->location = answer->location;
    return SL_OK;
}

/** The charset of a Content-Type, where it is a plain word; UTF-8 else. */
static const char *charset_of(const char *content_type, apr_pool_t *p)
{
    static const char good[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
    const char *at = strchr(content_type, ';');
    size_t len;

    while (at != NULL && (at[1] == ' ' || at[1] == '\t')) {
        at++;
    }
    if (at == NULL || strncasecmp(at + 1, "charset=", 8) != 0) {
        return "utf-8";
    }
    at += 9;
    at += at[0] == '"' ? 1 : 0;
    len = strspn(at, good);
    return len > 0 && len <= 20 ? apr_pstrndup(p, at, len) : "utf-8";
}

static bool is_html(const char *content_type)
{
    static const char html[] = "text/html";
    const size_t len = sizeof(html) - 1;

    return strncasecmp(content_type, html, len) == 0 &&
           (content_type[len] == '\0' || content_type[len] == ';' || content_type[len] == ' ');
}

sl_rc_t sl_signon_judge(sl_signon_verdict_t *out, const sl_signon_answer_t *answer,
                        const sl_signon_rule_t *rule, apr_pool_t *p, sl_err_t *err)
{
    memset(out, 0, sizeof(*out));
    switch (answer->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return judge_redirect(out, answer, rule, p, err);
    case 200:
        break;
    default:
        return sl_err_set(err, SL_UPSTREAM, "SL2904", "the app answered with status %d",
                          answer->status);
    }
    if (!rule->html) {
        return sl_err_set(err, SL_UPSTREAM, "SL2905",
                          "the app answered with a page in place of a redirect, and SmartNotify "
                          "does not say html=on");
    }
    if (!is_html(answer->content_type)) {
        return sl_err_set(err, SL_UPSTREAM, "SL2906", "the app answered with what is no HTML");
    }
    out->charset = charset_of(answer->content_type, p);
    return SL_OK;
}

bool sl_signon_is_echo(int status, const char *body, apr_size_t len, const char *challenge)
{
    apr_size_t wanted = strlen(challenge);

    if (status < 200 || status > 299 || wanted == 0) {
        return false;
    }
    for (apr_size_t at = 0; at + wanted <= len; at++) {
        if (memcmp(body + at, challenge, wanted) == 0) {
            return true;
        }
    }
    return false;
}

const char *sl_signon_challenge(const char *token, const char *challenge, apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);

    sl_json_put_str(out, "verification-token", token);
    sl_json_put_str(out, "challenge", challenge);
    return sl_json_text(p, out);
}

const char *sl_signon_challenge_url(const char *url, const char *token, const char *challenge,
                                    apr_pool_t *p)
{
    return sl_url_add_param(p, sl_url_add_param(p, url, "challenge", challenge),
                            "verification-token", token);
}
