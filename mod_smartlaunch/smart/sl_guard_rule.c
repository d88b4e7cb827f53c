/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_guard_rule.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

/* FHIR has 64; some EHRs have more. */
#define MAX_ID_BYTES 128

static const struct {
    const char *id, *text;
} reasons[] = {
    [SL_GUARD_PATH] = {"SL2601", "the path names another patient than the launch's"},
    [SL_GUARD_UNKNOWN] = {"SL2602", "the path is no FHIR interaction that the guard knows"},
    [SL_GUARD_SYSTEM] = {"SL2603", "a request over all types is not for one patient"},
    [SL_GUARD_WHOLE_TYPE] = {"SL2604", "a request over a whole type is not for one patient"},
    [SL_GUARD_MANY] = {"SL2605", "Group, $export and $graphql are not for one patient"},
    [SL_GUARD_PARAM] = {"SL2606", "a parameter names another patient than the launch's"},
    [SL_GUARD_UNCLEAR] = {"SL2607", "a parameter may name another patient: write Type/id"},
    [SL_GUARD_CHAIN] = {"SL2608", "a chained parameter goes through a patient, or may do so"},
    [SL_GUARD_SEARCH] = {"SL2609", "_has, _filter, _query, _list, _in and _revinclude are not "
                                   "for one patient"},
    [SL_GUARD_INCLUDE] = {"SL2610", "an _include may bring another patient: write "
                                    "Source:parameter:Type"},
    [SL_GUARD_QUERY] = {"SL2611", "the parameters cannot be looked into"},
    [SL_GUARD_NO_ID] = {"SL2612", "a search for patients needs the launch's patient as _id"},
    [SL_GUARD_NOT_OURS] = {"SL2613", "a conditional write needs the launch's patient among its "
                                     "parameters"},
    [SL_GUARD_BODY] = {"SL2614",
                       "the body is missing, too long, compressed, or where none belongs"},
    [SL_GUARD_BODY_TYPE] = {"SL2615", "a body of this content type cannot be looked into"},
    [SL_GUARD_BODY_JSON] = {"SL2616", "the body is no plain FHIR JSON"},
    [SL_GUARD_RESOURCE] = {"SL2617", "the body names another patient than the launch's"},
    [SL_GUARD_RESOURCE_TYPE] = {"SL2618", "the body is not of the type that the path names"},
    [SL_GUARD_SUBSCRIPTION] = {"SL2619", "a subscription is not for one patient"},
    [SL_GUARD_ENTRY] = {"SL2620", "an entry of the Bundle is no request that the guard knows"},
    [SL_GUARD_STRICT_SEARCH] = {"SL2631", "the request does not name the launch's patient"},
    [SL_GUARD_STRICT_WRITE] = {"SL2632", "what is written does not prove to be the launch's "
                                         "patient's"},
    [SL_GUARD_ANSWER_JSON] = {"SL2633", "the answer cannot be looked into"},
    [SL_GUARD_ANSWER] = {"SL2634", "the answer does not prove to be of the launch's patient alone"},
};

sl_rc_t sl_guard_deny(const sl_guard_t *g, sl_guard_why_t why)
{
    return sl_err_set(g->err, SL_DENIED, reasons[why].id, "%s", reasons[why].text);
}

void sl_guard_note(sl_guard_t *g, const char *id, apr_size_t len)
{
    if (g->asked != NULL || len == 0 || len > MAX_ID_BYTES) {
        return;
    }
    for (apr_size_t i = 0; i < len; i++) {
        if (!apr_isalnum(id[i]) && (id[i] == '\0' || strchr("-._~=+", id[i]) == NULL)) {
            return;
        }
    }
    g->asked = apr_pstrmemdup(g->p, id, len);
}
