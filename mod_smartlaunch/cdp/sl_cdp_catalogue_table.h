/* SPDX-License-Identifier: Apache-2.0 */
/** The entries of the catalogue (reference section 5); its questions are in sl_cdp_catalogue.h. */
#ifndef SL_CDP_CATALOGUE_TABLE_H
#define SL_CDP_CATALOGUE_TABLE_H

#include "cdp/sl_cdp_catalogue.h"

/** In the order of the screen, groups together. */
extern const sl_cdp_source_t sl_cdp_catalogue_table[];
extern const int sl_cdp_catalogue_size;

#endif
