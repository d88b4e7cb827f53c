/* SPDX-License-Identifier: Apache-2.0 */
/* Directives of locations and directories. */
#include "httpd/sl_directives.h"
#include "smart/sl_cookie.h"
#include "smart/sl_url.h"

#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

static const char *check_redirect_path(cmd_parms *cmd, const char *path)
{
    if (path == NULL) {
        return "SmartTarget makes a Redirect URL of a <Location> with a literal path: "
               "<Location /smart>";
    }
    if (strcmp(path, "/") == 0 || path[strlen(path) - 1] == '/' || strchr(path, ',') != NULL) {
        return apr_psprintf(cmd->pool,
                            "SmartTarget in <Location %s>: the Redirect URL needs a path of its "
                            "own without a slash at its end and without commas: <Location /smart>",
                            path);
    }
    return NULL;
}

const char *sl_location_target(cmd_parms *cmd, void *dir, const char *path)
{
    sl_location_conf_t *location = dir;
    const char *here = sl_directive_location(cmd);
    const char *wrong = check_redirect_path(cmd, here);
    sl_redirect_conf_t *redirect;

    if (wrong != NULL) {
        return wrong;
    }
    if (!sl_url_is_return_path(path, cmd->temp_pool)) {
        return apr_psprintf(cmd->pool,
                            "SmartTarget: \"%s\" is no path on this site; write the app's, with "
                            "one slash in front: SmartTarget /app/",
                            path);
    }
    location->target = path;
    location->redirect_path = here;
    redirect = apr_array_push(sl_directive_server(cmd)->redirects);
    redirect->path = here;
    redirect->location = location;
    redirect->site = NULL;
    return NULL;
}

const char *sl_location_app(cmd_parms *cmd, void *dir, const char *name)
{
    sl_location_conf_t *location = dir;
    size_t len = strlen(name);

    if (len == 0 || len > 64 ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != len) {
        return apr_psprintf(cmd->pool,
                            "SmartApp: \"%s\" will not do; write 1 to 64 of letters, digits, "
                            "dot, - and _",
                            name);
    }
    location->app = name;
    location->path = sl_directive_location(cmd);
    return NULL;
}

static const char *link_mode(cmd_parms *cmd, sl_location_conf_t *location, const char *word)
{
    if (strcmp(word, "app") == 0) {
        location->link = SL_LINK_APP;
    } else if (strcmp(word, "site") == 0) {
        location->link = SL_LINK_SITE;
    } else if (strcmp(word, "same-name") == 0) {
        location->link = SL_LINK_SAME_NAME;
    } else if (strcmp(word, "none") == 0) {
        location->link = SL_LINK_NO_LINK;
    } else {
        return apr_psprintf(cmd->pool,
                            "SmartLink: \"%s\" is no way of linking; write app, site, same-name or "
                            "none",
                            word);
    }
    return NULL;
}

/** The regex has to match the whole name (design section 12, "Name games"). */
static const char *link_regex(cmd_parms *cmd, sl_location_conf_t *location, const char *regex)
{
    if (location->link != SL_LINK_SAME_NAME || location->name_regex != NULL) {
        return apr_psprintf(cmd->pool,
                            "SmartLink: \"%s\" is not understood; a pattern goes with same-name "
                            "only, else write confirm=on or confirm=off",
                            regex);
    }
    location->name_regex =
        ap_pregcomp(cmd->pool, apr_pstrcat(cmd->pool, "^(?:", regex, ")$", NULL), AP_REG_EXTENDED);
    if (location->name_regex == NULL) {
        return apr_psprintf(cmd->pool, "SmartLink same-name: \"%s\" is no regular expression",
                            regex);
    }
    return NULL;
}

const char *sl_location_link(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    sl_location_conf_t *location = dir;
    const char *wrong;

    if (argc < 1) {
        return "SmartLink needs a word: app, site, same-name or none";
    }
    wrong = link_mode(cmd, location, argv[0]);
    for (int i = 1; i < argc && wrong == NULL; i++) {
        if (strcmp(argv[i], "confirm=on") == 0 || strcmp(argv[i], "confirm=off") == 0) {
            location->confirm = strcmp(argv[i], "confirm=on") == 0;
        } else {
            wrong = link_regex(cmd, location, argv[i]);
        }
    }
    return wrong;
}

