/* SPDX-License-Identifier: Apache-2.0 */
/* Everything that is sealed is sealed anew under the first key of the ring. */
#include "ctl/sl_ctl_keyring.h"
#include "ctl/sl_ctl_runtime.h"
#include "ctl/sl_ctl_table.h"
#include "flow/sl_cdp_hold.h"
#include "flow/sl_renew.h"
#include "flow/sl_reseal.h"
#include "store/sl_store_host.h"

#include <stdio.h>

#define PASSES 20                      /* while renewals go on */
#define PATIENCE apr_time_from_sec(12) /* mod_watchdog takes ten to start another */
#define POLL apr_time_from_msec(500)

/** A reload takes a moment to reach all of its processes. */
static sl_rc_t wait_for_hosts(const sl_runtime_t *rt, apr_pool_t *p, sl_err_t *err)
{
    const char *key = sl_keyring_active(rt->ring);
    apr_time_t until = apr_time_now() + PATIENCE;
    apr_array_header_t *hosts = NULL;

    for (;;) {
        const sl_host_t *behind = NULL;
        sl_rc_t rc = sl_store_hosts(&hosts, rt->db, key, p, err);

        if (rc != SL_OK) {
            return rc;
        }
        for (int i = 0; i < hosts->nelts; i++) {
            const sl_host_t *host = &APR_ARRAY_IDX(hosts, i, sl_host_t);

            behind = host->has_key ? behind : host;
        }
        if (behind == NULL) {
            break;
        }
        if (apr_time_now() > until) {
            return sl_err_set(err, SL_BUSY, "SL7022",
                              "httpd on %s does not have the key %s yet (as of %d s ago): put it "
                              "into the key ring there, reload httpd, and try again",
                              behind->name, key, (int)apr_time_sec(behind->ago));
        }
        apr_sleep(POLL);
    }
    if (hosts->nelts == 0) {
        (void)fprintf(stderr,
                      "smartlaunchctl: no httpd says that it is at work; those that are need the "
                      "key %s by now\n",
                      key);
    }
    return SL_OK;
}

/** What was sealed anew, by both. */
typedef struct {
    sl_reseal_done_t core;
    sl_cdp_resealed_t cdp;
} sum_t;

/** @param n what this pass did, or found moving */
static sl_rc_t one_pass(int *n, sum_t *sum, const sl_runtime_t *rt, apr_pool_t *p, sl_err_t *err)
{
    sl_reseal_done_t core = {0};
    sl_cdp_resealed_t cdp = {0};
    sl_rc_t rc = sl_reseal_pass(&core, rt, p, err);

    rc = rc == SL_OK ? sl_cdp_hold_reseal(&cdp, rt, p, err) : rc;
    sum->core.tokens += core.tokens;
    sum->core.pendings += core.pendings;
    sum->core.moved = core.moved;
    sum->core.closed = core.closed;
    sum->cdp.values += cdp.values;
    sum->cdp.records += cdp.records;
    sum->cdp.others += cdp.others;
    sum->cdp.moved = cdp.moved;
    sum->cdp.closed = cdp.closed;
    *n = core.tokens + core.pendings + core.moved + cdp.values + cdp.records + cdp.others +
         cdp.moved;
    return rc;
}

static sl_rc_t seal_all(sum_t *sum, const sl_runtime_t *rt, apr_pool_t *p, sl_err_t *err)
{
    for (int i = 0; i < PASSES; i++) {
        int n = 0;
        sl_rc_t rc = one_pass(&n, sum, rt, p, err);

        if (rc != SL_OK || n == 0) {
            return rc;
        }
    }
    return SL_OK;
}

/** Rows of the audit are httpd's to store; it looks every second. */
static sl_rc_t look(apr_array_header_t **keys, const sl_runtime_t *rt, apr_pool_t *p, sl_err_t *err)
{
    apr_time_t until = apr_time_now() + apr_time_from_sec(3);

    for (;;) {
        sl_rc_t rc = sl_ctl_keys(keys, rt, p, err);
        bool waits = false;

        for (int i = 0; rc == SL_OK && i < (*keys)->nelts; i++) {
            const sl_ctl_key_t *key = &APR_ARRAY_IDX(*keys, i, sl_ctl_key_t);

            waits = waits || (!key->seals && key->journal > 0);
        }
        if (rc != SL_OK || !waits || apr_time_now() > until) {
            return rc;
        }
        apr_sleep(POLL);
    }
}

static int print_done(const sl_ctl_t *ctl, const sl_runtime_t *rt, const sum_t *sum,
                      const apr_array_header_t *keys)
{
    sl_json_t *object = sl_json_object(ctl->p);
    int held = sum->cdp.values + sum->cdp.records + sum->cdp.others;
    int64_t left = 0;

    for (int i = 0; i < keys->nelts; i++) {
        const sl_ctl_key_t *key = &APR_ARRAY_IDX(keys, i, sl_ctl_key_t);

        left += key->seals ? 0 : key->tokens + key->held;
    }
    if (ctl->json) {
        sl_json_put_str(object, "key", sl_keyring_active(rt->ring));
        sl_json_put_int(object, "tokens", sum->core.tokens);
        sl_json_put_int(object, "pending", sum->core.pendings);
        sl_json_put_int(object, "held", held);
        sl_json_put_int(object, "left", left);
        sl_json_put(object, "keys", sl_ctl_keys_json(keys, ctl->p));
        sl_ctl_print_json(ctl, object);
    } else {
        (void)printf("sealed anew under %s: %d token%s, %d launch%s under way, %d held\n",
                     sl_keyring_active(rt->ring), sum->core.tokens,
                     sum->core.tokens == 1 ? "" : "s", sum->core.pendings,
                     sum->core.pendings == 1 ? "" : "es", held);
        sl_ctl_keys_print(keys, ctl->p);
    }
    if (left > 0) {
        (void)fprintf(stderr, "smartlaunchctl: %ld still sealed under another key%s\n", (long)left,
                      sum->core.closed + sum->cdp.closed > 0
                          ? ", some of which cannot be opened (see above)"
                          : ": a process of httpd may still seal with it; try again");
    }
    return left > 0 ? SL_CTL_FAILED : SL_CTL_OK;
}

int sl_ctl_keyring_rotate(sl_ctl_t *ctl)
{
    apr_array_header_t *keys = NULL;
    sum_t sum = {0};
    sl_runtime_t *rt = NULL;
    sl_err_t err = {0};
    int left = 0;

    if (sl_ctl_runtime(&rt, ctl, NULL, &err) != SL_OK ||
        wait_for_hosts(rt, ctl->p, &err) != SL_OK ||
        sl_renew_replay(&left, rt, ctl->p, &err) != SL_OK ||
        seal_all(&sum, rt, ctl->p, &err) != SL_OK || look(&keys, rt, ctl->p, &err) != SL_OK) {
        return sl_ctl_fail(&err);
    }
    return print_done(ctl, rt, &sum, keys);
}
