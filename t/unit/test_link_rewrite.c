/* SPDX-License-Identifier: Apache-2.0 */
/* FHR-4, FHR-5: which bytes of a body change, however it arrives in pieces. */
#include "link_feed.h"
#include "rule.h"

#define ESCAPED_BASE "https:\\/\\/ehr.example\\/fhir\\/r4"
#define ESCAPED_GATEWAY "https:\\/\\/app.example\\/fhir\\/demo"
#define SAME NULL

static const struct {
    const char *name, *body, *want; /* SAME: unchanged */
    int links;
} rows[] = {
    {"fullUrl", "{\"fullUrl\":\"" BASE "/Patient/1\"}", "{\"fullUrl\":\"" GATEWAY "/Patient/1\"}",
     1},
    {"url", "{\"url\":\"" BASE "/Patient?_page=2\"}", "{\"url\":\"" GATEWAY "/Patient?_page=2\"}",
     1},
    {"reference", "{\"reference\":\"" BASE "/Patient/1\"}",
     "{\"reference\":\"" GATEWAY "/Patient/1\"}", 1},
    {"location", "{\"location\":\"" BASE "/Patient/1/_history/2\"}",
     "{\"location\":\"" GATEWAY "/Patient/1/_history/2\"}", 1},
    {"two in one", "{\"url\":\"" BASE "\",\"x\":[{\"reference\":\"" BASE "/A/1\"}]}",
     "{\"url\":\"" GATEWAY "\",\"x\":[{\"reference\":\"" GATEWAY "/A/1\"}]}", 2},
    {"the base and nothing more", "{\"url\":\"" BASE "\"}", "{\"url\":\"" GATEWAY "\"}", 1},
    {"the base and a query", "{\"url\":\"" BASE "?_getpages=1\"}",
     "{\"url\":\"" GATEWAY "?_getpages=1\"}", 1},
    {"the base and a fragment", "{\"url\":\"" BASE "#x\"}", "{\"url\":\"" GATEWAY "#x\"}", 1},
    {"the base and a slash", "{\"url\":\"" BASE "/\"}", "{\"url\":\"" GATEWAY "/\"}", 1},
    {"slashes escaped", "{\"url\":\"" ESCAPED_BASE "\\/Patient\\/1\"}",
     "{\"url\":\"" ESCAPED_GATEWAY "\\/Patient\\/1\"}", 1},
    {"slashes escaped, the base alone", "{\"url\":\"" ESCAPED_BASE "\"}",
     "{\"url\":\"" ESCAPED_GATEWAY "\"}", 1},
    {"slashes escaped, a query", "{\"url\":\"" ESCAPED_BASE "?a=\\/\"}",
     "{\"url\":\"" ESCAPED_GATEWAY "?a=\\/\"}", 1},
    {"some slashes escaped", "{\"url\":\"https:\\/\\/ehr.example/fhir/r4/A/1\"}",
     "{\"url\":\"" ESCAPED_GATEWAY "/A/1\"}", 1},
    {"white space", "{\"url\" \t\r\n: \r\n\t \"" BASE "/A/1\"}",
     "{\"url\" \t\r\n: \r\n\t \"" GATEWAY "/A/1\"}", 1},
    {"much white space",
     "{\"url\"                                                                              :   "
     "                                                                      \"" BASE "/A/1\"}",
     "{\"url\"                                                                              :   "
     "                                                                      \"" GATEWAY "/A/1\"}",
     1},
    {"behind text that has a backslash at its end", "{\"a\":\"b\\\\\",\"url\":\"" BASE "/A/1\"}",
     "{\"a\":\"b\\\\\",\"url\":\"" GATEWAY "/A/1\"}", 1},
    {"a search of canonical ones is fetched", "{\"url\":\"" BASE "/ValueSet?url=x\"}",
     "{\"url\":\"" GATEWAY "/ValueSet?url=x\"}", 1},
    {"a type that begins like a canonical one", "{\"url\":\"" BASE "/ValueSets/1\"}",
     "{\"url\":\"" GATEWAY "/ValueSets/1\"}", 1},

    {"longer than the base", "{\"url\":\"" BASE "0/Patient/1\"}", SAME, 0},
    {"the base's host with another path", "{\"url\":\"https://ehr.example/fhir/r5/A\"}", SAME, 0},
    {"the base behind a host name", "{\"url\":\"" BASE ".evil.example/A\"}", SAME, 0},
    {"another host", "{\"url\":\"https://files.example/A\"}", SAME, 0},
    {"http instead of https", "{\"url\":\"http://ehr.example/fhir/r4/A\"}", SAME, 0},
    {"upper case", "{\"url\":\"HTTPS://ehr.example/fhir/r4/A\"}", SAME, 0},
    {"relative", "{\"reference\":\"Patient/1\"}", SAME, 0},
    {"a canonical: structure", "{\"url\":\"" BASE "/StructureDefinition/x\"}", SAME, 0},
    {"a canonical: structure, escaped", "{\"url\":\"" ESCAPED_BASE "\\/StructureDefinition\\/x\"}",
     SAME, 0},
    {"a canonical: values", "{\"url\":\"" BASE "/ValueSet/x\"}", SAME, 0},
    {"a canonical: codes", "{\"url\":\"" BASE "/CodeSystem/x\"}", SAME, 0},
    {"a canonical: names", "{\"url\":\"" BASE "/NamingSystem/x\"}", SAME, 0},
    {"a canonical: search", "{\"url\":\"" BASE "/SearchParameter/x\"}", SAME, 0},
    {"a canonical: capabilities", "{\"url\":\"" BASE "/CapabilityStatement/x\"}", SAME, 0},
    {"system", "{\"system\":\"" BASE "/A\"}", SAME, 0},
    {"profile", "{\"profile\":[\"" BASE "/A\"]}", SAME, 0},
    {"another key's end", "{\"myurl\":\"" BASE "/A\"}", SAME, 0},
    {"another case of a key", "{\"fullurl\":\"" BASE "/A\",\"URL\":\"" BASE "/A\"}", SAME, 0},
    {"a key that ends like one, quoted", "{\"my\\\"url\":\"" BASE "/A\"}", SAME, 0},
    {"the longest key's end, quoted, with blanks", "{\"my\\\"reference\" : \"" BASE "/A\"}", SAME,
     0},
    {"in an array of the key", "{\"url\":[\"" BASE "/A\"]}", SAME, 0},
    {"narrative", "{\"div\":\"<a href=\\\"" BASE "/A\\\">\"}", SAME, 0},
    {"JSON in a string", "{\"text\":\"{\\\"url\\\":\\\"" BASE "/A\\\"}\"}", SAME, 0},
    {"JSON in a string, with blanks", "{\"text\":\"{\\\"url\\\" : \\\"" BASE "/A\\\"}\"}", SAME, 0},
    {"JSON in JSON in a string", "{\"t\":\"{\\\\\\\"url\\\\\\\":\\\\\\\"" BASE "/A\\\\\\\"}\"}",
     SAME, 0},
    {"text with the base in the middle", "{\"url\":\"see " BASE "/A\"}", SAME, 0},
    {"the base as a key", "{\"" BASE "/A\":1}", SAME, 0},
    {"a value that is called like a key", "[\"url\",\"" BASE "/A\"]", SAME, 0},
    {"other bytes where the base's slash is escaped", "{\"url\":\"https:\\u002f/ehr\"}", SAME, 0},

    {"the base cut by the end", "{\"url\":\"https://ehr.example/fhi", SAME, 0},
    {"cut behind the base", "{\"url\":\"" BASE, SAME, 0},
    {"cut in what might be a canonical", "{\"url\":\"" BASE "/Value", SAME, 0},
    {"cut behind the backslash", "{\"url\":\"" ESCAPED_BASE "\\", SAME, 0},
    {"cut behind what decides", "{\"url\":\"" BASE "/P", "{\"url\":\"" GATEWAY "/P", 1},
    {"the quote is all", "\"", SAME, 0},
    {"nothing", "", SAME, 0},
    {"a backslash is all", "\\", SAME, 0},
    {"no JSON: HTML", "<html><a href=\"" BASE "/A\">url: \"" BASE "/A\"</a>", SAME, 0},
    {"no JSON: quotes", "\"\"h\"ht\"htt\"http\"https:\"\"\"\"", SAME, 0},
    {"no JSON: broken off and begun again", "{\"url\":\"https://ehr.ex\"" BASE "/A", SAME, 0},
    {"no JSON: the key twice", "{\"url\":\"url\":\"" BASE "/A", "{\"url\":\"url\":\"" GATEWAY "/A",
     1},
    {"UTF-8 and other bytes",
     "\xef\xbb\xbf{\"\xc3\xa4\":\"\xff\xfe\",\"url\":\"" BASE "/\xc3\xa4\"}",
     "\xef\xbb\xbf{\"\xc3\xa4\":\"\xff\xfe\",\"url\":\"" GATEWAY "/\xc3\xa4\"}", 1},
};

