/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Header names as an app will see them: CGI folds case and turns everything that is not a letter
 * or digit into `_`, so `Smart-Patient`, `smart.patient` and `SMART_PATIENT` are one (SEC-3).
 */
#ifndef SL_HEADER_NAME_H
#define SL_HEADER_NAME_H

#include <apr_pools.h>
#include <stdbool.h>

/** The CGI form begins with SMART_: ours, to be removed from what comes in and what the app says.
 */
bool sl_header_is_ours(const char *name);

/** Two names have the same CGI form. NULL is like nothing. */
bool sl_header_same_cgi(const char *a, const char *b);

/** `name` has the CGI form of one of `names` (NULL-terminated; NULL: no names). */
bool sl_header_is_listed(const char *name, const char *const *names);

/**
 * A Connection header without our names and without those of `extra` (as above), so that nobody
 * makes a proxy drop what we are about to set. The very pointer given when nothing had to go;
 * NULL when nothing is left. Words are split as mod_proxy does, at commas, semicolons and spaces.
 */
const char *sl_header_clean_connection(apr_pool_t *p, const char *value, const char *const *extra);

#endif
