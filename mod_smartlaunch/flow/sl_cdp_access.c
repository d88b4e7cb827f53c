/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_right.h"

#include "base/sl_text.h"
#include "store/sl_store_cdp_right.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#define KIND_ACCESS 'i'
#define USUAL_IDLE apr_time_from_sec(1800)
#define REFUSED apr_time_from_sec(60)
#define NO_ANSWER apr_time_from_sec(10)
#define MAX_ANSWER 1024
#define TIMEOUT apr_time_from_sec(10)

/** A session asks once for a project; where there is none, the user does. */
static sl_shm_key_t key_of(const sl_cdp_project_t *project, const sl_cdp_actor_t *actor,
                           apr_pool_t *p)
{
    const char *name = apr_pstrcat(p, project->app, "\n", project->name, "\n", actor->user, "\n",
                                   actor->launch == NULL ? "" : actor->launch, NULL);

    return sl_shm_key(KIND_ACCESS, name, strlen(name));
}

static void remember(const sl_cdp_t *cdp, const sl_shm_key_t *key, const char *word,
                     apr_interval_time_t life)
{
    sl_shm_put_t put = {.value = {(const unsigned char *)word, 1}, .rank = SL_SHM_LOW};
    sl_err_t err;

    put.now = apr_time_now();
    put.expires = put.now + life;
    if (sl_shm_put(cdp->rt->shm, key, &put, &err) != SL_OK) {
        sl_log(&cdp->rt->log, SL_LOG_DEBUG, err.id, "%s", err.text);
    }
}

/** "1", with blanks around it at most. */
static bool is_yes(const sl_secret_t *body)
{
    const char *text = sl_secret_reveal(body);
    apr_size_t len = sl_secret_len(body);

    while (len > 0 && apr_isspace(*text)) {
        text++;
        len--;
    }
    while (len > 0 && apr_isspace(text[len - 1])) {
        len--;
    }
    return len == 1 && *text == '1';
}

static sl_rc_t ask(sl_http_reply_t *reply, const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                   const char *user, apr_pool_t *p, sl_err_t *err)
{
    const char *form = apr_pstrcat(p, "user=", sl_text_percent(p, user),
                                   "&project=", sl_text_percent(p, project->name), NULL);
    sl_http_request_t request = {.method = SL_HTTP_POST, .url = project->access_url};

    request.accept = "text/plain, */*";
    request.body = sl_secret_str(p, form);
    request.ca_file = project->delivery.ca_file;
    request.max_bytes = MAX_ANSWER;
    request.timeout = TIMEOUT;
    request.insecure_loopback = true; /* the URL is the administrator's, and configtest saw it */
    return sl_http_do(cdp->rt->http, &request, reply, p, err);
}

/** Ask, and find words for a no. SL_UPSTREAM: no answer to go by. */
static sl_rc_t judge(const sl_cdp_t *cdp, const sl_cdp_project_t *project, const char *user,
                     apr_pool_t *p, sl_err_t *err)
{
    sl_http_reply_t reply;
    sl_err_t why = {0};
    sl_rc_t rc = ask(&reply, cdp, project, user, p, &why);

    if (rc != SL_OK) {
        return sl_err_set(err, SL_UPSTREAM, "SL8401",
                          "SmartCDPAccess of project %s gave no answer: %s", project->name,
                          why.text);
    }
    if (reply.status != 200) {
        return sl_err_set(err, SL_UPSTREAM, "SL8402",
                          "SmartCDPAccess of project %s answered with status %d", project->name,
                          reply.status);
    }
    if (!is_yes(reply.body)) {
        return sl_err_set(err, SL_DENIED, "SL8403",
                          "SmartCDPAccess of project %s does not let a user in", project->name);
    }
    return SL_OK;
}

sl_rc_t sl_cdp_access_ask(const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                          const sl_cdp_actor_t *actor, apr_pool_t *p, sl_err_t *err)
{
    sl_shm_entry_t entry;
    sl_shm_key_t key;
    sl_rc_t rc;

    if (project->access_url == NULL) {
        return SL_OK;
    }
    key = key_of(project, actor, p);
    if (sl_shm_get(cdp->rt->shm, &key, apr_time_now(), &entry, p) == SL_OK) {
        return entry.value.len == 1 && *entry.value.bytes == '1'
                   ? SL_OK
                   : sl_err_set(err, SL_DENIED, "SL8404",
                                "SmartCDPAccess of project %s did not let a user in a moment ago",
                                project->name);
    }
    rc = judge(cdp, project, actor->user, p, err);
    if (rc == SL_OK) {
        remember(cdp, &key, "1", cdp->rt->idle > 0 ? cdp->rt->idle : USUAL_IDLE);
        return SL_OK;
    }
    remember(cdp, &key, "0", rc == SL_DENIED ? REFUSED : NO_ANSWER);
    sl_log(&cdp->rt->log, SL_LOG_WARN, err->id, "%s", err->text);
    err->rc = SL_DENIED;
    return SL_DENIED;
}

sl_rc_t sl_cdp_right_of(sl_cdp_rights_t *out, const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                        const sl_cdp_actor_t *actor, apr_pool_t *p, sl_err_t *err)
{
    sl_store_cdp_right_t row;
    sl_err_t why;
    sl_rc_t rc;

    memset(out, 0, sizeof(*out));
    if (!sl_cdp_right_is_user(actor->user)) {
        return SL_OK; /* PostgreSQL would refuse the text, which is no fault of ours */
    }
    rc = sl_store_cdp_right_of(&row, cdp->rt->db, project->name, actor->user, p, err);
    if (rc != SL_OK || (!row.setup && !row.adjudicate)) {
        return rc == SL_NONE ? SL_OK : rc;
    }
    if (sl_cdp_access_ask(cdp, project, actor, p, &why) != SL_OK) {
        return SL_OK;
    }
    out->setup = row.setup;
    out->adjudicate = row.adjudicate;
    return SL_OK;
}
