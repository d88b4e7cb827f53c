/* SPDX-License-Identifier: Apache-2.0 */
#include "net/sl_http_ca.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <curl/curl.h>
#include <openssl/x509.h>

static const char *of_libcurl(void)
{
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);

    return info != NULL && info->age >= CURLVERSION_SEVENTH ? info->cainfo : NULL;
}

const char *sl_http_ca_file(apr_pool_t *p)
{
    const char *const places[] = {of_libcurl(),
                                  X509_get_default_cert_file(),
                                  "/etc/ssl/certs/ca-certificates.crt",
                                  "/etc/pki/tls/certs/ca-bundle.crt",
                                  "/etc/ssl/ca-bundle.pem",
                                  "/etc/ssl/cert.pem"};

    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        apr_finfo_t info;

        if (places[i] != NULL && apr_stat(&info, places[i], APR_FINFO_TYPE, p) == APR_SUCCESS &&
            info.filetype == APR_REG) {
            return apr_pstrdup(p, places[i]);
        }
    }
    return NULL;
}
