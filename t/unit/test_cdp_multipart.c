/* SPDX-License-Identifier: Apache-2.0 */
/* C2: a form that brings a file, as browsers send it. */
#include "cdp/sl_cdp_multipart.h"
#include "rule.h"

#include <apr_strings.h>
#include <string.h>

#define TYPE "multipart/form-data; boundary=b"
#define HEAD(name) "Content-Disposition: form-data; name=\"" name "\"\r\n\r\n"
#define PART(name, body) "--b\r\n" HEAD(name) body "\r\n"

/* name=body of all parts, with | between. */
static const char *shown(const apr_array_header_t *parts, apr_pool_t *p)
{
    const char *text = "";

    for (int i = 0; i < parts->nelts; i++) {
        const sl_cdp_part_t *part = &APR_ARRAY_IDX(parts, i, sl_cdp_part_t);

        text = apr_pstrcat(p, text, i == 0 ? "" : "|", part->name, "=", part->body, NULL);
    }
    return text;
}

static void test_bodies(apr_pool_t *p)
{
    static const struct {
        const char *name, *text, *want; /* NULL: refused */
    } rows[] = {
        {"two parts", PART("a", "1") PART("b", "2") "--b--\r\n", "a=1|b=2"},
        {"no line end at the end", PART("a", "1") "--b--", "a=1"},
        {"no parts", "--b--", ""},
        {"an empty one", PART("a", "") "--b--", "a="},
        {"an empty one without a line end of its own", "--b\r\n" HEAD("a") "--b--", "a="},
        {"line ends in it", PART("a", "1\r\n\r\n2\n") "--b--", "a=1\r\n\r\n2\n"},
        {"nearly the boundary", PART("a", "\r\n-b\r\n--\r\n --b") "--b--",
         "a=\r\n-b\r\n--\r\n --b"},
        {"more headers",
         "--b\r\nX-Y: z\r\ncontent-DISPOSITION: form-data; filename=\"x;name=y\"; NAME=\"a\"\r\n"
         "Content-Type: text/csv\r\n\r\n1\r\n--b--",
         "a=1"},
        {"a name without marks",
         "--b\r\nContent-Disposition: form-data; name=a; filename=b\r\n\r\n1\r\n--b--", "a=1"},
        {"a file without its name is none",
         "--b\r\nContent-Disposition: form-data; filename=\"a\"\r\n\r\n1\r\n--b--", NULL},
        {"a mark that does not end",
         "--b\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--b--", NULL},
        {"nothing", "", NULL},
        {"something before", "x" PART("a", "1") "--b--", NULL},
        {"another boundary", "--c\r\n" HEAD("a") "1\r\n--c--", NULL},
        {"cut off in the head", "--b\r\nContent-Disposition: form-data", NULL},
        {"cut off in the body", "--b\r\n" HEAD("a") "1", NULL},
        {"cut off behind it", PART("a", "1") "--b", NULL},
        {"a boundary that goes on", PART("a", "1") "--bc\r\n", NULL},
    };

    for (int i = 0; i < COUNT_OF(rows); i++) {
        apr_array_header_t *parts;
        sl_err_t err = {0};
        sl_rc_t rc =
            sl_cdp_multipart_parse(&parts, TYPE, rows[i].text, strlen(rows[i].text), p, &err);

        if (rows[i].want == NULL) {
            is_end(rc, &err, "SL8591", SL_INVALID, rows[i].name);
        } else {
            is_str(rc == SL_OK ? shown(parts, p) : NULL, rows[i].want, rows[i].name);
        }
    }
}

static void test_types(apr_pool_t *p)
{
    static const struct {
        const char *type;
        bool is_ours;
    } rows[] = {
        {TYPE, true},
        {"Multipart/Form-Data;charset=\"a;boundary=x\"; Boundary=\"b\"; x=y", true},
        {NULL, false},
        {"", false},
        {"multipart/form-data", false},
        {"multipart/form-data; boundary=", false},
        {"multipart/form-data; boundary=\"b", false},
        {"multipart/form-datax; boundary=b", false},
        {"multipart/mixed; boundary=b", false},
        {"multipart/form-data; boundary=12345678901234567890123456789012345678901234567890123456789"
         "012345678901",
         false},
    };
    static const char text[] = PART("a", "1") "--b--";

    for (int i = 0; i < COUNT_OF(rows); i++) {
        const char *name = rows[i].type != NULL ? rows[i].type : "no type";
        apr_array_header_t *parts;
        sl_err_t err = {0};
        sl_rc_t rc = sl_cdp_multipart_parse(&parts, rows[i].type, text, strlen(text), p, &err);

        is_end(rc, &err, "SL8590", rows[i].is_ours ? SL_OK : SL_INVALID, name);
    }
}

static void test_many(apr_pool_t *p)
{
    const char *text = "";
    apr_array_header_t *parts;
    sl_err_t err = {0};

    for (int i = 0; i < SL_CDP_MULTIPART_PARTS; i++) {
        text = apr_pstrcat(p, text, PART("a", "1"), NULL);
    }
    text = apr_pstrcat(p, text, "--b--", NULL);
    is_int(sl_cdp_multipart_parse(&parts, TYPE, text, strlen(text), p, &err), SL_OK,
           "as many parts as there may be");
    text = apr_pstrcat(p, PART("b", "1"), text, NULL);
    is_end(sl_cdp_multipart_parse(&parts, TYPE, text, strlen(text), p, &err), &err, "SL8591",
           SL_INVALID, "one more");
}

static void test_one(apr_pool_t *p)
{
    static const char text[] =
        "--b\r\n" HEAD("a") "1\0002\r\n" PART("b", "3") PART("b", "4") "--b--";
    apr_array_header_t *parts;
    const sl_cdp_part_t *part;

    is_int(sl_cdp_multipart_parse(&parts, TYPE, text, sizeof(text) - 1, p, NULL), SL_OK,
           "a NUL is a byte as others");
    part = sl_cdp_multipart_one(parts, "a");
    ok(part != NULL && part->len == 3 && memcmp(part->body, "1\0002", 4) == 0, "it is kept");
    ok(sl_cdp_multipart_one(parts, "b") == NULL, "a name that is there twice is none");
    ok(sl_cdp_multipart_one(parts, "c") == NULL, "nor is one that is not there");
}

int main(void)
{
    apr_pool_t *p = rule_pool();

    test_bodies(p);
    test_types(p);
    test_many(p);
    test_one(p);
    rule_release(p);
    return tap_done();
}
