/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_finding.h"

#include "base/sl_text.h"
#include <apr_strings.h>
#include <stdarg.h>

#define TEXT_MAX 600

sl_findings_t sl_finding_list(apr_pool_t *p)
{
    const sl_findings_t findings = {apr_array_make(p, 32, sizeof(sl_finding_t)), NULL};

    return findings;
}

const char *sl_finding_word(sl_verdict_t verdict)
{
    switch (verdict) {
    case SL_FINDING_OK:
        return "ok";
    case SL_FINDING_WARN:
        return "warn";
    case SL_FINDING_WRONG:
        break;
    }
    return "WRONG";
}

/* Texts may hold what the other side sent. */
static void add(const sl_findings_t *findings, const sl_finding_t *finding, const char *fmt,
                va_list args)
{
    apr_pool_t *p = findings->list->pool;
    sl_finding_t *added = apr_array_push(findings->list);

    *added = *finding;
    added->ehr = findings->ehr;
    added->found = sl_text_loggable(p, apr_pvsprintf(p, fmt, args), TEXT_MAX);
    if (finding->todo != NULL) {
        added->todo = sl_text_loggable(p, finding->todo, TEXT_MAX);
    }
}

void sl_finding_ok(const sl_findings_t *findings, const char *what, const char *fmt, ...)
{
    const sl_finding_t finding = {NULL, what, SL_FINDING_OK, NULL, NULL};
    va_list args;

    va_start(args, fmt);
    add(findings, &finding, fmt, args);
    va_end(args);
}

void sl_finding_warn(const sl_findings_t *findings, const char *what, const char *todo,
                     const char *fmt, ...)
{
    const sl_finding_t finding = {NULL, what, SL_FINDING_WARN, NULL, todo};
    va_list args;

    va_start(args, fmt);
    add(findings, &finding, fmt, args);
    va_end(args);
}

void sl_finding_wrong(const sl_findings_t *findings, const char *what, const char *todo,
                      const char *fmt, ...)
{
    const sl_finding_t finding = {NULL, what, SL_FINDING_WRONG, NULL, todo};
    va_list args;

    va_start(args, fmt);
    add(findings, &finding, fmt, args);
    va_end(args);
}
