/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_read.h"
#include "rule.h"
#include <apr_strings.h>

int main(void)
{
    static const struct {
        const char *name, *next;
        bool may;
    } rows[] = {
        {"C9 the same base", "https://ehr.example/fhir/Observation?page=2", true},
        {"C9 another path", "https://ehr.example/other/api?_getpages=1", true},
        {"C9 no path", "https://ehr.example?_getpages=1", true},
        {"C9 a bar in the open", "https://ehr.example/fhir?code=http://loinc.org|8480-6", true},
        {"C9 the default port written out", "https://ehr.example:443/fhir?page=2", true},
        {"C9 capitals", "HTTPS://EHR.Example/fhir?page=2", true},
        {"C9 an address in the query", "https://ehr.example/fhir?x=https://evil.example/", true},
        {"C9 another host", "https://evil.example/fhir?page=2", false},
        {"C9 a host below ours", "https://a.ehr.example/fhir?page=2", false},
        {"C9 ours in front of theirs", "https://ehr.example.evil.example/", false},
        {"C9 http", "http://ehr.example/fhir?page=2", false},
        {"C9 another port", "https://ehr.example:8443/fhir?page=2", false},
        {"C9 user information", "https://ehr.example@evil.example/", false},
        {"C9 user information of ours", "https://user@ehr.example/", false},
        {"C9 user and password", "https://ehr.example:443@evil.example/", false},
        {"C9 a backslash", "https://ehr.example\\@evil.example/", false},
        {"C9 a backslash in the path", "https://ehr.example/\\evil.example/", false},
        {"C9 backslashes for slashes", "https:\\\\ehr.example/", false},
        {"C9 without scheme", "//ehr.example/fhir", false},
        {"C9 a path alone", "/fhir?page=2", false},
        {"C9 a query alone", "?page=2", false},
        {"C9 one slash", "https:/ehr.example/", false},
        {"C9 three slashes", "https:///ehr.example/", false},
        {"C9 a fragment", "https://ehr.example/fhir#page", false},
        {"C9 a blank", "https://ehr.example/fhir?a b", false},
        {"C9 a line end", "https://ehr.example/fhir\r\nX: y", false},
        {"C9 a tabulator in the host", "https://ehr\t.example/", false},
        {"C9 an escaped host", "https://ehr%2eexample/", false},
        {"C9 a dot behind the host", "https://ehr.example./", false},
        {"C9 letters that look alike", "https://\xd0\xb5hr.example/", false},
        {"C9 another scheme", "ftp://ehr.example/", false},
        {"C9 a script", "javascript://ehr.example/%0aalert(1)", false},
        {"C9 a scheme in front", "x:https://ehr.example/", false},
        {"C9 empty", "", false},
        {"C9 none", NULL, false},
    };
    apr_pool_t *p = rule_pool();
    char *text = apr_palloc(p, 40001);

    for (int i = 0; i < COUNT_OF(rows); i++) {
        ok(sl_cdp_may_follow("https://ehr.example/fhir", rows[i].next, p) == rows[i].may, "%s",
           rows[i].name);
    }
    ok(sl_cdp_may_follow("http://[::1]:8080/fhir", "http://[::1]:8080/fhir?page=2", p) &&
           !sl_cdp_may_follow("http://[::1]:8080/fhir", "http://[::2]:8080/fhir?page=2", p),
       "C9 an IPv6 address");
    ok(!sl_cdp_may_follow("no url", "https://ehr.example/", p) &&
           !sl_cdp_may_follow(NULL, "https://ehr.example/", p),
       "C9 no base, no way");
    memset(text, 'a', 40000);
    text[40000] = '\0';
    ok(!sl_cdp_may_follow("https://ehr.example/",
                          apr_pstrcat(p, "https://ehr.example/", text, NULL), p),
       "C9 40,000 bytes");
    text[16000] = '\0';
    ok(sl_cdp_may_follow("https://ehr.example/", apr_pstrcat(p, "https://ehr.example/", text, NULL),
                         p),
       "C9 16,000 bytes are not rare");
    rule_release(p);
    return tap_done();
}
