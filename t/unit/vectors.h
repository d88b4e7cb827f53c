/* SPDX-License-Identifier: Apache-2.0 */
/** The key pairs and the assertion of the SMART App Launch guide (t/vectors). */
#ifndef VECTORS_H
#define VECTORS_H
#include "base/sl_secret.h"

#include <apr_strings.h>
#include <stdio.h>
#include <stdlib.h>

/** A file of t/vectors, without the line end at its end. */
static const sl_secret_t *vector_file(apr_pool_t *p, const char *name)
{
    char bytes[16384];
    FILE *file = fopen(apr_pstrcat(p, SL_VECTORS "/", name, NULL), "rb");
    size_t len;

    if (file == NULL) {
        abort();
    }
    len = fread(bytes, 1, sizeof(bytes), file);
    (void)fclose(file);
    while (len > 0 && bytes[len - 1] == '\n') {
        len--;
    }
    return sl_secret_new(p, bytes, len);
}

#endif
