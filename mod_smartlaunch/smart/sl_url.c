/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_url.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

sl_rc_t sl_url_parse(sl_url_t *out, const char *text, apr_pool_t *p, sl_err_t *err)
{
    switch (sl_url_split(out, text, SL_URL_MAX, p)) {
    case SL_URL_FINE:
        break;
    case SL_URL_ODD_TEXT:
        return sl_err_set(err, SL_INVALID, "SL2011",
                          "a URL is too long or has characters that URLs do not have");
    case SL_URL_OTHER_SCHEME:
        return sl_err_set(err, SL_INVALID, "SL2012", "a URL does not begin with https://");
    case SL_URL_ODD_AUTHORITY:
        return sl_err_set(err, SL_INVALID, "SL2013",
                          "a URL has user information, or an odd host or port");
    }
    return SL_OK;
}

static apr_size_t path_len(const char *path)
{
    apr_size_t len = strlen(path);

    return len > 0 && path[len - 1] == '/' ? len - 1 : len;
}

static bool parse_issuer(sl_url_t *out, const char *text, apr_pool_t *tmp)
{
    return sl_url_parse(out, text, tmp, NULL) == SL_OK && out->query == NULL &&
           out->fragment == NULL;
}

bool sl_url_same_issuer(const char *a, const char *b, apr_pool_t *tmp)
{
    sl_url_t left;
    sl_url_t right;

    if (!parse_issuer(&left, a, tmp) || !parse_issuer(&right, b, tmp)) {
        return false;
    }
    return sl_url_same_origin(&left, &right) && path_len(left.path) == path_len(right.path) &&
           memcmp(left.path, right.path, path_len(left.path)) == 0;
}

bool sl_url_is_loopback(const char *host)
{
    unsigned char address[4];

    return strcmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (inet_pton(AF_INET, host, address) == 1 && address[0] == 127);
}

sl_rc_t sl_url_check_endpoint(const char *url, bool allow_loopback, apr_pool_t *tmp, sl_err_t *err)
{
    sl_url_t parts;
    sl_rc_t rc = sl_url_parse(&parts, url, tmp, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (strcmp(parts.scheme, "https") != 0 && !(allow_loopback && sl_url_is_loopback(parts.host))) {
        return sl_err_set(err, SL_INVALID, "SL2014", "a URL is http where only https is allowed");
    }
    if (parts.fragment != NULL) {
        return sl_err_set(err, SL_INVALID, "SL2015",
                          "a URL has a fragment (#), which is not "
                          "allowed here");
    }
    return SL_OK;
}

sl_rc_t sl_url_check_issuer(const char *url, bool allow_loopback, apr_pool_t *tmp, sl_err_t *err)
{
    sl_rc_t rc = sl_url_check_endpoint(url, allow_loopback, tmp, err);

    if (rc == SL_OK && strchr(url, '?') != NULL) {
        return sl_err_set(err, SL_INVALID, "SL2016", "a FHIR base URL has no query (?)");
    }
    return rc;
}

const char *sl_url_origin(apr_pool_t *p, const char *url)
{
    sl_url_t parts;

    if (sl_url_parse(&parts, url, p, NULL) != SL_OK) {
        return NULL;
    }
    if (parts.is_default_port) {
        return apr_pstrcat(p, parts.scheme, "://", parts.host, NULL);
    }
    return apr_psprintf(p, "%s://%s:%u", parts.scheme, parts.host, (unsigned)parts.port);
}
