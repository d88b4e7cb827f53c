/* SPDX-License-Identifier: Apache-2.0 */
/* URLs and paths from outside: the iss of a launch, endpoints, return paths, fhirUser. */
#include "base/sl_text.h"
#include "fuzz.h"
#include "smart/sl_context.h"
#include "smart/sl_fhir_user.h"
#include "smart/sl_url.h"

#define BASE "https://ehr.example/fhir"

static void check_url(const char *text, apr_pool_t *p)
{
    sl_url_t url;
    bool parses = sl_url_parse(&url, text, p, NULL) == SL_OK;

    PROMISE((sl_url_origin(p, text) != NULL) == parses);
    PROMISE(!sl_url_same_issuer(text, text, p) || (parses && url.query == NULL));
    PROMISE(sl_url_same_issuer(text, BASE, p) == sl_url_same_issuer(BASE, text, p));
    if (!parses) {
        PROMISE(sl_url_check_endpoint(text, true, p, NULL) == SL_INVALID);
        return;
    }
    PROMISE(sl_text_is_header_safe(text, SL_URL_MAX) && strpbrk(text, " \\") == NULL);
    PROMISE(url.host[0] != '\0' && strchr(url.host, '@') == NULL && url.port != 0);
    PROMISE(url.path[0] == '\0' || url.path[0] == '/');
    PROMISE(sl_url_check_endpoint(text, false, p, NULL) == SL_INVALID ||
            (strcmp(url.scheme, "https") == 0 && url.fragment == NULL));
}

static void check_resolve(const char *text, apr_pool_t *p)
{
    const char *url = sl_url_resolve(p, BASE, text);
    sl_url_t parts;

    if (url != NULL) {
        PROMISE(sl_url_parse(&parts, url, p, NULL) == SL_OK);
        PROMISE(strstr(parts.path, "/../") == NULL);
        PROMISE(strstr(text, "://") != NULL || strcmp(parts.host, "ehr.example") == 0);
    }
}

static void check_return(const char *text, apr_pool_t *p)
{
    if (sl_url_is_return_path(text, p)) {
        PROMISE(text[0] == '/' && text[1] != '/' && text[1] != '\\');
        PROMISE(strpbrk(text, "\r\n\t \\#") == NULL);
        PROMISE(sl_url_is_below(text, "/"));
    }
}

static void check_user(const char *text, apr_pool_t *p)
{
    sl_fhir_user_t user;
    sl_url_t parts;

    if (sl_fhir_user_resolve(&user, text, BASE, p, NULL) == SL_OK) {
        PROMISE(sl_url_parse(&parts, user.url, p, NULL) == SL_OK);
        PROMISE(sl_context_is_fhir_id(user.id));
        PROMISE(!user.is_local || strcmp(parts.host, "ehr.example") == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size);
    const char *more = sl_url_add_param(p, text, "n", "v");

    check_url(text, p);
    check_resolve(text, p);
    check_return(text, p);
    check_user(text, p);
    PROMISE(strlen(more) >= strlen(text) + 3 && strlen(more) <= strlen(text) + 4);
    free(text);
    apr_pool_destroy(p);
    return 0;
}
