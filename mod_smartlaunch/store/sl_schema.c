/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_schema.h"

#include <string.h>

static const sl_stmt_t VERSION = {
    .name = "sl_schema_version",
    .sql = "SELECT max(version) AS version FROM smartlaunch.schema_version",
    .read_only = true,
};

sl_rc_t sl_schema_check(sl_db_t *db, apr_pool_t *p, sl_err_t *err)
{
    const sl_db_call_t call = {&VERSION, NULL};
    sl_err_t why = {0};
    sl_rows_t *rows;
    sl_rc_t rc = sl_db_run(&rows, db, &call, p, &why);
    int version;

    if (rc == SL_FAILED) {
        return sl_err_set(err, SL_FAILED, "SL3020",
                          "SmartDatabase has no tables of ours, or they may not be read (%.100s): "
                          "run smartlaunchctl schema install, and grant smartlaunch_module",
                          why.text);
    }
    if (rc != SL_OK) {
        if (err != NULL) {
            *err = why;
        }
        return rc;
    }
    version = (int)sl_rows_int(rows, 0, "version", 0);
    if (version != SL_SCHEMA_VERSION) {
        return sl_err_set(err, SL_FAILED, "SL3021",
                          "the tables in SmartDatabase have version %d, this module needs %d: %s",
                          version, SL_SCHEMA_VERSION,
                          version < SL_SCHEMA_VERSION ? "run smartlaunchctl schema upgrade"
                                                      : "install the module that fits the tables");
    }
    return SL_OK;
}
