/* SPDX-License-Identifier: Apache-2.0 */
/** The one list of directives, and their handlers. */
#ifndef SL_DIRECTIVES_H
#define SL_DIRECTIVES_H

#include "httpd/sl_conf.h"
#include "httpd/sl_directive.h"

/** Every directive of the module, ending with a NULL entry. */
extern const command_rec sl_directives[];

/** The EHR being read; NULL: none, and the sentence is in `wrong`. */
sl_ehr_conf_t *sl_directive_ehr(cmd_parms *cmd, const char **wrong);

/** The configuration of the server the directive stands in. */
sl_server_t *sl_directive_server(cmd_parms *cmd);
/** The process-wide part; a virtual host has it only after the merge, so this asks main. */
sl_main_t *sl_directive_main(cmd_parms *cmd);

/* Handlers, one group a file. */
const char *sl_server_database(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *sl_server_keyring(cmd_parms *cmd, void *dir, const char *path);
const char *sl_server_public_url(cmd_parms *cmd, void *dir, const char *url);
const char *sl_server_gateway_url(cmd_parms *cmd, void *dir, const char *url);
const char *sl_server_state_dir(cmd_parms *cmd, void *dir, const char *path);
const char *sl_server_cache(cmd_parms *cmd, void *dir, const char *size);
const char *sl_server_session(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *sl_server_cookie(cmd_parms *cmd, void *dir, const char *name, const char *mode);
const char *sl_server_keep(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *sl_server_audit(cmd_parms *cmd, void *dir, const char *mode);
const char *sl_server_offline(cmd_parms *cmd, void *dir, const char *time);

const char *sl_section_ehr(cmd_parms *cmd, void *dir, const char *arg);
const char *sl_ehr_text(cmd_parms *cmd, void *dir, const char *value);
const char *sl_ehr_profile(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *sl_ehr_client_auth(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *sl_ehr_client_secret(cmd_parms *cmd, void *dir, const char *source);
const char *sl_ehr_client_key(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *sl_ehr_endpoint(cmd_parms *cmd, void *dir, const char *which, const char *url);
const char *sl_ehr_identity(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *sl_ehr_aud(cmd_parms *cmd, void *dir, const char *value);
const char *sl_ehr_pkce(cmd_parms *cmd, void *dir, const char *value);
const char *sl_ehr_embed(cmd_parms *cmd, void *dir, const char *origin);
const char *sl_ehr_outbound(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *sl_ehr_renew(cmd_parms *cmd, void *dir, int argc, char *const argv[]);

const char *sl_location_target(cmd_parms *cmd, void *dir, const char *path);
const char *sl_location_app(cmd_parms *cmd, void *dir, const char *name);
const char *sl_location_link(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *sl_location_login(cmd_parms *cmd, void *dir, int on);
const char *sl_location_serve(cmd_parms *cmd, void *dir, const char *name);
const char *sl_location_notify(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *sl_location_cookies(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *sl_location_pass(cmd_parms *cmd, void *dir, const char *value);
const char *sl_location_user_header(cmd_parms *cmd, void *dir, const char *name);

const char *sl_location_gateway(cmd_parms *cmd, void *dir, int on);
const char *sl_location_session_param(cmd_parms *cmd, void *dir, int argc, char *const argv[]);
const char *sl_location_system(cmd_parms *cmd, void *dir, int on);
const char *sl_location_writes(cmd_parms *cmd, void *dir, int on);
const char *sl_location_replay(cmd_parms *cmd, void *dir, const char *size);
const char *sl_location_caller(cmd_parms *cmd, void *dir, const char *name, const char *source);
const char *sl_location_guard(cmd_parms *cmd, void *dir, const char *mode);

#endif
