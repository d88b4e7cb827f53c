/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sl_ctl_runtime.h"

#include <apr_network_io.h>
#include <apr_strings.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE ((size_t)4096)

static void log_line(void *data, sl_log_level_t level, const char *id, const char *text)
{
    (void)data;
    if (level <= SL_LOG_WARN) {
        (void)fprintf(stderr, "smartlaunchctl: %s (%s)\n", text, id);
    }
}

sl_log_t sl_ctl_log(void)
{
    const sl_log_t log = {.write = log_line};

    return log;
}

/** The journal belongs to httpd's user and is for nobody else, root included. */
static sl_rc_t become_owner(const char *state_dir, sl_err_t *err)
{
    struct stat st;

    return lstat(state_dir, &st) == 0 ? sl_ctl_become(st.st_uid, err) : SL_OK;
}

static sl_rc_t open_journal(sl_runtime_t *rt, const char *state_dir, apr_pool_t *p, sl_err_t *err)
{
    sl_rc_t rc = sl_spool_open(&rt->spool, state_dir, rt->ring, p, err);

    /* Without a gateway httpd does not need it, either. */
    return rc == SL_NONE ? SL_OK : rc;
}

static const char *name_of_process(apr_pool_t *p)
{
    char host[APRMAXHOSTLEN + 1] = "";

    if (apr_gethostname(host, sizeof(host), p) != APR_SUCCESS || host[0] == '\0') {
        apr_cpystrn(host, "localhost", sizeof(host));
    }
    return apr_psprintf(p, "%s:%ld:smartlaunchctl", host, (long)getpid());
}

static apr_status_t release(void *memory)
{
    free(memory);
    return APR_SUCCESS;
}

sl_rc_t sl_ctl_memory(sl_shm_t **out, apr_pool_t *p, sl_err_t *err)
{
    void *memory = NULL;

    if (posix_memalign(&memory, PAGE, SL_SHM_MIN_SIZE) != 0) {
        return sl_err_set(err, SL_FAILED, "SL7012", "out of memory");
    }
    apr_pool_cleanup_register(p, memory, release, apr_pool_cleanup_null);
    memset(memory, 0, SL_SHM_MIN_SIZE);
    return sl_shm_format(out, memory, SL_SHM_MIN_SIZE, p, err);
}

static sl_rc_t open_outbound(sl_runtime_t *rt, const apr_array_header_t *ehrs, apr_pool_t *p,
                             sl_err_t *err)
{
    sl_rc_t rc = sl_ctl_memory(&rt->shm, p, err);

    rt->ehrs = ehrs;
    rt->gates = apr_pcalloc(p, sizeof(*rt->gates) * ((size_t)ehrs->nelts + 1));
    (void)signal(SIGPIPE, SIG_IGN);
    if (rc == SL_OK) {
        rc = sl_http_init(err);
    }
    return rc == SL_OK ? sl_http_open(&rt->http, p, err) : rc;
}

sl_rc_t sl_ctl_runtime(sl_runtime_t **out, sl_ctl_t *ctl, const apr_array_header_t *ehrs,
                       sl_err_t *err)
{
    sl_runtime_t *rt = apr_pcalloc(ctl->p, sizeof(*rt));
    const char *state_dir = NULL;
    sl_keyring_t *ring = NULL;
    sl_rc_t rc = sl_ctl_ring(&ring, ctl, err);

    rt->log = sl_ctl_log();
    rt->self = name_of_process(ctl->p);
    rt->ring = ring;
    if (rc == SL_OK) {
        rc = sl_ctl_state_dir(&state_dir, ctl, err);
    }
    if (rc == SL_OK && state_dir != NULL) {
        rc = become_owner(state_dir, err);
    }
    if (rc == SL_OK) {
        rc = sl_ctl_open(&rt->db, ctl, err);
    }
    if (rc == SL_OK && state_dir != NULL) {
        rc = open_journal(rt, state_dir, ctl->p, err);
    }
    if (rc == SL_OK && ehrs != NULL) {
        rc = open_outbound(rt, ehrs, ctl->p, err);
    }
    *out = rt;
    return rc;
}
