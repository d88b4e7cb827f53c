/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sl_migrate.h"

#include "store/sl_db.h"
#include "store/sl_schema.h"
#include <apr_file_io.h>
#include <apr_strings.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((apr_off_t)1024 * 1024)

/** "001_tables.sql" → 1; anything else → 0. */
static int number_of(const char *file)
{
    size_t len = strlen(file);

    if (len < 9 || !isdigit((unsigned char)file[0]) || !isdigit((unsigned char)file[1]) ||
        !isdigit((unsigned char)file[2]) || file[3] != '_' || strcmp(file + len - 4, ".sql") != 0) {
        return 0;
    }
    return (file[0] - '0') * 100 + (file[1] - '0') * 10 + (file[2] - '0');
}

static int by_version(const void *a, const void *b)
{
    return ((const sl_migration_t *)a)->version - ((const sl_migration_t *)b)->version;
}

static sl_rc_t check_numbers(const apr_array_header_t *list, const char *dir, sl_err_t *err)
{
    for (int i = 0; i < list->nelts; i++) {
        if (APR_ARRAY_IDX(list, i, sl_migration_t).version != i + 1) {
            return sl_err_set(err, SL_INVALID, "SL3070",
                              "%.150s: migration %03d is missing or there twice", dir, i + 1);
        }
    }
    return SL_OK;
}

sl_rc_t sl_migrate_list(apr_array_header_t **out, const char *dir, apr_pool_t *p, sl_err_t *err)
{
    apr_dir_t *handle;
    apr_finfo_t entry;

    *out = apr_array_make(p, 8, sizeof(sl_migration_t));
    if (apr_dir_open(&handle, dir, p) != APR_SUCCESS) {
        return sl_err_set(err, SL_NONE, "SL3071", "the directory %.150s cannot be read", dir);
    }
    while (apr_dir_read(&entry, APR_FINFO_NAME, handle) == APR_SUCCESS) {
        int version = number_of(entry.name);

        if (version > 0) {
            sl_migration_t *found = apr_array_push(*out);

            found->version = version;
            found->file = apr_pstrdup(p, entry.name);
        }
    }
    (void)apr_dir_close(handle);
    if ((*out)->nelts == 0) {
        return sl_err_set(err, SL_NONE, "SL3072", "there are no migrations in %.150s", dir);
    }
    qsort((*out)->elts, (size_t)(*out)->nelts, sizeof(sl_migration_t), by_version);
    return check_numbers(*out, dir, err);
}

static apr_status_t finish(void *data)
{
    PQfinish(data);
    return APR_SUCCESS;
}

static void ignore(void *data, const PGresult *result)
{
    (void)data;
    (void)result;
}

static const char *one_line(apr_pool_t *p, const char *text)
{
    char *copy = apr_pstrdup(p, text);

    for (char *c = copy; *c != '\0'; c++) {
        *c = (unsigned char)*c < 0x20 ? ' ' : *c;
    }
    return copy;
}

static sl_rc_t open_db(PGconn **out, const char *conninfo, apr_pool_t *p, sl_err_t *err)
{
    const char *const words[] = {"fallback_application_name", "client_encoding", "connect_timeout",
                                 "dbname", NULL};
    const char *const values[] = {"smartlaunchctl", "UTF8", "5", conninfo, NULL};
    sl_rc_t rc = sl_db_check_conninfo(conninfo, p, err);
    PGconn *pg;

    if (rc != SL_OK) {
        return rc;
    }
    pg = PQconnectdbParams(words, values, 1);
    apr_pool_cleanup_register(p, pg, finish, apr_pool_cleanup_null);
    (void)PQsetNoticeReceiver(pg, ignore, NULL);
    *out = pg;
    if (PQstatus(pg) != CONNECTION_OK) {
        return sl_err_set(err, SL_UNAVAILABLE, "SL3073", "PostgreSQL cannot be reached: %.180s",
                          one_line(p, PQerrorMessage(pg)));
    }
    return SL_OK;
}

/** Run SQL and take the first value of its last result, if wanted. */
static sl_rc_t run(PGconn *pg, const char *sql, const char **value, apr_pool_t *p, sl_err_t *err)
{
    PGresult *result = PQexec(pg, sql);
    ExecStatusType status = PQresultStatus(result);
    sl_rc_t rc = SL_OK;

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        rc = sl_err_set(err, SL_FAILED, "SL3074", "%.230s", one_line(p, PQerrorMessage(pg)));
    } else if (value != NULL) {
        *value = PQntuples(result) > 0 && !PQgetisnull(result, 0, 0)
                     ? apr_pstrdup(p, PQgetvalue(result, 0, 0))
                     : NULL;
    }
    PQclear(result);
    return rc;
}

static sl_rc_t read_version(int *version, PGconn *pg, apr_pool_t *p, sl_err_t *err)
{
    const char *value = NULL;
    sl_rc_t rc = run(pg, "SELECT to_regclass('smartlaunch.schema_version')", &value, p, err);

    *version = 0;
    if (rc == SL_OK && value != NULL) {
        rc = run(pg, "SELECT max(version) FROM smartlaunch.schema_version", &value, p, err);
        *version = rc == SL_OK && value != NULL ? atoi(value) : 0;
    }
    return rc;
}

