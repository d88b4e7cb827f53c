/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_redcap_memory.h"

#include <apr_strings.h>
#include <string.h>

#define KIND_SHAPE 'r'
#define LIFE apr_time_from_sec(60)
#define PIECE (64 * 1024)
#define PIECES 32

/** Before each piece: two that are not of one writing never make a whole. */
typedef struct {
    unsigned char of[SL_SHA256_LEN]; /* of the whole */
    apr_size_t len;                  /* of the whole */
} head_t;

static sl_shm_key_t key_of(const char *project, int piece, apr_pool_t *p)
{
    const char *name = apr_psprintf(p, "%s\n%d", project, piece);

    return sl_shm_key(KIND_SHAPE, name, strlen(name));
}

/** Appends one piece to the `*have` bytes of `*text`; false: it is not there. */
static bool take(char **text, apr_size_t *have, head_t *head, const sl_shm_entry_t *entry,
                 apr_pool_t *p)
{
    apr_size_t len = entry->value.len - sizeof(*head);
    head_t its;

    if (entry->value.len <= sizeof(its)) {
        return false;
    }
    memcpy(&its, entry->value.bytes, sizeof(its));
    if (*text == NULL) {
        *head = its;
        *text = apr_palloc(p, its.len + 1);
    }
    if (memcmp(its.of, head->of, sizeof(its.of)) != 0 || len > head->len - *have) {
        return false;
    }
    memcpy(*text + *have, entry->value.bytes + sizeof(its), len);
    *have += len;
    (*text)[*have] = '\0';
    return true;
}

const char *sl_cdp_redcap_recall(const sl_runtime_t *rt, const char *project, apr_pool_t *p)
{
    apr_time_t now = apr_time_now();
    apr_size_t have = 0;
    head_t head = {.len = 1};
    char *text = NULL;

    for (int i = 0; i < PIECES && have < head.len; i++) {
        sl_shm_key_t key = key_of(project, i, p);
        sl_shm_entry_t entry;

        if (sl_shm_get(rt->shm, &key, now, &entry, p) != SL_OK ||
            !take(&text, &have, &head, &entry, p)) {
            return NULL;
        }
    }
    return have == head.len ? text : NULL;
}

void sl_cdp_redcap_remember(const sl_runtime_t *rt, const char *project, const char *text,
                            apr_pool_t *p)
{
    sl_shm_put_t put = {.rank = SL_SHM_LOW};
    unsigned char *bytes = apr_palloc(p, sizeof(head_t) + PIECE);
    apr_size_t done = 0;
    head_t head;

    head.len = strlen(text);
    sl_digest_sha256(text, head.len, head.of);
    memcpy(bytes, &head, sizeof(head));
    put.now = apr_time_now();
    put.expires = put.now + LIFE;
    put.value.bytes = bytes;
    for (int i = 0; head.len <= (apr_size_t)PIECE * PIECES && done < head.len; i++) {
        apr_size_t len = head.len - done < PIECE ? head.len - done : PIECE;
        sl_shm_key_t key = key_of(project, i, p);
        sl_err_t err;

        memcpy(bytes + sizeof(head), text + done, len);
        put.value.len = sizeof(head) + len;
        if (sl_shm_put(rt->shm, &key, &put, &err) != SL_OK) {
            sl_log(&rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
            return;
        }
        done += len;
    }
}
