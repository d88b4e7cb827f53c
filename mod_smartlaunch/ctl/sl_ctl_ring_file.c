/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sl_ctl_ring_file.h"
#include "base/sl_keyring.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/** Three runs of bytes in one secret, each ended by a line end where it has none. */
static sl_secret_t *join(const sl_bytes_t parts[3], apr_pool_t *p)
{
    apr_size_t len = 0;
    sl_secret_t *out;
    char *at;

    for (int i = 0; i < 3; i++) {
        len += parts[i].len;
        len += parts[i].len > 0 && parts[i].bytes[parts[i].len - 1] != '\n';
    }
    out = sl_secret_room(p, len, &at);
    for (int i = 0; i < 3; i++) {
        if (parts[i].len == 0) {
            continue;
        }
        memcpy(at, parts[i].bytes, parts[i].len);
        at += parts[i].len;
        if (at[-1] != '\n') {
            *at++ = '\n';
        }
    }
    return out;
}

static sl_bytes_t bytes_of(const sl_secret_t *text)
{
    return (sl_bytes_t){(const unsigned char *)sl_secret_reveal(text), sl_secret_len(text)};
}

sl_secret_t *sl_ctl_ring_put(const sl_secret_t *text, const sl_secret_t *line, bool last,
                             apr_pool_t *p)
{
    const sl_bytes_t ring = bytes_of(text), added = bytes_of(line), nothing = {NULL, 0};
    const sl_bytes_t parts[3] = {last ? ring : added, last ? added : ring, nothing};

    return join(parts, p);
}

sl_secret_t *sl_ctl_ring_first(const sl_secret_t *text, const char *id, apr_pool_t *p)
{
    const sl_bytes_t ring = bytes_of(text);
    const unsigned char *at = ring.bytes, *end = ring.bytes + ring.len;
    apr_size_t id_len = strlen(id);

    while (at < end) {
        const unsigned char *stop = memchr(at, '\n', (size_t)(end - at));
        const unsigned char *next = stop == NULL ? end : stop + 1;
        const unsigned char *word = at;

        for (; word < next && (*word == ' ' || *word == '\t'); word++) {
        }
        if ((apr_size_t)(next - word) > id_len && memcmp(word, id, id_len) == 0 &&
            (word[id_len] == ' ' || word[id_len] == '\t')) {
            const sl_bytes_t parts[3] = {{at, (apr_size_t)(next - at)},
                                         {ring.bytes, (apr_size_t)(at - ring.bytes)},
                                         {next, (apr_size_t)(end - next)}};

            return join(parts, p);
        }
        at = next;
    }
    return NULL;
}

static bool write_all(int fd, sl_bytes_t bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(fd, bytes.bytes, bytes.len);

        if (n < 0 && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            bytes.bytes += n;
            bytes.len -= (apr_size_t)n;
        }
    }
    return true;
}

/** The new name is on the disk only with its directory. */
static bool sync_directory(const char *path, apr_pool_t *p)
{
    const char *slash = strrchr(path, '/');
    const char *dir = slash == path ? "/" : apr_pstrmemdup(p, path, (apr_size_t)(slash - path));
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool done = fd >= 0 && fsync(fd) == 0;

    if (fd >= 0) {
        (void)close(fd);
    }
    return done;
}

static bool replace(const char *path, const struct stat *was, sl_bytes_t text, apr_pool_t *p)
{
    char *unfinished = apr_pstrcat(p, path, ".XXXXXX", NULL);
    int fd = mkstemp(unfinished); /* mode 0600 */
    bool done;

    if (fd < 0) {
        return false;
    }
    done = fchown(fd, was->st_uid, was->st_gid) == 0 && fchmod(fd, was->st_mode & 07777) == 0 &&
           write_all(fd, text) && fsync(fd) == 0;
    done = close(fd) == 0 && done && rename(unfinished, path) == 0;
    if (!done) {
        (void)unlink(unfinished);
    }
    return done && sync_directory(path, p);
}

sl_rc_t sl_ctl_ring_write(const char *path, const sl_secret_t *text, apr_pool_t *p, sl_err_t *err)
{
    sl_keyring_t *ring = NULL;
    char real[PATH_MAX];
    struct stat was;
    sl_rc_t rc = sl_keyring_parse(&ring, text, p, err);

    if (rc != SL_OK) {
        return rc;
    }
    if (realpath(path, real) == NULL || stat(real, &was) != 0 ||
        !replace(real, &was, bytes_of(text), p)) {
        return sl_err_set(err, SL_FAILED, "SL7021", "cannot write %s: %s", path, strerror(errno));
    }
    return SL_OK;
}

/** Is the open file still the one of this name? Who had the lock before may have replaced it. */
static bool is_current(int fd, const char *path)
{
    struct stat mine, now;

    return fstat(fd, &mine) == 0 && stat(path, &now) == 0 && mine.st_dev == now.st_dev &&
           mine.st_ino == now.st_ino;
}

static bool wait_for(int fd)
{
    int rc;

    do {
        rc = flock(fd, LOCK_EX);
    } while (rc != 0 && errno == EINTR);
    return rc == 0;
}

sl_rc_t sl_ctl_ring_lock(const char *path, sl_err_t *err)
{
    for (;;) {
        int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

        if (fd < 0) {
            return SL_OK; /* whoever reads it says why */
        }
        if (!wait_for(fd)) {
            (void)close(fd);
            return sl_err_set(err, SL_FAILED, "SL7024", "cannot lock %s: %s", path,
                              strerror(errno));
        }
        if (is_current(fd, path)) {
            return SL_OK; /* it stays open, and goes with the process */
        }
        (void)close(fd);
    }
}
