/* SPDX-License-Identifier: Apache-2.0 */
/** Where a string of JSON may begin: the search that a body goes through at memory speed. */
#ifndef SL_LINK_SCAN_H
#define SL_LINK_SCAN_H

#define SL_LINK_SCAN_AHEAD 5 /* bytes behind the quote that are looked at */

/**
 * The first `"` in [from, end) behind which `begin` may follow; not all of it is compared, and near
 * `end` it cannot be. In valid JSON a `"` before a letter, without a backslash before it, opens a
 * string.
 * @param begin at least SL_LINK_SCAN_AHEAD bytes
 * @return `end` when there is none
 */
const char *sl_link_scan(const char *from, const char *end, const char *begin);

#endif
