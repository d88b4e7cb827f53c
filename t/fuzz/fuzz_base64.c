/* SPDX-License-Identifier: Apache-2.0 */
/* Both kinds of base64: one text for each value, so what is taken comes back byte by byte. */
#include "base/sl_text.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size), *bare = size == 0 ? NULL : malloc(size), *form;
    unsigned char *bytes;
    apr_size_t len;

    /* Without the NUL behind it: the length is all that counts. */
    if (bare != NULL) {
        memcpy(bare, data, size);
        bytes = sl_text_unbase64url(p, bare, size, &len);
        if (bytes != NULL) {
            char *back = sl_text_base64url(p, bytes, len);

            PROMISE(strlen(back) == size && memcmp(back, data, size) == 0);
        }
        form = sl_text_unform(p, bare, size);
        PROMISE(form == NULL || strlen(form) <= size);
    }
    bytes = sl_text_unbase64(p, text, &len);
    if (bytes != NULL) {
        PROMISE(strcmp(sl_text_base64(p, bytes, len), text) == 0);
    }
    bytes = sl_text_unbase64url(p, sl_text_base64url(p, data, size), (size * 4 + 2) / 3, &len);
    PROMISE(bytes != NULL && len == size && memcmp(bytes, data, size) == 0);
    free(bare);
    free(text);
    apr_pool_destroy(p);
    return 0;
}
