/* SPDX-License-Identifier: Apache-2.0 */
/* <SmartCDPProject>, what stands in it, and SmartCDP. */
#include "base/sl_file.h"
#include "httpd/sl_cdp_conf.h"
#include "httpd/sl_directive.h"
#include "smart/sl_url.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <string.h>

#define NAME_MAX_CHARS 64
#define URI_MAX_CHARS 255

static sl_cdp_server_t *server_of(cmd_parms *cmd)
{
    return ap_get_module_config(cmd->server->module_config, &smartlaunch_cdp_module);
}

/** The project being read; NULL: none, and the sentence is in `wrong`. */
static sl_cdp_project_conf_t *project_of(cmd_parms *cmd, const char **wrong)
{
    const sl_cdp_main_t *main = server_of(cmd)->main;

    if (main == NULL || main->current == NULL) {
        *wrong = apr_psprintf(cmd->pool, "%s stands in <SmartCDPProject NAME>; move it there",
                              cmd->cmd->name);
        return NULL;
    }
    return main->current;
}

static bool is_project_name(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= NAME_MAX_CHARS && name[0] != '.' && strcmp(name, "api") != 0 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

static bool is_there(const sl_cdp_main_t *main, const char *name)
{
    for (int i = 0; i < main->projects->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(main->projects, i, sl_cdp_project_conf_t *)->project.name, name) ==
            0) {
            return true;
        }
    }
    return false;
}

static const char *check_name(cmd_parms *cmd, const sl_cdp_main_t *main, const char *name)
{
    if (!is_project_name(name)) {
        return apr_psprintf(cmd->pool,
                            "<SmartCDPProject %s>: the name is part of addresses; write 1 to %d "
                            "letters, digits, dots, - and _, no dot in front, and not \"api\"",
                            name, NAME_MAX_CHARS);
    }
    if (is_there(main, name)) {
        return apr_psprintf(cmd->pool, "<SmartCDPProject %s> is there twice; remove one", name);
    }
    return NULL;
}

/** NAME [app=APP] of the section's line. */
static const char *read_line(cmd_parms *cmd, sl_cdp_project_conf_t *conf, const char *line)
{
    const char *wrong;
    const char *word;

    conf->project.name = ap_getword_conf(cmd->pool, &line);
    wrong = check_name(cmd, server_of(cmd)->main, conf->project.name);
    while (wrong == NULL && line[0] != '\0') {
        word = ap_getword_conf(cmd->pool, &line);
        conf->project.app = sl_directive_option(word, "app");
        if (conf->project.app == NULL || conf->project.app[0] == '\0') {
            wrong = apr_psprintf(cmd->pool,
                                 "<SmartCDPProject %s>: \"%s\" is not understood; write "
                                 "<SmartCDPProject NAME> or <SmartCDPProject NAME app=APP>",
                                 conf->project.name, word);
        }
    }
    return wrong;
}

static const char *read_section(cmd_parms *cmd, sl_cdp_project_conf_t *conf)
{
    sl_cdp_main_t *main = server_of(cmd)->main;
    ap_directive_t *here = cmd->directive;
    const char *wrong;

    APR_ARRAY_PUSH(main->projects, sl_cdp_project_conf_t *) = conf;
    main->current = conf;
    wrong = ap_walk_config(here->first_child, cmd, cmd->context);
    main->current = NULL;
    cmd->directive = here;
    return wrong;
}

static const char *section(cmd_parms *cmd, void *dir, const char *arg)
{
    sl_cdp_project_conf_t *conf = apr_pcalloc(cmd->pool, sizeof(*conf));
    const char *end = strrchr(arg, '>');
    const char *wrong = sl_directive_main_only(cmd);

    (void)dir;
    if (wrong == NULL && (end == NULL || end[1] != '\0')) {
        wrong = "<SmartCDPProject NAME> needs its closing bracket";
    }
    if (wrong == NULL && server_of(cmd)->main->current != NULL) {
        wrong = "<SmartCDPProject> cannot stand in another one; close the first before it";
    }
    if (wrong == NULL) {
        wrong = read_line(cmd, conf, apr_pstrmemdup(cmd->pool, arg, (apr_size_t)(end - arg)));
    }
    return wrong != NULL ? wrong : read_section(cmd, conf);
}

