/* SPDX-License-Identifier: Apache-2.0 */
/* Scopes that an EHR grants, before a slash-newline those that were asked for. */
#include "fuzz.h"
#include "smart/sl_authorize.h"
#include "smart/sl_scope.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    char *granted = fuzz_text(data, size);
    char *half = strchr(granted, '\n');
    const char *asked = granted;
    const char *missing;
    const char *scope;

    if (half != NULL) {
        *half = '\0';
        asked = half + 1;
    }
    (void)sl_scope_check(granted, p, NULL);
    missing = sl_scope_missing(p, asked, granted);
    PROMISE(strlen(missing) <= strlen(asked));
    PROMISE(missing[0] == '\0' || !sl_scope_covers(granted, missing, p));
    PROMISE(sl_scope_missing(p, asked, asked)[0] == '\0');
    scope = sl_authorize_scope(p, granted, true);
    PROMISE(sl_scope_has(scope, "launch"));
    PROMISE(!sl_scope_has(sl_authorize_scope(p, granted, false), "launch"));
    free(granted);
    apr_pool_destroy(p);
    return 0;
}
