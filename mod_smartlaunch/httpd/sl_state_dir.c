/* SPDX-License-Identifier: Apache-2.0 */
#include "httpd/sl_state_dir.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <unixd.h>

const char *sl_state_dir_path(const sl_main_t *main)
{
    return main->state_dir != NULL ? main->state_dir : SL_DEFAULT_STATE_DIR;
}

/** Who the children are. */
static uid_t user(void)
{
    return geteuid() == 0 ? ap_unixd_config.user_id : geteuid();
}

static sl_rc_t make(const char *path, sl_err_t *err)
{
    if (mkdir(path, S_IRWXU) != 0 ||
        (geteuid() == 0 && lchown(path, user(), ap_unixd_config.group_id) != 0)) {
        return sl_err_set(
            err, SL_FAILED, "SL5103",
            "SmartStateDir %s cannot be made (%s): make a directory that only httpd's "
            "User may enter",
            path, strerror(errno));
    }
    return SL_OK;
}

sl_rc_t sl_state_dir_prepare(const sl_main_t *main, apr_pool_t *tmp, sl_err_t *err)
{
    const char *path = sl_state_dir_path(main);
    sl_err_t why = {0};
    sl_rc_t rc = sl_spool_check(path, user(), tmp, &why);

    if (rc == SL_NONE) {
        rc = make(path, err);
        if (rc != SL_OK) {
            return rc;
        }
        rc = sl_spool_check(path, user(), tmp, &why);
    }
    return rc == SL_OK ? rc
                       : sl_err_set(err, rc, "SL5104", "SmartStateDir: %s (%s)", why.text, why.id);
}
