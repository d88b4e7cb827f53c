/* SPDX-License-Identifier: Apache-2.0 */
/* SmartNotify: whom to tell of a launch, how we sign for it, and where the answer may lead. */
#include "httpd/sl_conf_notify.h"
#include "base/sl_file.h"
#include "base/sl_text.h"
#include "httpd/sl_directives.h"
#include "smart/sl_url.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <http_log.h>
#include <string.h>

APLOG_USE_MODULE(smartlaunch);

#define GOOD_SECRET 32 /* RFC 7518 section 3.2 */
#define MAX_TOKEN 255

/** One directive while it is read. */
typedef struct {
    cmd_parms *cmd;
    sl_notify_conf_t *notify;
    bool in_allow; /* the words before were origins of allow= */
} reading_t;

static const char *read_file(const reading_t *reading, const char *option, const char *source,
                             const sl_secret_t **out)
{
    cmd_parms *cmd = reading->cmd;
    sl_secret_t *secret = NULL;
    sl_err_t err;

    if (strncmp(source, "file:", 5) != 0 || source[5] == '\0') {
        return apr_psprintf(cmd->pool,
                            "SmartNotify: what %s= stands for does not belong here; write "
                            "%s=file:PATH",
                            option, option);
    }
    if (sl_file_secret_line(&secret, ap_server_root_relative(cmd->pool, source + 5), cmd->pool,
                            &err) != SL_OK) {
        return apr_psprintf(cmd->pool,
                            "SmartNotify: %s=: %s; write file:PATH of a file that only its owner "
                            "may read, with the secret in its first line",
                            option, err.text);
    }
    *out = secret;
    return NULL;
}

static const char *read_secret(reading_t *reading, const char *value)
{
    sl_notify_conf_t *notify = reading->notify;
    const char *wrong = read_file(reading, "secret", value, &notify->to.secret);

    notify->secret_source = value;
    return wrong;
}

static const char *read_token(reading_t *reading, const char *value)
{
    sl_notify_conf_t *notify = reading->notify;
    const char *wrong = read_file(reading, "token", value, &notify->to.token);

    notify->token_source = value;
    if (wrong == NULL && !sl_text_is_header_safe(sl_secret_reveal(notify->to.token), MAX_TOKEN)) {
        wrong = apr_psprintf(reading->cmd->pool,
                             "SmartNotify: the token in %s travels in a header; write 1 to %d "
                             "letters, digits and signs on one line",
                             value, MAX_TOKEN);
    }
    return wrong;
}

static const char *read_ca(reading_t *reading, const char *value)
{
    apr_pool_t *p = reading->cmd->pool;
    const char *path = ap_server_root_relative(p, value);
    apr_finfo_t info;

    if (path == NULL || apr_stat(&info, path, APR_FINFO_TYPE, p) != APR_SUCCESS) {
        return apr_psprintf(p,
                            "SmartNotify: there is no file %s; write ca=PATH of a PEM file with "
                            "the CA certificates",
                            value);
    }
    reading->notify->to.ca_file = path;
    return NULL;
}

/** ID,NAME: the name may have blanks, and be missing. */
static const char *read_party(reading_t *reading, const char *option, const char *value,
                              const char **ids)
{
    apr_pool_t *p = reading->cmd->pool;
    const char *comma = strchr(value, ',');
    const char *id = comma != NULL ? apr_pstrmemdup(p, value, (apr_size_t)(comma - value)) : value;

    if (!sl_text_is_header_safe(id, MAX_TOKEN) || !sl_text_is_utf8(value, strlen(value))) {
        return apr_psprintf(p, "SmartNotify: %s=%s will not do; write %s=ID,NAME", option, value,
                            option);
    }
    ids[0] = id;
    ids[1] = comma != NULL && comma[1] != '\0' ? comma + 1 : NULL;
    return NULL;
}

static const char *read_source(reading_t *reading, const char *value)
{
    const char *ids[2];
    const char *wrong = read_party(reading, "source", value, ids);

    if (wrong == NULL) {
        reading->notify->to.source_id = ids[0];
        reading->notify->to.source_name = ids[1];
    }
    return wrong;
}

