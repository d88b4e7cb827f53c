/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "smart/sl_query.h"

typedef void (*take_fn)(sl_query_t *out, const char *text, apr_pool_t *p);

/* Nothing of ours is left, and what was not ours is still there. */
static void check(take_fn take, const char *text, apr_pool_t *p)
{
    sl_query_t first, again;

    take(&first, text, p);
    fuzz_must(first.handle != NULL || first.rest == text, "nothing is copied for nothing", text);
    if (first.rest == NULL) {
        return;
    }
    fuzz_must(strlen(first.rest) <= strlen(text), "the rest is no longer than the whole", text);
    take(&again, first.rest, p);
    fuzz_must(again.handle == NULL && again.rest == first.rest, "no handle is left", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size);
    sl_query_t found;
    const char *put;

    check(sl_query_take, text, p);
    check(sl_query_take_uri, text, p);
    check(sl_query_take_line, text, p);
    put = sl_query_put(p, text, "HANDLE");
    sl_query_find(&found, put, p);
    fuzz_must(found.handle != NULL && strcmp(found.handle, "HANDLE") == 0 && !found.several,
              "what was put is found, alone", text);
    fuzz_must(strcmp(sl_query_put(p, put, "HANDLE"), put) == 0, "put twice is put once", text);
    free(text);
    apr_pool_destroy(p);
    return 0;
}