static bool comes_out(const char *body, size_t len, const char *want, unsigned most, uint64_t *seed)
{
    link_text_t out = {NULL, 0, 0};
    bool same;

    (void)link_feed(&out, body, len, most, seed);
    same = out.len == strlen(want) && (out.len == 0 || memcmp(out.bytes, want, out.len) == 0);
    free(out.bytes);
    return same;
}

static void check_rows(void)
{
    uint64_t seed = 4711;

    for (int i = 0; i < COUNT_OF(rows); i++) {
        const char *body = rows[i].body, *want = rows[i].want == SAME ? body : rows[i].want;
        link_text_t out = {NULL, 0, 0};
        bool same = comes_out(body, strlen(body), want, 1, &seed);
        sl_link_counts_t counts;

        link_text_say(&out, "");
        counts = link_feed(&out, body, strlen(body), 0, &seed);
        is_str(out.bytes, want, rows[i].name);
        is_int((intmax_t)counts.links, rows[i].links, rows[i].name);
        for (unsigned round = 0; round < 300; round++) {
            same = same && comes_out(body, strlen(body), want, 1 + round % 60, &seed);
        }
        ok(same, "%s: in pieces, too", rows[i].name);
        free(out.bytes);
    }
}

/* Every body cut in two at every byte. */
static void check_cuts(apr_pool_t *p)
{
    bool same = true;
    int cuts = 0;

    for (int i = 0; i < COUNT_OF(rows); i++) {
        const char *body = rows[i].body, *want = rows[i].want == SAME ? body : rows[i].want;
        size_t len = strlen(body);

        for (size_t cut = 0; cut <= len; cut++, cuts++) {
            sl_link_rewrite_t *rewrite = sl_link_rewrite_new(p, BASE, GATEWAY);
            link_text_t out = {NULL, 0, 0};

            sl_link_rewrite_feed(rewrite, body, cut, link_sink, &out);
            sl_link_rewrite_feed(rewrite, body + cut, len - cut, link_sink, &out);
            sl_link_rewrite_flush(rewrite, link_sink, &out);
            if (out.len != strlen(want) || (out.len > 0 && memcmp(out.bytes, want, out.len) != 0)) {
                diag("%s: cut at %d", rows[i].name, (int)cut);
                same = false;
            }
            free(out.bytes);
        }
    }
    ok(same, "the same in two pieces, %d ways", cuts);
}

