/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_digest.h"
#include "base/sl_text.h"
#include "rule.h"
#include "smart/sl_signon.h"

#include <apr_strings.h>

static const sl_signon_parties_t parties = {"src-1", "Hospital", "dst-1", "App"};

static const char claims_text[] =
    "{\"given_name\":\"Ann\",\"family_name\":\"Sm\\u00efth\",\"name\":\"Ann Smith\",\"email\":\"\","
    "\"npi\":1234567890,\"locale\":\"en-US\",\"access_token\":\"tok\",\"nonce\":\"n\"}";

static sl_json_t *parsed(apr_pool_t *p, const char *text)
{
    sl_json_t *json = NULL;
    sl_err_t err;

    ok(sl_json_parse(&json, text, strlen(text), p, &err) == SL_OK, "it is JSON");
    return json;
}

static sl_json_t *at(sl_json_t *json, const char *a, const char *b)
{
    sl_json_t *one = sl_json_get(json, a);

    return b == NULL ? one : sl_json_get(one, b);
}

static sl_signon_who_t somebody(apr_pool_t *p)
{
    sl_signon_who_t who = {.user = "alice", .ehr = "epic", .ehr_user = "dr-smith"};

    who.fhir_user = "https://ehr.example/fhir/Practitioner/1";
    who.claims = parsed(p, claims_text);
    who.patient = "p1";
    who.encounter = "e1";
    who.kind = "ehr";
    who.link = "linked";
    who.session_id = "abcdefghijklmnop";
    who.session_base_url = "http://127.0.0.1:8081/fhir/epic";
    return who;
}

static sl_signon_t message(const sl_signon_who_t *who)
{
    sl_signon_t signon = {&parties, who, 0, "jti-1", 281474976710655u};

    signon.now = APR_INT64_C(1769860800123456); /* 2026-01-31T12:00:00.123 */
    return signon;
}

static void body_of_a_launch(apr_pool_t *p)
{
    const sl_signon_who_t who = somebody(p);
    const sl_signon_t signon = message(&who);
    const char *text = sl_signon_body(&signon, p);
    sl_json_t *body = parsed(p, text);
    sl_json_t *meta = sl_json_get(body, "Meta"), *person = sl_json_get(body, "Person");
    sl_json_t *ids = at(body, "Patient", "Identifiers");

    is_str(sl_json_str(meta, "DataModel"), "SSO", "X2 DataModel");
    is_str(sl_json_str(meta, "EventType"), "Sign-on", "X2 EventType");
    is_str(sl_json_str(meta, "EventDateTime"), "2026-01-31T12:00:00.123Z", "X2 EventDateTime");
    is_str(sl_json_text(p, sl_json_get(meta, "Source")), "{\"ID\":\"src-1\",\"Name\":\"Hospital\"}",
           "X2 Source");
    is_str(sl_json_text(p, sl_json_get(meta, "Destinations")),
           "[{\"ID\":\"dst-1\",\"Name\":\"App\"}]", "X2 Destinations");
    is_str(sl_json_str(meta, "SessionID"), "abcdefghijklmnop", "X3 SessionID, in Meta");
    is_str(sl_json_str(meta, "SessionBaseURL"), who.session_base_url, "X3 SessionBaseURL, there");
    is_str(sl_json_text(p, at(meta, "Message", "ID")), "281474976710655",
           "X2 a message id that every JSON number holds");
    is_str(sl_json_str(person, "UserID"), "alice", "the app's user");
    is_str(sl_json_str(person, "EHRUserName"), "dr-smith", "and the EHR's");
    is_str(sl_json_str(person, "FirstName"), "Ann", "a name");
    is_str(sl_json_str(person, "LastName"), "Sm\xc3\xafth", "not of ASCII alone");
    ok(holds(text, "\"NPI\":null") && holds(text, "\"Email\":null"),
       "a claim that is no text, or empty, is null");
    is_str(sl_json_text(p, ids), "[{\"ID\":\"p1\",\"IDType\":\"FHIR\"}]", "the patient");
    ok(holds(text, "\"Demographics\":null"), "nothing but the id of the patient");
    is_str(sl_json_str(at(body, "Visit", NULL), "VisitNumber"), "e1", "the encounter");
    is_str(sl_json_str(sl_json_get(body, "Launch"), "Link"), "linked", "how it is linked");
    ok(!holds(text, "tok") && !holds(text, "nonce"), "X3 no other claim travels along");
}

