/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_exec.h"

#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <string.h>

#define MAX_SECRET 4096
#define PATIENCE apr_time_from_sec(10)
#define POLL apr_time_from_msec(10)

static apr_status_t start(apr_proc_t *proc, const char *command, apr_pool_t *p)
{
    apr_procattr_t *attr = NULL;
    char **argv = NULL;
    apr_status_t status = apr_tokenize_to_argv(command, &argv, p);

    if (status == APR_SUCCESS) {
        status = apr_procattr_create(&attr, p);
    }
    if (status == APR_SUCCESS) {
        status = apr_procattr_io_set(attr, APR_NO_PIPE, APR_FULL_BLOCK, APR_NO_PIPE);
    }
    if (status == APR_SUCCESS) {
        status = apr_procattr_cmdtype_set(attr, APR_PROGRAM);
    }
    if (status == APR_SUCCESS) {
        status = apr_proc_create(proc, argv[0], (const char *const *)argv, NULL, attr, p);
    }
    return status;
}

/** Everything it prints, up to its end or the time-out. */
static apr_status_t read_all(apr_proc_t *proc, apr_time_t until, char *text, apr_size_t *len)
{
    apr_status_t status = APR_SUCCESS;

    *len = 0;
    while (status == APR_SUCCESS && *len < MAX_SECRET) {
        apr_interval_time_t left = until - apr_time_now();
        apr_size_t room = MAX_SECRET - *len;

        if (left <= 0) {
            return APR_TIMEUP;
        }
        apr_file_pipe_timeout_set(proc->out, left);
        status = apr_file_read(proc->out, text + *len, &room);
        *len += status == APR_SUCCESS ? room : 0;
    }
    return APR_STATUS_IS_EOF(status) ? APR_SUCCESS : status;
}

/** Its exit code, 0 for success only. It may have closed its output and still be there. */
static int end_of(apr_proc_t *proc, apr_time_t until)
{
    apr_exit_why_e why = APR_PROC_EXIT;
    int code = 0;

    while (apr_proc_wait(proc, &code, &why, APR_NOWAIT) == APR_CHILD_NOTDONE) {
        if (apr_time_now() >= until) {
            (void)apr_proc_kill(proc, SIGKILL);
            (void)apr_proc_wait(proc, &code, &why, APR_WAIT);
            return -1;
        }
        apr_sleep(POLL);
    }
    return why == APR_PROC_EXIT ? code : -1;
}

sl_rc_t sl_exec_secret(sl_secret_t **out, const char *command, apr_pool_t *p, sl_err_t *err)
{
    char text[MAX_SECRET + 1];
    apr_size_t len = 0;
    apr_proc_t proc;
    apr_time_t until = apr_time_now() + PATIENCE;
    int code;
    apr_status_t status = start(&proc, command, p);

    if (status != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL1701", "the command could not be started");
    }
    status = read_all(&proc, until, text, &len);
    code = end_of(&proc, status == APR_SUCCESS ? until : 0);
    text[len] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    if (status != APR_SUCCESS || code != 0 || text[0] == '\0') {
        sl_secret_wipe(text, sizeof(text));
        return sl_err_set(err, SL_FAILED, "SL1702",
                          "the command failed, printed nothing or took more than 10 seconds");
    }
    *out = sl_secret_str(p, text);
    sl_secret_wipe(text, sizeof(text));
    return SL_OK;
}
