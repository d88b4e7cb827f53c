/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_child.h"
#include "httpd/sl_cdp_watchdog.h"

#include <time.h>

static apr_array_header_t *projects_of(const sl_cdp_main_t *main, apr_pool_t *p)
{
    apr_array_header_t *out =
        apr_array_make(p, main->projects->nelts, sizeof(const sl_cdp_project_t *));

    for (int i = 0; i < main->projects->nelts; i++) {
        APR_ARRAY_PUSH(out, const sl_cdp_project_t *) =
            &APR_ARRAY_IDX(main->projects, i, sl_cdp_project_conf_t *)->project;
    }
    return out;
}

void sl_cdp_child_init(apr_pool_t *pchild, server_rec *s)
{
    sl_cdp_main_t *main = sl_cdp_conf(s)->main;
    const sl_runtime_t *rt = main->core != NULL ? main->core->runtime(s) : NULL;
    sl_cdp_t *cdp;

    if (rt == NULL) { /* not configured, or the core has said why it has none */
        return;
    }
    tzset(); /* localtime_r() need not do so, and times are the wall clock's */
    cdp = apr_pcalloc(pchild, sizeof(*cdp));
    cdp->rt = rt;
    cdp->projects = projects_of(main, pchild);
    main->cdp = cdp;
    sl_cdp_watchdog_child_init(pchild, s);
}
