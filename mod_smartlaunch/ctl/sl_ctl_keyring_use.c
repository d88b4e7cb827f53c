/* SPDX-License-Identifier: Apache-2.0 */
/* Which keys of the ring are needed, and until when. */
#include "ctl/sl_ctl_keyring.h"
#include "ctl/sl_ctl_runtime.h"
#include "ctl/sl_ctl_table.h"
#include "store/sl_store_cdp_key.h"
#include "store/sl_store_reseal.h"

#include <apr_strings.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

static sl_ctl_key_t *key_of(apr_array_header_t *keys, const char *id)
{
    sl_ctl_key_t *key;

    for (int i = 0; i < keys->nelts; i++) {
        key = &APR_ARRAY_IDX(keys, i, sl_ctl_key_t);
        if (strcmp(key->id, id) == 0) {
            return key;
        }
    }
    key = apr_array_push(keys);
    memset(key, 0, sizeof(*key));
    key->id = apr_pstrdup(keys->pool, id);
    return key;
}

static void add_ring(apr_array_header_t *keys, const sl_keyring_t *ring, apr_pool_t *p)
{
    char *names = apr_pstrdup(p, sl_keyring_names(ring, p));
    char *state = NULL;

    for (const char *id = apr_strtok(names, " ", &state); id != NULL;
         id = apr_strtok(NULL, " ", &state)) {
        sl_ctl_key_t *key = key_of(keys, id);

        key->in_ring = true;
        key->seals = strcmp(id, sl_keyring_active(ring)) == 0;
    }
}

/** Records of this host's journal, renewals and audit, by the key that sealed them. */
static sl_rc_t add_journal(apr_array_header_t *keys, sl_spool_t *spool, apr_pool_t *p,
                           sl_err_t *err)
{
    apr_array_header_t *names = NULL;
    sl_rc_t rc = sl_spool_list(&names, spool, "", INT_MAX, p, err);

    for (int i = 0; rc == SL_OK && i < names->nelts; i++) {
        const char *id = NULL;
        sl_err_t gone;

        if (sl_spool_key(&id, spool, APR_ARRAY_IDX(names, i, const char *), p, &gone) == SL_OK) {
            key_of(keys, id)->journal++;
        }
    }
    return rc;
}

/** Values, medical record numbers and the like, until they are sealed anew. */
static sl_rc_t add_held(apr_array_header_t *keys, const sl_runtime_t *rt, apr_pool_t *p,
                        sl_err_t *err)
{
    apr_array_header_t *uses = NULL;
    sl_rc_t rc = sl_store_cdp_key_use(&uses, rt->db, p, err);

    for (int i = 0; rc == SL_OK && i < uses->nelts; i++) {
        const sl_store_cdp_key_use_t *use = &APR_ARRAY_IDX(uses, i, sl_store_cdp_key_use_t);

        key_of(keys, use->key_id)->held = use->count;
    }
    return rc;
}

sl_rc_t sl_ctl_keys(apr_array_header_t **out, const sl_runtime_t *rt, apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *uses = NULL;
    apr_array_header_t *keys = apr_array_make(p, 4, sizeof(sl_ctl_key_t));
    sl_rc_t rc = sl_store_key_use(&uses, rt->db, p, err);

    add_ring(keys, rt->ring, p);
    for (int i = 0; rc == SL_OK && i < uses->nelts; i++) {
        const sl_key_use_t *use = &APR_ARRAY_IDX(uses, i, sl_key_use_t);
        sl_ctl_key_t *key = key_of(keys, use->key_id);

        key->tokens = use->tokens;
        key->launches = use->launches;
        key->others = use->others;
        key->until = use->until;
    }
    rc = rc == SL_OK ? add_held(keys, rt, p, err) : rc;
    if (rc == SL_OK && rt->spool != NULL) {
        rc = add_journal(keys, rt->spool, p, err);
    }
    *out = keys;
    return rc;
}

static bool is_needed(const sl_ctl_key_t *key)
{
    return key->seals || key->tokens > 0 || key->launches > 0 || key->others > 0 || key->held > 0 ||
           key->journal > 0;
}

const char *sl_ctl_key_need(const sl_ctl_key_t *key, apr_pool_t *p)
{
    if (!is_needed(key)) {
        return "no: its line may go";
    }
    if (!key->in_ring) {
        return "yes, and it is MISSING from the ring";
    }
    if (key->seals) {
        return "yes: it seals";
    }
    if (key->tokens > 0 || key->held > 0) {
        return "until keyring rotate has run";
    }
    return key->journal > 0 ? "until httpd has brought its journal home"
                            : apr_pstrcat(p, "until ", sl_ctl_stamp(p, key->until), NULL);
}

void sl_ctl_keys_print(const apr_array_header_t *keys, apr_pool_t *p)
{
    int width = 3;

    for (int i = 0; i < keys->nelts; i++) {
        int len = (int)strlen(APR_ARRAY_IDX(keys, i, sl_ctl_key_t).id);

        width = len > width ? len : width;
    }
    (void)printf("%-*s  TOKENS  LAUNCHES   HELD  JOURNAL  NEEDED\n", width, "KEY");
    for (int i = 0; i < keys->nelts; i++) {
        const sl_ctl_key_t *key = &APR_ARRAY_IDX(keys, i, sl_ctl_key_t);

        (void)printf("%-*s  %6ld  %8ld  %5ld  %7ld  %s\n", width, sl_ctl_plain(p, key->id),
                     (long)key->tokens, (long)(key->launches + key->others), (long)key->held,
                     (long)key->journal, sl_ctl_key_need(key, p));
    }
}

sl_json_t *sl_ctl_keys_json(const apr_array_header_t *keys, apr_pool_t *p)
{
    sl_json_t *array = sl_json_array(p);

    for (int i = 0; i < keys->nelts; i++) {
        const sl_ctl_key_t *key = &APR_ARRAY_IDX(keys, i, sl_ctl_key_t);
        sl_json_t *object = sl_json_object(p);

        sl_json_put_str(object, "key", key->id);
        sl_json_put_bool(object, "in_ring", key->in_ring);
        sl_json_put_bool(object, "seals", key->seals);
        sl_json_put_bool(object, "needed", is_needed(key));
        sl_json_put_str(object, "until", key->until != 0 ? sl_ctl_stamp(p, key->until) : NULL);
        sl_json_put_int(object, "tokens", key->tokens);
        sl_json_put_int(object, "launches", key->launches);
        sl_json_put_int(object, "pending", key->others);
        sl_json_put_int(object, "held", key->held);
        sl_json_put_int(object, "journal", key->journal);
        sl_json_push(array, object);
    }
    return array;
}

int sl_ctl_keyring_status(sl_ctl_t *ctl)
{
    apr_array_header_t *keys = NULL;
    sl_runtime_t *rt = NULL;
    sl_err_t err = {0};
    int status = SL_CTL_OK;

    if (sl_ctl_runtime(&rt, ctl, NULL, &err) != SL_OK ||
        sl_ctl_keys(&keys, rt, ctl->p, &err) != SL_OK) {
        return sl_ctl_fail(&err);
    }
    if (ctl->json) {
        sl_ctl_print_json(ctl, sl_ctl_keys_json(keys, ctl->p));
    } else {
        sl_ctl_keys_print(keys, ctl->p);
    }
    for (int i = 0; i < keys->nelts; i++) {
        const sl_ctl_key_t *key = &APR_ARRAY_IDX(keys, i, sl_ctl_key_t);

        if (!key->in_ring && is_needed(key)) {
            status = SL_CTL_NOT_THERE;
        }
    }
    return status;
}
