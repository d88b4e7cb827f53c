/* SPDX-License-Identifier: Apache-2.0 */
/** The pages on which a person says which patient is meant; nobody guesses (design 3, rule 3). */
#ifndef SL_CHOOSE_H
#define SL_CHOOSE_H

#include "httpd/sl_request.h"

/** The browser's open patients; scripts get an error that names nobody. @return DONE */
int sl_choose_patient(request_rec *r, const sl_bind_t *decision);

/** A link led from one patient's window to another's: stay, or change? @return DONE */
int sl_choose_switch(request_rec *r, const sl_bind_t *decision);

#endif
