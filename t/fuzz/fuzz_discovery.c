/* SPDX-License-Identifier: Apache-2.0 */
/* The discovery documents of an EHR. */
#include "fuzz.h"
#include "smart/sl_discovery.h"
#include "smart/sl_notice.h"
#include "smart/sl_url.h"

static void check_endpoint(const char *url, apr_pool_t *p)
{
    PROMISE(url == NULL || sl_url_check_endpoint(url, false, p, NULL) == SL_OK);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    const sl_ehr_t ehr = {.name = "epic", .issuer = "https://ehr.example/fhir"};
    const sl_discovery_body_t from = {(const char *)data, size, sl_notice_list(p)};
    sl_endpoints_t got;
    sl_endpoints_t keys = {.issuer = "https://a.example"};

    if (sl_discovery_parse(&got, &ehr, &from, p, NULL) == SL_OK) {
        PROMISE(got.authorize != NULL && got.token != NULL);
        check_endpoint(got.authorize, p);
        check_endpoint(got.token, p);
        check_endpoint(got.jwks, p);
        check_endpoint(got.introspect, p);
        check_endpoint(got.revoke, p);
        check_endpoint(got.issuer, p);
    }
    if (sl_discovery_openid(&keys, &ehr, &from, p, NULL) == SL_OK) {
        PROMISE(keys.jwks != NULL);
        check_endpoint(keys.jwks, p);
    }
    apr_pool_destroy(p);
    return 0;
}
