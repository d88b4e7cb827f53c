/* SPDX-License-Identifier: Apache-2.0 */
/** Texts and numbers in one run of bytes, for shared memory. Not for anything that leaves it. */
#ifndef SL_PACK_H
#define SL_PACK_H

#include "base/sl_keyring.h"
#include <apr_pools.h>
#include <stdbool.h>

typedef struct {
    char *bytes;
    apr_size_t len, room;
    apr_pool_t *p;
} sl_pack_t;

sl_pack_t sl_pack_new(apr_pool_t *p);
/** NULL stays NULL. */
void sl_pack_text(sl_pack_t *pack, const char *text);
void sl_pack_int(sl_pack_t *pack, apr_int64_t number);
/** NULL stays NULL. */
void sl_pack_bytes(sl_pack_t *pack, sl_bytes_t bytes);

/** Reading: texts point into the bytes. What does not fit sets `bad` and gives NULL or 0. */
typedef struct {
    const char *at, *end;
    bool bad;
} sl_unpack_t;

const char *sl_unpack_text(sl_unpack_t *from);
apr_int64_t sl_unpack_int(sl_unpack_t *from);
sl_bytes_t sl_unpack_bytes(sl_unpack_t *from);

#endif
