/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_csp.h"

#include <apr_strings.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#define BLANK " \t\r\n\f"
#define OURS "frame-ancestors"

/* The next directive of a policy, without spaces around; *rest ends at `;`, `,` or the end. */
static apr_size_t next_directive(const char **at)
{
    const char *text = *at + strspn(*at, BLANK ";");
    apr_size_t len = strcspn(text, ";,");

    *at = text;
    while (len > 0 && strchr(BLANK, text[len - 1]) != NULL) {
        len--;
    }
    return len;
}

static bool is_ours(const char *directive, apr_size_t len)
{
    apr_size_t name = sizeof(OURS) - 1;

    return len >= name && strncasecmp(directive, OURS, name) == 0 &&
           (len == name || strchr(BLANK, directive[name]) != NULL);
}

static char *append(char *end, const char *text, apr_size_t len)
{
    memcpy(end, text, len);
    return end + len;
}

/* One policy, ours last. *at is moved to the comma behind it or to the end. */
static char *copy_policy(char *end, const char **at, const char *ancestors)
{
    apr_size_t len;

    while ((len = next_directive(at)) > 0) {
        if (!is_ours(*at, len)) {
            end = append(end, *at, len);
            end = append(end, "; ", 2);
        }
        *at += strcspn(*at, ";,");
    }
    end = append(end, OURS " ", sizeof(OURS));
    return append(end, ancestors, strlen(ancestors));
}

const char *sl_csp_reframe(apr_pool_t *p, const char *value, const char *ancestors)
{
    const char *at = value != NULL ? value : "", *c;
    apr_size_t policies = 1;
    char *out, *end;

    for (c = at; *c != '\0'; c++) {
        policies += *c == ',';
    }
    /* each directive gains at most a space, each policy our directive and a space */
    out = end = apr_palloc(p, 2 * strlen(at) + policies * (sizeof(OURS) + strlen(ancestors) + 4));
    while (*(at += strspn(at, BLANK ",;")) != '\0') {
        if (end > out) {
            end = append(end, ", ", 2);
        }
        end = copy_policy(end, &at, ancestors);
    }
    if (end == out) {
        end = copy_policy(end, &at, ancestors);
    }
    *end = '\0';
    return out;
}
