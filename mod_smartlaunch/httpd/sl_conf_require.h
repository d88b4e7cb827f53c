/* SPDX-License-Identifier: Apache-2.0 */
/** Who may come to a path, as far as the <Location> sections show it before any request does. */
#ifndef SL_CONF_REQUIRE_H
#define SL_CONF_REQUIRE_H

#include "httpd/sl_conf.h"

typedef struct {
    bool is_there;   /* a Require holds */
    bool is_open;    /* and it lets everybody in */
    bool is_smart;   /* AuthType Smart holds */
    bool has_type;   /* an AuthType holds, and it is not None */
    bool needs_user; /* without a user nobody comes in, from wherever */
    bool asks_user;  /* one of the Requires that hold is about who it is, not where from */
} sl_conf_require_t;

/**
 * What holds at `path` in this server: the sections of the main server, then its own, the later
 * ones in place of the earlier or, with AuthMerging, beside them. Requires in <Limit> and <If> only
 * count where they open. <Directory> and <Proxy> sections do not count.
 */
sl_conf_require_t sl_conf_require_at(const server_rec *s, const char *path, apr_pool_t *p);

/** The literal paths of all <Location> sections of this server that are below `path`. */
apr_array_header_t *sl_conf_require_below(const server_rec *s, const char *path, apr_pool_t *p);

#endif
