/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_right.h"

#include "base/sl_text.h"
#include "store/sl_store_cdp_right.h"

#include <string.h>

#define NAME_MAX_BYTES 255

bool sl_cdp_right_is_user(const char *text)
{
    apr_size_t len = text == NULL ? 0 : strlen(text);

    if (len == 0 || len > NAME_MAX_BYTES || !sl_text_is_utf8(text, len)) {
        return false;
    }
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c < ' ' || *c == 0x7f) {
            return false;
        }
    }
    return true;
}

sl_rc_t sl_cdp_right_set(const sl_cdp_t *cdp, const char *project, const char *user,
                         const sl_cdp_right_change_t *change, sl_err_t *err)
{
    const sl_store_cdp_right_set_t set = {project, user, change->right, change->may, change->by};

    if (change->right == NULL ||
        (strcmp(change->right, "setup") != 0 && strcmp(change->right, "adjudicate") != 0)) {
        return sl_err_set(err, SL_INVALID, "SL8003", "a right is setup or adjudicate");
    }
    if (!sl_cdp_right_is_user(user) || strcmp(user, SL_CDP_SYSTEM) == 0) {
        return sl_err_set(err, SL_INVALID, "SL8004", "that is no name of a user");
    }
    return sl_store_cdp_right_set(cdp->rt->db, &set, err);
}

sl_rc_t sl_cdp_right_list(apr_array_header_t **out, const sl_cdp_t *cdp, const char *project,
                          apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *rows = NULL;
    sl_rc_t rc = sl_store_cdp_right_list(&rows, cdp->rt->db, project, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, rows->nelts, sizeof(sl_cdp_right_row_t));
    for (int i = 0; i < rows->nelts; i++) {
        const sl_store_cdp_right_t *row = &APR_ARRAY_IDX(rows, i, sl_store_cdp_right_t);
        sl_cdp_right_row_t *one = apr_array_push(*out);

        one->user = row->user;
        one->rights.setup = row->setup;
        one->rights.adjudicate = row->adjudicate;
        one->granted_by = row->granted_by;
        one->granted_at = row->granted_at;
    }
    return rc;
}