static void body_without_session(apr_pool_t *p)
{
    sl_signon_who_t who = {.ehr = "epic", .ehr_user = "dr-smith", .kind = "ehr"};
    sl_signon_t signon = message(&who);
    const char *text;
    sl_json_t *claims;

    who.link = "pending";
    who.session_id = "abcdefghijklmnop";
    text = sl_signon_body(&signon, p);
    ok(!holds(text, "Session"), "X10 no session without its base URL, and no empty members");
    ok(holds(text, "\"Patient\":null") && holds(text, "\"Visit\":null") &&
           holds(text, "\"UserID\":null"),
       "X10 what is not known is null");
    claims = sl_signon_claims(&signon, text, p);
    ok(sl_json_get(claims, "sub") == NULL, "X10 a JWT of nobody has no subject");
    ok(sl_json_get(claims, "patient_ids") == NULL && sl_json_get(claims, "visit_id") == NULL,
       "X10 and no patient");
    is_str(sl_json_str(claims, "link"), "pending", "X10 it says why");
}

static void claims_of_a_launch(apr_pool_t *p)
{
    const sl_signon_who_t who = somebody(p);
    const sl_signon_t signon = message(&who);
    const char *text = sl_signon_body(&signon, p);
    sl_json_t *claims = sl_signon_claims(&signon, text, p);
    unsigned char digest[SL_SHA256_LEN];

    sl_digest_sha256(text, strlen(text), digest);
    is_str(sl_json_str(claims, "iss"), "src-1", "X2 iss is the source");
    is_str(sl_json_str(claims, "aud"), "dst-1", "X2 aud is the destination");
    is_str(sl_json_str(claims, "sub"), "alice", "X2 sub");
    is_str(sl_json_str(claims, "jti"), "jti-1", "X2 jti");
    is_str(sl_json_text(p, sl_json_get(claims, "iat")), "1769860800", "X2 iat");
    is_str(sl_json_text(p, sl_json_get(claims, "exp")), "1769860860", "X2 exp, 60 seconds on");
    is_str(sl_json_str(claims, "body_sha256"), sl_text_base64url(p, digest, sizeof(digest)),
           "X2 bound to the body");
    is_str(sl_json_str(claims, "given_name"), "Ann", "X2 identity claims");
    is_str(sl_json_str(claims, "locale"), "en-US", "X2 and more of them");
    ok(sl_json_get(claims, "npi") == NULL && sl_json_get(claims, "email") == NULL &&
           sl_json_get(claims, "zoneinfo") == NULL,
       "X2 what is not known is not there");
    is_str(sl_json_text(p, sl_json_get(claims, "patient_ids")),
           "[{\"id\":\"p1\",\"id_type\":\"FHIR\"}]", "X2 patient_ids");
    is_str(sl_json_str(claims, "visit_id"), "e1", "X2 visit_id");
    ok(sl_json_get(claims, "access_token") == NULL, "X3 no token");
    ok(!holds(sl_json_text(p, claims), "abcdefghijklmnop"), "X3 nor the session id");
}

#define ONE 1

