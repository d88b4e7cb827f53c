/* SPDX-License-Identifier: Apache-2.0 */
/** SMART scopes, v1 and v2 (SCP-1 to 5, SCP-7). A scope text is a list of tokens between
    blanks, each as a word or as a URI. */
#ifndef SL_SCOPE_H
#define SL_SCOPE_H

#include "base/sl_rc.h"
#include <apr_pools.h>

/**
 * Is every token well formed? For the configuration: SL_INVALID, and the text of `err` says which
 * token is wrong and what to write instead.
 */
SL_MUST_USE sl_rc_t sl_scope_check(const char *text, apr_pool_t *tmp, sl_err_t *err);

/** Is this very token in the list (`openid`, `launch`, `launch/patient`), plainly or as a URI? */
bool sl_scope_has(const char *text, const char *token);

/**
 * Does what was granted cover the one scope wanted? Order, repetition and grouping do not matter,
 * v1 and v2 spellings are equal (`.read` is `.rs`, `.write` is `.cud`, `.*` is `.cruds`), `*`
 * covers every type, a `?` constraint narrows.
 */
bool sl_scope_covers(const char *granted, const char *wanted, apr_pool_t *tmp);

/**
 * Those tokens of `asked` that `granted` does not cover, one blank between; "" when none.
 * `launch`, `launch/…`, `offline_access` and `online_access` are not counted: context and refresh
 * token show whether they were granted, and many EHRs do not repeat them.
 */
const char *sl_scope_missing(apr_pool_t *p, const char *asked, const char *granted);

#endif
