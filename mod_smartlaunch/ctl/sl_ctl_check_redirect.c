/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_text.h"
#include "ctl/sl_ctl_check.h"
#include "ctl/sl_ctl_ehr.h"
#include "flow/sl_examine.h"

#include <string.h>

/** Virtual hosts have what stands outside of them, too, so the same may come several times. */
static bool is_listed(const apr_array_header_t *list, const sl_json_t *redirect, apr_pool_t *p)
{
    const char *text = sl_json_text(p, redirect);

    for (int i = 0; i < list->nelts; i++) {
        if (strcmp(sl_json_text(p, APR_ARRAY_IDX(list, i, const sl_json_t *)), text) == 0) {
            return true;
        }
    }
    return false;
}

apr_array_header_t *sl_ctl_check_all_redirects(const sl_json_t *dump, apr_pool_t *p)
{
    const sl_json_t *servers = sl_json_get(dump, "servers");
    apr_array_header_t *out = apr_array_make(p, 4, sizeof(const sl_json_t *));

    for (size_t i = 0; i < json_object_array_length(servers); i++) {
        const sl_json_t *list = sl_json_get(json_object_array_get_idx(servers, i), "redirects");

        for (size_t k = 0; k < json_object_array_length(list); k++) {
            const sl_json_t *one = json_object_array_get_idx(list, k);

            if (sl_json_str(one, "redirect_uri") != NULL && !is_listed(out, one, p)) {
                APR_ARRAY_PUSH(out, const sl_json_t *) = one;
            }
        }
    }
    return out;
}

static bool serves(const sl_json_t *redirect, const char *ehr)
{
    const sl_json_t *list = sl_json_get(redirect, "serve");

    if (!json_object_is_type(list, json_type_array)) {
        return true;
    }
    for (size_t i = 0; i < json_object_array_length(list); i++) {
        if (strcmp(json_object_get_string(json_object_array_get_idx(list, i)), ehr) == 0) {
            return true;
        }
    }
    return false;
}

const char *sl_ctl_check_registered(const sl_findings_t *findings, const sl_json_t *dump,
                                    const char *ehr)
{
    apr_array_header_t *redirects = sl_ctl_check_all_redirects(dump, findings->list->pool);
    const char *any = NULL;

    for (int i = 0; i < redirects->nelts; i++) {
        const sl_json_t *redirect = APR_ARRAY_IDX(redirects, i, const sl_json_t *);
        const char *uri = sl_json_str(redirect, "redirect_uri");

        if (!serves(redirect, ehr)) {
            continue;
        }
        if (sl_text_has_prefix(uri, "https://")) {
            sl_finding_ok(findings, "redirect URI",
                          "register exactly this as redirect URI and as launch URL: %s", uri);
        } else {
            sl_finding_warn(findings, "redirect URI",
                            "write SmartPublicURL with https://, which EHRs want",
                            "%s is not https", uri);
        }
        any = any != NULL ? any : uri;
    }
    if (any == NULL) {
        sl_finding_warn(findings, "redirect URI", "name it in a SmartServe, or remove the section",
                        "no location with SmartTarget serves this EHR");
    }
    return any;
}

/** How many EHRs a Redirect URL serves: those named, else all that are configured. */
static size_t count_served(const sl_json_t *dump, const sl_json_t *redirect)
{
    const sl_json_t *named = sl_json_get(redirect, "serve");
    const sl_json_t *all = sl_json_get(dump, "ehrs");

    if (json_object_is_type(named, json_type_array)) {
        return json_object_array_length(named);
    }
    return json_object_is_type(all, json_type_array) ? json_object_array_length(all) : 0;
}

bool sl_ctl_check_shared(const sl_json_t *dump, const char *ehr, apr_pool_t *p)
{
    apr_array_header_t *redirects = sl_ctl_check_all_redirects(dump, p);

    for (int i = 0; i < redirects->nelts; i++) {
        const sl_json_t *redirect = APR_ARRAY_IDX(redirects, i, const sl_json_t *);

        if (serves(redirect, ehr) && count_served(dump, redirect) > 1) {
            return true;
        }
    }
    return false;
}

static apr_array_header_t *served(const sl_json_t *redirect, const apr_array_header_t *ehrs,
                                  apr_pool_t *p)
{
    apr_array_header_t *out = apr_array_make(p, ehrs->nelts + 1, sizeof(const sl_ehr_t *));

    for (int i = 0; i < ehrs->nelts; i++) {
        const sl_ehr_t *ehr = &APR_ARRAY_IDX(ehrs, i, const sl_ctl_ehr_t *)->ehr;

        if (serves(redirect, ehr->name)) {
            APR_ARRAY_PUSH(out, const sl_ehr_t *) = ehr;
        }
    }
    return out;
}

void sl_ctl_check_redirects(const sl_findings_t *findings, const sl_json_t *dump,
                            const apr_array_header_t *ehrs, sl_http_t *http, apr_pool_t *p)
{
    apr_array_header_t *redirects = sl_ctl_check_all_redirects(dump, p);

    for (int i = 0; i < redirects->nelts; i++) {
        const sl_json_t *redirect = APR_ARRAY_IDX(redirects, i, const sl_json_t *);
        const sl_examine_self_t self = {sl_json_str(redirect, "redirect_uri"),
                                        served(redirect, ehrs, p)};

        sl_examine_self(findings, http, &self, p);
    }
}
