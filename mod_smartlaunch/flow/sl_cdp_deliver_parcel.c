/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_deliver_parcel.h"

#include <string.h>

#define KIND_SLOW 'a'
#define LEFT_ALONE apr_time_from_sec(5)
#define TIMEOUT apr_time_from_sec(10)

void sl_cdp_app_request(sl_http_request_t *request, const sl_cdp_project_t *project)
{
    memset(request, 0, sizeof(*request));
    request->method = SL_HTTP_POST;
    request->url = project->delivery.url;
    request->ca_file = project->delivery.ca_file;
    request->insecure_loopback = project->delivery.insecure_loopback;
    request->timeout = TIMEOUT;
}

sl_rc_t sl_cdp_app_do(sl_http_reply_t *reply, const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                      const sl_http_request_t *request, apr_pool_t *p, sl_err_t *err)
{
    const char *name = project->name;
    sl_shm_key_t key = sl_shm_key(KIND_SLOW, name, strlen(name));
    sl_shm_entry_t entry;
    sl_rc_t rc;

    if (sl_shm_get(cdp->rt->shm, &key, apr_time_now(), &entry, p) == SL_OK) {
        return sl_err_set(err, SL_BUSY, "SL8301",
                          "the app of project %s was too slow a moment ago, and is left alone",
                          name);
    }
    rc = sl_http_do(cdp->rt->http, request, reply, p, err);
    if (rc == SL_TIMEOUT) {
        sl_shm_put_t put = {.value = {(const unsigned char *)"", 1}, .rank = SL_SHM_LOW};
        sl_err_t ignored;

        put.now = apr_time_now();
        put.expires = put.now + LEFT_ALONE;
        if (sl_shm_put(cdp->rt->shm, &key, &put, &ignored) != SL_OK) {
            sl_log(&cdp->rt->log, SL_LOG_DEBUG, ignored.id, "%s", ignored.text);
        }
    }
    return rc;
}

sl_rc_t sl_cdp_app_judge(const sl_cdp_project_t *project, const sl_http_reply_t *reply,
                         sl_err_t *err)
{
    int status = reply->status;
    sl_rc_t rc;

    if (status == 401 || status == 403) {
        return sl_err_set(err, SL_DENIED, "SL8302",
                          "the app of project %s refuses our token or signature (status %d)",
                          project->name, status);
    }
    if (status == 408 || status == 429 || status == 503) {
        rc = sl_err_set(err, SL_BUSY, "SL8303",
                        "the app of project %s has no time for us (status %d)", project->name,
                        status);
        if (err != NULL) {
            err->retry_after = reply->retry_after;
        }
        return rc;
    }
    if ((status >= 200 && status < 300) || (status >= 400 && status < 500)) {
        return SL_OK;
    }
    return sl_err_set(err, SL_UPSTREAM, "SL8304", "the app of project %s answered with status %d",
                      project->name, status);
}
