/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_spool.h"
#include "base/sl_text.h"

#include <apr_strings.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A file: what it is, the id of the key that sealed it, a line end, what was sealed. */
#define MAGIC "smartlaunch-1 "
#define HEAD_MAX 64
#define SEAL_MAX 64 /* what sealing adds */
#define NAME_CHARS 128
#define TMP_PREFIX ".tmp-"
#define BAD_PREFIX "bad."
#define TMP_AGE 600 /* seconds: nobody is still writing to it */

struct sl_spool {
    const char *path; /* for messages; everything else goes by `dir` */
    int dir;
    const sl_keyring_t *ring;
};

static sl_rc_t judge(const struct stat *st, const char *path, uid_t uid, sl_err_t *err)
{
    if (!S_ISDIR(st->st_mode)) {
        return sl_err_set(err, SL_DENIED, "SL1521",
                          "%s is %s: it must be a directory of its own, named by its real path",
                          path, S_ISLNK(st->st_mode) ? "a link" : "not a directory");
    }
    if (st->st_uid != uid) {
        return sl_err_set(err, SL_DENIED, "SL1522",
                          "%s belongs to another user than httpd runs as: chown it", path);
    }
    if ((st->st_mode & (S_IRWXG | S_IRWXO)) != 0) {
        return sl_err_set(err, SL_DENIED, "SL1523", "others may enter %s: run chmod 700 on it",
                          path);
    }
    return SL_OK;
}

static sl_rc_t cannot_look(const char *path, sl_err_t *err)
{
    return sl_err_set(err, SL_FAILED, "SL1525", "cannot look at %s: %s", path, strerror(errno));
}

static sl_rc_t not_there(const char *path, sl_err_t *err)
{
    return sl_err_set(err, SL_NONE, "SL1524", "%s does not exist", path);
}

/** With a slash at its end a link would be followed. */
static const char *bare_path(const char *path, apr_pool_t *p)
{
    size_t len = strlen(path);

    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return apr_pstrmemdup(p, path, len);
}

sl_rc_t sl_spool_check(const char *path, apr_uid_t uid, apr_pool_t *p, sl_err_t *err)
{
    struct stat st;

    if (lstat(bare_path(path, p), &st) != 0) {
        return errno == ENOENT ? not_there(path, err) : cannot_look(path, err);
    }
    return judge(&st, path, uid, err);
}

static DIR *list_open(const sl_spool_t *spool)
{
    int fd = openat(spool->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);

    if (dir == NULL && fd >= 0) {
        (void)close(fd);
    }
    return dir;
}

