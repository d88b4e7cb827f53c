/* SPDX-License-Identifier: Apache-2.0 */
/* What the handlers of directives share, in both modules. */
#include "httpd/sl_directive.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

const char *sl_directive_option(const char *word, const char *key)
{
    size_t len = strlen(key);

    return (strncmp(word, key, len) == 0 && word[len] == '=') ? word + len + 1 : NULL;
}

/** Microseconds of a unit; 0: no such unit. */
static apr_interval_time_t unit_of(const char *unit)
{
    static const struct {
        const char *name;
        apr_interval_time_t length;
    } units[] = {{"ms", 1000},
                 {"", APR_USEC_PER_SEC},
                 {"s", APR_USEC_PER_SEC},
                 {"m", 60 * APR_USEC_PER_SEC},
                 {"min", 60 * APR_USEC_PER_SEC},
                 {"h", 3600 * APR_USEC_PER_SEC},
                 {"d", 24 * 3600 * APR_USEC_PER_SEC}};

    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(unit, units[i].name) == 0) {
            return units[i].length;
        }
    }
    return 0;
}

const char *sl_directive_time(cmd_parms *cmd, const char *text, apr_interval_time_t *out)
{
    char *end = NULL;
    apr_int64_t number = apr_strtoi64(text, &end, 10);
    apr_interval_time_t unit = unit_of(end);

    if (end == text || number <= 0 || number > 1000000 || unit == 0) {
        return apr_psprintf(cmd->pool, "%s: \"%s\" is no time; write 30s, 15m, 12h or 30d",
                            cmd->cmd->name, text);
    }
    *out = number * unit;
    return NULL;
}

static int shift_of(const char *unit)
{
    if (unit[0] != '\0' && unit[1] != '\0') {
        return -1;
    }
    switch (apr_tolower(unit[0])) {
    case '\0':
        return 0;
    case 'k':
        return 10;
    case 'm':
        return 20;
    case 'g':
        return 30;
    default:
        return -1;
    }
}

const char *sl_directive_size(cmd_parms *cmd, const char *text, apr_size_t *out)
{
    char *end = NULL;
    apr_int64_t number = apr_strtoi64(text, &end, 10);
    int shift = shift_of(end);

    if (end == text || shift < 0 || number <= 0 || number > APR_INT64_C(1) << 33) {
        return apr_psprintf(cmd->pool, "%s: \"%s\" is no size; write 32M", cmd->cmd->name, text);
    }
    *out = (apr_size_t)number << shift;
    return NULL;
}

const char *sl_directive_main_only(cmd_parms *cmd)
{
    if (!cmd->server->is_virtual) {
        return NULL;
    }
    return apr_psprintf(cmd->pool, "%s is for the whole server; move it out of <VirtualHost>",
                        cmd->cmd->name);
}

const char *sl_directive_location(const cmd_parms *cmd)
{
    const ap_directive_t *parent = cmd->directive->parent;

    if (parent == NULL || strcasecmp(parent->directive, "<Location") != 0 ||
        parent->args[0] == '~' || cmd->path == NULL || cmd->path[0] != '/' ||
        strpbrk(cmd->path, "*?[") != NULL) {
        return NULL;
    }
    return cmd->path;
}
