/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_cdp_setup_state.h"

#include "httpd/sl_cdp_pages.h"

#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch_cdp);

#define MAX_BODY SL_PARAMS_MAX_BYTES

/** Nobody has saved a mapping: what a new one begins with. */
static void begin(sl_cdp_setup_state_t *state)
{
    apr_pool_t *p = state->r->pool;

    state->mapping.project = state->visit->project->name;
    state->mapping.ehr = state->visit->project->ehr->name;
    state->mapping.offset = sl_cdp_offset_default();
    state->mapping.preview = apr_array_make(p, 1, sizeof(const char *));
    state->mapping.fields = apr_array_make(p, 1, sizeof(sl_cdp_map_t));
    state->mapping.identifier.event = state->mapping.identifier.field = "";
}

/** A page is shown without the app's word; DECLINED: go on. */
static int ask_app(sl_cdp_setup_state_t *state)
{
    const sl_cdp_visit_t *visit = state->visit;
    request_rec *r = state->r;
    sl_cdp_dictionary_t *dictionary = apr_pcalloc(r->pool, sizeof(*dictionary));
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_app_dictionary(dictionary, visit->cdp, visit->project, r->pool, &err);

    state->rules.project = visit->project->name;
    state->rules.ehr = visit->project->ehr->name;
    state->rules.may_email = visit->cdp->may_email;
    state->rules.dictionary = rc == SL_OK ? dictionary : NULL;
    if (rc == SL_UPSTREAM || rc == SL_TIMEOUT || rc == SL_DENIED || rc == SL_BUSY) {
        ap_log_rerror(APLOG_MARK, APLOG_WARNING, 0, r,
                      "SL8581: the fields of project %s cannot be shown: %s (%s, reference %s)",
                      visit->project->name, err.text, err.id != NULL ? err.id : "no id",
                      visit->core->reference(r));
        state->app_trouble =
            rc == SL_DENIED ? "The application does not let us read the project's fields: the "
                              "people who run this server have to look at its token."
                            : "The application could not be asked for the project's fields just "
                              "now. Please try again in a minute.";
        return DECLINED;
    }
    return rc == SL_OK || rc == SL_NONE ? DECLINED : visit->core->error(r, rc, &err);
}

int sl_cdp_setup_open(sl_cdp_setup_state_t *out, request_rec *r, const sl_cdp_visit_t *visit)
{
    sl_err_t err = {0};
    sl_rc_t rc;

    memset(out, 0, sizeof(*out));
    out->r = r;
    out->visit = visit;
    rc = sl_cdp_setup_load(&out->mapping, &out->revision, visit->cdp, visit->project->name, r->pool,
                           &err);
    if (rc == SL_NONE) {
        begin(out);
    } else if (rc != SL_OK) {
        return visit->core->error(r, rc, &err);
    }
    return ask_app(out);
}

const char *sl_cdp_setup_href(const sl_cdp_setup_state_t *state, const char *name,
                              const char *query)
{
    const char *const segments[] = {state->visit->project->name, "setup", name, NULL};

    return sl_cdp_visit_href(state->visit, state->r->pool, query, segments);
}

const sl_params_t *sl_cdp_setup_query(const sl_cdp_setup_state_t *state)
{
    const char *args = state->r->args;
    sl_params_t *params;
    sl_err_t err = {0};

    if (sl_params_parse(&params, args, args != NULL ? strlen(args) : 0, state->r->pool, &err) !=
            SL_OK &&
        sl_params_parse(&params, NULL, 0, state->r->pool, &err) != SL_OK) {
        return NULL;
    }
    return params;
}

static const char *subject_of(const char *name, const char *revision, apr_pool_t *p)
{
    return apr_pstrcat(p, "setup-", name, " ", revision, NULL);
}

static const char *revision_text(const sl_cdp_setup_state_t *state)
{
    return apr_psprintf(state->r->pool, "%" APR_INT64_T_FMT, state->revision);
}

static void put_revision(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state)
{
    sl_cdp_html_put(html, "<input type=\"hidden\" name=\"revision\" value=\"%s\">",
                    revision_text(state));
}

void sl_cdp_setup_form(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state, const char *name)
{
    sl_cdp_frame_form(html, state->visit, sl_cdp_setup_href(state, name, NULL),
                      subject_of(name, revision_text(state), html->p));
    put_revision(html, state);
}

void sl_cdp_setup_form_file(sl_cdp_html_t *html, const sl_cdp_setup_state_t *state,
                            const char *name)
{
    const char *subject = subject_of(name, revision_text(state), html->p);

    sl_cdp_html_put(html,
                    "<form method=\"post\" enctype=\"multipart/form-data\" action=\"%s\">"
                    "<input type=\"hidden\" name=\"token\" value=\"%s\">",
                    sl_cdp_setup_href(state, name, NULL),
                    sl_cdp_frame_token(state->visit, subject, html->p));
    put_revision(html, state);
}

