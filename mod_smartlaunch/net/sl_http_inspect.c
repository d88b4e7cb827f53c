/* SPDX-License-Identifier: Apache-2.0 */
#include "net/sl_http_inspect.h"

#include <apr_date.h>
#include <openssl/bio.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define NAME "Date:"
#define NAME_LEN (sizeof(NAME) - 1)
#define DATE_MAX 64

bool sl_http_inspect_set(CURL *handle)
{
    return curl_easy_setopt(handle, CURLOPT_CERTINFO, 1L) == CURLE_OK &&
           curl_easy_setopt(handle, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK;
}

void sl_http_inspect_date(apr_time_t *out, const char *line, apr_size_t len)
{
    char value[DATE_MAX];

    if (len <= NAME_LEN || strncasecmp(line, NAME, NAME_LEN) != 0) {
        return;
    }
    line += NAME_LEN;
    len -= NAME_LEN;
    while (len > 0 && *line == ' ') {
        line++;
        len--;
    }
    if (len >= sizeof(value)) {
        len = sizeof(value) - 1;
    }
    memcpy(value, line, len);
    value[len] = '\0';
    *out = apr_date_parse_http(value);
}

static apr_time_t end_of(const char *pem)
{
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509 *certificate = bio != NULL ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
    struct tm end;
    apr_time_t at = 0;

    if (certificate != NULL && ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1) {
        at = apr_time_from_sec(timegm(&end));
    }
    X509_free(certificate);
    BIO_free(bio);
    return at;
}

apr_time_t sl_http_inspect_ends(CURL *handle)
{
    static const char name[] = "Cert:";
    struct curl_certinfo *chain = NULL;
    apr_time_t first = 0;

    if (curl_easy_getinfo(handle, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL) {
        return 0;
    }
    for (int i = 0; i < chain->num_of_certs; i++) {
        for (const struct curl_slist *at = chain->certinfo[i]; at != NULL; at = at->next) {
            apr_time_t end = strncmp(at->data, name, sizeof(name) - 1) == 0
                                 ? end_of(at->data + sizeof(name) - 1)
                                 : 0;

            first = end > 0 && (first == 0 || end < first) ? end : first;
        }
    }
    return first;
}
