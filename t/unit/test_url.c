/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_url.h"
#include <apr_strings.h>

static void test_parse(apr_pool_t *p)
{
    sl_url_t url;
    sl_err_t err;
    static const struct {
        const char *name;
        const char *text;
        const char *id;
    } refused[] = {
        {"SEC-6 no scheme", "ehr.example/fhir", "SL2012"},
        {"SEC-6 ftp", "ftp://ehr.example/", "SL2012"},
        {"SEC-6 javascript", "javascript:alert(1)", "SL2012"},
        {"SEC-6 one slash", "https:/ehr.example/", "SL2012"},
        {"LCH-2 user information", "https://ehr.example@evil.example/", "SL2013"},
        {"LCH-2 empty user information", "https://@ehr.example/", "SL2013"},
        {"LCH-2 empty host", "https:///fhir", "SL2013"},
        {"LCH-2 empty port", "https://ehr.example:/", "SL2013"},
        {"LCH-2 port 0", "https://ehr.example:0/", "SL2013"},
        {"LCH-2 port 65536", "https://ehr.example:65536/", "SL2013"},
        {"LCH-2 port of six digits", "https://ehr.example:000443/", "SL2013"},
        {"LCH-2 port of letters", "https://ehr.example:44a/", "SL2013"},
        {"LCH-2 two ports", "https://ehr.example:443:443/", "SL2013"},
        {"LCH-2 escaped host", "https://ehr%2eexample/", "SL2013"},
        {"LCH-2 empty label", "https://ehr..example/", "SL2013"},
        {"LCH-2 dot at the end of the host", "https://ehr.example./", "SL2013"},
        {"LCH-2 dot at the start of the host", "https://.example/", "SL2013"},
        {"LCH-2 no IPv6 address", "https://[::zz]/", "SL2013"},
        {"LCH-2 open bracket", "https://[::1/", "SL2013"},
        {"LCH-2 text behind the bracket", "https://[::1]x/", "SL2013"},
        {"LCH-2 backslash", "https://ehr.example\\@evil.example/", "SL2011"},
        {"LCH-2 blank", "https://ehr.example/a b", "SL2011"},
        {"LCH-2 line end", "https://ehr.example/\r\nX: y", "SL2011"},
        {"LCH-2 tabulator", "https://ehr\t.example/", "SL2011"},
        {"LCH-2 bytes over ASCII", "https://\xd0\xb5hr.example/", "SL2011"},
        {"LCH-2 quote", "https://ehr.example/\"", "SL2011"},
        {"LCH-2 half an escape", "https://ehr.example/%4", "SL2011"},
    };

    for (int i = 0; i < COUNT_OF(refused); i++) {
        is_end(sl_url_parse(&url, refused[i].text, p, &err), &err, refused[i].id, SL_INVALID,
               apr_pstrcat(p, refused[i].name, " is refused", NULL));
    }
    is_end(sl_url_parse(&url, NULL, p, &err), &err, "SL2011", SL_INVALID, "NULL is refused");
    is_end(sl_url_parse(&url, "HTTPS://EHR.Example:8443/A/b?C=d?e#F", p, &err), &err, NULL, SL_OK,
           "a URL with every part");
    is_str(url.scheme, "https", "scheme in lower case");
    is_str(url.host, "ehr.example", "host in lower case");
    is_int(url.port, 8443, "port");
    ok(!url.is_default_port, "8443 is not the default port");
    is_str(url.path, "/A/b", "path as written");
    is_str(url.query, "C=d?e", "query as written");
    is_str(url.fragment, "F", "fragment as written");
    is_end(sl_url_parse(&url, "http://[2001:DB8::1]", p, &err), &err, NULL, SL_OK,
           "an IPv6 address");
    is_str(url.host, "[2001:db8::1]", "keeps its brackets");
    is_int(url.port, 80, "http has port 80");
    is_str(url.path, "", "an empty path");
    ok(url.query == NULL && url.fragment == NULL, "no query, no fragment");
    is_end(sl_url_parse(&url, "https://[::1]:65535/", p, &err), &err, NULL, SL_OK,
           "an IPv6 address with a port");
    is_int(url.port, 65535, "the highest port");
    is_end(sl_url_parse(&url, "https://ehr.example#a?b", p, &err), &err, NULL, SL_OK,
           "a fragment with a question mark");
    ok(url.query == NULL, "has no query");
    is_str(url.fragment, "a?b", "it is all fragment");
}