/* Parts of bodies in any order, valid JSON or not: pieces never change what comes out. */
static void check_odd(void)
{
    static const char *const parts[] = {"\"",
                                        "\\",
                                        "/",
                                        ":",
                                        " ",
                                        "\n",
                                        "h",
                                        "url",
                                        "\"url\"",
                                        "\"url\":",
                                        "\"url\" : \"",
                                        BASE,
                                        "\"" BASE,
                                        ESCAPED_BASE,
                                        "\\/",
                                        "\"reference\":\"" BASE "/",
                                        "ValueSet",
                                        "/ValueSet/",
                                        "https:",
                                        "\"https:/",
                                        "?",
                                        "#",
                                        "\"url\":\"" BASE,
                                        "0",
                                        "\"link\":[{\"relation\":\"a\",",
                                        "\"url\":\"https://other.example/\"",
                                        "}",
                                        "]",
                                        ",",
                                        "                    "};
    uint64_t seed = 99;
    bool same = true, counted = true;

    for (int round = 0; round < 4000; round++) {
        link_text_t body = {NULL, 0, 0}, whole = {NULL, 0, 0}, pieces = {NULL, 0, 0};
        sl_link_counts_t all, some;

        link_text_say(&whole, "");
        link_text_say(&pieces, "");
        for (unsigned n = 1 + link_random(&seed, 30); n > 0; n--) {
            link_text_say(&body, parts[link_random(&seed, COUNT_OF(parts))]);
        }
        all = link_feed(&whole, body.bytes, body.len, 0, &seed);
        some = link_feed(&pieces, body.bytes, body.len, 1 + link_random(&seed, 40), &seed);
        if (whole.len != pieces.len || memcmp(whole.bytes, pieces.bytes, whole.len) != 0) {
            diag("body %s", body.bytes);
            same = false;
        }
        counted = counted && memcmp(&all, &some, sizeof(all)) == 0;
        free(body.bytes);
        free(whole.bytes);
        free(pieces.bytes);
    }
    ok(same, "4000 odd bodies come out the same in pieces");
    ok(counted, "4000 odd bodies are counted the same in pieces");
}

