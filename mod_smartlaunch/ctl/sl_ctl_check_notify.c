/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_file.h"
#include "base/sl_text.h"
#include "ctl/sl_ctl_check.h"

#include <string.h>

/** A destination as the challenge needs it; its token is read while we are who may read it. */
static bool read_destination(sl_destination_t *to, const sl_json_t *from,
                             const sl_findings_t *findings, apr_pool_t *p)
{
    const char *token = sl_json_str(from, "token");
    sl_secret_t *secret = NULL;
    sl_err_t err = {0};

    memset(to, 0, sizeof(*to));
    to->url = sl_json_str(from, "url");
    to->ca_file = sl_json_str(from, "ca");
    if (to->url == NULL) {
        return false;
    }
    if (token != NULL && sl_text_has_prefix(token, "file:") &&
        sl_file_secret_line(&secret, token + 5, p, &err) != SL_OK) {
        sl_finding_wrong(findings, "notify", "let httpd's start and root read it, nobody else",
                         "token= of SmartNotify: %s", err.text);
        return false;
    }
    to->token = secret;
    return true;
}

static bool is_listed(const apr_array_header_t *list, const char *url)
{
    for (int i = 0; i < list->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(list, i, sl_destination_t).url, url) == 0) {
            return true;
        }
    }
    return false;
}

apr_array_header_t *sl_ctl_check_destinations(const sl_findings_t *findings, const sl_json_t *dump,
                                              apr_pool_t *p)
{
    apr_array_header_t *redirects = sl_ctl_check_all_redirects(dump, p);
    apr_array_header_t *out = apr_array_make(p, 2, sizeof(sl_destination_t));

    for (int i = 0; i < redirects->nelts; i++) {
        const sl_json_t *notify =
            sl_json_get(APR_ARRAY_IDX(redirects, i, const sl_json_t *), "notify");
        sl_destination_t to;

        if (notify != NULL && read_destination(&to, notify, findings, p) &&
            !is_listed(out, to.url)) {
            APR_ARRAY_PUSH(out, sl_destination_t) = to;
        }
    }
    return out;
}
