/* SPDX-License-Identifier: Apache-2.0 */
/** Encodings and small text questions. All results are pool strings. */
#ifndef SL_TEXT_H
#define SL_TEXT_H

#include <apr_pools.h>
#include <stdbool.h>

/** base64url without padding (RFC 4648 section 5, RFC 7515 appendix C). */
char *sl_text_base64url(apr_pool_t *p, const void *bytes, apr_size_t len);

/**
 * Strict base64url without padding: no other character, no leftover bits.
 * @return the bytes (NUL-terminated for convenience) and their number, or NULL when malformed
 */
unsigned char *sl_text_unbase64url(apr_pool_t *p, const char *text, apr_size_t text_len,
                                   apr_size_t *len);

/** Standard base64, padded, on one line. */
char *sl_text_base64(apr_pool_t *p, const void *bytes, apr_size_t len);

/** Strict standard base64, padded. NULL when malformed. */
unsigned char *sl_text_unbase64(apr_pool_t *p, const char *text, apr_size_t *len);

/** Lower-case hexadecimal. */
char *sl_text_hex(apr_pool_t *p, const void *bytes, apr_size_t len);

/** Percent-encode everything but RFC 3986 unreserved characters. */
char *sl_text_percent(apr_pool_t *p, const char *text);

/**
 * Decode application/x-www-form-urlencoded bytes (`+` is a space).
 * @return NULL on a bad escape or an encoded NUL
 */
char *sl_text_unform(apr_pool_t *p, const char *text, apr_size_t len);

/** Escape & < > " ' for HTML text and quoted attributes. NULL gives "". */
const char *sl_text_html(apr_pool_t *p, const char *text);

/** Only printable ASCII (0x20 to 0x7e), at most `max` bytes, not empty. NULL is not. */
bool sl_text_is_header_safe(const char *text, apr_size_t max);

/** Valid UTF-8 without NUL (overlong forms and surrogates are not). */
bool sl_text_is_utf8(const char *bytes, apr_size_t len);

/** `text` begins with `prefix`. */
bool sl_text_has_prefix(const char *text, const char *prefix);

/** A copy of at most `max` bytes for the log: control characters and non-ASCII become '?'. */
const char *sl_text_loggable(apr_pool_t *p, const char *text, apr_size_t max);

#endif
