/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What the fuzz targets share. A target is one LLVMFuzzerTestOneInput; it aborts when something
 * does not hold. Three ways to run it: libFuzzer (clang -fsanitize=fuzzer), AFL++
 * (afl-clang-fast -fsanitize=fuzzer), or with replay.c over the stored inputs (t/guard/fuzz.t).
 */
#ifndef FUZZ_H
#define FUZZ_H
#include <apr_general.h>
#include <apr_pools.h>
#include <apr_strings.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** A pool for one input; apr_pool_destroy it at the end. */
__attribute__((unused)) static apr_pool_t *fuzz_pool(void)
{
    static apr_pool_t *root;
    apr_pool_t *p;

    if (root == NULL && (apr_initialize() != APR_SUCCESS || apr_pool_create(&root, NULL))) {
        abort();
    }
    if (apr_pool_create(&p, root) != APR_SUCCESS) {
        abort();
    }
    return p;
}

/** The input as a text of its own, so that a sanitizer sees a read beyond its end. */
__attribute__((unused)) static char *fuzz_text(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (text == NULL) {
        abort();
    }
    memcpy(text, data, size);
    text[size] = '\0';
    return text;
}

/** What must hold. */
__attribute__((unused)) static void fuzz_must(int holds, const char *what, const char *input)
{
    if (!holds) {
        fprintf(stderr, "does not hold: %s\ninput: %s\n", what, input);
        abort();
    }
}

/** What must hold, where the condition says enough. */
#define PROMISE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);         \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

#endif
