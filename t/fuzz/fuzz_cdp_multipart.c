/* SPDX-License-Identifier: Apache-2.0 */
/* Forms with a file: what is read can be written again, and is then read the same. The first line
 * is tried as a media type, too. */
#include "cdp/sl_cdp_multipart.h"
#include "fuzz.h"

#define TYPE "multipart/form-data; boundary=b"

static apr_array_header_t *written(const apr_array_header_t *parts, apr_pool_t *p)
{
    apr_array_header_t *text = apr_array_make(p, 64, 1);

    for (int i = 0; i <= parts->nelts; i++) {
        const sl_cdp_part_t *part = &APR_ARRAY_IDX(parts, i, sl_cdp_part_t);
        const char *head =
            i == parts->nelts
                ? "--b--"
                : apr_psprintf(p, "--b\r\nContent-Disposition: form-data; name=\"%s\"\r\n\r\n",
                               part->name);

        for (; *head != '\0'; head++) {
            APR_ARRAY_PUSH(text, char) = *head;
        }
        for (apr_size_t k = 0; i < parts->nelts && k < part->len + 2; k++) {
            APR_ARRAY_PUSH(text, char) = k < part->len ? part->body[k] : "\r\n"[k - part->len];
        }
    }
    return text;
}

static void reads_back(const apr_array_header_t *parts, apr_pool_t *p)
{
    const apr_array_header_t *text;
    apr_array_header_t *again;

    for (int i = 0; i < parts->nelts; i++) {
        if (strchr(APR_ARRAY_IDX(parts, i, sl_cdp_part_t).name, '"') != NULL) {
            return; /* of a name without quotation marks around it; we would not write it so */
        }
    }
    text = written(parts, p);
    PROMISE(sl_cdp_multipart_parse(&again, TYPE, text->elts, (apr_size_t)text->nelts, p, NULL) ==
            SL_OK);
    PROMISE(again->nelts == parts->nelts);
    for (int i = 0; i < parts->nelts; i++) {
        const sl_cdp_part_t *one = &APR_ARRAY_IDX(parts, i, sl_cdp_part_t);
        const sl_cdp_part_t *other = &APR_ARRAY_IDX(again, i, sl_cdp_part_t);

        PROMISE(strcmp(one->name, other->name) == 0);
        PROMISE(one->len == other->len && memcmp(one->body, other->body, one->len) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size);
    size_t line = strcspn(text, "\n");
    apr_array_header_t *parts;

    if (sl_cdp_multipart_parse(&parts, TYPE, text, size, p, NULL) == SL_OK) {
        PROMISE(parts->nelts <= SL_CDP_MULTIPART_PARTS);
        reads_back(parts, p);
    }
    if (line < size && sl_cdp_multipart_parse(&parts, apr_pstrmemdup(p, text, line),
                                              text + line + 1, size - line - 1, p, NULL) == SL_OK) {
        PROMISE(parts->nelts <= SL_CDP_MULTIPART_PARTS);
    }
    free(text);
    apr_pool_destroy(p);
    return 0;
}
