/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_sheet.h"

#include "store/sl_store_cdp_log.h"
#include <string.h>

sl_rc_t sl_cdp_log(apr_array_header_t **out, const sl_cdp_t *cdp, const char *project,
                   const char *record, int limit, apr_pool_t *p, sl_err_t *err)
{
    const sl_store_cdp_place_t place = {project, record};
    apr_array_header_t *entries;
    sl_rc_t rc = sl_store_cdp_log(&entries, cdp->rt->db, &place, limit, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    *out = apr_array_make(p, entries->nelts, sizeof(sl_cdp_event_t));
    for (int i = 0; i < entries->nelts; i++) {
        const sl_store_cdp_entry_t *entry = &APR_ARRAY_IDX(entries, i, sl_store_cdp_entry_t);
        sl_cdp_event_t *event = apr_array_push(*out);

        memset(event, 0, sizeof(*event));
        event->at = entry->at;
        event->user = entry->user;
        event->what = entry->what;
        event->source = entry->source;
        event->event = entry->event;
        event->field = entry->field;
        event->instance = entry->instance;
        event->detail = entry->detail;
        if (entry->taken_at != NULL && sl_cdp_when_parse(&event->when, entry->taken_at) != SL_OK) {
            event->when.precision = SL_CDP_NO_TIME; /* a year that no calendar of ours has */
        }
    }
    return SL_OK;
}
