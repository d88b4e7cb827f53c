/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_rc.h"

#include <stdarg.h>
#include <stdio.h>

sl_rc_t sl_err_set(sl_err_t *err, sl_rc_t rc, const char *id, const char *fmt, ...)
{
    va_list args;

    if (err == NULL) {
        return rc;
    }
    err->rc = rc;
    err->id = id;
    err->retry_after = 0;
    va_start(args, fmt);
    (void)vsnprintf(err->text, sizeof(err->text), fmt, args);
    va_end(args);
    return rc;
}

const char *sl_rc_name(sl_rc_t rc)
{
    switch (rc) {
    case SL_OK:
        return "SL_OK";
    case SL_NONE:
        return "SL_NONE";
    case SL_INVALID:
        return "SL_INVALID";
    case SL_UNKNOWN_EHR:
        return "SL_UNKNOWN_EHR";
    case SL_DENIED:
        return "SL_DENIED";
    case SL_FOREIGN:
        return "SL_FOREIGN";
    case SL_EXPIRED:
        return "SL_EXPIRED";
    case SL_USED:
        return "SL_USED";
    case SL_CONFLICT:
        return "SL_CONFLICT";
    case SL_UPSTREAM:
        return "SL_UPSTREAM";
    case SL_TIMEOUT:
        return "SL_TIMEOUT";
    case SL_BUSY:
        return "SL_BUSY";
    case SL_UNAVAILABLE:
        return "SL_UNAVAILABLE";
    case SL_FAILED:
        return "SL_FAILED";
    }
    return "?";
}
