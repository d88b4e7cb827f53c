/* SPDX-License-Identifier: Apache-2.0 */
/** Where messages go: in httpd/ the error log, in smartlaunchctl stderr, in tests nowhere. */
#ifndef SL_LOG_H
#define SL_LOG_H

#include "base/sl_rc.h"

typedef enum { SL_LOG_ERROR, SL_LOG_WARN, SL_LOG_INFO, SL_LOG_DEBUG } sl_log_level_t;

/** A sink; `id` is "SLnnnn", `text` one line without secrets. */
typedef void (*sl_log_fn)(void *data, sl_log_level_t level, const char *id, const char *text);

typedef struct {
    sl_log_fn write; /* NULL: silent */
    void *data;
} sl_log_t;

/** Format and write one line. */
SL_PRINTF(4, 5)
void sl_log(const sl_log_t *log, sl_log_level_t level, const char *id, const char *fmt, ...);

#endif
