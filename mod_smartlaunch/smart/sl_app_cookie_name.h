/* SPDX-License-Identifier: Apache-2.0 */
/** Names of app cookies: marks, companions, session names. For sl_app_cookie and its tests. */
#ifndef SL_APP_COOKIE_NAME_H
#define SL_APP_COOKIE_NAME_H

#include "smart/sl_app_cookie.h"

/** `.~` or `.!` and a mark. */
#define SL_APP_COOKIE_SUFFIX_CHARS (2 + SL_APP_COOKIE_MARK_CHARS)

typedef enum {
    SL_APP_COOKIE_PLAIN,
    SL_APP_COOKIE_MARKED,
    SL_APP_COOKIE_COMPANION
} sl_app_cookie_suffix_t;

/** How a name ends. */
sl_app_cookie_suffix_t sl_app_cookie_suffix(const char *name, apr_size_t len);

/** A marked name or companion carries this mark, or one of this app's tag. */
bool sl_app_cookie_has_mark(const char *name, apr_size_t len, const char *mark);
bool sl_app_cookie_has_tag(const char *name, apr_size_t len, const char *tag);

/** Names of marked cookies to delete (see sl_app_cookie_from_browser); NULL: none. */
apr_array_header_t *sl_app_cookie_dead(const sl_app_cookie_request_t *request, const char *header,
                                       apr_pool_t *p);

/** The rule's list has the name (in any case). */
bool sl_app_cookie_is_listed(const sl_app_cookie_rule_t *rule, const char *name, apr_size_t len);

/** Printable, without blanks and separators: the browser will send it back as it is. */
bool sl_app_cookie_is_keepable(const char *name, apr_size_t len);

/** A token against forged requests (csrf, xsrf): scripts read it and send it back beside the
 * cookie, so the app has to get what they read. */
bool sl_app_cookie_is_echo(const char *name, apr_size_t len);

/** Browsers insist on Path=/ for it. */
bool sl_app_cookie_is_host_only(const char *name, apr_size_t len);

#endif
