/* SPDX-License-Identifier: Apache-2.0 */
/* Directives of gateway locations. */
#include "base/sl_file.h"
#include "httpd/sl_directives.h"
#include "smart/sl_cookie.h"

#include <apr_strings.h>
#include <string.h>

#define MIN_SECRET 16 /* characters of a SmartCaller's secret */

const char *sl_location_gateway(cmd_parms *cmd, void *dir, int on)
{
    sl_location_conf_t *location = dir;
    const char *path = sl_directive_location(cmd);
    sl_gateway_conf_t *gateway;

    if (path == NULL) {
        return "SmartGateway makes a gateway of a <Location> with a literal path: "
               "<Location /fhir>";
    }
    if (path[strlen(path) - 1] == '/') {
        return apr_psprintf(cmd->pool,
                            "SmartGateway in <Location %s>: the gateway needs a path of its own "
                            "without a slash at its end: <Location /fhir>",
                            path);
    }
    location->gateway = on;
    gateway = apr_array_push(sl_directive_server(cmd)->gateways);
    gateway->path = path;
    gateway->location = location;
    gateway->is_open = true; /* until check_config has found out */
    return NULL;
}

/** What a query can carry unencoded, and what no other parameter of ours is called. */
static const char *check_param(cmd_parms *cmd, const char *name)
{
    if (!sl_cookie_is_name(name) || strpbrk(name, "&=+%#") != NULL) {
        return apr_psprintf(cmd->pool,
                            "SmartSessionParam: \"%s\" is no name of a parameter; write letters, "
                            "digits, - and _: _smart_session",
                            name);
    }
    if (strcmp(name, "smart_launch") == 0 || strcmp(name, "access_token") == 0) {
        return apr_psprintf(cmd->pool,
                            "SmartSessionParam: %s has a meaning of its own; write another name: "
                            "_smart_session",
                            name);
    }
    return NULL;
}

const char *sl_location_session_param(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    sl_location_conf_t *location = dir;
    const char **names = apr_pcalloc(cmd->pool, sizeof(*names) * ((size_t)argc + 1));

    if (argc == 0) {
        return "SmartSessionParam needs the name of a parameter: _smart_session";
    }
    for (int i = 0; i < argc; i++) {
        const char *wrong = check_param(cmd, argv[i]);

        if (wrong != NULL) {
            return wrong;
        }
        names[i] = argv[i];
    }
    location->session_params = names;
    return NULL;
}

const char *sl_location_system(cmd_parms *cmd, void *dir, int on)
{
    (void)cmd;
    ((sl_location_conf_t *)dir)->system = on;
    return NULL;
}

const char *sl_location_writes(cmd_parms *cmd, void *dir, int on)
{
    (void)cmd;
    ((sl_location_conf_t *)dir)->writes = on;
    return NULL;
}

const char *sl_location_replay(cmd_parms *cmd, void *dir, const char *size)
{
    apr_size_t bytes = 0;
    const char *wrong = strcmp(size, "0") == 0 ? NULL : sl_directive_size(cmd, size, &bytes);

    if (wrong == NULL && bytes > (apr_size_t)64 * 1024 * 1024) {
        wrong = "SmartReplay: every call may keep that much in memory; write 64M or less";
    }
    if (wrong == NULL) {
        ((sl_location_conf_t *)dir)->replay = (apr_off_t)bytes;
    }
    return wrong;
}

static bool is_caller_name(const char *name)
{
    size_t len = strlen(name);

    return len >= 1 && len <= 64 &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@-") ==
               len;
}

/** The secret that a file holds; it is read while we may, and travels in a header. */
static const char *read_caller(cmd_parms *cmd, sl_caller_t *caller, const char *path)
{
    sl_secret_t *secret = NULL;
    sl_err_t err;

    if (sl_file_secret_line(&secret, path, cmd->pool, &err) != SL_OK) {
        return apr_psprintf(cmd->pool,
                            "SmartCaller %s: %s; write file:PATH of a file that only its owner "
                            "may read, with the secret in its first line",
                            caller->name, err.text);
    }
    if (sl_secret_len(secret) < MIN_SECRET) {
        return apr_psprintf(cmd->pool,
                            "SmartCaller %s: the secret in %s has less than %d characters; make "
                            "one with \"openssl rand -hex 32\"",
                            caller->name, path, MIN_SECRET);
    }
    caller->secret = secret;
    return NULL;
}

static const sl_caller_t *caller_with(const apr_array_header_t *callers, const sl_secret_t *secret)
{
    for (int i = 0; i < callers->nelts; i++) {
        const sl_caller_t *caller = &APR_ARRAY_IDX(callers, i, sl_caller_t);

        if (sl_secret_eq(caller->secret, secret)) {
            return caller;
        }
    }
    return NULL;
}

/** A name may come twice, while its secret is being changed; a secret belongs to one name. */
const char *sl_location_caller(cmd_parms *cmd, void *dir, const char *name, const char *source)
{
    sl_location_conf_t *location = dir;
    sl_caller_t caller = {name, NULL};
    const sl_caller_t *same;
    apr_array_header_t *callers;
    const char *wrong;

    if (!is_caller_name(name)) {
        return apr_psprintf(cmd->pool,
                            "SmartCaller: \"%s\" will not do; write 1 to 64 of letters, digits, "
                            "dot, @, - and _",
                            name);
    }
    if (strncmp(source, "file:", 5) != 0 || source[5] == '\0') {
        return apr_psprintf(cmd->pool,
                            "SmartCaller %s: the secret itself does not belong here; write "
                            "file:PATH",
                            name);
    }
    wrong = read_caller(cmd, &caller, ap_server_root_relative(cmd->pool, source + 5));
    if (wrong != NULL) {
        return wrong;
    }
    callers = location->callers != NULL ? apr_array_copy(cmd->pool, location->callers)
                                        : apr_array_make(cmd->pool, 2, sizeof(sl_caller_t));
    same = caller_with(callers, caller.secret);
    if (same != NULL && strcmp(same->name, name) != 0) {
        return apr_psprintf(cmd->pool,
                            "SmartCaller %s has the same secret as SmartCaller %s; give every "
                            "caller its own",
                            name, same->name);
    }
    APR_ARRAY_PUSH(callers, sl_caller_t) = caller;
    location->callers = callers;
    return NULL;
}

const char *sl_location_guard(cmd_parms *cmd, void *dir, const char *mode)
{
    sl_location_conf_t *location = dir;

    if (strcmp(mode, "on") == 0) {
        location->guard = SL_GUARD_ON;
    } else if (strcmp(mode, "strict") == 0) {
        location->guard = SL_GUARD_STRICT;
    } else if (strcmp(mode, "off") == 0) {
        location->guard = SL_GUARD_OFF;
    } else {
        return apr_psprintf(cmd->pool,
                            "SmartPatientGuard: \"%s\" is not understood; write on, strict or off",
                            mode);
    }
    return NULL;
}
