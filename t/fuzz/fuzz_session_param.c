/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "smart/sl_session_param.h"

static const char *const names[] = {"sid", "smart_session", NULL};

typedef void (*take_fn)(sl_session_param_t *out, const char *text, const char *const *wanted,
                        apr_pool_t *p);

/* Nothing of ours is left, and what was not ours is still there. */
static void check(take_fn take, const char *text, apr_pool_t *p)
{
    sl_session_param_t first, again;

    take(&first, text, names, p);
    if (first.rest == NULL) {
        fuzz_must(text[0] == '\0' || first.session != NULL || first.had_token,
                  "nothing goes for nothing", text);
        return;
    }
    fuzz_must((first.session == NULL && !first.had_token) == (first.rest == text),
              "what is copied is changed", text);
    fuzz_must(strlen(first.rest) <= strlen(text), "the rest is no longer than the whole", text);
    take(&again, first.rest, names, p);
    fuzz_must(again.session == NULL && !again.had_token && again.rest == first.rest,
              "no session and no token is left", text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size);

    check(sl_session_param_take, text, p);
    check(sl_session_param_take_uri, text, p);
    check(sl_session_param_take_line, text, p);
    free(text);
    apr_pool_destroy(p);
    return 0;
}
