/* SPDX-License-Identifier: Apache-2.0 */
/** What the tests of pure rules share: a pool, and the check of how a call ended. */
#ifndef RULE_H
#define RULE_H
#include "base/sl_rc.h"
#include "tap.h"
#include <apr_general.h>
#include <apr_pools.h>
#include <stdlib.h>

/** The pool of the whole test program. */
__attribute__((unused)) static apr_pool_t *rule_pool(void)
{
    apr_pool_t *p;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&p, NULL) != APR_SUCCESS) {
        abort();
    }
    return p;
}

/** Release everything; at the end of main, so that a leak checker sees only real leaks. */
__attribute__((unused)) static void rule_release(apr_pool_t *p)
{
    apr_pool_destroy(p);
    apr_terminate();
}

/** Did the call end as it should? A failure must carry its log id; NULL: it must be SL_OK. */
__attribute__((unused)) static bool is_end(sl_rc_t got, const sl_err_t *err, const char *id,
                                           sl_rc_t want, const char *name)
{
    bool pass =
        got == want &&
        (want == SL_OK || (err->rc == want && strcmp(err->id, id) == 0 && err->text[0] != '\0'));

    ok(pass, "%s", name);
    if (!pass) {
        diag("got  %s %s", sl_rc_name(got), got == SL_OK ? "" : err->id);
        diag("want %s %s", sl_rc_name(want), id == NULL ? "" : id);
    }
    return pass;
}

/** Is `text` somewhere in `hay`? */
__attribute__((unused)) static bool holds(const char *hay, const char *text)
{
    return hay != NULL && strstr(hay, text) != NULL;
}

#define COUNT_OF(array) ((int)(sizeof(array) / sizeof((array)[0])))

#endif
