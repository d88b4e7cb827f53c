/* SPDX-License-Identifier: Apache-2.0 */
/** Where a string of JSON may begin: the search that a body goes through at memory speed. */
#ifndef SL_LINK_SCAN_H
#define SL_LINK_SCAN_H

/** What is looked for behind a `"`. */
typedef struct {
    char first; /* the byte behind it */
    char rare;  /* and one that seldom stands there */
    int at;     /* so many bytes behind the quote, 1 to SL_LINK_SCAN_AHEAD */
} sl_link_begin_t;

#define SL_LINK_SCAN_AHEAD 8

/**
 * The first `"` in [from, end) that has both bytes behind it, or that stands so near to `end` that
 * one cannot tell. In valid JSON a `"` before a letter, without a backslash before it, opens a
 * string.
 * @return `end` when there is none
 */
const char *sl_link_scan(const char *from, const char *end, sl_link_begin_t begin);

#endif
