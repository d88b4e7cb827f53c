/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_query.h"

typedef struct {
    const char *name, *text, *rest, *handle;
    bool several;
} row_t;

static const row_t queries[] = {
    {"in the middle", "a=1&smart_launch=X&b=2", "a=1&b=2", "X", false},
    {"at the front", "smart_launch=X&b=2", "b=2", "X", false},
    {"at the end", "a=1&smart_launch=X", "a=1", "X", false},
    {"alone", "smart_launch=X", NULL, "X", false},
    {"empty", "smart_launch=", NULL, "", false},
    {"without a value", "a&smart_launch", "a", "", false},
    {"not there", "a=1&b=2", "a=1&b=2", NULL, false},
    {"only part of a name", "smart_launches=1&asmart_launch=2&smart_launc=3",
     "smart_launches=1&asmart_launch=2&smart_launc=3", NULL, false},
    {"another case is another name", "Smart_Launch=X", "Smart_Launch=X", NULL, false},
    {"as a value", "a=smart_launch&b=smart_launch=X", "a=smart_launch&b=smart_launch=X", NULL,
     false},
    {"name percent-encoded", "a=1&smart%5Flaunch=X", "a=1", "X", false},
    {"name percent-encoded throughout", "%73%6d%61%72%74%5f%6c%61%75%6E%63%68=X&a=%20+%zz",
     "a=%20+%zz", "X", false},
    {"value percent-encoded", "smart_launch=%41-_", NULL, "A-_", false},
    {"value that cannot be decoded stays raw", "smart_launch=%zz", NULL, "%zz", false},
    {"value with an encoded NUL stays raw", "smart_launch=X%00", NULL, "X%00", false},
    {"twice the same", "smart_launch=X&a=1&smart_launch=X", "a=1", "X", false},
    {"twice the same, differently written", "smart_launch=X&smart_launch=%58", NULL, "X", false},
    {"two", "smart_launch=X&smart_launch=Y&a=1", "a=1", "X", true},
    {"two, one of them empty", "smart_launch=&smart_launch=Y", NULL, "", true},
    {"empty parts stay", "&&a=1&&smart_launch=X&", "&&a=1&&", "X", false},
    {"a part that is empty stays", "smart_launch=X&&b", "&b", "X", false},
    {"nothing", "", "", NULL, false},
    {"odd bytes elsewhere stay", "\xff=\x01&smart_launch=X&%", "\xff=\x01&%", "X", false},
    {"a cut escape in the name", "smart_launch%5=X", "smart_launch%5=X", NULL, false},
};

static const row_t uris[] = {
    {"the ? goes with it", "/x?smart_launch=X", "/x", "X", false},
    {"the rest stays", "/x?a=1&smart_launch=X", "/x?a=1", "X", false},
    {"before a fragment", "/x?smart_launch=X#top", "/x#top", "X", false},
    {"in the fragment it is none", "/x#?smart_launch=X", "/x#?smart_launch=X", NULL, false},
    {"in the path it is none", "/smart_launch=X", "/smart_launch=X", NULL, false},
    {"a second ? belongs to the value", "/x?a=?smart_launch=X", "/x?a=?smart_launch=X", NULL,
     false},
    {"no query", "/x", "/x", NULL, false},
    {"an empty query stays", "/x?", "/x?", NULL, false},
    {"absolute", "https://h/x?smart_launch=X&b", "https://h/x?b", "X", false},
    {"empty", "", "", NULL, false},
};

static const row_t lines[] = {
    {"request line", "GET /x?smart_launch=X HTTP/1.1", "GET /x HTTP/1.1", "X", false},
    {"request line, more parameters", "POST /x?a=1&smart_launch=X&b=2 HTTP/1.1",
     "POST /x?a=1&b=2 HTTP/1.1", "X", false},
    {"request line without", "GET /x?a=1 HTTP/1.1", "GET /x?a=1 HTTP/1.1", NULL, false},
    {"request line with a blank in the URI", "GET /x?smart_launch=X y HTTP/1.1", "GET /x HTTP/1.1",
     "X y", false},
    {"request line of HTTP/0.9", "GET /x?a&smart_launch=X", "GET /x?a", "X", false},
    {"no request line", "GET", "GET", NULL, false},
    {"an empty request line", "", "", NULL, false},
};

static const struct {
    const char *name, *url, *want;
} puts_rows[] = {
    {"a path", "/x", "/x?smart_launch=H"},
    {"a query", "/x?a=1", "/x?a=1&smart_launch=H"},
    {"an empty query", "/x?", "/x?smart_launch=H"},
    {"a query that ends with &", "/x?a&", "/x?a&&smart_launch=H"},
    {"a fragment", "/x#top", "/x?smart_launch=H#top"},
    {"query and fragment", "/x?a=1#top", "/x?a=1&smart_launch=H#top"},
    {"a ? in the fragment", "/x#a?b", "/x?smart_launch=H#a?b"},
    {"in place of another", "/x?smart_launch=OLD&a=1", "/x?a=1&smart_launch=H"},
    {"in place of itself", "/x?smart_launch=H", "/x?smart_launch=H"},
    {"no path", "https://h", "https://h?smart_launch=H"},
    {"nothing", "", "?smart_launch=H"},
};

typedef void (*take_fn)(sl_query_t *out, const char *text, apr_pool_t *p);

static void check(const row_t *rows, size_t count, take_fn take, apr_pool_t *p)
{
    size_t i;

    for (i = 0; i < count; i++) {
        const row_t *row = &rows[i];
        sl_query_t got;

        take(&got, row->text, p);
        is_str(got.rest, row->rest, row->name);
        is_str(got.handle, row->handle, row->name);
        ok(got.several == row->several, "%s: %s", row->name, row->several ? "two" : "one");
        ok(row->handle != NULL || got.rest == row->text, "%s: nothing copied for nothing",
           row->name);
    }
}

#define CHECK(rows, take, p) check(rows, sizeof(rows) / sizeof((rows)[0]), take, p)

int main(void)
{
    apr_pool_t *p = rule_pool();
    sl_query_t got;
    size_t i;

    CHECK(queries, sl_query_take, p);
    CHECK(uris, sl_query_take_uri, p);
    CHECK(lines, sl_query_take_line, p);
    sl_query_take(&got, NULL, p);
    ok(got.rest == NULL && got.handle == NULL && !got.several, "no query at all");
    sl_query_find(&got, "/x?smart_launch=X&smart_launch=Y#smart_launch=Z", p);
    is_str(got.handle, "X", "found in a URL");
    ok(got.several, "found two in a URL");
    sl_query_find(&got, "/x?a", p);
    ok(got.handle == NULL && !got.several, "found none in a URL");
    for (i = 0; i < sizeof(puts_rows) / sizeof(puts_rows[0]); i++) {
        is_str(sl_query_put(p, puts_rows[i].url, "H"), puts_rows[i].want, puts_rows[i].name);
    }
    is_str(sl_query_put(p, "/x", "a&b=#"), "/x?smart_launch=a%26b%3D%23", "a handle is encoded");
    rule_release(p);
    return tap_done();
}
