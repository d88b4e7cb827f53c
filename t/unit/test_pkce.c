/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_pkce.h"

int main(void)
{
    /* RFC 7636 appendix B */
    static const unsigned char random[SL_PKCE_RANDOM_LEN] = {
        116, 24,  223, 180, 151, 153, 224, 37,  79, 250, 96, 125, 216, 173, 187, 186,
        22,  212, 37,  77,  105, 214, 191, 240, 91, 88,  5,  88,  83,  132, 141, 121};
    apr_pool_t *p = rule_pool();
    const sl_secret_t *verifier = sl_pkce_verifier(p, random);

    is_str(sl_secret_reveal(verifier), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
           "AZR-6 the verifier of RFC 7636 appendix B");
    is_int((intmax_t)sl_secret_len(verifier), 43, "AZR-6 has 43 characters");
    is_str(sl_pkce_challenge(p, verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
           "AZR-6 its S256 challenge");
    rule_release(p);
    return tap_done();
}
