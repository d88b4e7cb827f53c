/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_location.h"

#define H "smart_launch=H"

static const struct {
    const char *name, *location, *want; /* NULL: stays as it is */
} rows[] = {
    {"a path", "/app/x", "/app/x?" H},
    {"a path with a query", "/app/x?a=1", "/app/x?a=1&" H},
    {"before the fragment", "/app/x?a=1#top", "/app/x?a=1&" H "#top"},
    {"a path outside the app", "/other", "/other?" H},
    {"the root", "/", "/?" H},
    {"relative", "x.php", "x.php?" H},
    {"relative, up", "../x.php", "../x.php?" H},
    {"only a query", "?page=2", "?page=2&" H},
    {"only a fragment moves within the page", "#top", NULL},
    {"nothing", "", NULL},
    {"absolute, ours", "https://app.example/app/x", "https://app.example/app/x?" H},
    {"absolute, ours in another case", "HTTPS://App.Example:443/x", "HTTPS://App.Example:443/x?" H},
    {"absolute, ours, no path", "https://app.example", "https://app.example?" H},
    {"absolute, ours, a fragment", "https://app.example#a", "https://app.example?" H "#a"},
    {"without a scheme, ours", "//app.example/x", "//app.example/x?" H},
    {"a blank inside", "/x?msg=all saved", "/x?msg=all saved&" H},

    {"never twice", "/app/x?smart_launch=H", NULL},
    {"never twice, another launch", "/app/x?a=1&smart_launch=B", NULL},
    {"never twice, encoded", "/app/x?smart%5flaunch=B", NULL},
    {"in the fragment it is none", "/x#smart_launch=B", "/x?" H "#smart_launch=B"},

    {"foreign", "https://evil.example/x", NULL},
    {"foreign port", "https://app.example:8443/x", NULL},
    {"foreign scheme", "http://app.example/x", NULL},
    {"foreign, our name as a user", "https://app.example@evil.example/", NULL},
    {"foreign without a scheme", "//evil.example/x", NULL},
    {"foreign by three slashes", "///evil.example/x", NULL},
    {"foreign by a backslash", "/\\evil.example/x", NULL},
    {"foreign by two backslashes", "\\\\evil.example/x", NULL},
    {"foreign by a tab", "/\t/evil.example/x", NULL},
    {"foreign behind a blank", " //evil.example/x", NULL},
    {"half a scheme", "https:x", NULL},
    {"one slash", "https:/x", NULL},
    {"mailto", "mailto:a@b", NULL},
    {"a scheme with a plus", "web+x:y", NULL},
    {"a scheme with a hyphen", "a-b:y", NULL},
    {"javascript", "javascript:alert(1)", NULL},
    {"a colon later on is no scheme", "x/y:z", "x/y:z?" H},

    {"our own URL", "/smart", NULL},
    {"below our own URL", "/smart/start?ehr=epic&return=/app", NULL},
    {"our own URL, absolute", "https://app.example/smart/start", NULL},
    {"our own URL, a slash at the end", "/smart/", NULL},
    {"our own URL, relative", "../smart/start", NULL},
    {"our own URL, dots", "/app/./x/../../smart/start", NULL},
    {"our own URL, encoded", "/sm%61rt/start", NULL},
    {"our own URL, encoded dots", "/app/%2e%2e/smart", NULL},
    {"our own URL, double slash", "/app/..//smart//start", NULL},
    {"our other own URL", "/second/smart?x", NULL},
    {"a folder of two letters", "/ab/smart", "/ab/smart?" H},
    {"a folder of one letter", "/a/smart", "/a/smart?" H},
    {"a folder that begins with dots", "/..a/smart", "/..a/smart?" H},
    {"a folder that begins with a dot", "/.a/smart", "/.a/smart?" H},
    {"dots above the root", "/../../smart", NULL},
    {"only begins like our own URL", "/smarty", "/smarty?" H},
    {"ends like our own URL", "/app/smart", "/app/smart?" H},
};

static const struct {
    const char *name, *public_url, *uri, *want;
} agains[] = {
    {"a page", "https://app.example", "/app/x?a=1", "https://app.example/app/x?a=1&" H},
    {"a public URL with a slash", "https://app.example/", "/x", "https://app.example/x?" H},
    {"AZR-13 a path that would lead away", "https://app.example", "//evil.example/x",
     "https://app.example//evil.example/x?" H},
    {"AZR-13 a backslash", "https://app.example", "/\\evil.example", NULL},
    {"AZR-13 a control character", "https://app.example", "/x\r\nX: y", NULL},
    {"AZR-13 absolute", "https://app.example", "https://evil.example/", NULL},
    {"AZR-13 a user", "https://app.example", "@evil.example/", NULL},
    {"AZR-13 a host", "https://app.example", ".evil.example/", NULL},
    {"nothing", "https://app.example", "", NULL},
    {"OPTIONS *", "https://app.example", "*", NULL},
};

int main(void)
{
    static const char *const own[] = {"/smart", "/second/smart", NULL};
    sl_location_t rule = {"https://app.example", "/app/page.php", own, "H"};
    sl_location_t on_our_own = {"https://app.example", "/smart/link", own, "H"};
    sl_location_t pathless = {"https://app.example", NULL, NULL, "H"};
    apr_pool_t *p = rule_pool();
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const char *location = rows[i].location;
        const char *got = sl_location_carry(p, &rule, location);

        is_str(got, rows[i].want != NULL ? rows[i].want : location, rows[i].name);
        ok(rows[i].want != NULL || got == location, "%s: the very same", rows[i].name);
    }
    is_str(sl_location_carry(p, &on_our_own, "start"), "start", "our own URL, from our own page");
    is_str(sl_location_carry(p, &on_our_own, "?x"), "?x", "our own page itself");
    is_str(sl_location_carry(p, &pathless, "x"), "x?" H, "no path and no own URLs");
    for (i = 0; i < sizeof(agains) / sizeof(agains[0]); i++) {
        is_str(sl_location_again(p, agains[i].public_url, agains[i].uri, "H"), agains[i].want,
               agains[i].name);
    }
    rule_release(p);
    return tap_done();
}