static const struct {
    const char *name;
    int status;
    const char *type, *location;
    int locations;
    bool html;
    const char *id; /* NULL: it goes there, or shows */
} answers[] = {
    {"X4 302 to the app", 302, "", "https://app.example/in?t=1", ONE, false, NULL},
    {"X4 301", 301, "", "https://app.example/", ONE, false, NULL},
    {"X4 303", 303, "", "https://app.example/", ONE, false, NULL},
    {"X4 307", 307, "", "https://app.example/", ONE, false, NULL},
    {"X4 308", 308, "", "https://app.example/", ONE, false, NULL},
    {"X4 the host in capitals, the port written out", 302, "", "HTTPS://APP.example:443/x", ONE,
     false, NULL},
    {"X4 a fragment", 302, "", "https://app.example/#/start", ONE, false, NULL},
    {"X4 another origin that is allowed", 302, "", "https://other.example:8443/x", ONE, false,
     NULL},
    {"X4 loopback where the administrator wrote it", 302, "", "http://127.0.0.1:9000/", ONE, false,
     NULL},
    {"X4 300", 300, "", "https://app.example/", ONE, false, "SL2904"},
    {"X4 304", 304, "", "https://app.example/", ONE, false, "SL2904"},
    {"X4 201 with a Location", 201, "", "https://app.example/", ONE, false, "SL2904"},
    {"X4 no Location", 302, "", NULL, 0, false, "SL2901"},
    {"X4 two Locations", 302, "", "https://app.example/", 2, false, "SL2901"},
    {"X4 an empty Location", 302, "", "", ONE, false, "SL2902"},
    {"X4 a path", 302, "", "/in", ONE, false, "SL2902"},
    {"X4 a name", 302, "", "in", ONE, false, "SL2902"},
    {"X4 without a scheme", 302, "", "//app.example/in", ONE, false, "SL2902"},
    {"X4 three slashes", 302, "", "https:///app.example/", ONE, false, "SL2902"},
    {"X4 one slash", 302, "", "https:/app.example/", ONE, false, "SL2902"},
    {"X4 no slash", 302, "", "https:app.example/", ONE, false, "SL2902"},
    {"X4 a foreign site", 302, "", "https://evil.example/", ONE, false, "SL2903"},
    {"X4 ours as a part of a foreign name", 302, "", "https://app.example.evil.example/", ONE,
     false, "SL2903"},
    {"X4 a name that ends like ours", 302, "", "https://evilapp.example/", ONE, false, "SL2903"},
    {"X4 a dot behind the name", 302, "", "https://app.example./", ONE, false, "SL2902"},
    {"X4 http", 302, "", "http://app.example/", ONE, false, "SL2903"},
    {"X4 another port", 302, "", "https://app.example:8443/", ONE, false, "SL2903"},
    {"X4 ours as a user", 302, "", "https://app.example@evil.example/", ONE, false, "SL2902"},
    {"X4 ours as user and password", 302, "", "https://app.example:443@evil.example/", ONE, false,
     "SL2902"},
    {"X4 a user of ours", 302, "", "https://x@app.example/", ONE, false, "SL2902"},
    {"X4 a backslash for the slash", 302, "", "https://app.example\\@evil.example/", ONE, false,
     "SL2902"},
    {"X4 backslashes", 302, "", "https:\\\\app.example/", ONE, false, "SL2902"},
    {"X4 javascript", 302, "", "javascript:alert(1)//https://app.example/", ONE, false, "SL2902"},
    {"X4 data", 302, "", "data:text/html,x", ONE, false, "SL2902"},
    {"X4 blob", 302, "", "blob:https://app.example/x", ONE, false, "SL2902"},
    {"X4 a blank in front", 302, "", " https://app.example/", ONE, false, "SL2902"},
    {"X4 a tab inside", 302, "", "https://app.\texample/", ONE, false, "SL2902"},
    {"X4 a line end", 302, "", "https://app.example/\r\nSet-Cookie: a=b", ONE, false, "SL2902"},
    {"X4 a bare CR", 302, "", "https://app.example/\rSet-Cookie: a=b", ONE, false, "SL2902"},
    {"X4 not ASCII", 302, "", "https://\xc3\xa4pp.example/", ONE, false, "SL2902"},
    {"X4 an encoded dot in the host", 302, "", "https://app%2eexample/", ONE, false, "SL2902"},
    {"X4 an encoded slash in the host", 302, "", "https://app.example%2f.evil.example/", ONE, false,
     "SL2902"},
    {"X4 a private address", 302, "", "https://10.0.0.1/", ONE, false, "SL2903"},
    {"X4 a machine's own metadata", 302, "", "http://169.254.169.254/", ONE, false, "SL2903"},
    {"X4 another loopback port", 302, "", "http://127.0.0.1:9001/", ONE, false, "SL2903"},
    {"X4 loopback by another name", 302, "", "http://localhost:9000/", ONE, false, "SL2903"},
    {"X4 200 without html=on", 200, "text/html", NULL, 0, false, "SL2905"},
    {"X4 200 and a Location do not make a redirect", 200, "text/html", "https://app.example/", ONE,
     false, "SL2905"},
    {"X4 200 with html=on", 200, "text/html; charset=utf-8", NULL, 0, true, NULL},
    {"X4 text/html in capitals", 200, "Text/HTML", NULL, 0, true, NULL},
    {"X4 200 that is no HTML", 200, "application/json", NULL, 0, true, "SL2906"},
    {"X4 200 that begins like HTML", 200, "text/htmlx", NULL, 0, true, "SL2906"},
    {"X4 200 with XHTML", 200, "application/xhtml+xml", NULL, 0, true, "SL2906"},
    {"X4 200 without a type", 200, "", NULL, 0, true, "SL2906"},
    {"X5 204", 204, "", NULL, 0, true, "SL2904"},
    {"X5 400", 400, "text/html", NULL, 0, true, "SL2904"},
    {"X5 401", 401, "text/html", "https://app.example/", ONE, true, "SL2904"},
    {"X5 500", 500, "text/html", NULL, 0, true, "SL2904"},
};

