/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_session_param.h"

typedef struct {
    const char *name, *text, *rest, *session;
    bool several, had_token;
} row_t;

static const char *const names[] = {"smart_session", "sid", NULL};
static const char *const nobody[] = {NULL};

static const row_t texts[] = {
    {"in the middle", "a=1&sid=X&b=2", "a=1&b=2", "X", false, false},
    {"at the front", "sid=X&b=2", "b=2", "X", false, false},
    {"at the end", "a=1&sid=X", "a=1", "X", false, false},
    {"alone", "sid=X", NULL, "X", false, false},
    {"the other name", "a=1&smart_session=X", "a=1", "X", false, false},
    {"empty value", "sid=", NULL, "", false, false},
    {"without a value", "a&sid", "a", "", false, false},
    {"not there", "_id=1&name=Sid", "_id=1&name=Sid", NULL, false, false},
    {"only part of a name", "sids=1&asid=2&si=3", "sids=1&asid=2&si=3", NULL, false, false},
    {"another case is another name", "Sid=X&SID=Y", "Sid=X&SID=Y", NULL, false, false},
    {"as a value", "a=sid&b=sid=X", "a=sid&b=sid=X", NULL, false, false},
    {"name percent-encoded", "a=1&%73i%64=X", "a=1", "X", false, false},
    {"name percent-encoded twice is another", "%2573id=X", "%2573id=X", NULL, false, false},
    {"value percent-encoded", "sid=%41-_", NULL, "A-_", false, false},
    {"value that cannot be decoded stays raw", "sid=%zz", NULL, "%zz", false, false},
    {"twice the same", "sid=X&a=1&sid=X", "a=1", "X", false, false},
    {"the same by two names", "sid=X&a=1&smart_session=X", "a=1", "X", false, false},
    {"two", "sid=X&a=1&sid=Y", "a=1", "X", true, false},
    {"two by two names", "smart_session=X&sid=Y", NULL, "X", true, false},
    {"two, one of them empty", "sid=&sid=Y", NULL, "", true, false},
    {"a token goes", "a=1&access_token=T&b", "a=1&b", NULL, false, true},
    {"a token alone", "access_token=T", NULL, NULL, false, true},
    {"a token, its name percent-encoded", "a&access%5ftoken=T", "a", NULL, false, true},
    {"two tokens", "access_token=T&a&access_token=U", "a", NULL, false, true},
    {"a token and a session", "access_token=T&a=%2C+&sid=X", "a=%2C+", "X", false, true},
    {"token as a value", "a=access_token", "a=access_token", NULL, false, false},
    {"other tokens stay", "token=1&access_tokens=2", "token=1&access_tokens=2", NULL, false, false},
    {"empty parts stay", "&&a=1&&sid=X&", "&&a=1&&", "X", false, false},
    {"nothing", "", NULL, NULL, false, false},
    {"odd bytes stay", "\xff=\x01&sid=X&%", "\xff=\x01&%", "X", false, false},
};

static const row_t uris[] = {
    {"the ? goes with it", "/fhir/e/Patient/1?sid=X", "/fhir/e/Patient/1", "X", false, false},
    {"the rest stays", "/fhir/e/Patient?_id=1&sid=X&access_token=T", "/fhir/e/Patient?_id=1", "X",
     false, true},
    {"before a fragment", "/x?sid=X#top", "/x#top", "X", false, false},
    {"in the fragment it is none", "/x#?sid=X", "/x#?sid=X", NULL, false, false},
    {"in the path it is none", "/sid=X", "/sid=X", NULL, false, false},
    {"a second ? belongs to the value", "/x?a=?sid=X", "/x?a=?sid=X", NULL, false, false},
    {"absolute", "https://h/x?sid=X&b", "https://h/x?b", "X", false, false},
};

static const row_t lines[] = {
    {"request line", "GET /x?sid=X HTTP/1.1", "GET /x HTTP/1.1", "X", false, false},
    {"request line, more parameters", "POST /x?a=1&access_token=T&sid=X&b=2 HTTP/1.1",
     "POST /x?a=1&b=2 HTTP/1.1", "X", false, true},
    {"request line without", "GET /x?a=1 HTTP/1.1", "GET /x?a=1 HTTP/1.1", NULL, false, false},
    {"request line of HTTP/0.9", "GET /x?a&sid=X", "GET /x?a", "X", false, false},
    {"no request line", "GET", "GET", NULL, false, false},
};

typedef void (*take_fn)(sl_session_param_t *out, const char *text, const char *const *wanted,
                        apr_pool_t *p);

static void check(const row_t *rows, int count, take_fn take, apr_pool_t *p)
{
    for (int i = 0; i < count; i++) {
        const row_t *row = &rows[i];
        sl_session_param_t got;

        take(&got, row->text, names, p);
        is_str(got.rest, row->rest, row->name);
        is_str(got.session, row->session, row->name);
        ok(got.several == row->several, "%s: %s", row->name, row->several ? "two" : "one");
        ok(got.had_token == row->had_token, "%s: %s token", row->name, row->had_token ? "a" : "no");
        ok(row->session != NULL || row->had_token || row->rest == NULL || got.rest == row->text,
           "%s: nothing copied for nothing", row->name);
    }
}

int main(void)
{
    apr_pool_t *p = rule_pool();
    sl_session_param_t got;

    check(texts, COUNT_OF(texts), sl_session_param_take, p);
    check(uris, COUNT_OF(uris), sl_session_param_take_uri, p);
    check(lines, COUNT_OF(lines), sl_session_param_take_line, p);
    sl_session_param_take(&got, NULL, names, p);
    ok(got.rest == NULL && got.session == NULL && !got.several && !got.had_token, "no text");
    sl_session_param_take(&got, "sid=X&access_token=T", nobody, p);
    is_str(got.rest, "sid=X", "without names only the token goes");
    ok(got.session == NULL && got.had_token, "without names there is no session");
    rule_release(p);
    return tap_done();
}
