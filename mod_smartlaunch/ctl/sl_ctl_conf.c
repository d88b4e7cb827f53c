/* SPDX-License-Identifier: Apache-2.0 */
/* What httpd is configured for, as httpd itself says: `-t -D DUMP_SMARTLAUNCH` prints JSON. */
#include "base/sl_file.h"
#include "ctl/sl_ctl.h"
#include "store/sl_schema.h"

#include <apr_strings.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_DUMP ((apr_size_t)4 * 1024 * 1024)
#define PATIENCE apr_time_from_sec(60) /* for a statement: nobody waits for us but who asked */

/** Become the distribution's control script, so that variables and includes are resolved. */
static void become_httpd(const char *conf)
{
    static const char *const PROGRAMS[] = {"apachectl", "apache2ctl", SL_HTTPD};
    const char *chosen = getenv("SL_APACHECTL");
    const char *argv[] = {NULL, "-t", "-D", "DUMP_SMARTLAUNCH", "-f", conf, NULL};

    if (conf == NULL) {
        argv[4] = NULL;
    }
    for (size_t i = 0; i < (chosen != NULL ? 1 : sizeof(PROGRAMS) / sizeof(PROGRAMS[0])); i++) {
        argv[0] = chosen != NULL ? chosen : PROGRAMS[i];
        (void)execvp(argv[0], (char *const *)argv);
    }
    _exit(127);
}

static char *read_all(int fd, apr_size_t *len, apr_pool_t *p)
{
    apr_size_t size = 64 * 1024;
    char *text = apr_palloc(p, size);

    *len = 0;
    for (;;) {
        ssize_t n = read(fd, text + *len, size - *len);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return text;
        }
        *len += (apr_size_t)n;
        if (*len == size) {
            char *more;

            if (size >= MAX_DUMP) {
                return text;
            }
            more = apr_palloc(p, size * 2);
            memcpy(more, text, size);
            text = more;
            size *= 2;
        }
    }
}

/** What httpd said on its stderr: of interest only when it failed. */
static void pass_on(FILE *said)
{
    char line[512];

    rewind(said);
    while (fgets(line, sizeof(line), said) != NULL) {
        (void)fputs(line, stderr);
    }
}

