/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_pack.h"

#include <string.h>

sl_pack_t sl_pack_new(apr_pool_t *p)
{
    sl_pack_t pack = {NULL, 0, 1024, p};

    pack.bytes = apr_palloc(p, pack.room);
    return pack;
}

static void append(sl_pack_t *pack, const void *bytes, apr_size_t len)
{
    if (pack->len + len > pack->room) {
        char *wider;

        while (pack->len + len > pack->room) {
            pack->room *= 2;
        }
        wider = apr_palloc(pack->p, pack->room);
        memcpy(wider, pack->bytes, pack->len);
        pack->bytes = wider;
    }
    memcpy(pack->bytes + pack->len, bytes, len);
    pack->len += len;
}

void sl_pack_int(sl_pack_t *pack, apr_int64_t number)
{
    append(pack, &number, sizeof(number));
}

/** Length with the NUL, 0 for NULL; then the bytes. */
void sl_pack_text(sl_pack_t *pack, const char *text)
{
    apr_uint32_t len = text == NULL ? 0 : (apr_uint32_t)strlen(text) + 1;

    append(pack, &len, sizeof(len));
    if (len > 0) {
        append(pack, text, len);
    }
}

/** Length and one, 0 for NULL; then the bytes. */
void sl_pack_bytes(sl_pack_t *pack, sl_bytes_t bytes)
{
    apr_uint32_t len = bytes.bytes == NULL ? 0 : (apr_uint32_t)bytes.len + 1;

    append(pack, &len, sizeof(len));
    if (len > 1) {
        append(pack, bytes.bytes, len - 1);
    }
}

static bool take(sl_unpack_t *from, void *out, apr_size_t len)
{
    if (from->bad || (apr_size_t)(from->end - from->at) < len) {
        from->bad = true;
        return false;
    }
    memcpy(out, from->at, len);
    from->at += len;
    return true;
}

apr_int64_t sl_unpack_int(sl_unpack_t *from)
{
    apr_int64_t number = 0;

    return take(from, &number, sizeof(number)) ? number : 0;
}

const char *sl_unpack_text(sl_unpack_t *from)
{
    apr_uint32_t len = 0;
    const char *text = from->at;

    if (!take(from, &len, sizeof(len)) || len == 0) {
        return NULL;
    }
    text = from->at;
    if ((apr_size_t)(from->end - from->at) < len || text[len - 1] != '\0') {
        from->bad = true;
        return NULL;
    }
    from->at += len;
    return text;
}

sl_bytes_t sl_unpack_bytes(sl_unpack_t *from)
{
    sl_bytes_t bytes = {NULL, 0};
    apr_uint32_t len = 0;

    if (!take(from, &len, sizeof(len)) || len == 0) {
        return bytes;
    }
    len--;
    if ((apr_size_t)(from->end - from->at) < len) {
        from->bad = true;
        return bytes;
    }
    bytes.bytes = (const unsigned char *)from->at;
    bytes.len = len;
    from->at += len;
    return bytes;
}
