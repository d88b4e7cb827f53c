/* SPDX-License-Identifier: Apache-2.0 */
/** Which launch a request belongs to, and the answer where that is not settled. */
#ifndef SL_BIND_REQUEST_H
#define SL_BIND_REQUEST_H

#include "httpd/sl_request.h"

/**
 * Look for the request's launch among this browser's launches in `app`. DECLINED: go on;
 * request->launch is the launch or NULL. Else it has been answered (DONE).
 * @param stay one of our own addresses: never sent to the same URL with the handle
 */
int sl_bind_request(request_rec *r, const char *app, bool stay);

/**
 * The launches of this browser in `app`, read once a request; `anew`: from PostgreSQL, since
 * another host may have changed them a moment ago.
 */
SL_MUST_USE sl_rc_t sl_bind_view(request_rec *r, const char *app, bool anew, sl_err_t *err);

/** Hook post_perdir_config: binds app requests before any authorization. */
int sl_bind_hook(request_rec *r);

/** Is this location under AuthType Smart? */
bool sl_bind_is_smart(request_rec *r);

/** Who begins a standalone launch, as far as this browser's launches tell; NULL: not known. */
SL_MUST_USE sl_rc_t sl_bind_starter(const char **user, request_rec *r, const char *app,
                                    sl_err_t *err);

#endif
