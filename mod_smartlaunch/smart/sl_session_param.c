/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_session_param.h"

#include "smart/sl_pairs.h"
#include <string.h>

/* RFC 6750 section 2.2 and 2.3: nobody's token travels this way (FHR-3) */
#define TOKEN_NAME "access_token"

typedef struct {
    sl_session_param_t *out;
    const char *const *names;
    apr_pool_t *p;
} taking_t;

static void note_session(sl_session_param_t *out, const char *session)
{
    if (out->session == NULL) {
        out->session = session;
    } else if (strcmp(out->session, session) != 0) {
        out->several = true;
    }
}

static bool is_taken(void *data, sl_pairs_span_t pair)
{
    taking_t *taking = data;
    sl_pairs_span_t value;

    for (const char *const *name = taking->names; *name != NULL; name++) {
        if (sl_pairs_is(pair, *name, &value)) {
            note_session(taking->out, sl_pairs_value(taking->p, value));
            return true;
        }
    }
    if (sl_pairs_is(pair, TOKEN_NAME, &value)) {
        taking->out->had_token = true;
        return true;
    }
    return false;
}

static void take(taking_t *taking, const char *text, sl_pairs_span_t query)
{
    sl_session_param_t *out = taking->out;

    out->session = NULL;
    out->several = out->had_token = false;
    out->rest = sl_pairs_take(taking->p, text, query, is_taken, taking);
}

void sl_session_param_take(sl_session_param_t *out, const char *text, const char *const *names,
                           apr_pool_t *p)
{
    static const sl_session_param_t nothing = {NULL, false, false, NULL};
    taking_t taking = {out, names, p};

    if (text == NULL) {
        *out = nothing;
        return;
    }
    take(&taking, text, sl_pairs_of_text(text));
    if (out->rest[0] == '\0') {
        out->rest = NULL;
    }
}

void sl_session_param_take_uri(sl_session_param_t *out, const char *uri, const char *const *names,
                               apr_pool_t *p)
{
    taking_t taking = {out, names, p};

    take(&taking, uri, sl_pairs_of_uri(uri));
}

void sl_session_param_take_line(sl_session_param_t *out, const char *line, const char *const *names,
                                apr_pool_t *p)
{
    taking_t taking = {out, names, p};

    take(&taking, line, sl_pairs_of_line(line));
}
