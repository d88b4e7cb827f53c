/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_store_sql.h"

#include <string.h>

static const char *const KINDS[] = {"ehr", "standalone", "session"};
static const char *const STATES[] = {"pending", "claimed", "held", "live", "ended", "failed"};
static const char *const LINKS[] = {"none", "pending", "linked"};
static const char *const OTHERS[] = {"end", "ask", "keep", "hold"};

#define COUNT(words) ((int)(sizeof(words) / sizeof((words)[0])))

static int find(const char *const *words, int count, const char *word, int otherwise)
{
    for (int i = 0; i < count; i++) {
        if (word != NULL && strcmp(words[i], word) == 0) {
            return i;
        }
    }
    return otherwise;
}

const char *sl_store_kind_word(sl_launch_kind_t kind)
{
    return KINDS[kind];
}

const char *sl_store_link_word(sl_link_state_t state)
{
    return LINKS[state];
}

const char *sl_store_others_word(sl_others_t others)
{
    return OTHERS[others];
}

sl_launch_kind_t sl_store_kind(const char *word)
{
    return (sl_launch_kind_t)find(KINDS, COUNT(KINDS), word, SL_KIND_SESSION);
}

sl_launch_state_t sl_store_state(const char *word)
{
    return (sl_launch_state_t)find(STATES, COUNT(STATES), word, SL_LAUNCH_FAILED);
}

sl_link_state_t sl_store_link_state(const char *word)
{
    return (sl_link_state_t)find(LINKS, COUNT(LINKS), word, SL_LINK_NONE);
}

sl_rc_t sl_store_count(int *n, sl_db_t *db, const sl_db_call_t *call, apr_pool_t *p, sl_err_t *err)
{
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, call, p, err);

    *n = rc == SL_OK ? (int)sl_rows_int(rows, 0, "n", 0) : 0;
    return rc;
}

sl_rc_t sl_store_number(int *n, sl_db_t *db, const sl_db_call_t *call, sl_err_t *err)
{
    apr_pool_t *p;
    sl_rc_t rc;

    *n = 0;
    if (apr_pool_create(&p, NULL) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL3406", "out of memory");
    }
    rc = sl_store_count(n, db, call, p, err);
    apr_pool_destroy(p);
    return rc;
}

sl_rc_t sl_store_do(sl_db_t *db, const sl_db_call_t *call, sl_err_t *err)
{
    int n;

    return sl_store_number(&n, db, call, err);
}