static const char *source(cmd_parms *cmd, void *dir, const char *ehr, const char *option)
{
    const char *wrong = NULL;
    sl_cdp_project_conf_t *conf = project_of(cmd, &wrong);
    const char *uri = option != NULL ? sl_directive_option(option, "mrn-system") : NULL;

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    if (option != NULL && (uri == NULL || uri[0] == '\0' || strlen(uri) > URI_MAX_CHARS ||
                           strpbrk(uri, " |\"<>") != NULL)) {
        return apr_psprintf(cmd->pool,
                            "SmartCDPSource: \"%s\" is not understood; write SmartCDPSource EHR "
                            "mrn-system=URI, the system of the EHR's medical record numbers",
                            option);
    }
    conf->ehr = ehr;
    conf->project.mrn_system = uri;
    return NULL;
}

/** https, or http on this machine, which is plain to see in the URL. */
static const char *check_url(cmd_parms *cmd, const char *url)
{
    sl_err_t err;

    if (sl_url_check_endpoint(url, true, cmd->pool, &err) != SL_OK) {
        return apr_psprintf(cmd->pool,
                            "%s: %s will not do (%s); write an https URL, or http for this "
                            "machine only",
                            cmd->cmd->name, url, err.text);
    }
    return NULL;
}

static const char *read_secret(cmd_parms *cmd, sl_cdp_project_conf_t *conf, const char *key,
                               const char *text)
{
    const char *path;
    sl_secret_t *secret = NULL;
    sl_err_t err;

    if (strncmp(text, "file:", 5) != 0 || text[5] == '\0') {
        return apr_psprintf(cmd->pool,
                            "SmartCDPDeliver: what %s= stands for does not belong here; write "
                            "%s=file:PATH",
                            key, key);
    }
    path = ap_server_root_relative(cmd->pool, text + 5);
    if (path == NULL || sl_file_secret_line(&secret, path, cmd->pool, &err) != SL_OK) {
        return apr_psprintf(cmd->pool,
                            "SmartCDPDeliver: %s=: %s; write file:PATH of a file that only its "
                            "owner may read, with the secret in its first line",
                            key, path != NULL ? err.text : "that is no path");
    }
    conf->secret_source = apr_pstrcat(cmd->pool, "file:", path, NULL);
    conf->project.delivery.secret = secret;
    return NULL;
}

static const char *read_ca(cmd_parms *cmd, sl_cdp_project_conf_t *conf, const char *text)
{
    const char *path = ap_server_root_relative(cmd->pool, text);
    apr_finfo_t info;

    if (path == NULL || apr_stat(&info, path, APR_FINFO_TYPE, cmd->pool) != APR_SUCCESS) {
        return apr_psprintf(cmd->pool,
                            "SmartCDPDeliver: there is no file %s; write ca=PATH of a PEM file "
                            "with the CA certificates",
                            text);
    }
    conf->project.delivery.ca_file = path;
    return NULL;
}

static const char *read_delivery(cmd_parms *cmd, sl_cdp_project_conf_t *conf, const char *word)
{
    const char *key = conf->project.delivery.protocol == SL_CDP_TO_REDCAP ? "token" : "secret";
    const char *value = sl_directive_option(word, key);

    if (value != NULL) {
        return read_secret(cmd, conf, key, value);
    }
    value = sl_directive_option(word, "ca");
    if (value != NULL) {
        return read_ca(cmd, conf, value);
    }
    return apr_psprintf(cmd->pool,
                        "SmartCDPDeliver: \"%s\" is not understood; write %s=file:PATH or ca=PATH",
                        word, key);
}

static const char *deliver(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *wrong = NULL;
    sl_cdp_project_conf_t *conf = project_of(cmd, &wrong);
    bool is_http;

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    is_http = argc > 0 && strcmp(argv[0], "http") == 0;
    if (argc < 3 || (!is_http && strcmp(argv[0], "redcap") != 0)) {
        return "SmartCDPDeliver: write SmartCDPDeliver redcap URL token=file:PATH, or "
               "SmartCDPDeliver http URL secret=file:PATH";
    }
    conf->has_delivery = true;
    conf->project.delivery.protocol = is_http ? SL_CDP_TO_HTTP : SL_CDP_TO_REDCAP;
    conf->project.delivery.url = argv[1];
    conf->project.delivery.insecure_loopback = strncasecmp(argv[1], "http:", 5) == 0;
    wrong = check_url(cmd, argv[1]);
    for (int i = 2; i < argc && wrong == NULL; i++) {
        wrong = read_delivery(cmd, conf, argv[i]);
    }
    return wrong;
}

/* SmartCDPRefetch where it does not say */
#define EVERY apr_time_from_sec(24 * 3600)
#define INACTIVE apr_time_from_sec(7 * 24 * 3600)

