/* SPDX-License-Identifier: Apache-2.0 */
/* Secrets: compared safely, gone with the pool. And the log, which is one line per message. */
#include "base/sl_log.h"
#include "base/sl_secret.h"
#include "tap.h"

#include <apr_general.h>

static void secrets(apr_pool_t *p)
{
    sl_secret_t *a = sl_secret_new(p, "ab\0c", 4), *b = sl_secret_new(p, "ab\0c", 4);

    is_int((intmax_t)sl_secret_len(a), 4, "length counts bytes");
    ok(memcmp(sl_secret_reveal(a), "ab\0c", 5) == 0, "revealed, with a NUL behind");
    ok(sl_secret_eq(a, b), "equal");
    ok(!sl_secret_eq(a, sl_secret_new(p, "ab\0d", 4)), "the last byte counts");
    ok(!sl_secret_eq(a, sl_secret_new(p, "ab", 2)), "the length counts");
    ok(!sl_secret_eq(NULL, a) && !sl_secret_eq(a, NULL), "missing matches nothing");
    ok(!sl_secret_eq(NULL, NULL), "not even missing");
    ok(!sl_secret_eq(sl_secret_str(p, ""), sl_secret_str(p, "")), "empty matches nothing");
    ok(sl_secret_str(p, NULL) == NULL && sl_secret_len(NULL) == 0, "NULL stays NULL");
    is_str(sl_secret_reveal(sl_secret_bearer(p, sl_secret_str(p, "t0ken"))), "Bearer t0ken",
           "as an Authorization header has it");
    ok(sl_secret_text_eq("x", "x") && !sl_secret_text_eq("x", "y"), "texts");
    ok(!sl_secret_text_eq("", "") && !sl_secret_text_eq(NULL, "x"), "empty and missing texts");
}

/* A pool whose memory is handed out again shows whether the secret is still in it. */
static void wiped(apr_pool_t *p)
{
    apr_pool_t *sub;
    sl_secret_t *secret;
    const char *bytes;

    apr_pool_create(&sub, p);
    secret = sl_secret_str(sub, "correct horse battery staple");
    bytes = sl_secret_reveal(secret);
    apr_pool_cleanup_run(sub, NULL, apr_pool_cleanup_null);
    is_str(bytes, "correct horse battery staple", "there while the pool lives");
    apr_pool_create(&sub, sub);
    apr_pool_clear(apr_pool_parent_get(sub));
    /* Cleared, not freed: APR keeps the block for the same pool, so it may still be looked at. */
    is_str(bytes, "", "wiped when the pool is cleared");
}

typedef struct {
    int count;
    sl_log_level_t level;
    char id[16];
    char text[1100];
} seen_t;

static void sink(void *data, sl_log_level_t level, const char *id, const char *text)
{
    seen_t *seen = data;

    seen->count++;
    seen->level = level;
    (void)snprintf(seen->id, sizeof(seen->id), "%s", id);
    (void)snprintf(seen->text, sizeof(seen->text), "%s", text);
}

static void logging(void)
{
    char big[2000];
    seen_t seen = {0};
    sl_log_t log = {sink, &seen};

    sl_log(NULL, SL_LOG_WARN, "SL1999", "to nobody");
    sl_log(&(sl_log_t){NULL, NULL}, SL_LOG_WARN, "SL1999", "to nobody");
    sl_log(&log, SL_LOG_WARN, "SL1999", "%s %d", "a\r\nb\x1b[0m", 7);
    is_int(seen.count, 1, "one message");
    is_int(seen.level, SL_LOG_WARN, "of its level");
    is_str(seen.id, "SL1999", "and id");
    is_str(seen.text, "a??b?[0m 7", "on one line");
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    sl_log(&log, SL_LOG_INFO, "SL1999", "%s", big);
    is_int((intmax_t)strlen(seen.text), 1023, "a long one is cut");
}

static void codes(void)
{
    sl_err_t err;

    is_int(sl_err_set(NULL, SL_BUSY, "SL1999", "x"), SL_BUSY, "no place for the detail");
    is_int(sl_err_set(&err, SL_USED, "SL1999", "n=%d", 3), SL_USED, "the code comes back");
    is_str(err.text, "n=3", "with its sentence");
    is_str(err.id, "SL1999", "and id");
    is_str(sl_rc_name(SL_UNKNOWN_EHR), "SL_UNKNOWN_EHR", "codes have names");
}

int main(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    secrets(p);
    wiped(p);
    logging();
    codes();
    apr_terminate();
    return tap_done();
}
