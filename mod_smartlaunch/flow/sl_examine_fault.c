/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_examine_fault.h"

#include <apr_strings.h>
#include <string.h>

static const char *tls_advice(const sl_examine_fault_t *fault, apr_pool_t *p)
{
    const char *said = fault->err->text;

    if (strstr(said, "host name") != NULL) {
        return "write the URL with the name that is in the certificate";
    }
    if (strstr(said, "expired") != NULL || strstr(said, "not yet valid") != NULL) {
        return "look at this host's clock; if it is right, have the certificate renewed there";
    }
    if (strstr(said, "TLS 1.2") != NULL) {
        return "have TLS 1.2 or later switched on there";
    }
    return fault->has_ca
               ? apr_pstrcat(p, fault->ca_option,
                             " is not the CA of this server, or the server does not send its "
                             "intermediate certificates",
                             NULL)
               : apr_pstrcat(p, "if the server has a CA of its own, name its PEM file: ",
                             fault->ca_option, "PATH", NULL);
}

static const char *advice(const sl_examine_fault_t *fault, apr_pool_t *p)
{
    switch (fault->fault) {
    case SL_HTTP_NO_CONNECTION:
        return "look at the URL, DNS, firewall and proxy, and whether the server runs";
    case SL_HTTP_UNTRUSTED:
        return tls_advice(fault, p);
    case SL_HTTP_BAD_CA_FILE:
        return apr_pstrcat(p, "give ", fault->ca_option, " a readable file of PEM certificates",
                           NULL);
    case SL_HTTP_TOO_SLOW:
        return "look at firewall and proxy, or allow more time: SmartOutbound timeout=";
    case SL_HTTP_TOO_LARGE:
        return "ask its people: what answers there is not what belongs there";
    case SL_HTTP_NO_FAULT:
    case SL_HTTP_BROKE_OFF:
    case SL_HTTP_OUR_FAULT:
        break;
    }
    return "look at the URL, and at what stands between this host and the server";
}

void sl_examine_fault(const sl_findings_t *findings, const sl_examine_fault_t *fault)
{
    bool is_tls = fault->fault == SL_HTTP_UNTRUSTED || fault->fault == SL_HTTP_BAD_CA_FILE;

    sl_finding_wrong(findings, is_tls ? "tls" : fault->what, advice(fault, findings->list->pool),
                     "%s", fault->err->text);
}