static int run_httpd(char **text, apr_size_t *len, const char *conf, FILE *said, apr_pool_t *p)
{
    int fds[2];
    int status = -1;
    pid_t pid;

    if (pipe(fds) != 0) {
        return -1;
    }
    pid = fork();
    if (pid == 0) {
        (void)dup2(fds[1], STDOUT_FILENO);
        (void)dup2(fileno(said), STDERR_FILENO);
        (void)close(fds[0]);
        (void)close(fds[1]);
        become_httpd(conf);
    }
    (void)close(fds[1]);
    *text = read_all(fds[0], len, p);
    (void)close(fds[0]);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static sl_rc_t ask_httpd(char **text, apr_size_t *len, const char *conf, apr_pool_t *p,
                         sl_err_t *err)
{
    FILE *said = tmpfile();
    int status;

    if (said == NULL) {
        return sl_err_set(err, SL_FAILED, "SL7001", "no file for what httpd says");
    }
    status = run_httpd(text, len, conf, said, p);
    if (status != 0) {
        pass_on(said);
    }
    (void)fclose(said);
    return status == 0
               ? SL_OK
               : sl_err_set(err, SL_FAILED, "SL7002",
                            "httpd does not take its configuration, or was not found (what it "
                            "said is above); --db names the database without it");
}

sl_rc_t sl_ctl_configuration(sl_json_t **dump, sl_ctl_t *ctl, sl_err_t *err)
{
    apr_size_t len = 0;
    char *text = NULL;
    sl_rc_t rc = SL_OK;

    if (ctl->dump == NULL) {
        rc = ask_httpd(&text, &len, ctl->httpd_conf, ctl->p, err);
        if (rc == SL_OK &&
            sl_json_parse_long(&ctl->dump, text, len, MAX_DUMP, ctl->p, err) != SL_OK) {
            rc = sl_err_set(err, SL_FAILED, "SL7003",
                            "httpd prints no configuration of ours: is mod_smartlaunch loaded?");
        }
    }
    *dump = ctl->dump;
    return rc;
}

/** What the command line says, else what httpd's configuration has under `member`. */
static sl_rc_t find(const char **out, sl_ctl_t *ctl, const char *said, const char *member,
                    sl_err_t *err)
{
    sl_json_t *dump = NULL;
    sl_rc_t rc = SL_OK;

    *out = said;
    if (said == NULL) {
        rc = sl_ctl_configuration(&dump, ctl, err);
    }
    if (said == NULL && rc == SL_OK) {
        *out = sl_json_str(dump, member);
    }
    return rc;
}

sl_rc_t sl_ctl_database(const char **conninfo, sl_ctl_t *ctl, sl_err_t *err)
{
    sl_rc_t rc = find(conninfo, ctl, ctl->db, "database", err);

    if (rc == SL_OK && *conninfo == NULL) {
        return sl_err_set(err, SL_FAILED, "SL7004", "httpd is configured without SmartDatabase");
    }
    return rc;
}

sl_rc_t sl_ctl_become(uid_t uid, sl_err_t *err)
{
    const struct passwd *user;

    if (geteuid() != 0 || uid == 0) {
        return SL_OK;
    }
    user = getpwuid(uid);
    if (user == NULL || initgroups(user->pw_name, user->pw_gid) != 0 || setgid(user->pw_gid) != 0 ||
        setuid(uid) != 0) {
        return sl_err_set(err, SL_FAILED, "SL7011", "cannot become the user of id %ld", (long)uid);
    }
    return SL_OK;
}

sl_rc_t sl_ctl_become_httpd(const sl_json_t *dump, sl_err_t *err)
{
    const sl_json_t *user = dump != NULL ? sl_json_get(dump, "user") : NULL;

    return user != NULL ? sl_ctl_become((uid_t)json_object_get_int64(user), err) : SL_OK;
}

sl_rc_t sl_ctl_open(sl_db_t **db, sl_ctl_t *ctl, sl_err_t *err)
{
    sl_db_options_t options = {.max = 1, .query = PATIENCE};
    const char *conninfo = NULL;
    sl_rc_t rc = sl_ctl_database(&conninfo, ctl, err);

    if (rc == SL_OK) {
        rc = sl_ctl_become_httpd(ctl->db == NULL ? ctl->dump : NULL, err);
    }
    if (rc == SL_OK) {
        options.unprepared = ctl->dump != NULL && sl_json_get(ctl->dump, "prepare") != NULL &&
                             !json_object_get_boolean(sl_json_get(ctl->dump, "prepare"));
        rc = sl_db_open(db, conninfo, &options, ctl->p, err);
    }
    return rc == SL_OK ? sl_schema_check(*db, ctl->p, err) : rc;
}

sl_rc_t sl_ctl_keyring_path(const char **path, sl_ctl_t *ctl, sl_err_t *err)
{
    sl_rc_t rc;

    if (ctl->keyring == NULL && ctl->db != NULL) {
        return sl_err_set(err, SL_INVALID, "SL7006", "say with --keyring where the key ring is");
    }
    rc = find(path, ctl, ctl->keyring, "keyring", err);
    if (rc == SL_OK && *path == NULL) {
        return sl_err_set(err, SL_FAILED, "SL7007", "httpd is configured without SmartKeyring");
    }
    return rc;
}

sl_rc_t sl_ctl_ring(sl_keyring_t **ring, sl_ctl_t *ctl, sl_err_t *err)
{
    const char *path = NULL;
    sl_secret_t *text = NULL;
    sl_rc_t rc = sl_ctl_keyring_path(&path, ctl, err);

    if (rc == SL_OK) {
        rc = sl_file_secret(&text, path, ctl->p, err);
    }
    return rc == SL_OK ? sl_keyring_parse(ring, text, ctl->p, err) : rc;
}

sl_rc_t sl_ctl_state_dir(const char **path, sl_ctl_t *ctl, sl_err_t *err)
{
    if (ctl->state_dir == NULL && ctl->db != NULL) {
        *path = NULL;
        return SL_OK;
    }
    return find(path, ctl, ctl->state_dir, "state_dir", err);
}