static void judge(apr_pool_t *p)
{
    apr_array_header_t *allow = apr_array_make(p, 3, sizeof(const char *));
    sl_signon_verdict_t verdict;
    sl_err_t err;

    APR_ARRAY_PUSH(allow, const char *) = "https://app.example";
    APR_ARRAY_PUSH(allow, const char *) = "https://other.example:8443";
    APR_ARRAY_PUSH(allow, const char *) = "http://127.0.0.1:9000";
    for (int i = 0; i < COUNT_OF(answers); i++) {
        const sl_signon_answer_t answer = {answers[i].status, answers[i].type, answers[i].location,
                                           answers[i].locations};
        const sl_signon_rule_t rule = {allow, answers[i].html};
        sl_rc_t rc = sl_signon_judge(&verdict, &answer, &rule, p, &err);

        is_end(rc, &err, answers[i].id, answers[i].id == NULL ? SL_OK : SL_UPSTREAM,
               answers[i].name);
        if (rc == SL_OK && answers[i].status != 200) {
            is_str(verdict.location, answers[i].location, "there, to the letter");
        } else if (rc == SL_OK) {
            ok(verdict.location == NULL && verdict.charset != NULL, "a page");
        } else {
            ok(strstr(err.text, "/in") == NULL && strstr(err.text, "alert") == NULL &&
                   strstr(err.text, "Set-Cookie") == NULL,
               "nothing of the answer but scheme and host is told");
        }
    }
}

static const struct {
    const char *type, *want;
} charsets[] = {
    {"text/html", "utf-8"},
    {"text/html; charset=ISO-8859-1", "ISO-8859-1"},
    {"text/html;charset=\"windows-1252\"", "windows-1252"},
    {"text/html; charset=", "utf-8"},
    {"text/html; charset=<script>", "utf-8"},
    {"text/html; boundary=x", "utf-8"},
    {"text/html; charset=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "utf-8"},
};

static void charset(apr_pool_t *p)
{
    const sl_signon_rule_t rule = {apr_array_make(p, 1, sizeof(const char *)), true};
    sl_err_t err;

    for (int i = 0; i < COUNT_OF(charsets); i++) {
        const sl_signon_answer_t answer = {200, charsets[i].type, NULL, 0};
        sl_signon_verdict_t verdict;

        ok(sl_signon_judge(&verdict, &answer, &rule, p, &err) == SL_OK, "%s", charsets[i].type);
        is_str(verdict.charset, charsets[i].want, "its charset");
    }
}

static void challenge(apr_pool_t *p)
{
    static const char body[] = "{\"a\":\"x-CHALLENGE-y\"}\0CHALLENGE2";

    ok(sl_signon_is_echo(200, "CHALLENGE", 9, "CHALLENGE"), "X11 the whole body");
    ok(sl_signon_is_echo(201, body, sizeof(body) - 1, "CHALLENGE"), "X11 anywhere in it");
    ok(sl_signon_is_echo(200, body, sizeof(body) - 1, "CHALLENGE2"), "X11 behind a NUL, too");
    ok(!sl_signon_is_echo(200, "CHALLENG", 8, "CHALLENGE"), "X11 a part is not it");
    ok(!sl_signon_is_echo(200, "", 0, "CHALLENGE"), "X11 nothing is not it");
    ok(!sl_signon_is_echo(200, "x", 1, ""), "X11 no challenge is never met");
    ok(!sl_signon_is_echo(302, "CHALLENGE", 9, "CHALLENGE") &&
           !sl_signon_is_echo(404, "CHALLENGE", 9, "CHALLENGE"),
       "X11 only with 2xx");
    is_str(sl_signon_challenge("to\"k", "ch", p),
           "{\"verification-token\":\"to\\\"k\",\"challenge\":\"ch\"}", "X11 by POST");
    is_str(sl_signon_challenge_url("https://app.example/sso?x=1", "t&k", "ch", p),
           "https://app.example/sso?x=1&challenge=ch&verification-token=t%26k", "X11 by GET");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    body_of_a_launch(p);
    body_without_session(p);
    claims_of_a_launch(p);
    judge(p);
    charset(p);
    challenge(p);
    rule_release(p);
    return tap_done();
}
