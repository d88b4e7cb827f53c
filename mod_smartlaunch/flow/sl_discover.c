/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_discover.h"
#include "flow/sl_document.h"

static sl_document_t smart_configuration(const sl_ehr_t *ehr, apr_pool_t *p)
{
    sl_document_t document = {ehr, sl_discovery_url(p, ehr), "discovery", SL_DISCOVERY_MAX_BYTES,
                              0};

    return document;
}

static sl_rc_t read_body(sl_discovery_body_t *out, const sl_runtime_t *rt,
                         const sl_document_t *document, sl_trace_t *trace, sl_err_t *err)
{
    sl_document_body_t found;
    sl_rc_t rc = sl_document_get(&found, rt, document, trace, err);

    if (rc == SL_OK) {
        out->body = found.body;
        out->len = found.len;
        out->notices = sl_notice_list(trace->p);
    }
    return rc;
}

/** What came of parsing a document: a bad one is not asked for again for a short while. */
static sl_rc_t judge(sl_rc_t rc, const sl_runtime_t *rt, const sl_document_t *document,
                     sl_trace_t *trace, sl_err_t *err)
{
    if (rc == SL_OK) {
        return SL_OK;
    }
    sl_document_reject(rt, document, err);
    return sl_trace_failed(trace, document->step, 0, 0, err);
}

/** The openid-configuration tells where the keys are when nothing else does. */
static sl_rc_t find_jwks(sl_endpoints_t *endpoints, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                         sl_trace_t *trace, sl_err_t *err)
{
    sl_document_t document = {ehr, sl_discovery_openid_url(trace->p, endpoints, ehr), "openid",
                              SL_DISCOVERY_MAX_BYTES, 0};
    sl_discovery_body_t body;
    sl_rc_t rc = read_body(&body, rt, &document, trace, err);

    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_discovery_openid(endpoints, ehr, &body, trace->p, err);
    sl_runtime_tell(rt, SL_LOG_INFO, ehr, body.notices);
    return judge(rc, rt, &document, trace, err);
}

/** What the EHR's smart-configuration says, whatever is stored. */
static sl_rc_t ask(sl_endpoints_t *out, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                   sl_trace_t *trace, sl_err_t *err)
{
    sl_document_t document = smart_configuration(ehr, trace->p);
    sl_discovery_body_t body;
    sl_err_t none;
    sl_rc_t rc = read_body(&body, rt, &document, trace, err);

    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_discovery_parse(out, ehr, &body, trace->p, err);
    sl_runtime_tell(rt, SL_LOG_INFO, ehr, body.notices);
    rc = judge(rc, rt, &document, trace, err);
    if (rc == SL_OK && out->issuer == NULL && ehr->quirks.openid_issuer == SL_SWITCH_ON &&
        find_jwks(out, rt, ehr, trace, &none) != SL_OK) {
        sl_log(&rt->log, SL_LOG_INFO, "SL4210", "%s: no issuer was found: %s (%s)", ehr->name,
               none.text, none.id);
    }
    return rc;
}

sl_rc_t sl_discover_endpoints(sl_endpoints_t *out, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                              sl_trace_t *trace, sl_err_t *err)
{
    return sl_discovery_stored(out, ehr) ? SL_OK : ask(out, rt, ehr, trace, err);
}

void sl_discover_issuer(sl_endpoints_t *endpoints, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                        sl_trace_t *trace)
{
    sl_endpoints_t said = {0};
    sl_err_t err;

    if (endpoints->issuer != NULL || ask(&said, rt, ehr, trace, &err) != SL_OK) {
        return;
    }
    endpoints->issuer = said.issuer;
    if (endpoints->jwks == NULL) {
        endpoints->jwks = said.jwks;
    }
}

void sl_discover_forget(const sl_runtime_t *rt, const sl_ehr_t *ehr, apr_pool_t *tmp)
{
    sl_document_t document = smart_configuration(ehr, tmp);

    sl_document_forget(rt, &document);
}

sl_rc_t sl_discover_keys(sl_jwks_t **out, const sl_runtime_t *rt, const sl_ehr_t *ehr,
                         sl_endpoints_t *endpoints, apr_time_t newer_than, sl_trace_t *trace,
                         sl_err_t *err)
{
    sl_document_t document = {ehr, NULL, "jwks", SL_JWKS_MAX_BYTES, newer_than};
    sl_document_body_t found;
    sl_rc_t rc = endpoints->jwks != NULL ? SL_OK : find_jwks(endpoints, rt, ehr, trace, err);

    if (rc != SL_OK) {
        return rc;
    }
    document.url = endpoints->jwks;
    rc = sl_document_get(&found, rt, &document, trace, err);
    if (rc != SL_OK) {
        return rc;
    }
    rc = sl_jwks_parse(out, found.body, found.len, trace->p, err);
    return judge(rc, rt, &document, trace, err);
}
