/* SPDX-License-Identifier: Apache-2.0 */
/** The app's answers: one filter, main request only, for errors too (design section 13). */
#ifndef SL_APP_FILTER_H
#define SL_APP_FILTER_H

#include "httpd/sl_request.h"

/** Register the filter. */
void sl_app_filter_register(void);

/** Hooks insert_filter and insert_error_filter. */
void sl_app_filter_insert(request_rec *r);

/** The app's headers within the request's launch, or outside one. */
void sl_app_headers(request_rec *r, bool is_login);

/** What Smart-Login and Smart-Logout of an answer lead to. */
typedef struct {
    bool replaced; /* the answer is dropped; `body` goes out instead, headers are set */
    const char *body;
    bool is_login;           /* Smart-Login counted: no-store */
    const char *new_browser; /* value for our cookie, set after the app's were sorted; NULL: none */
} sl_app_login_t;

/** Takes every Smart-* header out of both tables and acts on it. */
void sl_app_login(sl_app_login_t *out, request_rec *r);

#endif
