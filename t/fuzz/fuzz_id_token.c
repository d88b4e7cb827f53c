/* SPDX-License-Identifier: Apache-2.0 */
/* An id_token. The private half of the one trusted key was thrown away, so no input may pass but
   the seed that was signed with it. */
#include "fuzz.h"
#include "smart/sl_id_token.h"

static const char keys[] =
    "{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-384\",\"kid\":\"1\","
    "\"x\":\"T-B8DxQuaEH2KtIsY_digR2s5D2tff6w3kbBm7xuryqseHTCCYzORrhJqxUP3v35\",\"y\":"
    "\"UaXGarnQmWOKDZlgvLYhKmSJgC7ERCibVzcl4yUMUxx5wwW_bOkhnAx9ZspnuH25\"}]}";

/* The token of corpus/id_token/signed, up to the signature. */
static const char signed_input[] =
    "eyJhbGciOiJFUzM4NCIsImtpZCI6IjEifQ.eyJpc3MiOiJodHRwczovL2EuZXhhbXBsZSIsImF1ZCI6I"
    "m1lIiwic3ViIjoidTEiLCJpYXQiOjE2OTk5OTk5OTAsImV4cCI6MTcwMDAwMDMwMCwiZmhpclVzZXIiO"
    "iJQcmFjdGl0aW9uZXIvMSJ9";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    sl_id_token_expect_t expect = {
        .issuer = "https://a.example", .client_id = "me", .now = 1700000000000000};
    const sl_secret_t *token = sl_secret_new(p, data, size);
    sl_json_t *claims = NULL;
    sl_jwks_t *set;
    sl_rc_t rc;

    rc = sl_id_token_verify(&claims, token, &expect, p, NULL);
    PROMISE(rc == SL_NONE || rc == SL_UPSTREAM);
    PROMISE(claims == NULL);
    if (sl_jwks_parse(&set, keys, sizeof(keys) - 1, p, NULL) != SL_OK) {
        abort();
    }
    expect.keys = set;
    rc = sl_id_token_verify(&claims, token, &expect, p, NULL);
    PROMISE(rc == SL_OK || rc == SL_NONE || rc == SL_UPSTREAM);
    PROMISE((claims != NULL) == (rc == SL_OK));
    PROMISE(rc != SL_OK || (size > sizeof(signed_input) &&
                            memcmp(data, signed_input, sizeof(signed_input) - 1) == 0));
    apr_pool_destroy(p);
    return 0;
}
