/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "smart/sl_header_name.h"
#include <ctype.h>

/* What CGI makes of a name. */
static char *cgi_form(const char *name)
{
    char *out = strdup(name), *c;

    for (c = out; *c != '\0'; c++) {
        *c = isascii((unsigned char)*c) && isalnum((unsigned char)*c)
                 ? (char)toupper((unsigned char)*c)
                 : '_';
    }
    return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const extra[] = {"X-Remote-User", NULL};
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size), *form = cgi_form(text), *state, *word, *copy;
    const char *left = sl_header_clean_connection(p, text, extra);

    fuzz_must(sl_header_is_ours(text) == (strncmp(form, "SMART_", 6) == 0), "SEC-3 ours", text);
    fuzz_must(sl_header_same_cgi(text, form), "like its CGI form", text);
    if (left != NULL) {
        fuzz_must(sl_header_clean_connection(p, left, extra) == left, "clean is clean", text);
        copy = strdup(left);
        for (word = strtok_r(copy, ",; \t\r\n\v\f", &state); word != NULL;
             word = strtok_r(NULL, ",; \t\r\n\v\f", &state)) {
            fuzz_must(!sl_header_is_ours(word) && !sl_header_is_listed(word, extra),
                      "names nothing of ours", text);
        }
        free(copy);
    }
    free(form);
    free(text);
    apr_pool_destroy(p);
    return 0;
}