static void test_same_issuer(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *a, *b;
        bool want;
    } cases[] = {
        {"the same", "https://e.example/fhir", "https://e.example/fhir", true},
        {"scheme and host in another case", "HTTPS://E.Example/fhir", "https://e.example/fhir",
         true},
        {"the default port written out", "https://e.example:443/fhir", "https://e.example/fhir",
         true},
        {"one trailing slash", "https://e.example/fhir/", "https://e.example/fhir", true},
        {"a bare host and its slash", "https://e.example/", "https://e.example", true},
        {"two trailing slashes", "https://e.example/fhir//", "https://e.example/fhir", false},
        {"path in another case", "https://e.example/FHIR", "https://e.example/fhir", false},
        {"another port", "https://e.example:8443/fhir", "https://e.example/fhir", false},
        {"http for https", "http://e.example/fhir", "https://e.example/fhir", false},
        {"port 80 of https", "https://e.example:80/fhir", "https://e.example/fhir", false},
        {"another tenant", "https://e.example/t2/fhir", "https://e.example/t1/fhir", false},
        {"a longer path", "https://e.example/fhir/x", "https://e.example/fhir", false},
        {"a shorter path", "https://e.example/fhi", "https://e.example/fhir", false},
        {"a look-alike host", "https://e.example.evil.example/fhir", "https://e.example/fhir",
         false},
        {"the host as user", "https://e.example@evil.example/fhir", "https://e.example/fhir",
         false},
        {"a user before the host", "https://x@e.example/fhir", "https://e.example/fhir", false},
        {"a query", "https://e.example/fhir?x", "https://e.example/fhir", false},
        {"an empty query", "https://e.example/fhir?", "https://e.example/fhir", false},
        {"a fragment", "https://e.example/fhir#", "https://e.example/fhir", false},
        {"the same query on both", "https://e.example/f?x", "https://e.example/f?x", false},
        {"dot segments", "https://e.example/a/../fhir", "https://e.example/fhir", false},
        {"an escaped letter", "https://e.example/%66hir", "https://e.example/fhir", false},
        {"a metadata service", "http://169.254.169.254/", "https://e.example/fhir", false},
        {"junk", "junk", "junk", false},
        {"nothing", "", "", false},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        is_int(sl_url_same_issuer(cases[i].a, cases[i].b, p), cases[i].want,
               apr_pstrcat(p, "LCH-2 ", cases[i].name, cases[i].want ? " matches" : " does not",
                           NULL));
        is_int(sl_url_same_issuer(cases[i].b, cases[i].a, p), cases[i].want,
               apr_pstrcat(p, "LCH-2 ", cases[i].name, ", the other way round", NULL));
    }
}

