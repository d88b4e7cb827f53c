/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_error_uri.h"

#include "base/sl_text.h"
#include <apr_strings.h>
#include <string.h>

#define CHARACTERS                                                                                 \
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~:/[]@!$&'()*+,;=%"

const char *sl_error_uri_loggable(apr_pool_t *p, const char *said)
{
    apr_size_t len = said == NULL ? 0 : strcspn(said, "?#");

    if (len == 0 || (!sl_text_has_prefix(said, "https://") &&
                     !sl_text_has_prefix(said, "http://") && !sl_text_has_prefix(said, "urn:"))) {
        return NULL;
    }
    if (strspn(said, CHARACTERS) < len) {
        return NULL;
    }
    return apr_pstrmemdup(p, said, len < SL_ERROR_URI_MAX ? len : SL_ERROR_URI_MAX);
}