static const char *refetch(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *wrong = NULL;
    sl_cdp_project_conf_t *conf = project_of(cmd, &wrong);

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    conf->project.every = EVERY;
    conf->project.inactive = INACTIVE;
    for (int i = 0; i < argc && wrong == NULL; i++) {
        const char *every = sl_directive_option(argv[i], "every");
        const char *inactive = sl_directive_option(argv[i], "inactive");

        if (every == NULL && inactive == NULL) {
            wrong = "SmartCDPRefetch: write SmartCDPRefetch every=24h inactive=7d";
        } else if (every != NULL) {
            wrong = sl_directive_time(cmd, every, &conf->project.every);
        } else {
            wrong = sl_directive_time(cmd, inactive, &conf->project.inactive);
        }
    }
    if (wrong == NULL && (conf->project.every == 0 || conf->project.inactive == 0)) {
        wrong = "SmartCDPRefetch: no time can be nothing: SmartCDPRefetch every=24h inactive=7d, "
                "or no such line at all";
    }
    return wrong;
}

static const char *adjudication(cmd_parms *cmd, void *dir, const char *word)
{
    const char *wrong = NULL;
    sl_cdp_project_conf_t *conf = project_of(cmd, &wrong);

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    conf->project.instant = strcmp(word, "instant") == 0;
    if (!conf->project.instant && strcmp(word, "manual") != 0) {
        return apr_psprintf(cmd->pool,
                            "SmartCDPAdjudication: \"%s\" is not understood; write manual or "
                            "instant",
                            word);
    }
    return NULL;
}

static const char *access_service(cmd_parms *cmd, void *dir, const char *url)
{
    const char *wrong = NULL;
    sl_cdp_project_conf_t *conf = project_of(cmd, &wrong);

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    conf->project.access_url = url;
    return check_url(cmd, url);
}

static const char *keep(cmd_parms *cmd, void *dir, const char *text)
{
    const char *wrong = NULL;
    sl_cdp_project_conf_t *conf = project_of(cmd, &wrong);

    (void)dir;
    return conf == NULL ? wrong : sl_directive_time(cmd, text, &conf->project.keep);
}

/** Does the section that `d` is part of say itself who may come? */
static bool has_require(const ap_directive_t *d)
{
    for (d = d->parent->first_child; d != NULL; d = d->next) {
        if (strcasecmp(d->directive, "Require") == 0 ||
            strncasecmp(d->directive, "<Require", 8) == 0) {
            return true;
        }
    }
    return false;
}

static const char *place(cmd_parms *cmd, void *dir, const char *word)
{
    const char *path = sl_directive_location(cmd);
    sl_cdp_place_t *one;

    (void)dir;
    if (strcmp(word, "on") != 0 && strcmp(word, "api") != 0) {
        return apr_psprintf(cmd->pool,
                            "SmartCDP: \"%s\" is not understood; write on for the pages, or api "
                            "for callers",
                            word);
    }
    if (path == NULL || path[strlen(path) - 1] == '/') {
        return "SmartCDP needs a <Location> with a literal path of its own, without a slash at "
               "its end: <Location /cdp>";
    }
    one = apr_array_push(server_of(cmd)->places);
    one->path = path;
    one->side = strcmp(word, "on") == 0 ? SL_CDP_PAGES : SL_CDP_API;
    one->has_require = has_require(cmd->directive);
    return NULL;
}

#define HERE (RSRC_CONF)
#define THERE (ACCESS_CONF)

const command_rec sl_cdp_directives[] = {
    AP_INIT_TAKE1("SmartCDP", place, NULL, THERE,
                  "on: the pages of the Clinical Data Pull; api: its API for callers"),
    AP_INIT_RAW_ARGS("<SmartCDPProject", section, NULL, HERE,
                     "one project of the app: <SmartCDPProject NAME [app=APP]>"),
    AP_INIT_TAKE12("SmartCDPSource", source, NULL, HERE,
                   "EHR [mrn-system=URI]: where its patients' charts are"),
    AP_INIT_TAKE_ARGV("SmartCDPDeliver", deliver, NULL, HERE,
                      "redcap URL token=file:PATH | http URL secret=file:PATH, [ca=PATH]: where "
                      "chosen values go"),
    AP_INIT_TAKE_ARGV("SmartCDPRefetch", refetch, NULL, HERE,
                      "[every=TIME] [inactive=TIME]: refetch while nobody asks; 24h, 7d"),
    AP_INIT_TAKE1("SmartCDPAdjudication", adjudication, NULL, HERE, "manual|instant"),
    AP_INIT_TAKE1("SmartCDPAccess", access_service, NULL, HERE,
                  "URL that says who may adjudicate: POST user, project"),
    AP_INIT_TAKE1("SmartCDPKeep", keep, NULL, HERE, "how long values stay that nobody adjudicated"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL},
};
