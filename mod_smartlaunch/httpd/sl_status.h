/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SetHandler smart-status: how we fare, as a page, ?format=json or ?format=prometheus. Numbers and
 * names of the configuration; no user, no patient, nothing secret (design sections 3, 11 and 12).
 */
#ifndef SL_STATUS_H
#define SL_STATUS_H

#include "flow/sl_survey.h"
#include "httpd/sl_conf.h"

#define SL_STATUS_HANDLER "smart-status"

/** The handler hook. DECLINED where configtest has not seen the handler: a .htaccess file sets
 * none. */
int sl_status_handle(request_rec *r);

/** What all three formats show. */
typedef struct {
    const sl_survey_t *survey;
    const sl_runtime_t *rt;
    apr_time_t since; /* of the last (graceful) restart */
    apr_pool_t *p;
} sl_status_t;

/** Each as one text; the page's is sent by itself. */
const char *sl_status_json(const sl_status_t *status);
const char *sl_status_metrics(const sl_status_t *status);
int sl_status_page(request_rec *r, const sl_status_t *status);

/** "RS384" */
const char *sl_status_alg(sl_alg_t alg);

/** "2026-03-14T15:09:26Z"; NULL for 0. */
const char *sl_status_time(apr_pool_t *p, apr_time_t at);

#endif
