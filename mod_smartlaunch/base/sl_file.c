/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES 65536

/* Is the open file one that may hold a secret? */
static sl_rc_t check(int fd, const char *path, sl_err_t *err)
{
    struct stat st;

    if (fstat(fd, &st) != 0) {
        return sl_err_set(err, SL_FAILED, "SL1201", "cannot look at %s: %s", path, strerror(errno));
    }
    if (!S_ISREG(st.st_mode)) {
        return sl_err_set(err, SL_INVALID, "SL1202", "%s is not a regular file", path);
    }
    if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return sl_err_set(err, SL_DENIED, "SL1203",
                          "%s holds a secret and others may use it: run chmod 600 on it", path);
    }
    return SL_OK;
}

/* Read to the end, or until there is a byte too many. */
static sl_rc_t fill(int fd, char *bytes, apr_size_t *len, const char *path, sl_err_t *err)
{
    *len = 0;
    while (*len <= MAX_BYTES) {
        ssize_t n = read(fd, bytes + *len, MAX_BYTES + 1 - *len);

        if (n == 0) {
            break;
        }
        if (n > 0) {
            *len += (apr_size_t)n;
        } else if (errno != EINTR) {
            return sl_err_set(err, SL_FAILED, "SL1204", "cannot read %s: %s", path,
                              strerror(errno));
        }
    }
    if (*len == 0 || *len > MAX_BYTES) {
        return sl_err_set(err, SL_INVALID, "SL1205", "%s is %s", path,
                          *len == 0 ? "empty" : "larger than 64 KiB");
    }
    return SL_OK;
}

static bool is_line_end(char c)
{
    return c == '\n' || c == '\r';
}

static sl_rc_t load(sl_secret_t **out, const char *path, bool one_line, apr_pool_t *p,
                    sl_err_t *err)
{
    char bytes[MAX_BYTES + 1];
    apr_size_t len = 0;
    sl_rc_t rc;
    /* O_NONBLOCK: a FIFO of that name must not hang the start. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

    if (fd < 0) {
        return errno == ENOENT || errno == ENOTDIR
                   ? sl_err_set(err, SL_NONE, "SL1206", "%s does not exist", path)
                   : sl_err_set(err, SL_FAILED, "SL1207", "cannot open %s: %s", path,
                                strerror(errno));
    }
    rc = check(fd, path, err);
    if (rc == SL_OK) {
        rc = fill(fd, bytes, &len, path, err);
    }
    (void)close(fd);
    while (rc == SL_OK && one_line && len > 0 && is_line_end(bytes[len - 1])) {
        len--;
    }
    if (rc == SL_OK && len == 0) {
        rc = sl_err_set(err, SL_INVALID, "SL1208", "%s holds nothing but line ends", path);
    }
    if (rc == SL_OK) {
        *out = sl_secret_new(p, bytes, len);
    }
    sl_secret_wipe(bytes, sizeof(bytes));
    return rc;
}

sl_rc_t sl_file_secret(sl_secret_t **out, const char *path, apr_pool_t *p, sl_err_t *err)
{
    return load(out, path, false, p, err);
}

sl_rc_t sl_file_secret_line(sl_secret_t **out, const char *path, apr_pool_t *p, sl_err_t *err)
{
    return load(out, path, true, p, err);
}
