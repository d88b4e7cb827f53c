/* SPDX-License-Identifier: Apache-2.0 */
/** Who may enter: our 401, and the words after Require. */
#ifndef SL_AUTHZ_H
#define SL_AUTHZ_H

#include <httpd.h>

/** check_user_id under AuthType Smart: the launch's user, or a page that says what to do. */
int sl_authz_check_user(request_rec *r);

/** Fixups: who comes here may enter; a later 403 is the app's own. */
int sl_authz_passed(request_rec *r);

/** Our body for a 403 of Require's making in a launch, headers set; NULL: not ours to answer. */
const char *sl_authz_explain(request_rec *r);

/** Register smart-launch, smart-ehr, smart-scope and smart-patient. */
void sl_authz_register(apr_pool_t *p);

#endif
