/* SPDX-License-Identifier: Apache-2.0 */
/* Our own front door, as an EHR and a browser come to it. */
#include "flow/sl_examine.h"
#include "flow/sl_outbound.h"
#include "smart/sl_discovery.h"

#include <apr_strings.h>
#include <string.h>

#define PATIENCE apr_time_from_sec(5)
#define DAYS_LEFT 21

typedef struct {
    const sl_findings_t *findings;
    sl_http_t *http;
    const sl_examine_self_t *self;
    const char *url;
    apr_pool_t *p;
} visit_t;

static sl_rc_t visit(sl_http_reply_t *reply, const visit_t *v, const char *ca, sl_err_t *err)
{
    const sl_http_request_t request = {.method = SL_HTTP_GET,
                                       .url = v->url,
                                       .ca_file = ca,
                                       .connect_timeout = PATIENCE,
                                       .timeout = PATIENCE,
                                       .insecure_loopback = true,
                                       .inspect = true};

    return sl_http_do(v->http, &request, reply, v->p, err);
}

/** The system's CAs first. @param ca the one that did it; NULL: the system's */
static sl_rc_t visit_by_some_ca(sl_http_reply_t *reply, const char **ca, const visit_t *v,
                                sl_err_t *err)
{
    sl_rc_t rc = visit(reply, v, NULL, err);
    sl_http_fault_t fault = reply->fault;

    *ca = NULL;
    for (int i = 0; rc != SL_OK && fault == SL_HTTP_UNTRUSTED && i < v->self->ehrs->nelts; i++) {
        const sl_ehr_t *ehr = APR_ARRAY_IDX(v->self->ehrs, i, const sl_ehr_t *);
        sl_err_t why = {0};

        if (ehr->ca_file != NULL && visit(reply, v, ehr->ca_file, &why) == SL_OK) {
            *ca = ehr->ca_file;
            return SL_OK;
        }
    }
    return rc;
}

static bool has_kid(const sl_json_t *set, const char *kid)
{
    const sl_json_t *keys = sl_json_get(set, "keys");

    for (apr_size_t i = 0; i < json_object_array_length(keys); i++) {
        const char *one = sl_json_str(json_object_array_get_idx(keys, i), "kid");

        if (one != NULL && strcmp(one, kid) == 0) {
            return true;
        }
    }
    return false;
}

static void compare_keys(const visit_t *v, const sl_json_t *set)
{
    for (int i = 0; i < v->self->ehrs->nelts; i++) {
        const sl_ehr_t *ehr = APR_ARRAY_IDX(v->self->ehrs, i, const sl_ehr_t *);
        const sl_findings_t findings = {v->findings->list, ehr->name};

        for (int k = 0; ehr->keys != NULL && k < ehr->keys->nelts; k++) {
            const char *kid = sl_signer_kid(APR_ARRAY_IDX(ehr->keys, k, const sl_signer_t *));

            if (has_kid(set, kid)) {
                sl_finding_ok(&findings, "our key", "%s is published at %s", kid, v->url);
            } else {
                sl_finding_wrong(&findings, "our key", "reload httpd (apachectl graceful)",
                                 "%s is configured, but %s does not publish it", kid, v->url);
            }
        }
    }
}

static void tell(const visit_t *v, const sl_http_reply_t *reply, const char *ca)
{
    int days = (int)((reply->certificate_ends - apr_time_now()) / apr_time_from_sec(86400));

    if (reply->certificate_ends == 0) {
        sl_finding_warn(v->findings, "public URL", "use https: cookies of ours need it",
                        "%s is ours, without TLS", v->self->redirect_uri);
    } else if (days < DAYS_LEFT) {
        sl_finding_warn(v->findings, "public URL", "renew it",
                        "%s is ours, and its certificate ends in %d day%s", v->self->redirect_uri,
                        days, days == 1 ? "" : "s");
    } else if (ca != NULL) {
        sl_finding_ok(v->findings, "public URL",
                      "%s is ours, %d days left, by the CA of %s (browsers must trust it, too)",
                      v->self->redirect_uri, days, ca);
    } else {
        sl_finding_ok(v->findings, "public URL", "%s is ours, its certificate has %d days left",
                      v->self->redirect_uri, days);
    }
}

void sl_examine_self(const sl_findings_t *findings, sl_http_t *http, const sl_examine_self_t *self,
                     apr_pool_t *p)
{
    const visit_t v = {findings, http, self, apr_pstrcat(p, self->redirect_uri, "/jwks.json", NULL),
                       p};
    sl_http_reply_t reply = {0};
    const char *ca;
    sl_json_t *set;
    sl_err_t err = {0};

    if (visit_by_some_ca(&reply, &ca, &v, &err) != SL_OK) {
        sl_finding_warn(findings, "public URL",
                        "see that browsers get there: from here it may be out of reach, or httpd "
                        "is not running",
                        "%s: %s", self->redirect_uri, err.text);
    } else if (reply.status != 200 ||
               sl_json_parse(&set, sl_secret_reveal(reply.body), sl_secret_len(reply.body), p,
                             NULL) != SL_OK ||
               !json_object_is_type(sl_json_get(set, "keys"), json_type_array)) {
        sl_finding_warn(findings, "public URL",
                        "look at SmartPublicURL, and at proxies in front of this httpd",
                        "%s is answered by somebody else (status %d)", v.url, reply.status);
    } else {
        tell(&v, &reply, ca);
        compare_keys(&v, set);
    }
}
