/* SPDX-License-Identifier: Apache-2.0 */
/** SipHash-2-4 (Aumasson and Bernstein, 2012): a keyed 64-bit check value of a few bytes. */
#ifndef SL_SIPHASH_H
#define SL_SIPHASH_H

#include <apr.h>
#include <stdint.h>

#define SL_SIPHASH_KEY_LEN 16

/** The value for `len` bytes; nobody without the key can tell it. */
uint64_t sl_siphash(const unsigned char key[SL_SIPHASH_KEY_LEN], const void *bytes, apr_size_t len);

#endif
