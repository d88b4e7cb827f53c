/* SPDX-License-Identifier: Apache-2.0 */
/** The grammar of RFC 8259, to the letter: what a lenient parser must not be shown. */
#ifndef SL_JSON_CHECK_H
#define SL_JSON_CHECK_H

#include <apr_pools.h>
#include <stdbool.h>

/**
 * Is it one JSON value of valid UTF-8 and nothing else, at most `max` bytes long and
 * SL_JSON_MAX_DEPTH deep? Lone surrogate escapes are refused, and so is an escaped NUL in a
 * member's name, which would cut the name short.
 */
bool sl_json_is_strict(const char *text, apr_size_t len, apr_size_t max);

#endif
