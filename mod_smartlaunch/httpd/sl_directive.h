/* SPDX-License-Identifier: Apache-2.0 */
/** Words of directives, read the same way in all of them. */
#ifndef SL_DIRECTIVE_H
#define SL_DIRECTIVE_H

#include <httpd.h> /* before all others of httpd */

#include <http_config.h>

/** "key=" at the start of `word`? Then the value, else NULL. */
const char *sl_directive_option(const char *word, const char *key);

/** A time with unit (default seconds); an error sentence or NULL. */
const char *sl_directive_time(cmd_parms *cmd, const char *text, apr_interval_time_t *out);

/** A size with K, M or G; an error sentence or NULL. */
const char *sl_directive_size(cmd_parms *cmd, const char *text, apr_size_t *out);

/** NULL, or the sentence that says the directive belongs outside <VirtualHost>. */
const char *sl_directive_main_only(cmd_parms *cmd);

/** The literal path of the <Location> that the directive stands in; NULL: it is none. */
const char *sl_directive_location(const cmd_parms *cmd);

#endif
