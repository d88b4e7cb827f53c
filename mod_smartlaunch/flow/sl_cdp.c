/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp.h"

#include "base/sl_text.h"

#include <string.h>

#define RECORD_MAX 100

const sl_cdp_project_t *sl_cdp_project(const sl_cdp_t *cdp, const char *name)
{
    for (int i = 0; i < cdp->projects->nelts; i++) {
        const sl_cdp_project_t *project = APR_ARRAY_IDX(cdp->projects, i, const sl_cdp_project_t *);

        if (strcmp(project->name, name) == 0) {
            return project;
        }
    }
    return NULL;
}

bool sl_cdp_is_record(const char *text)
{
    apr_size_t len = text == NULL ? 0 : strlen(text);

    if (len == 0 || len > RECORD_MAX || !sl_text_is_utf8(text, len)) {
        return false;
    }
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++) {
        if (*c < ' ' || *c == 0x7f || *c == '/') {
            return false;
        }
    }
    return strcmp(text, ".") != 0 && strcmp(text, "..") != 0;
}