int sl_cdp_setup_prove(const sl_cdp_setup_state_t *state, const char *name, const char *token,
                       const char *revision)
{
    apr_pool_t *p = state->r->pool;

    if (token != NULL && revision != NULL &&
        sl_cdp_frame_is_token(state->visit, subject_of(name, revision, p), token, p)) {
        return DECLINED;
    }
    return sl_cdp_frame_forged(state->r, state->visit);
}

int sl_cdp_setup_read(const sl_params_t **out, const sl_cdp_setup_state_t *state, const char *name)
{
    request_rec *r = state->r;
    const char *body;
    apr_size_t len;
    sl_params_t *params;
    sl_err_t err = {0};
    sl_rc_t rc =
        sl_cdp_visit_body(&body, &len, r, "application/x-www-form-urlencoded", MAX_BODY, &err);

    if (rc == SL_OK) {
        rc = sl_params_parse(&params, body, len, r->pool, &err);
    }
    if (rc != SL_OK) {
        return state->visit->core->error(r, rc, &err);
    }
    *out = params;
    return sl_cdp_setup_prove(state, name, sl_params_one(params, "token"),
                              sl_params_one(params, "revision"));
}

bool sl_cdp_setup_is_old(const sl_cdp_setup_state_t *state, const char *revision)
{
    return revision == NULL || strcmp(revision, revision_text(state)) != 0;
}

bool sl_cdp_setup_is_away(const sl_cdp_setup_state_t *state)
{
    return state->app_trouble != NULL;
}

int sl_cdp_setup_done(const sl_cdp_setup_state_t *state, const char *word)
{
    const char *query = apr_pstrcat(state->r->pool, "done=", word, NULL);

    return state->visit->core->redirect(state->r, HTTP_SEE_OTHER,
                                        sl_cdp_setup_href(state, NULL, query));
}

/** Who it was, and when: people talk to each other. */
static const char *who_saved(const sl_cdp_setup_state_t *state)
{
    const sl_cdp_visit_t *visit = state->visit;
    apr_pool_t *p = state->r->pool;
    const char *by = NULL;
    apr_time_t at = 0;
    sl_err_t err = {0};

    if (sl_cdp_setup_last(&by, &at, visit->cdp, visit->project->name, p, &err) != SL_OK) {
        return "Somebody else has saved the mapping while your page was open. Nothing of yours was "
               "saved.";
    }
    if (strcmp(by, visit->actor.user) == 0) {
        return apr_psprintf(p,
                            "You have saved the mapping in another window, at %s, while this page "
                            "was open. Nothing of this page was saved.",
                            sl_cdp_pages_time(at, p));
    }
    return apr_psprintf(p,
                        "%s has saved the mapping while your page was open, at %s. Nothing of "
                        "yours was saved.",
                        by, sl_cdp_pages_time(at, p));
}

int sl_cdp_setup_reopen(sl_cdp_setup_state_t *now, sl_cdp_setup_said_t *said,
                        const sl_cdp_setup_state_t *state)
{
    int answer = sl_cdp_setup_open(now, state->r, state->visit);

    memset(said, 0, sizeof(*said));
    if (answer == DECLINED) {
        said->status = HTTP_CONFLICT;
        said->is_trouble = true;
        said->text = who_saved(now);
    }
    return answer;
}

int sl_cdp_setup_show_old(const sl_cdp_setup_state_t *state, const char *csv)
{
    sl_cdp_setup_state_t now;
    sl_cdp_setup_said_t old;
    int answer = sl_cdp_setup_reopen(&now, &old, state);

    if (answer != DECLINED) {
        return answer;
    }
    old.csv = csv;
    old.text = apr_pstrcat(state->r->pool, old.text,
                           csv != NULL
                               ? " Below is how it is now, and your text: please look at both, and "
                                 "import it again if it still holds."
                               : " Below is how it is now: please look at it, and make your change "
                                 "again.",
                           NULL);
    return sl_cdp_setup_show(&now, &old);
}

int sl_cdp_setup_show_away(const sl_cdp_setup_state_t *state)
{
    const sl_cdp_setup_said_t away = {
        .status = HTTP_BAD_GATEWAY,
        .text = "Nothing was saved, since the application could not be asked whether it has these "
                "fields. Please try again in a minute.",
        .is_trouble = true,
    };

    return sl_cdp_setup_show(state, &away);
}

int sl_cdp_setup_keep(const sl_cdp_setup_state_t *state, const sl_cdp_mapping_t *mapping,
                      const char *done)
{
    const sl_cdp_visit_t *visit = state->visit;
    const sl_cdp_saving_t saving = {mapping, state->revision, visit->actor.user};
    sl_err_t err = {0};
    sl_rc_t rc = sl_cdp_setup_save(visit->cdp, visit->project->name, &saving, state->r->pool, &err);

    if (rc == SL_CONFLICT) {
        return sl_cdp_setup_show_old(state, NULL);
    }
    return rc == SL_OK ? sl_cdp_setup_done(state, done) : visit->core->error(state->r, rc, &err);
}