static void test_endpoint(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *url;
        bool loopback;
        const char *id; /* NULL: allowed */
    } cases[] = {
        {"https", "https://e.example/token", false, NULL},
        {"https with a query", "https://e.example/authorize?tenant=1", false, NULL},
        {"http", "http://e.example/token", false, "SL2014"},
        {"http where only loopback is allowed", "http://e.example/token", true, "SL2014"},
        {"http to 127.0.0.1", "http://127.0.0.1:8080/token", true, NULL},
        {"http to 127.1.2.3", "http://127.1.2.3/token", true, NULL},
        {"http to localhost", "http://LocalHost/token", true, NULL},
        {"http to [::1]", "http://[::1]:99/token", true, NULL},
        {"http to loopback when it is not allowed", "http://127.0.0.1/token", false, "SL2014"},
        {"a name that begins with 127", "http://127.0.0.1.evil.example/", true, "SL2014"},
        {"a short form of 127.0.0.1", "http://127.1/", true, "SL2014"},
        {"a name that begins with localhost", "http://localhost.evil.example/", true, "SL2014"},
        {"a fragment", "https://e.example/token#x", false, "SL2015"},
        {"user information", "https://a:b@e.example/token", false, "SL2013"},
        {"javascript", "javascript:alert(1)", true, "SL2012"},
    };
    sl_err_t err;

    for (int i = 0; i < COUNT_OF(cases); i++) {
        is_end(sl_url_check_endpoint(cases[i].url, cases[i].loopback, p, &err), &err, cases[i].id,
               cases[i].id == NULL ? SL_OK : SL_INVALID,
               apr_pstrcat(p, "TKR-3 ", cases[i].name,
                           cases[i].id == NULL ? " is allowed" : " is refused", NULL));
    }
    is_end(sl_url_check_issuer("https://e.example/fhir", false, p, &err), &err, NULL, SL_OK,
           "LCH-2 an issuer");
    is_end(sl_url_check_issuer("https://e.example/fhir?x", false, p, &err), &err, "SL2016",
           SL_INVALID, "LCH-2 an issuer with a query is refused");
    is_end(sl_url_check_issuer("http://e.example/fhir", false, p, &err), &err, "SL2014", SL_INVALID,
           "LCH-2 an http issuer is refused");
}

static void test_making(apr_pool_t *p)
{
    static const struct {
        const char *name;
        const char *base, *reference, *want;
    } cases[] = {
        {"an absolute reference", "https://e.example/fhir", "https://a.example/token",
         "https://a.example/token"},
        {"a path-absolute reference", "https://e.example:8443/fhir", "/auth/token",
         "https://e.example:8443/auth/token"},
        {"a path-relative reference", "https://e.example/fhir", "auth/token",
         "https://e.example/fhir/auth/token"},
        {"a path-relative reference, base with slash", "https://e.example/fhir/", "auth/token",
         "https://e.example/fhir/auth/token"},
        {"a reference with a query", "https://e.example/fhir", "/token?tenant=a:b",
         "https://e.example/token?tenant=a:b"},
        {"a network-path reference", "https://e.example/fhir", "//evil.example/token", NULL},
        {"dot segments", "https://e.example/fhir", "../token", NULL},
        {"escaped dot segments", "https://e.example/fhir", "/a/%2e%2E/token", NULL},
        {"javascript", "https://e.example/fhir", "javascript:alert(1)", NULL},
        {"javascript with slashes", "https://e.example/fhir", "javascript://x/%0aalert(1)", NULL},
        {"nothing", "https://e.example/fhir", "", NULL},
        {"a query alone", "https://e.example/fhir", "?x", NULL},
        {"a blank", "https://e.example/fhir", "/a b", NULL},
    };

    for (int i = 0; i < COUNT_OF(cases); i++) {
        is_str(sl_url_resolve(p, cases[i].base, cases[i].reference), cases[i].want,
               apr_pstrcat(p, "DIS-3 ", cases[i].name, NULL));
    }
    is_str(sl_url_well_known(p, "https://e.example/fhir", "smart-configuration"),
           "https://e.example/fhir/.well-known/smart-configuration",
           "DIS-1 appended to a base without slash");
    is_str(sl_url_well_known(p, "https://e.example/fhir/", "smart-configuration"),
           "https://e.example/fhir/.well-known/smart-configuration",
           "DIS-1 appended to a base with slash");
    is_str(sl_url_origin(p, "HTTPS://E.example:443/fhir?x"), "https://e.example",
           "an origin has no default port");
    is_str(sl_url_origin(p, "http://e.example:8080"), "http://e.example:8080",
           "an origin keeps another port");
    is_str(sl_url_origin(p, "e.example"), NULL, "no origin");
    is_str(sl_url_add_param(p, "https://a/b", "n m", "v&w"), "https://a/b?n%20m=v%26w",
           "AZR-7 the first parameter");
    is_str(sl_url_add_param(p, "https://a/b?t=1", "n", "v"), "https://a/b?t=1&n=v",
           "AZR-7 a further parameter");
    is_str(sl_url_add_param(p, "https://a/b?", "n", "v"), "https://a/b?n=v",
           "AZR-7 behind an empty query");
    is_str(sl_url_add_param(p, "https://a/b?t&", "n", "v"), "https://a/b?t&n=v",
           "AZR-7 behind an ampersand");
    is_str(sl_url_add_param(p, "/b#f?g", "n", "v"), "/b?n=v#f?g", "AZR-7 before the fragment");
}