/** What a crash left half-written. */
static void sweep(const sl_spool_t *spool)
{
    DIR *dir = list_open(spool);
    const struct dirent *entry;
    struct stat st;
    time_t now = time(NULL);

    if (dir == NULL) {
        return;
    }
    while ((entry = readdir(dir)) != NULL) {
        if (sl_text_has_prefix(entry->d_name, TMP_PREFIX) &&
            fstatat(spool->dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            st.st_mtime < now - TMP_AGE) {
            (void)unlinkat(spool->dir, entry->d_name, 0);
        }
    }
    (void)closedir(dir);
}

static apr_status_t release(void *data)
{
    sl_spool_t *spool = data;

    (void)close(spool->dir);
    spool->dir = -1;
    return APR_SUCCESS;
}

sl_rc_t sl_spool_open(sl_spool_t **out, const char *path, const sl_keyring_t *ring, apr_pool_t *p,
                      sl_err_t *err)
{
    sl_spool_t *spool = apr_pcalloc(p, sizeof(*spool));
    struct stat st;
    sl_rc_t rc = sl_spool_check(path, geteuid(), p, err);

    if (rc != SL_OK) {
        return rc;
    }
    /* Held open from here on: whatever becomes of the path, this directory is the one looked at. */
    spool->dir = open(bare_path(path, p), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (spool->dir < 0) {
        return sl_err_set(err, SL_FAILED, "SL1526", "cannot open %s: %s", path, strerror(errno));
    }
    spool->path = apr_pstrdup(p, path);
    spool->ring = ring;
    apr_pool_cleanup_register(p, spool, release, apr_pool_cleanup_null);
    if (fstat(spool->dir, &st) != 0) {
        return cannot_look(path, err);
    }
    rc = judge(&st, path, geteuid(), err);
    if (rc == SL_OK) {
        sweep(spool);
        *out = spool;
    }
    return rc;
}

/** Letters, digits, `.` and `-`; neither hidden nor one that was put aside. */
static bool is_name(const char *name)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-";
    size_t len = strlen(name);

    return len >= 1 && len <= NAME_CHARS && strspn(name, allowed) == len && name[0] != '.' &&
           !sl_text_has_prefix(name, BAD_PREFIX);
}

static sl_rc_t bad_name(sl_err_t *err)
{
    return sl_err_set(err, SL_INVALID, "SL1527",
                      "a journal record's name is 1 to 128 letters, digits, '.' or '-'");
}

static sl_rc_t trouble(const sl_spool_t *spool, const char *what, sl_err_t *err)
{
    return sl_err_set(err, SL_FAILED, "SL1528", "cannot %s a record in %s: %s", what, spool->path,
                      strerror(errno));
}

static bool write_all(int fd, const void *bytes, size_t len)
{
    const char *at = bytes;

    while (len > 0) {
        ssize_t n = write(fd, at, len);

        if (n < 0 && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            at += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/** On the disk under `name`, or not at all. */
static bool write_file(const sl_spool_t *spool, const char *name, const char *head,
                       sl_bytes_t sealed)
{
    int fd = openat(spool->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    S_IRUSR | S_IWUSR);
    bool done;

    if (fd < 0) {
        return false;
    }
    done = write_all(fd, head, strlen(head)) && write_all(fd, sealed.bytes, sealed.len) &&
           fsync(fd) == 0;
    return close(fd) == 0 && done;
}

sl_rc_t sl_spool_put(sl_spool_t *spool, const char *name, const sl_secret_t *value, apr_pool_t *tmp,
                     sl_err_t *err)
{
    const char *const aad[] = {"spool", name, NULL};
    const char *head = apr_pstrcat(tmp, MAGIC, sl_keyring_active(spool->ring), "\n", NULL);
    unsigned char random[8];
    const char *unfinished;
    sl_bytes_t sealed;
    sl_rc_t rc;

    if (!is_name(name)) {
        return bad_name(err);
    }
    if (sl_secret_len(value) > SL_SPOOL_MAX_RECORD) {
        return sl_err_set(err, SL_INVALID, "SL1529", "a journal record is larger than 1 MiB");
    }
    rc = sl_keyring_seal(&sealed, spool->ring, aad, value, tmp, err);
    if (rc == SL_OK) {
        rc = sl_digest_random(random, sizeof(random), err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    unfinished = apr_pstrcat(tmp, TMP_PREFIX, sl_text_hex(tmp, random, sizeof(random)), NULL);
    if (!write_file(spool, unfinished, head, sealed) ||
        renameat(spool->dir, unfinished, spool->dir, name) != 0) {
        rc = trouble(spool, "write", err);
        (void)unlinkat(spool->dir, unfinished, 0);
        return rc;
    }
    /* The name is on the disk only with its directory. */
    return fsync(spool->dir) == 0 ? SL_OK : trouble(spool, "keep", err);
}

typedef struct {
    const char *name;
    struct timespec at;
} found_t;

/** By age; of one instant, as numbers at the end of a name go. */
static int by_age(const void *one, const void *two)
{
    const found_t *a = one, *b = two;
    size_t alen = strlen(a->name), blen = strlen(b->name);

    if (a->at.tv_sec != b->at.tv_sec) {
        return a->at.tv_sec < b->at.tv_sec ? -1 : 1;
    }
    if (a->at.tv_nsec != b->at.tv_nsec) {
        return a->at.tv_nsec < b->at.tv_nsec ? -1 : 1;
    }
    if (alen != blen) {
        return alen < blen ? -1 : 1;
    }
    return strcmp(a->name, b->name);
}

static void gather(apr_array_header_t *found, const sl_spool_t *spool, DIR *dir, const char *prefix)
{
    const struct dirent *entry;
    struct stat st;

    while ((entry = readdir(dir)) != NULL) {
        /* Links and the like are no records: sl_spool_get would refuse them, too. */
        if (is_name(entry->d_name) && sl_text_has_prefix(entry->d_name, prefix) &&
            fstatat(spool->dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            S_ISREG(st.st_mode)) {
            found_t *one = apr_array_push(found);

            one->name = apr_pstrdup(found->pool, entry->d_name);
            one->at = st.st_mtim;
        }
    }
}

sl_rc_t sl_spool_list(apr_array_header_t **names, sl_spool_t *spool, const char *prefix, int limit,
                      apr_pool_t *p, sl_err_t *err)
{
    DIR *dir = list_open(spool);
    apr_array_header_t *found;
    apr_pool_t *tmp;

    if (dir == NULL) {
        return trouble(spool, "look for", err);
    }
    apr_pool_create(&tmp, p);
    found = apr_array_make(tmp, 16, sizeof(found_t));
    gather(found, spool, dir, prefix);
    (void)closedir(dir);
    if (found->nelts > 1) {
        qsort(found->elts, (size_t)found->nelts, sizeof(found_t), by_age);
    }
    *names = apr_array_make(p, 4, sizeof(const char *));
    for (int i = 0; i < found->nelts && i < limit; i++) {
        APR_ARRAY_PUSH(*names, const char *) =
            apr_pstrdup(p, APR_ARRAY_IDX(found, i, found_t).name);
    }
    apr_pool_destroy(tmp);
    return SL_OK;
}

sl_rc_t sl_spool_count(sl_spool_count_t *out, sl_spool_t *spool, int most, sl_err_t *err)
{
    DIR *dir = list_open(spool);
    const struct dirent *entry;

    out->records = out->set_aside = 0;
    if (dir == NULL) {
        return trouble(spool, "look for", err);
    }
    while (out->records + out->set_aside < most && (entry = readdir(dir)) != NULL) {
        out->records += is_name(entry->d_name);
        out->set_aside += sl_text_has_prefix(entry->d_name, BAD_PREFIX);
    }
    (void)closedir(dir);
    return SL_OK;
}

static sl_rc_t not_ours(const sl_spool_t *spool, sl_err_t *err)
{
    return sl_err_set(err, SL_DENIED, "SL1530", "%s holds a file that is not ours", spool->path);
}

/** A whole file of ours, and nothing else of that name. */
static sl_rc_t read_file(sl_bytes_t *out, const sl_spool_t *spool, int fd, apr_pool_t *p,
                         sl_err_t *err)
{
    struct stat st;
    unsigned char *bytes;
    size_t have = 0, size;

    if (fstat(fd, &st) != 0) {
        return trouble(spool, "look at", err);
    }
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        st.st_size > SL_SPOOL_MAX_RECORD + HEAD_MAX + SEAL_MAX) {
        return not_ours(spool, err);
    }
    size = (size_t)st.st_size;
    bytes = apr_palloc(p, size + 1);
    while (have < size) {
        ssize_t n = read(fd, bytes + have, size - have);

        if (n == 0) {
            break;
        }
        if (n < 0 && errno != EINTR) {
            return trouble(spool, "read", err);
        }
        have += n > 0 ? (size_t)n : 0;
    }
    out->bytes = bytes;
    out->len = have;
    return SL_OK;
}

/** Take head and sealed value apart. */
static sl_rc_t take_apart(sl_sealed_t *out, const sl_spool_t *spool, sl_bytes_t file, apr_pool_t *p,
                          sl_err_t *err)
{
    const char *text = (const char *)file.bytes;
    size_t magic = strlen(MAGIC);
    size_t head = file.len < HEAD_MAX ? file.len : HEAD_MAX;
    const char *end = head > magic ? memchr(text, '\n', head) : NULL;

    if (end == NULL || memcmp(text, MAGIC, magic) != 0) {
        return sl_err_set(err, SL_DENIED, "SL1531", "a record in %s is not one that was written",
                          spool->path);
    }
    out->key_id = apr_pstrmemdup(p, text + magic, (apr_size_t)(end - text) - magic);
    out->sealed.bytes = (const unsigned char *)end + 1;
    out->sealed.len = file.len - (apr_size_t)(end + 1 - text);
    return SL_OK;
}

/** The file of this name, taken apart. */
static sl_rc_t load(sl_sealed_t *out, const sl_spool_t *spool, const char *name, apr_pool_t *p,
                    sl_err_t *err)
{
    sl_bytes_t file = {NULL, 0};
    sl_rc_t rc;
    int fd;

    if (!is_name(name)) {
        return bad_name(err);
    }
    /* O_NONBLOCK: a FIFO of that name must not hold us up. */
    fd = openat(spool->dir, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ELOOP) {
        return not_ours(spool, err);
    }
    if (fd < 0) {
        return errno == ENOENT ? sl_err_set(err, SL_NONE, "SL1532", "the record is gone")
                               : trouble(spool, "open", err);
    }
    rc = read_file(&file, spool, fd, p, err);
    (void)close(fd);
    return rc == SL_OK ? take_apart(out, spool, file, p, err) : rc;
}

sl_rc_t sl_spool_get(sl_secret_t **out, sl_spool_t *spool, const char *name, apr_pool_t *p,
                     sl_err_t *err)
{
    const char *const aad[] = {"spool", name, NULL}; /* it opens under its own name only */
    sl_sealed_t sealed = {NULL, aad, {NULL, 0}};
    sl_rc_t rc = load(&sealed, spool, name, p, err);

    return rc == SL_OK ? sl_keyring_open(out, spool->ring, &sealed, p, err) : rc;
}

sl_rc_t sl_spool_key(const char **key_id, sl_spool_t *spool, const char *name, apr_pool_t *p,
                     sl_err_t *err)
{
    sl_sealed_t sealed = {NULL, NULL, {NULL, 0}};
    sl_rc_t rc = load(&sealed, spool, name, p, err);

    *key_id = sealed.key_id;
    return rc;
}

void sl_spool_del(sl_spool_t *spool, const char *name)
{
    if (is_name(name)) {
        (void)unlinkat(spool->dir, name, 0);
    }
}

void sl_spool_put_aside(sl_spool_t *spool, const char *name)
{
    char aside[sizeof(BAD_PREFIX) + NAME_CHARS];

    if (is_name(name)) {
        apr_snprintf(aside, sizeof(aside), "%s%s", BAD_PREFIX, name);
        (void)renameat(spool->dir, name, spool->dir, aside);
    }
}
