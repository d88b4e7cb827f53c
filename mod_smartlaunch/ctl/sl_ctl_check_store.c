/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_file.h"
#include "base/sl_keyring.h"
#include "base/sl_spool.h"
#include "ctl/sl_ctl_check.h"
#include "store/sl_schema.h"
#include "store/sl_store_cdp_key.h"
#include "store/sl_store_role.h"

#include <apr_strings.h>
#include <string.h>

#define PATIENCE apr_time_from_sec(10)

static void check_role(const sl_findings_t *findings, sl_db_t *db, apr_pool_t *p)
{
    sl_store_role_t role;
    sl_err_t err = {0};

    if (sl_store_role(&role, db, p, &err) != SL_OK) {
        sl_finding_wrong(findings, "role", "look at the database's log", "%s", err.text);
    } else if (role.is_superuser || role.is_owner) {
        sl_finding_warn(findings, "role",
                        "give httpd a login role of its own: GRANT smartlaunch_module TO that role",
                        "httpd connects as %s, who %s", role.name,
                        role.is_superuser ? "is a superuser" : "owns the tables");
    } else if (!role.is_module) {
        sl_finding_wrong(findings, "role",
                         apr_psprintf(p, "as the owner: GRANT smartlaunch_module TO %s", role.name),
                         "httpd connects as %s, who has not the role smartlaunch_module",
                         role.name);
    } else {
        sl_finding_ok(findings, "role", "httpd connects as %s, with smartlaunch_module and no more",
                      role.name);
    }
}

/** @return the database; NULL: it cannot be used, and why was told */
static sl_db_t *check_database(const sl_findings_t *findings, const char *conninfo, apr_pool_t *p)
{
    const sl_db_options_t options = {.max = 1, .query = PATIENCE, .unprepared = true};
    sl_err_t err = {0};
    sl_db_t *db;
    sl_rc_t rc = sl_db_open(&db, conninfo, &options, p, &err);

    if (rc == SL_OK) {
        rc = sl_schema_check(db, p, &err);
    }
    if (rc == SL_OK || rc == SL_FAILED) {
        sl_finding_ok(findings, "database", "PostgreSQL answers");
    }
    if (rc == SL_OK) {
        sl_finding_ok(findings, "schema", "the tables have version %d, as they should",
                      SL_SCHEMA_VERSION);
        return db;
    }
    if (rc == SL_FAILED) {
        sl_finding_wrong(findings, "schema", "as the owner of the database, with --db", "%s",
                         err.text);
    } else {
        sl_finding_wrong(findings, "database",
                         "look at SmartDatabase, at the server, and whether you may connect as "
                         "httpd does",
                         "%s", err.text);
    }
    return NULL;
}

/** Keys of what the Clinical Data Pull holds, each once. */
static sl_rc_t add_held(apr_array_header_t *needed, sl_db_t *db, apr_pool_t *p, sl_err_t *err)
{
    apr_array_header_t *uses = NULL;
    sl_rc_t rc = sl_store_cdp_key_use(&uses, db, p, err);

    for (int i = 0; rc == SL_OK && i < uses->nelts; i++) {
        const char *key = APR_ARRAY_IDX(uses, i, sl_store_cdp_key_use_t).key_id;
        bool is_known = false;

        for (int k = 0; k < needed->nelts; k++) {
            is_known = is_known || strcmp(APR_ARRAY_IDX(needed, k, const char *), key) == 0;
        }
        if (!is_known) {
            APR_ARRAY_PUSH(needed, const char *) = key;
        }
    }
    return rc;
}

static void check_keys(const sl_findings_t *findings, const sl_keyring_t *ring, sl_db_t *db,
                       apr_pool_t *p)
{
    apr_array_header_t *needed;
    sl_err_t err = {0};
    int missing = 0;

    if (sl_store_role_keys(&needed, db, p, &err) != SL_OK ||
        add_held(needed, db, p, &err) != SL_OK) {
        sl_finding_warn(findings, "keys", "check again when the database is less busy", "%s",
                        err.text);
        return;
    }
    for (int i = 0; i < needed->nelts; i++) {
        const char *key = APR_ARRAY_IDX(needed, i, const char *);

        if (!sl_keyring_has(ring, key)) {
            missing++;
            sl_finding_wrong(findings, "keys",
                             "put its line back at the end of SmartKeyring; whose tokens it "
                             "sealed must launch again otherwise, and held values are lost",
                             "rows need the key %s, which is not in the key ring", key);
        }
    }
    if (missing == 0) {
        sl_finding_ok(findings, "keys", "the ring has every key that rows need; %s seals",
                      sl_keyring_active(ring));
    }
}

void sl_ctl_check_ring(const sl_findings_t *findings, const sl_keyring_t **ring,
                       const sl_json_t *dump, apr_pool_t *p)
{
    const char *path = sl_json_str(dump, "keyring");
    sl_secret_t *text = NULL;
    sl_keyring_t *found = NULL;
    sl_err_t err = {0};
    sl_rc_t rc = sl_file_secret(&text, path != NULL ? path : "", p, &err);

    if (rc == SL_OK) {
        rc = sl_keyring_parse(&found, text, p, &err);
    }
    if (rc == SL_OK) {
        sl_finding_ok(findings, "key ring", "%s is readable by its owner only", path);
    } else {
        sl_finding_wrong(findings, "key ring", "smartlaunchctl keyring new makes a line for it",
                         "SmartKeyring: %s", err.text);
    }
    *ring = found;
}

static bool has_gateway(const sl_json_t *dump)
{
    const sl_json_t *servers = sl_json_get(dump, "servers");

    for (size_t i = 0; i < json_object_array_length(servers); i++) {
        const sl_json_t *gateways = sl_json_get(json_object_array_get_idx(servers, i), "gateways");

        if (json_object_is_type(gateways, json_type_array) &&
            json_object_array_length(gateways) > 0) {
            return true;
        }
    }
    return false;
}

static void check_state_dir(const sl_findings_t *findings, const sl_json_t *dump, apr_pool_t *p)
{
    const char *path = sl_json_str(dump, "state_dir");
    apr_uid_t uid = (apr_uid_t)json_object_get_int64(sl_json_get(dump, "user"));
    sl_err_t err = {0};
    sl_rc_t rc = path != NULL ? sl_spool_check(path, uid, p, &err) : SL_FAILED;

    if (rc == SL_OK) {
        sl_finding_ok(findings, "state dir", "%s is httpd's own", path);
    } else if (rc == SL_NONE) {
        sl_finding_warn(findings, "state dir", "start httpd, which makes it", "SmartStateDir: %s",
                        err.text);
    } else {
        sl_finding_wrong(findings, "state dir", "mend it, and restart httpd", "SmartStateDir: %s",
                         err.text);
    }
}

sl_db_t *sl_ctl_check_store(const sl_findings_t *findings, const sl_json_t *dump,
                            const sl_keyring_t *ring, apr_pool_t *p)
{
    const char *conninfo = sl_json_str(dump, "database");
    sl_db_t *db = NULL;

    if (conninfo == NULL) {
        sl_finding_wrong(findings, "database", "write SmartDatabase, as docs/admin.md says",
                         "httpd is configured without SmartDatabase");
    } else {
        db = check_database(findings, conninfo, p);
    }
    if (db != NULL) {
        check_role(findings, db, p);
    }
    if (db != NULL && ring != NULL) {
        check_keys(findings, ring, db, p);
    }
    if (has_gateway(dump)) {
        check_state_dir(findings, dump, p);
    }
    return db;
}