static const char *read_destination(reading_t *reading, const char *value)
{
    const char *ids[2];
    const char *wrong = read_party(reading, "destination", value, ids);

    if (wrong == NULL) {
        reading->notify->to.destination_id = ids[0];
        reading->notify->to.destination_name = ids[1];
    }
    return wrong;
}

static const char *read_origin(reading_t *reading, const char *text)
{
    apr_pool_t *p = reading->cmd->pool;
    sl_url_t url;
    sl_err_t err;

    if (sl_url_check_endpoint(text, true, p, &err) != SL_OK ||
        sl_url_parse(&url, text, p, &err) != SL_OK || url.query != NULL ||
        (url.path[0] != '\0' && strcmp(url.path, "/") != 0)) {
        return apr_psprintf(p,
                            "SmartNotify: allow=%s is no origin; write https://HOST, or "
                            "https://HOST:PORT",
                            text);
    }
    APR_ARRAY_PUSH(reading->notify->allow, const char *) = sl_url_origin(p, text);
    return NULL;
}

static const char *read_allow(reading_t *reading, const char *value)
{
    char *rest = apr_pstrdup(reading->cmd->pool, value);
    const char *wrong = NULL;
    char *last;
    char *word = apr_strtok(rest, ",", &last);

    reading->in_allow = true;
    if (word == NULL) {
        return "SmartNotify: allow= needs an origin: allow=https://HOST";
    }
    for (; word != NULL && wrong == NULL; word = apr_strtok(NULL, ",", &last)) {
        wrong = read_origin(reading, word);
    }
    return wrong;
}

static const char *read_html(reading_t *reading, const char *value)
{
    bool on = strcmp(value, "on") == 0;

    if (!on && strcmp(value, "off") != 0) {
        return "SmartNotify: write html=on or html=off";
    }
    reading->notify->to.html = on;
    return NULL;
}

static const char *read_option(reading_t *reading, const char *word)
{
    static const struct {
        const char *key;
        const char *(*read)(reading_t *reading, const char *value);
    } options[] = {{"secret", read_secret},
                   {"token", read_token},
                   {"ca", read_ca},
                   {"source", read_source},
                   {"destination", read_destination},
                   {"allow", read_allow},
                   {"html", read_html}};

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        const char *value = sl_directive_option(word, options[i].key);

        if (value != NULL) {
            reading->in_allow = false;
            return options[i].read(reading, value);
        }
    }
    if (reading->in_allow && strstr(word, "://") != NULL) {
        return read_allow(reading, word);
    }
    return apr_psprintf(reading->cmd->pool,
                        "SmartNotify: \"%s\" is not understood; write secret=, token=, ca=, "
                        "source=, destination=, allow= or html= after the URL",
                        word);
}

/** Anybody could send the app such a message, unless only this machine can. */
static const char *check_proof(const reading_t *reading)
{
    static const char local[] = ".localhost";
    const sl_destination_t *to = &reading->notify->to;
    sl_url_t url;
    size_t len;

    if (to->secret != NULL || to->token != NULL ||
        sl_url_parse(&url, to->url, reading->cmd->temp_pool, NULL) != SL_OK) {
        return NULL;
    }
    len = strlen(url.host);
    if (sl_url_is_loopback(url.host) ||
        (len > sizeof(local) && strcmp(url.host + len - (sizeof(local) - 1), local) == 0)) {
        return NULL;
    }
    return apr_psprintf(reading->cmd->pool,
                        "SmartNotify %s: without secret= or token= the app cannot tell our message "
                        "from anybody's; write secret=file:PATH",
                        to->url);
}

const char *sl_location_notify(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    sl_location_conf_t *location = dir;
    sl_notify_conf_t *notify = apr_pcalloc(cmd->pool, sizeof(*notify));
    reading_t reading = {cmd, notify, false};
    const char *wrong = NULL;
    sl_err_t err;

    if (sl_directive_location(cmd) == NULL) {
        return "SmartNotify belongs to a Redirect URL: a <Location> with SmartTarget";
    }
    if (argc < 1 || sl_url_check_endpoint(argv[0], true, cmd->temp_pool, &err) != SL_OK) {
        return apr_psprintf(cmd->pool,
                            "SmartNotify: \"%s\" will not do (%s); write the app's URL with "
                            "https://",
                            argc < 1 ? "" : argv[0], argc < 1 ? "it is missing" : err.text);
    }
    notify->to.url = argv[0];
    notify->allow = apr_array_make(cmd->pool, 4, sizeof(const char *));
    for (int i = 1; i < argc && wrong == NULL; i++) {
        wrong = read_option(&reading, argv[i]);
    }
    if (wrong == NULL) {
        wrong = check_proof(&reading);
    }
    notify->path = sl_directive_location(cmd);
    location->notify = notify;
    APR_ARRAY_PUSH(sl_directive_main(cmd)->notifies, const sl_notify_conf_t *) = notify;
    return wrong;
}

