/* SPDX-License-Identifier: Apache-2.0 */
/* FHR-5: a Bundle.link to another host is seen, and nothing else is taken for one. */
#include "rule.h"
#include "smart/sl_link_foreign.h"
#include <apr_strings.h>

#define BASE "https://ehr.example/fhir/r4"
#define LINK(members) "{\"resourceType\":\"Bundle\",\"link\":[{" members "}]}"
#define FOREIGN "https://files.example/x"

static const struct {
    const char *name, *body;
    int count;
    const char *host;
} rows[] = {
    {"relation first", LINK("\"relation\":\"next\",\"url\":\"" FOREIGN "\""), 1, "files.example"},
    {"url first", LINK("\"url\":\"" FOREIGN "\",\"relation\":\"next\""), 1, "files.example"},
    {"white space", "{ \"link\" : [ { \"relation\" : \"next\" ,\n \"url\" : \"" FOREIGN "\" } ] }",
     1, "files.example"},
    {"escaped slashes", LINK("\"relation\":\"next\",\"url\":\"https:\\/\\/files.example\\/x\""), 1,
     "files.example"},
    {"more members",
     LINK("\"id\":\"1\",\"extension\":[{\"url\":\"x\",\"valueUrl\":\"]}\"}],"
          "\"relation\":\"next\",\"url\":\"" FOREIGN "\""),
     1, "files.example"},
    {"several",
     LINK("\"relation\":\"self\",\"url\":\"" BASE "/A\"},{\"relation\":\"next\",\"url\":"
          "\"" FOREIGN "\"},{\"relation\":\"last\",\"url\":\"http://two.example/\""),
     2, "files.example"},
    {"of an entry", "{\"entry\":[{\"link\":[{\"relation\":\"a\",\"url\":\"" FOREIGN "\"}]}]}", 1,
     "files.example"},
    {"behind another link",
     "{\"x\":\"link\",\"link\":1,\"link\":{},\"link\":[],\"link\":[{"
     "\"relation\":\"next\",\"url\":\"" FOREIGN "\"}]}",
     1, "files.example"},
    {"a port makes another host", LINK("\"relation\":\"a\",\"url\":\"https://ehr.example:8443/\""),
     1, "ehr.example:8443"},
    {"no name and password in the log",
     LINK("\"relation\":\"a\",\"url\":\"https://me:secret@files.example/\""), 1, "files.example"},
    {"a name that is no host", LINK("\"relation\":\"a\",\"url\":\"https://a\\u000a b%<\""), 1,
     "au000a?b??"},
    {"the EHR before an @",
     LINK("\"relation\":\"a\",\"url\":\"https://ehr.example@evil.example/\""), 1, "evil.example"},

    {"the EHR's own host", LINK("\"relation\":\"next\",\"url\":\"" BASE "/A?page=2\""), 0, ""},
    {"the EHR's own host, another path",
     LINK("\"relation\":\"n\",\"url\":\"https://EHR.example/v\""), 0, ""},
    {"relative", LINK("\"relation\":\"next\",\"url\":\"/A?page=2\""), 0, ""},
    {"no host", LINK("\"relation\":\"next\",\"url\":\"https://\""), 0, ""},
    {"no web address", LINK("\"relation\":\"next\",\"url\":\"urn:uuid:1\""), 0, ""},
    {"no relation", LINK("\"url\":\"" FOREIGN "\""), 0, ""},
    {"relation in one, url in the other", LINK("\"relation\":\"next\"},{\"url\":\"" FOREIGN "\""),
     0, ""},
    {"a patient's link",
     "{\"link\":[{\"other\":{\"reference\":\"" FOREIGN "\"},\"type\":\"seealso\""
     "}]}",
     0, ""},
    {"an extension", "{\"extension\":[{\"url\":\"" FOREIGN "\",\"relation\":\"next\"}]}", 0, ""},
    {"an extension in a link",
     LINK("\"extension\":[{\"relation\":\"a\",\"url\":\"" FOREIGN "\"}],"
          "\"relation\":\"next\",\"url\":\"" BASE "\""),
     0, ""},
    {"behind the array", "{\"link\":[],\"a\":{\"relation\":\"x\",\"url\":\"" FOREIGN "\"}}", 0, ""},
    {"an object called link", "{\"link\":{\"relation\":\"next\",\"url\":\"" FOREIGN "\"}}", 0, ""},
    {"in a string",
     "{\"t\":\"{\\\"link\\\":[{\\\"relation\\\":\\\"a\\\",\\\"url\\\":\\\"" FOREIGN "\\\"}]}\"}", 0,
     ""},
    {"members in a string",
     LINK("\"url\":\"" BASE "\",\"a\":\"\\\",\\\"relation\\\":\\\"a\\\",\\\"url\\"
          "\":\\\"" FOREIGN "\\\",\\\"\""),
     0, ""},
    {"brackets in a string", LINK("\"relation\":\"}]\",\"url\":\"" BASE "\"") "\"" FOREIGN "\"", 0,
     ""},
    {"deeper than any Bundle", "{\"link\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 0, ""},
    {"no JSON", "\"link\"\"link\":\"link\"[]]]}}}", 0, ""},
    {"nothing", "", 0, ""},
};

/* In pieces of `size` bytes, each in memory of its own. */
static bool is_counted(int row, size_t size)
{
    const char *body = rows[row].body;
    size_t len = strlen(body);
    sl_link_foreign_t foreign;

    sl_link_foreign_init(&foreign, BASE);
    for (size_t at = 0; at < len; at += size) {
        size_t piece = size < len - at ? size : len - at;
        char *own = malloc(piece);

        if (own == NULL) {
            abort();
        }
        memcpy(own, body + at, piece);
        sl_link_foreign_feed(&foreign, own, piece);
        free(own);
    }
    if (foreign.count == (apr_uint64_t)rows[row].count &&
        strcmp(foreign.host, rows[row].host) == 0) {
        return true;
    }
    diag("%s, pieces of %d: got %d, %s", rows[row].name, (int)size, (int)foreign.count,
         foreign.host);
    return false;
}

/* A host as long as it gets: cut, and still foreign. */
static void check_long(apr_pool_t *p)
{
    char *name = apr_pcalloc(p, 1001);
    sl_link_foreign_t foreign;
    const char *body;

    memset(name, 'a', 1000);
    body =
        apr_pstrcat(p, "{\"link\":[{\"relation\":\"a\",\"url\":\"https://", name, "/\"}]}", NULL);
    sl_link_foreign_init(&foreign, BASE);
    sl_link_foreign_feed(&foreign, body, strlen(body));
    is_int((intmax_t)foreign.count, 1, "a host of 1000 letters is foreign");
    is_int((intmax_t)strlen(foreign.host), sizeof(foreign.host) - 1, "and cut for the log");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    for (int i = 0; i < COUNT_OF(rows); i++) {
        bool pieces = true;

        ok(is_counted(i, 4096), "%s", rows[i].name);
        for (size_t size = 1; size < 40; size++) {
            pieces = is_counted(i, size) && pieces;
        }
        ok(pieces, "%s: in pieces, too", rows[i].name);
    }
    check_long(p);
    rule_release(p);
    return tap_done();
}
