/* SPDX-License-Identifier: Apache-2.0 */
/** Numbers and times that go into a field of that kind; sl_cdp_fit() asks. */
#ifndef SL_CDP_FIT_NUMBER_H
#define SL_CDP_FIT_NUMBER_H

#include "cdp/sl_cdp_dictionary.h"

/** As sl_cdp_fit(), for a field that wants an integer or a number. */
const char *sl_cdp_fit_number(const char **reason, const sl_cdp_field_t *field, const char *value,
                              apr_pool_t *p);

/** As sl_cdp_fit(), for a field that wants a date or a date with a time. */
const char *sl_cdp_fit_time(const char **reason, const sl_cdp_field_t *field, const char *value,
                            apr_pool_t *p);

#endif
