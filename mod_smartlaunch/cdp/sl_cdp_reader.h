/* SPDX-License-Identifier: Apache-2.0 */
/** Inside of a reader: what it knows over all pages, and of the page at hand. */
#ifndef SL_CDP_READER_H
#define SL_CDP_READER_H

#include "cdp/sl_cdp_lines.h"
#include "cdp/sl_cdp_read.h"
#include <apr_hash.h>

struct sl_cdp_reader {
    apr_pool_t *p;
    const sl_cdp_request_t *request;
    sl_cdp_subject_t subject;
    bool convert_gmt;
    apr_hash_t *by_code; /* LOINC code → apr_array_header_t of int, places in request->wants */
    int *seen;           /* by want: the last observation, or component, that served it */
    int serial;
    apr_hash_t *lists;            /* source name → sl_cdp_lines_t */
    apr_hash_t *told;             /* warnings that were given */
    apr_array_header_t *patients; /* of const char *: ids that were found */
};

/** The page at hand. */
typedef struct {
    sl_cdp_reader_t *reader;
    sl_cdp_page_t *page;
    const sl_json_t *entries;
    apr_pool_t *p; /* of the page */
} sl_cdp_paging_t;

/** Say it once, however many pages say it. */
void sl_cdp_reader_warn(const sl_cdp_paging_t *paging, const char *sentence);

/** The id of a resource; NULL: it has none. */
const char *sl_cdp_reader_id(const sl_json_t *resource);

/** Read one Observation of our patient. @return whether it counted */
bool sl_cdp_reader_observation(const sl_cdp_paging_t *paging, const sl_json_t *resource);

/** Read one resource of a list: a line for each list that wants it. @return whether it counted */
bool sl_cdp_reader_list(const sl_cdp_paging_t *paging, const sl_json_t *resource);

/** What a prescription prescribes, in words; NULL: it cannot be told. */
const char *sl_cdp_reader_medication(const sl_cdp_paging_t *paging, const sl_json_t *resource);

/** A clinical note, as HTML. @return whether it counted */
bool sl_cdp_reader_document(const sl_cdp_paging_t *paging, const sl_json_t *resource);

#endif
