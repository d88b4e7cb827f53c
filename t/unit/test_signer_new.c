/* SPDX-License-Identifier: Apache-2.0 */
/* REG-3: keys that we make are keys that we take, and each is another. */
#include "base/sl_signer.h"
#include "base/sl_signer_new.h"
#include "rule.h"

#include <string.h>

static const struct {
    const char *name;
    sl_signer_wish_t wish;
    const char *begins, *has;
} rows[] = {
    {"RSA, PEM", {SL_ALG_RS384, false, NULL}, "-----BEGIN PRIVATE KEY-----", "\n"},
    {"EC, PEM", {SL_ALG_ES384, false, "ignored"}, "-----BEGIN PRIVATE KEY-----", "\n"},
    {"RSA, JWK", {SL_ALG_RS384, true, NULL}, "{\"kty\":\"RSA\"", "\"qi\":\""},
    {"EC, JWK",
     {SL_ALG_ES384, true, "two"},
     "{\"kty\":\"EC\",\"crv\":\"P-384\"",
     "\"kid\":\"two\""},
};

static void test_made(apr_pool_t *p)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sl_secret_t *text = NULL, *another = NULL;
        const sl_secret_t *jwt = NULL;
        sl_signer_t *signer = NULL;
        sl_err_t err = {0};

        is_int(sl_signer_new(&text, &rows[i].wish, p, &err), SL_OK, rows[i].name);
        ok(strncmp(sl_secret_reveal(text), rows[i].begins, strlen(rows[i].begins)) == 0,
           "… begins as it should");
        ok(strstr(sl_secret_reveal(text), rows[i].has) != NULL, "… and has all of it");
        is_int(sl_signer_parse(&signer, text, NULL, SL_ALG_NONE, p, &err), SL_OK, "… is read");
        is_int((int)sl_signer_alg(signer), (int)rows[i].wish.alg, "… as what was asked for");
        is_int(sl_signer_jwt(&jwt, signer, sl_json_object(p), p, &err), SL_OK, "… and signs");
        is_int(sl_signer_new(&another, &rows[i].wish, p, &err), SL_OK, "… once more");
        ok(!sl_secret_eq(text, another), "… is another one");
    }
}

int main(void)
{
    static const sl_signer_wish_t none = {SL_ALG_RS256, false, NULL};
    apr_pool_t *p = rule_pool();
    sl_secret_t *text = NULL;
    sl_err_t err = {0};

    test_made(p);
    is_int(sl_signer_new(&text, &none, p, &err), SL_INVALID, "no key for another algorithm");
    is_str(err.id, "SL1712", "… and it says so");
    rule_release(p);
    return tap_done();
}