sl_rc_t sl_migrate_version(int *version, const char *conninfo, apr_pool_t *p, sl_err_t *err)
{
    PGconn *pg;
    sl_rc_t rc = open_db(&pg, conninfo, p, err);

    return rc == SL_OK ? read_version(version, pg, p, err) : rc;
}

static sl_rc_t read_file(const char **text, const char *path, apr_pool_t *p, sl_err_t *err)
{
    apr_file_t *file;
    apr_finfo_t info;
    apr_size_t len;
    char *buffer;

    if (apr_file_open(&file, path, APR_FOPEN_READ, APR_OS_DEFAULT, p) != APR_SUCCESS ||
        apr_file_info_get(&info, APR_FINFO_SIZE, file) != APR_SUCCESS || info.size > MAX_FILE) {
        return sl_err_set(err, SL_FAILED, "SL3075", "%.200s cannot be read", path);
    }
    buffer = apr_pcalloc(p, (apr_size_t)info.size + 1);
    if (apr_file_read_full(file, buffer, (apr_size_t)info.size, &len) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL3076", "%.200s cannot be read to its end", path);
    }
    (void)apr_file_close(file);
    *text = buffer;
    return SL_OK;
}

static sl_rc_t run_file(PGconn *pg, const sl_migrate_job_t *job, const sl_migration_t *migration,
                        apr_pool_t *p, sl_err_t *err)
{
    const char *text = NULL;
    sl_err_t why = {0};
    int version;
    sl_rc_t rc = read_file(&text, apr_pstrcat(p, job->dir, "/", migration->file, NULL), p, err);

    if (rc != SL_OK) {
        return rc;
    }
    rc = run(pg, text, NULL, p, &why);
    if (rc == SL_OK) {
        rc = read_version(&version, pg, p, &why);
    }
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "SL3077", "%s: %.200s", migration->file, why.text);
    }
    if (version != migration->version) {
        return sl_err_set(err, SL_FAILED, "SL3078",
                          "%s does not write its number into "
                          "schema_version",
                          migration->file);
    }
    return SL_OK;
}

static sl_rc_t check_start(int version, bool install, sl_err_t *err)
{
    if (version > SL_SCHEMA_VERSION) {
        return sl_err_set(err, SL_CONFLICT, "SL3079",
                          "the tables have version %d, newer than this program's %d", version,
                          SL_SCHEMA_VERSION);
    }
    if (install && version > 0 && version < SL_SCHEMA_VERSION) {
        return sl_err_set(err, SL_CONFLICT, "SL3080",
                          "there are tables of version %d: run smartlaunchctl schema upgrade",
                          version);
    }
    if (!install && version == 0) {
        return sl_err_set(err, SL_NONE, "SL3081",
                          "there are no tables yet: run smartlaunchctl schema install");
    }
    return SL_OK;
}

/** All of it, inside one transaction that the caller ends. */
static sl_rc_t run_all(apr_array_header_t *done, PGconn *pg, const sl_migrate_job_t *job,
                       const apr_array_header_t *list, apr_pool_t *p, sl_err_t *err)
{
    int version = 0;
    sl_rc_t rc =
        run(pg, "SELECT pg_advisory_xact_lock(hashtext('smartlaunch.schema'))", NULL, p, err);

    if (rc == SL_OK) {
        rc = read_version(&version, pg, p, err);
    }
    if (rc == SL_OK) {
        rc = check_start(version, job->install, err);
    }
    for (int i = version; rc == SL_OK && i < list->nelts; i++) {
        rc = run_file(pg, job, &APR_ARRAY_IDX(list, i, sl_migration_t), p, err);
        if (rc == SL_OK) {
            APR_ARRAY_PUSH(done, sl_migration_t) = APR_ARRAY_IDX(list, i, sl_migration_t);
        }
    }
    return rc;
}

sl_rc_t sl_migrate_run(apr_array_header_t **done, const sl_migrate_job_t *job, apr_pool_t *p,
                       sl_err_t *err)
{
    apr_array_header_t *list;
    PGconn *pg;
    sl_rc_t rc = sl_migrate_list(&list, job->dir, p, err);

    *done = apr_array_make(p, 8, sizeof(sl_migration_t));
    if (rc != SL_OK) {
        return rc;
    }
    if (list->nelts != SL_SCHEMA_VERSION) {
        return sl_err_set(err, SL_FAILED, "SL3082",
                          "%.120s has %d migrations, but this program belongs to version %d",
                          job->dir, list->nelts, SL_SCHEMA_VERSION);
    }
    rc = open_db(&pg, job->conninfo, p, err);
    if (rc == SL_OK) {
        rc = run(pg, "BEGIN", NULL, p, err);
    }
    if (rc == SL_OK) {
        rc = run_all(*done, pg, job, list, p, err);
    }
    /* Without a commit the transaction ends with the connection. */
    return rc == SL_OK ? run(pg, "COMMIT", NULL, p, err) : rc;
}
