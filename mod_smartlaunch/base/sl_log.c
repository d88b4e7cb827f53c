/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_log.h"

#include <stdarg.h>
#include <stdio.h>

void sl_log(const sl_log_t *log, sl_log_level_t level, const char *id, const char *fmt, ...)
{
    char line[1024];
    va_list args;

    if (log == NULL || log->write == NULL) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(line, sizeof(line), fmt, args);
    va_end(args);
    /* One message is one line, whatever a value brought along. */
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            *c = '?';
        }
    }
    log->write(log->data, level, id, line);
}