static void test_return_path(apr_pool_t *p)
{
    static const struct {
        const char *path;
        bool want;
    } cases[] = {
        {"/", true},
        {"/redcap/index.php?pid=3&id=1%2F2", true},
        {"/a//b", true},
        {"/a?next=//evil.example", true},
        {"/caf%C3%A9", true},
        {"/a/..b/c..", true},
        {"//evil.example", false},
        {"/\\evil.example", false},
        {"\\\\evil.example", false},
        {"/%2fevil.example", false},
        {"/%2Fevil.example", false},
        {"/%5cevil.example", false},
        {"/%5C%5Cevil.example", false},
        {"%2f%2fevil.example", false},
        {"https:evil.example", false},
        {"https://evil.example", false},
        {"javascript:alert(1)", false},
        {"evil.example", false},
        {"", false},
        {"/a%0d%0aSet-Cookie:x", false},
        {"/a?x=%0d%0a", false},
        {"/\tevil.example", false},
        {"/%09/evil.example", false},
        {"/a\r\nb", false},
        {"/a b", false},
        {"/a#b", false},
        {"/a%00", false},
        {"/a%7f", false},
        {"/a%4", false},
        {"/a/../b", false},
        {"/a/%2e%2e/b", false},
        {"/..", false},
        {"/./evil", false},
        {"/caf\xc3\xa9", false},
    };
    char *longer = apr_pcalloc(p, SL_URL_MAX + 2);

    for (int i = 0; i < COUNT_OF(cases); i++) {
        is_int(sl_url_is_return_path(cases[i].path, p), cases[i].want,
               apr_psprintf(p, "AZR-13 return path %d %s", i,
                            cases[i].want ? "is ours" : "is refused"));
    }
    ok(!sl_url_is_return_path(NULL, p), "AZR-13 no return path");
    memset(longer, 'x', SL_URL_MAX + 1);
    longer[0] = '/';
    ok(!sl_url_is_return_path(longer, p), "AZR-13 an overlong return path is refused");
}

static void test_below(void)
{
    ok(sl_url_is_below("/redcap", "/redcap"), "AZR-13 the prefix itself");
    ok(sl_url_is_below("/redcap/x", "/redcap"), "AZR-13 below the prefix");
    ok(sl_url_is_below("/redcap?x", "/redcap"), "AZR-13 the prefix with a query");
    ok(sl_url_is_below("/redcap/x", "/redcap/"), "AZR-13 a prefix with slash");
    ok(sl_url_is_below("/redcap", "/redcap/"), "AZR-13 a prefix with slash, path without");
    ok(sl_url_is_below("/x", "/"), "AZR-13 everything is below /");
    ok(!sl_url_is_below("/redcapx", "/redcap"), "AZR-13 not within a segment");
    ok(!sl_url_is_below("/red", "/redcap"), "AZR-13 not above");
    ok(!sl_url_is_below("x", "/"), "AZR-13 no path at all");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_parse(p);
    test_same_issuer(p);
    test_endpoint(p);
    test_making(p);
    test_return_path(p);
    test_below();
    rule_release(p);
    return tap_done();
}
