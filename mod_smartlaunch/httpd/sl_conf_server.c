/* SPDX-License-Identifier: Apache-2.0 */
/* Directives of the server and of virtual hosts. */
#include "httpd/sl_directives.h"
#include "smart/sl_url.h"

#include <apr_file_info.h>
#include <apr_strings.h>
#include <string.h>

static const char *database_option(cmd_parms *cmd, sl_main_t *main, const char *word)
{
    const char *prepare = sl_directive_option(word, "prepare");
    const char *listen = sl_directive_option(word, "listen");

    if (prepare != NULL && (strcmp(prepare, "on") == 0 || strcmp(prepare, "off") == 0)) {
        main->prepare = strcmp(prepare, "on") == 0;
    } else if (listen != NULL && listen[0] != '\0') {
        main->listen = listen;
    } else {
        return apr_psprintf(cmd->pool,
                            "SmartDatabase: \"%s\" is not understood; put the whole connection "
                            "string in quotes, then prepare=on, prepare=off or, in quotes again, "
                            "\"listen=CONNECTION STRING\"",
                            word);
    }
    return NULL;
}

const char *sl_server_database(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    sl_main_t *main = sl_directive_main(cmd);
    const char *wrong = sl_directive_main_only(cmd);

    (void)dir;
    if (wrong != NULL) {
        return wrong;
    }
    if (argc < 1 || argv[0][0] == '\0') {
        return "SmartDatabase needs a connection string: SmartDatabase \"service=smartlaunch\"";
    }
    main->database = argv[0];
    for (int i = 1; i < argc && wrong == NULL; i++) {
        wrong = database_option(cmd, main, argv[i]);
    }
    return wrong;
}

const char *sl_server_keyring(cmd_parms *cmd, void *dir, const char *path)
{
    const char *wrong = sl_directive_main_only(cmd);

    (void)dir;
    if (wrong == NULL) {
        sl_directive_main(cmd)->keyring_path = ap_server_root_relative(cmd->pool, path);
    }
    return wrong;
}

const char *sl_server_state_dir(cmd_parms *cmd, void *dir, const char *path)
{
    const char *wrong = sl_directive_main_only(cmd);
    apr_finfo_t info;

    (void)dir;
    if (wrong != NULL) {
        return wrong;
    }
    path = ap_server_root_relative(cmd->pool, path);
    if (path == NULL || (apr_stat(&info, path, APR_FINFO_TYPE, cmd->temp_pool) == APR_SUCCESS &&
                         info.filetype != APR_DIR)) {
        return apr_psprintf(cmd->pool,
                            "SmartStateDir: %s is no directory; write the path of one that only "
                            "httpd's user can enter (it is made at start where it is missing)",
                            path != NULL ? path : "that");
    }
    sl_directive_main(cmd)->state_dir = path;
    return NULL;
}

/** An origin of the given schemes, without a path: kept without a trailing slash. */
const char *sl_server_public_url(cmd_parms *cmd, void *dir, const char *url)
{
    const char *origin = sl_url_origin(cmd->pool, url);

    (void)dir;
    if (origin == NULL || strncmp(origin, "https://", 8) != 0) {
        return apr_psprintf(cmd->pool,
                            "SmartPublicURL: \"%s\" will not do; write the https address the "
                            "browser sees, scheme, host and port only: https://app.example",
                            url);
    }
    if (strcmp(url, origin) != 0 && strcmp(url, apr_pstrcat(cmd->pool, origin, "/", NULL)) != 0) {
        return apr_psprintf(cmd->pool,
                            "SmartPublicURL: \"%s\" has more than scheme, host and port; "
                            "write %s",
                            url, origin);
    }
    sl_directive_server(cmd)->public_url = origin;
    return NULL;
}

const char *sl_server_gateway_url(cmd_parms *cmd, void *dir, const char *url)
{
    apr_size_t len = strlen(url);
    const char *origin = sl_url_origin(cmd->pool, url);

    (void)dir;
    if (origin == NULL || strpbrk(url, "?#") != NULL) {
        return apr_psprintf(cmd->pool,
                            "SmartGatewayURL: \"%s\" will not do; write scheme, host, port and "
                            "path of the gateway: http://127.0.0.1:8081/fhir",
                            url);
    }
    while (len > 0 && url[len - 1] == '/') {
        len--;
    }
    sl_directive_server(cmd)->gateway_url = apr_pstrmemdup(cmd->pool, url, len);
    return NULL;
}