/* A string of 5 MB, quotes and all, between two links. */
static void check_huge(void)
{
    link_text_t body = {NULL, 0, 0}, want = {NULL, 0, 0}, out = {NULL, 0, 0};
    uint64_t seed = 5;
    sl_link_counts_t counts;

    link_text_say(&body, "{\"url\":\"" BASE "/A\",\"data\":\"");
    link_text_say(&want, "{\"url\":\"" GATEWAY "/A\",\"data\":\"");
    for (int i = 0; i < 100000; i++) {
        link_text_say(&body, "\\\"url\\\":\\\"" BASE "/A\\\",");
        link_text_say(&want, "\\\"url\\\":\\\"" BASE "/A\\\",");
    }
    link_text_say(&body, "\",\"url\":\"" BASE "/B\"}");
    link_text_say(&want, "\",\"url\":\"" GATEWAY "/B\"}");
    counts = link_feed(&out, body.bytes, body.len, 9000, &seed);
    ok(out.len == want.len && memcmp(out.bytes, want.bytes, out.len) == 0,
       "a string of %d bytes is left alone", (int)body.len);
    is_int((intmax_t)counts.links, 2, "the links around it are rewritten");
    free(body.bytes);
    free(want.bytes);
    free(out.bytes);
}

/* A flush lets go of what is held, and the rewriter goes on. */
static void check_flush(apr_pool_t *p)
{
    static const char first[] = "{\"url\":\"https://ehr.ex";
    static const char second[] = "ample/fhir/r4/A\",\"url\":\"" BASE "/B\"}";
    static const char key[] = "{\"url\":";
    sl_link_rewrite_t *rewrite = sl_link_rewrite_new(p, BASE, GATEWAY);
    link_text_t out = {NULL, 0, 0};

    sl_link_rewrite_feed(rewrite, first, strlen(first), link_sink, &out);
    is_str(out.bytes, "{\"url\":", "a candidate is held back");
    sl_link_rewrite_flush(rewrite, link_sink, &out);
    is_str(out.bytes, first, "a flush lets it go");
    sl_link_rewrite_feed(rewrite, second, strlen(second), link_sink, &out);
    sl_link_rewrite_flush(rewrite, link_sink, &out);
    is_str(out.bytes, "{\"url\":\"" BASE "/A\",\"url\":\"" GATEWAY "/B\"}", "and it goes on");

    out.len = 0;
    rewrite = sl_link_rewrite_new(p, BASE, GATEWAY);
    sl_link_rewrite_feed(rewrite, key, strlen(key), link_sink, &out);
    sl_link_rewrite_flush(rewrite, link_sink, &out);
    sl_link_rewrite_feed(rewrite, "\"" BASE "/A\"}", strlen(BASE) + 5, link_sink, &out);
    sl_link_rewrite_flush(rewrite, link_sink, &out);
    is_str(out.bytes, "{\"url\":\"" GATEWAY "/A\"}", "a key before a flush still counts");

    out.len = 0;
    rewrite = sl_link_rewrite_new(p, BASE, GATEWAY);
    sl_link_rewrite_feed(rewrite, "\"url\":\"h", 8, link_sink, &out);
    sl_link_rewrite_flush(rewrite, link_sink, &out);
    sl_link_rewrite_feed(rewrite, "\"" BASE "/A\"", strlen(BASE) + 4, link_sink, &out);
    sl_link_rewrite_flush(rewrite, link_sink, &out);
    is_str(out.bytes, "\"url\":\"h\"" BASE "/A\"", "what a flush let go stands behind the key");
    free(out.bytes);
}

static const struct {
    const char *name, *value, *want;
} headers[] = {
    {"below the base", BASE "/Patient/1/_history/1", GATEWAY "/Patient/1/_history/1"},
    {"the base", BASE, GATEWAY},
    {"a query", BASE "?a", GATEWAY "?a"},
    {"a fragment", BASE "#a", GATEWAY "#a"},
    {"what has a canonical's name is a place in a header", BASE "/ValueSet/1",
     GATEWAY "/ValueSet/1"},
    {"longer than the base", BASE "0/A", SAME},
    {"another host", "https://other.example/fhir/r4/A", SAME},
    {"relative", "/fhir/r4/A", SAME},
    {"nothing", "", SAME},
};

static void check_headers(apr_pool_t *p)
{
    for (int i = 0; i < COUNT_OF(headers); i++) {
        const char *value = headers[i].value;
        const char *got = sl_link_rewrite_header(p, BASE, GATEWAY, value);

        is_str(got, headers[i].want == SAME ? value : headers[i].want, headers[i].name);
        ok((got == value) == (headers[i].want == SAME), "header: %s: copied only when changed",
           headers[i].name);
    }
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    check_rows();
    check_cuts(p);
    check_odd();
    check_huge();
    check_flush(p);
    check_headers(p);
    rule_release(p);
    return tap_done();
}