static bool covers_redirect(const server_rec *s, const char *path)
{
    for (; s != NULL; s = s->next) {
        const apr_array_header_t *redirects = sl_conf_server(s)->redirects;

        for (int i = 0; i < redirects->nelts; i++) {
            if (sl_url_is_below(APR_ARRAY_IDX(redirects, i, sl_redirect_conf_t).path, path)) {
                return true;
            }
        }
    }
    return false;
}

/** The app may have chosen it, so it is the app's risk; but somebody should hear of it. */
static void warn_of_secret(const sl_notify_conf_t *notify, const server_rec *s)
{
    if (notify->to.secret != NULL && sl_secret_len(notify->to.secret) < GOOD_SECRET) {
        ap_log_error(APLOG_MARK, APLOG_WARNING | APLOG_STARTUP, 0, s,
                     "SL5003: SmartNotify in <Location %s>: the secret in %s has less than %d "
                     "characters; make one with \"openssl rand -hex 32\" and give it to the app",
                     notify->path, notify->secret_source, GOOD_SECRET);
    }
}

const char *sl_conf_check_notify(const server_rec *main_server, apr_pool_t *p)
{
    const apr_array_header_t *notifies = sl_conf_server(main_server)->main->notifies;

    for (int i = 0; i < notifies->nelts; i++) {
        const sl_notify_conf_t *notify = APR_ARRAY_IDX(notifies, i, const sl_notify_conf_t *);

        if (!covers_redirect(main_server, notify->path)) {
            return apr_psprintf(p,
                                "SmartNotify in <Location %s> has no effect there; write it beside "
                                "SmartTarget, in the <Location> of the Redirect URL",
                                notify->path);
        }
        warn_of_secret(notify, main_server);
    }
    return NULL;
}

const sl_destination_t *sl_conf_destination(const sl_notify_conf_t *notify, const sl_site_t *site,
                                            apr_pool_t *p)
{
    sl_destination_t *to;
    apr_array_header_t *allow;

    if (notify == NULL) {
        return NULL;
    }
    to = apr_pmemdup(p, &notify->to, sizeof(*to));
    allow = apr_array_copy(p, notify->allow);
    APR_ARRAY_PUSH(allow, const char *) = sl_url_origin(p, to->url);
    APR_ARRAY_PUSH(allow, const char *) = sl_url_origin(p, site->public_url);
    to->allow = allow;
    if (to->source_id == NULL) {
        to->source_id = site->redirect_uri;
    }
    if (to->destination_id == NULL) {
        to->destination_id = to->url;
    }
    return to;
}

static sl_json_t *party(const char *id, const char *name, apr_pool_t *p)
{
    sl_json_t *out = sl_json_object(p);

    sl_json_put_str(out, "id", id);
    sl_json_put_str(out, "name", name);
    return out;
}

sl_json_t *sl_conf_dump_notify(const sl_notify_conf_t *notify, apr_pool_t *p)
{
    const sl_destination_t *to = &notify->to;
    sl_json_t *out = sl_json_object(p);
    sl_json_t *allow = sl_json_array(p);

    for (int i = 0; i < notify->allow->nelts; i++) {
        sl_json_push_str(allow, APR_ARRAY_IDX(notify->allow, i, const char *));
    }
    sl_json_put_str(out, "url", to->url);
    sl_json_put_str(out, "secret", notify->secret_source);
    sl_json_put_str(out, "token", notify->token_source);
    sl_json_put_str(out, "ca", to->ca_file);
    sl_json_put(out, "source", party(to->source_id, to->source_name, p));
    sl_json_put(out, "destination", party(to->destination_id, to->destination_name, p));
    sl_json_put(out, "allow", allow);
    sl_json_put_bool(out, "html", to->html);
    return out;
}
