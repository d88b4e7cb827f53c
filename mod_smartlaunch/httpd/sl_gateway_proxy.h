/* SPDX-License-Identifier: Apache-2.0 */
/** mod_proxy as the gateway needs it, without a line of it in the configuration (httpd-notes). */
#ifndef SL_GATEWAY_PROXY_H
#define SL_GATEWAY_PROXY_H

#include "httpd/sl_conf.h"

/**
 * At the end of an <SmartEHR> section, where the configuration has a gateway: a pooled worker and a
 * <Proxy> section that verifies chain and host name, as if the administrator had written them
 * before his own. @return NULL or a sentence for configtest
 */
const char *sl_gateway_proxy_define(cmd_parms *cmd, const sl_ehr_conf_t *ehr);

/** What mod_proxy is asked for: the issuer as the worker's name has it, without a slash at its end.
 */
const char *sl_gateway_proxy_base(const sl_ehr_t *ehr, apr_pool_t *p);

/**
 * Once the configuration is complete: answers of a server with a gateway are read in larger pieces,
 * unless the administrator wrote a ProxyIOBufferSize for it (a worker's iobuffersize is not for
 * HTTP).
 */
void sl_gateway_proxy_buffer(server_rec *s);

#endif
