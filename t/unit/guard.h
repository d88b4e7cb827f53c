/* SPDX-License-Identifier: Apache-2.0 */
/** What the tests of the patient guard share: a request as one line, for the launch's patient p1.
 */
#ifndef GUARD_H
#define GUARD_H
#include "rule.h"
#include "smart/sl_guard.h"
#include <apr_strings.h>

#define BASE "https://ehr.example/fhir/R4"

/** A request: "GET Observation?patient=p1", and what else it has. */
typedef struct {
    const char *line;
    const char *type; /* content type of the body; NULL: application/fhir+json */
    const char *body; /* NULL: none */
} guard_ask_t;

/** Ask the guard; `verdict` and `err` as it fills them in. */
__attribute__((unused)) static sl_rc_t guard_ask(sl_guard_verdict_t *verdict, sl_guard_mode_t mode,
                                                 const guard_ask_t *ask, apr_pool_t *p,
                                                 sl_err_t *err)
{
    char *method = apr_pstrdup(p, ask->line);
    char *path = strchr(method, ' '), *query;
    sl_fhir_request_t request;
    sl_guard_input_t input = {.mode = mode, .patient = "p1", .base = BASE, .request = &request};

    *path++ = '\0';
    query = strchr(path, '?');
    if (query != NULL) {
        *query++ = '\0';
    }
    if (sl_fhir_request_parse(&request, method, apr_pstrcat(p, "/", path, NULL), p, err) != SL_OK) {
        return SL_INVALID;
    }
    input.query = query;
    if (ask->body != NULL) {
        input.has_body = true;
        input.body = ask->body;
        input.body_len = strlen(ask->body);
        input.content_type = ask->type != NULL ? ask->type : "application/fhir+json";
    }
    return sl_guard_check(verdict, &input, p, err);
}

/** One TAP line: does it end with this log id? NULL: it passes. */
__attribute__((unused)) static void guard_row(sl_guard_mode_t mode, const guard_ask_t *ask,
                                              const char *id, apr_pool_t *p)
{
    static const char *const modes[] = {"unset", "on", "strict", "off"};
    sl_guard_verdict_t verdict;
    sl_err_t err;
    sl_rc_t rc = guard_ask(&verdict, mode, ask, p, &err);
    const char *name =
        apr_psprintf(p, "%s %s: %s%s%.90s", modes[mode], id == NULL ? "passes" : id, ask->line,
                     ask->body != NULL ? " <- " : "", ask->body != NULL ? ask->body : "");

    is_end(rc, &err, id, id == NULL ? SL_OK : SL_DENIED, name);
}

#endif
