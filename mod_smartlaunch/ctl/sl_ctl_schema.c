/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_json.h"
#include "ctl/sl_ctl.h"
#include "store/sl_migrate.h"
#include "store/sl_schema.h"

#include <stdio.h>
#include <string.h>

static int print_done(const sl_ctl_t *ctl, const apr_array_header_t *done)
{
    sl_json_t *object = sl_json_object(ctl->p);
    sl_json_t *files = sl_json_array(ctl->p);

    for (int i = 0; i < done->nelts; i++) {
        const sl_migration_t *migration = &APR_ARRAY_IDX(done, i, sl_migration_t);
        sl_json_t *file = sl_json_object(ctl->p);

        sl_json_put_int(file, "version", migration->version);
        sl_json_put_str(file, "file", migration->file);
        sl_json_push(files, file);
        if (!ctl->json) {
            (void)printf("%s: done\n", migration->file);
        }
    }
    if (ctl->json) {
        sl_json_put_int(object, "version", SL_SCHEMA_VERSION);
        sl_json_put(object, "done", files);
        (void)puts(sl_json_text(ctl->p, object));
    } else {
        (void)printf("%stables have version %d\n", done->nelts == 0 ? "nothing to do: " : "",
                     SL_SCHEMA_VERSION);
    }
    return SL_CTL_OK;
}

static int migrate(sl_ctl_t *ctl, bool install)
{
    const sl_migrate_job_t job = {ctl->db, ctl->sql, install};
    apr_array_header_t *done;
    sl_err_t err = {0};

    if (ctl->db == NULL) {
        (void)fputs("smartlaunchctl: say with --db how the owner of the tables connects; "
                    "httpd's own user may not make tables\n",
                    stderr);
        return SL_CTL_USAGE;
    }
    return sl_migrate_run(&done, &job, ctl->p, &err) == SL_OK ? print_done(ctl, done)
                                                              : sl_ctl_fail(&err);
}

static const char *advice(int version)
{
    if (version == 0) {
        return "run smartlaunchctl schema install";
    }
    if (version < SL_SCHEMA_VERSION) {
        return "run smartlaunchctl schema upgrade";
    }
    return version > SL_SCHEMA_VERSION ? "install the mod_smartlaunch that fits the tables" : "ok";
}

static int status(sl_ctl_t *ctl)
{
    const char *conninfo;
    sl_err_t err = {0};
    int version;

    if (sl_ctl_database(&conninfo, ctl, &err) != SL_OK ||
        sl_migrate_version(&version, conninfo, ctl->p, &err) != SL_OK) {
        return sl_ctl_fail(&err);
    }
    if (ctl->json) {
        sl_json_t *object = sl_json_object(ctl->p);

        sl_json_put_int(object, "version", version);
        sl_json_put_int(object, "needed", SL_SCHEMA_VERSION);
        sl_json_put_str(object, "advice", advice(version));
        (void)puts(sl_json_text(ctl->p, object));
    } else {
        (void)printf("tables have version %d, this program needs %d: %s\n", version,
                     SL_SCHEMA_VERSION, advice(version));
    }
    return version == SL_SCHEMA_VERSION ? SL_CTL_OK : SL_CTL_NOT_THERE;
}

int sl_ctl_schema(sl_ctl_t *ctl)
{
    const char *what = ctl->args[0];

    if (what == NULL || ctl->args[1] != NULL) {
        return sl_ctl_usage();
    }
    if (strcmp(what, "install") == 0) {
        return migrate(ctl, true);
    }
    if (strcmp(what, "upgrade") == 0) {
        return migrate(ctl, false);
    }
    return strcmp(what, "status") == 0 ? status(ctl) : sl_ctl_usage();
}
