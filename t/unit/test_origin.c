/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_origin.h"

static const struct {
    const char *name, *ours, *url, *rest;
} rows[] = {
    {"the origin alone", "https://app.example", "https://app.example", ""},
    {"a path", "https://app.example", "https://app.example/a?b#c", "/a?b#c"},
    {"a query without a path", "https://app.example", "https://app.example?b", "?b"},
    {"our slash at the end", "https://app.example/", "https://app.example/a", "/a"},
    {"scheme and host in other case", "https://app.example", "HTTPS://APP.example/a", "/a"},
    {"default port written", "https://app.example", "https://app.example:443/a", "/a"},
    {"default port written with zeros", "https://app.example", "https://app.example:0443/a", "/a"},
    {"default port written by us", "https://app.example:443", "https://app.example/a", "/a"},
    {"default port of http", "http://app.example", "http://app.example:80/", "/"},
    {"our own port", "https://app.example:8443", "https://app.example:8443/", "/"},
    {"an IPv6 address", "https://[::1]:8443", "https://[::1]:8443/x", "/x"},
    {"another port", "https://app.example:8443", "https://app.example/", NULL},
    {"another scheme", "https://app.example", "http://app.example/", NULL},
    {"another host", "https://app.example", "https://app.exampl/", NULL},
    {"a longer host", "https://app.example", "https://app.example.evil/", NULL},
    {"a subdomain", "https://app.example", "https://x.app.example/", NULL},
    {"a dot at the end of the host", "https://app.example", "https://app.example./", NULL},
    {"userinfo", "https://app.example", "https://app.example@evil.example/", NULL},
    {"userinfo before us", "https://app.example", "https://evil@app.example/", NULL},
    {"userinfo with a port", "https://app.example", "https://app.example:443@evil.example/", NULL},
    {"a backslash for a slash", "https://app.example", "https://app.example\\.evil.example/", NULL},
    {"an encoded host", "https://app.example", "https://app%2eexample/", NULL},
    {"a blank in the host", "https://app.example", "https://app.example .evil/", NULL},
    {"an empty port", "https://app.example", "https://app.example:/", NULL},
    {"a port that is none", "https://app.example", "https://app.example:443x/", NULL},
    {"five digits", "https://app.example:65000", "https://app.example:65000/", "/"},
    {"a port of six digits", "https://app.example", "https://app.example:000443/", NULL},
    {"no host on either side", "https:///x", "https:///x", NULL},
    {"no URL on either side", "app", "app", NULL},
    {"one slash", "https://app.example", "https:/app.example/", NULL},
    {"three slashes", "https://app.example", "https:///app.example/", NULL},
    {"a path alone", "https://app.example", "/a", NULL},
    {"without a scheme", "https://app.example", "//app.example/a", NULL},
    {"empty", "https://app.example", "", NULL},
    {"none", "https://app.example", NULL, NULL},
    {"none of ours", NULL, "https://app.example", NULL},
};

static const struct {
    const char *origin;
    bool ours;
} origins[] = {
    {"https://app.example", true},
    {"https://app.example:443", true},
    {"https://app.example/", false},
    {"null", false},
    {"", false},
    {"https://ehr.example", false},
    {"https://app.example, null", false},
    {"https://app.example https://evil.example", false},
    {"http://app.example", false},
};

static const struct {
    const char *url;
    bool plain;
} plains[] = {
    {"/a?b#c", true},    {"/a b", true},        {"/a?x=\\", true}, {"", true},
    {"/\\evil", false},  {"\\/evil", false},    {" /a", false},    {"/a ", false},
    {"/\t/evil", false}, {"/a\r\nX: y", false}, {"/a\x7f", false}, {"/a?\x01", false},
};

int main(void)
{
    size_t i;

    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        is_str(sl_origin_rest(rows[i].ours, rows[i].url), rows[i].rest, rows[i].name);
    }
    for (i = 0; i < sizeof(origins) / sizeof(origins[0]); i++) {
        ok(sl_origin_is("https://app.example", origins[i].origin) == origins[i].ours,
           "design 12: Origin: %s", origins[i].origin);
    }
    ok(!sl_origin_is("https://app.example", NULL), "design 12: no Origin is not ours");
    for (i = 0; i < sizeof(plains) / sizeof(plains[0]); i++) {
        ok(sl_origin_is_plain(plains[i].url) == plains[i].plain, "AZR-13 plain, row %d", (int)i);
    }
    return tap_done();
}