const char *sl_location_login(cmd_parms *cmd, void *dir, int on)
{
    sl_location_conf_t *location = dir;

    location->login = on;
    location->path = sl_directive_location(cmd);
    return NULL;
}

const char *sl_location_serve(cmd_parms *cmd, void *dir, const char *name)
{
    sl_location_conf_t *location = dir;

    if (location->serve == NULL) {
        location->serve = apr_array_make(cmd->pool, 2, sizeof(const char *));
    }
    APR_ARRAY_PUSH(location->serve, const char *) = name;
    return NULL;
}

static bool are_names(int argc, char *const argv[])
{
    for (int i = 0; i < argc; i++) {
        if (!sl_cookie_is_name(argv[i])) {
            return false;
        }
    }
    return argc > 0;
}

/** httpd's argv lives on its stack. */
static const char *const *copy_names(apr_pool_t *p, int argc, char *const argv[])
{
    const char **names = apr_pcalloc(p, sizeof(*names) * ((size_t)argc + 1));

    for (int i = 0; i < argc; i++) {
        names[i] = argv[i];
    }
    return names;
}

const char *sl_location_cookies(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    static const struct {
        const char *word;
        sl_app_cookie_keep_t keep;
    } words[] = {
        {"auto", SL_APP_COOKIE_AUTO}, {"all", SL_APP_COOKIE_ALL}, {"none", SL_APP_COOKIE_NONE}};
    sl_location_conf_t *location = dir;
    sl_app_cookie_rule_t *rule = apr_pcalloc(cmd->pool, sizeof(*rule));

    location->path = sl_directive_location(cmd);
    location->cookies = rule;
    for (size_t i = 0; argc == 1 && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(argv[0], words[i].word) == 0) {
            rule->keep = words[i].keep;
            return NULL;
        }
    }
    if (!are_names(argc, argv)) {
        return "SmartAppCookies: write auto, all, none, or names of cookies";
    }
    rule->keep = SL_APP_COOKIE_NAMES;
    rule->names = copy_names(cmd->pool, argc, argv);
    return NULL;
}

const char *sl_location_pass(cmd_parms *cmd, void *dir, const char *value)
{
    sl_location_conf_t *location = dir;

    if (strcmp(value, "env") == 0) {
        location->pass = SL_PASS_ENV;
    } else if (strcmp(value, "headers") == 0) {
        location->pass = SL_PASS_HEADERS;
    } else if (strcmp(value, "both") == 0) {
        location->pass = SL_PASS_BOTH;
    } else {
        return apr_psprintf(cmd->pool,
                            "SmartPassAs: \"%s\" is not understood; write env, headers "
                            "or both",
                            value);
    }
    return NULL;
}

static bool is_header_name(const char *name)
{
    for (const char *c = name; *c != '\0'; c++) {
        if (!apr_isalnum(*c) && *c != '-') {
            return false;
        }
    }
    return name[0] != '\0';
}

/** Kept server-wide, too: a client's copy is removed everywhere (design section 12, "Headers"). */
const char *sl_location_user_header(cmd_parms *cmd, void *dir, const char *name)
{
    static const char *const reserved[] = {"Host",       "Cookie", "Authorization",
                                           "Connection", "Accept", "Content-Type"};
    sl_location_conf_t *location = dir;

    if (strcmp(name, "none") == 0) {
        location->user_header = "";
        return NULL;
    }
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++) {
        if (strcasecmp(name, reserved[i]) == 0) {
            return apr_psprintf(cmd->pool,
                                "SmartUserHeader: %s has a meaning of its own; write "
                                "a name like X-Remote-User",
                                name);
        }
    }
    if (strncasecmp(name, "Smart-", 6) == 0) {
        return apr_psprintf(cmd->pool,
                            "SmartUserHeader: %s is a name of our own headers; write a name like "
                            "X-Remote-User",
                            name);
    }
    if (!is_header_name(name)) {
        return apr_psprintf(cmd->pool,
                            "SmartUserHeader: \"%s\" is no header name; write letters, digits "
                            "and hyphens: X-Remote-User",
                            name);
    }
    location->user_header = name;
    APR_ARRAY_PUSH(sl_directive_main(cmd)->user_headers, const char *) = name;
    return NULL;
}