const char *sl_server_cache(cmd_parms *cmd, void *dir, const char *size)
{
    sl_main_t *main = sl_directive_main(cmd);
    const char *wrong = sl_directive_main_only(cmd);

    (void)dir;
    if (wrong == NULL) {
        wrong = sl_directive_size(cmd, size, &main->cache_size);
    }
    if (wrong == NULL && main->cache_size < (apr_size_t)1024 * 1024) {
        wrong = "SmartCache: less than 1M holds too few launches; write 32M";
    }
    return wrong;
}

const char *sl_server_session(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    sl_server_t *server = sl_directive_server(cmd);
    const char *wrong = NULL;

    (void)dir;
    for (int i = 0; i < argc && wrong == NULL; i++) {
        const char *idle = sl_directive_option(argv[i], "idle");
        const char *max = sl_directive_option(argv[i], "max");

        if (idle != NULL) {
            wrong = sl_directive_time(cmd, idle, &server->idle);
        } else if (max != NULL) {
            wrong = sl_directive_time(cmd, max, &server->max);
        } else {
            wrong = apr_psprintf(cmd->pool,
                                 "SmartSession: \"%s\" is not understood; write "
                                 "SmartSession idle=30m max=12h",
                                 argv[i]);
        }
    }
    return wrong;
}

const char *sl_server_cookie(cmd_parms *cmd, void *dir, const char *name, const char *mode)
{
    sl_server_t *server = sl_directive_server(cmd);

    (void)dir;
    if (strncmp(name, "__Host-", 7) != 0 || name[7] == '\0' ||
        name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] !=
            '\0') {
        return apr_psprintf(cmd->pool,
                            "SmartCookie: \"%s\" will not do; the name begins with __Host- and "
                            "goes on with letters, digits, - and _: __Host-smart",
                            name);
    }
    if (mode != NULL && strcmp(mode, "embedded") != 0 && strcmp(mode, "toplevel") != 0) {
        return apr_psprintf(cmd->pool,
                            "SmartCookie: \"%s\" is not a mode; write embedded or toplevel", mode);
    }
    server->cookie_name = name;
    server->cookie_toplevel = mode != NULL && strcmp(mode, "toplevel") == 0;
    return NULL;
}

const char *sl_server_offline(cmd_parms *cmd, void *dir, const char *time)
{
    const char *wrong = sl_directive_main_only(cmd);

    (void)dir;
    return wrong != NULL ? wrong : sl_directive_time(cmd, time, &sl_directive_main(cmd)->offline);
}

/** Less than a day leaves nobody time to look at what was kept. */
static const char *keep_time(cmd_parms *cmd, const char *text, apr_interval_time_t *out)
{
    const char *wrong = sl_directive_time(cmd, text, out);

    if (wrong == NULL && *out < apr_time_from_sec(24 * 3600)) {
        wrong = "SmartKeep: less than a day leaves support without a trace; write steps=30d, "
                "access=365d or access=forever";
    }
    return wrong;
}

const char *sl_server_keep(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *wrong = sl_directive_main_only(cmd);
    sl_main_t *main = sl_directive_main(cmd);

    (void)dir;
    for (int i = 0; i < argc && wrong == NULL; i++) {
        const char *steps = sl_directive_option(argv[i], "steps");
        const char *access = sl_directive_option(argv[i], "access");

        if (steps != NULL) {
            wrong = keep_time(cmd, steps, &main->keep_steps);
        } else if (access != NULL && strcmp(access, "forever") == 0) {
            main->keep_access = 0;
        } else if (access != NULL) {
            wrong = keep_time(cmd, access, &main->keep_access);
        } else {
            wrong = apr_psprintf(cmd->pool,
                                 "SmartKeep: \"%s\" is not understood; write SmartKeep steps=30d "
                                 "access=forever",
                                 argv[i]);
        }
    }
    return wrong;
}

const char *sl_server_audit(cmd_parms *cmd, void *dir, const char *mode)
{
    static const struct {
        const char *word;
        sl_audit_mode_t mode;
    } words[] = {{"on", SL_AUDIT_ON}, {"required", SL_AUDIT_REQUIRED}, {"off", SL_AUDIT_OFF}};
    const char *wrong = sl_directive_main_only(cmd);

    (void)dir;
    for (size_t i = 0; wrong == NULL && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(mode, words[i].word) == 0) {
            sl_directive_main(cmd)->audit = words[i].mode;
            return NULL;
        }
    }
    return wrong != NULL ? wrong
                         : apr_psprintf(cmd->pool,
                                        "SmartAudit: \"%s\" is not understood; write required, "
                                        "on or off",
                                        mode);
}
