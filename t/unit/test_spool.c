/* SPDX-License-Identifier: Apache-2.0 */
/* The journal's directory: whole records or none, no links, no others, no swapped names. */
#include "base/sl_spool.h"
#include "base/sl_text.h"
#include "tap.h"

#include <apr_file_info.h>
#include <apr_general.h>
#include <apr_strings.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KEY_A "a AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
#define KEY_B "b //////////////////////////////////////////8=\n"

static sl_keyring_t *ring_of(const char *text, apr_pool_t *p)
{
    sl_keyring_t *ring = NULL;

    is_int(sl_keyring_parse(&ring, sl_secret_str(p, text), p, NULL), SL_OK, "a key ring");
    return ring;
}

static const char *path_of(const char *dir, const char *name, apr_pool_t *p)
{
    return apr_pstrcat(p, dir, "/", name, NULL);
}

static sl_spool_t *open_at(const char *dir, const sl_keyring_t *ring, apr_pool_t *p)
{
    sl_spool_t *spool = NULL;

    if (!is_int(sl_spool_open(&spool, dir, ring, p, NULL), SL_OK, "the spool opens")) {
        exit(tap_done());
    }
    return spool;
}

static void put(sl_spool_t *spool, const char *name, const char *text, apr_pool_t *p)
{
    is_int(sl_spool_put(spool, name, sl_secret_str(p, text), p, NULL), SL_OK, name);
}

static void holds(sl_spool_t *spool, const char *name, const char *text, apr_pool_t *p)
{
    sl_secret_t *got = NULL;

    is_int(sl_spool_get(&got, spool, name, p, NULL), SL_OK, name);
    is_str(got == NULL ? NULL : sl_secret_reveal(got), text, name);
}

static void refuses(sl_spool_t *spool, const char *name, sl_rc_t rc, const char *id,
                    const char *what, apr_pool_t *p)
{
    sl_secret_t *got = NULL;
    sl_err_t err = {0};

    is_int(sl_spool_get(&got, spool, name, p, &err), rc, what);
    is_str(err.id, id, what);
    ok(got == NULL, "%s: nothing is handed out", what);
}

static const char *names_with(sl_spool_t *spool, const char *prefix, int limit, apr_pool_t *p)
{
    apr_array_header_t *names = NULL;

    is_int(sl_spool_list(&names, spool, prefix, limit, p, NULL), SL_OK, "a list");
    return names == NULL ? NULL : apr_array_pstrcat(p, names, ' ');
}

static void write_to(const char *path, const char *bytes, apr_size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    ok(fd >= 0 && write(fd, bytes, len) == (ssize_t)len && close(fd) == 0, "written: %zu bytes",
       len);
}

static apr_size_t read_from(const char *path, char *bytes, apr_size_t room)
{
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, bytes, room);

    (void)close(fd);
    return n < 0 ? 0 : (apr_size_t)n;
}

static void records(const char *dir, sl_spool_t *spool, apr_pool_t *p)
{
    struct stat st;
    char bytes[512];
    apr_size_t len;

    put(spool, "token.l1.1", "one", p);
    put(spool, "token.l1.2", "two", p);
    put(spool, "access.x", "rows", p);
    put(spool, "token.l1.1", "one again", p);
    put(spool, "empty.x", "", p);
    holds(spool, "token.l1.1", "one again", p);
    holds(spool, "token.l1.2", "two", p);
    holds(spool, "empty.x", "", p);
    is_str(names_with(spool, "access.", 10, p), "access.x", "by prefix");
    is_str(names_with(spool, "none", 10, p), "", "none");
    is_int(stat(path_of(dir, "token.l1.1", p), &st), 0, "a file");
    is_int(st.st_mode & 07777, 0600, "which nobody else may read");
    len = read_from(path_of(dir, "token.l1.2", p), bytes, sizeof(bytes));
    ok(len > 0 && memmem(bytes, len, "two", 3) == NULL, "which holds nothing in clear");
    sl_spool_del(spool, "token.l1.1");
    sl_spool_del(spool, "token.l1.1");
    refuses(spool, "token.l1.1", SL_NONE, "SL1532", "deleted", p);
    sl_spool_del(spool, "access.x");
    sl_spool_del(spool, "empty.x");
    sl_spool_del(spool, "token.l1.2");
    is_str(names_with(spool, "", 10, p), "", "nothing is left");
}

static void ages(const char *dir, sl_spool_t *spool, apr_pool_t *p)
{
    static const struct {
        const char *name;
        time_t at;
    } rows[] = {{"token.a.10", 300}, {"token.a.9", 300}, {"token.b.1", 100}, {"token.c.1", 200}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct timespec at[2] = {{rows[i].at, 0}, {rows[i].at, 0}};

        put(spool, rows[i].name, "x", p);
        is_int(utimensat(AT_FDCWD, path_of(dir, rows[i].name, p), at, 0), 0, "aged");
    }
    is_str(names_with(spool, "token.", 10, p), "token.b.1 token.c.1 token.a.9 token.a.10",
           "oldest first, and of one instant as they count");
    is_str(names_with(spool, "token.", 2, p), "token.b.1 token.c.1", "no more than asked for");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        sl_spool_del(spool, rows[i].name);
    }
}

static void names(sl_spool_t *spool, apr_pool_t *p)
{
    static const char *const bad[] = {"",    ".",   "..",  ".hidden",     "a/b",     "../x",
                                      "a b", "a_b", "a\n", "bad.token.1", ".tmp-00", "t\xc3\xa4"};
    char longest[130];
    sl_err_t err;

    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        is_int(sl_spool_put(spool, bad[i], sl_secret_str(p, "x"), p, &err), SL_INVALID,
               "a name that is none is not written");
        refuses(spool, bad[i], SL_INVALID, "SL1527", "nor read", p);
    }
    memset(longest, 'n', sizeof(longest));
    longest[129] = '\0';
    is_int(sl_spool_put(spool, longest, sl_secret_str(p, "x"), p, &err), SL_INVALID, "too long");
    longest[128] = '\0';
    put(spool, longest, "x", p);
    sl_spool_del(spool, longest);
}

static void sizes(sl_spool_t *spool, apr_pool_t *p)
{
    char *bytes = apr_palloc(p, SL_SPOOL_MAX_RECORD + 1);
    sl_secret_t *got = NULL;
    sl_err_t err;

    memset(bytes, 'x', SL_SPOOL_MAX_RECORD + 1);
    is_int(sl_spool_put(spool, "big", sl_secret_new(p, bytes, SL_SPOOL_MAX_RECORD + 1), p, &err),
           SL_INVALID, "larger than a record may be");
    is_int(sl_spool_put(spool, "big", sl_secret_new(p, bytes, SL_SPOOL_MAX_RECORD), p, &err), SL_OK,
           "the largest");
    is_int(sl_spool_get(&got, spool, "big", p, &err), SL_OK, "and back");
    is_int((intmax_t)sl_secret_len(got), SL_SPOOL_MAX_RECORD, "whole");
    sl_spool_del(spool, "big");
}

/** What somebody who gets at the files can do with them. */
static void tampering(const char *dir, sl_spool_t *spool, apr_pool_t *p)
{
    char bytes[512];
    apr_size_t len;
    const char *one = path_of(dir, "token.l1.1", p);
    const char *two = path_of(dir, "token.l2.1", p);
    sl_spool_count_t count;
    int before;

    put(spool, "token.l1.1", "mine", p);
    len = read_from(one, bytes, sizeof(bytes));
    write_to(two, bytes, len);
    refuses(spool, "token.l2.1", SL_DENIED, "SL1412", "under another name", p);
    for (apr_size_t cut = 0; cut < len; cut += 7) {
        sl_err_t err;
        sl_secret_t *got = NULL;

        write_to(one, bytes, cut);
        is_int(sl_spool_get(&got, spool, "token.l1.1", p, &err), SL_DENIED, "torn");
    }
    bytes[len - 1] ^= 1;
    write_to(one, bytes, len);
    refuses(spool, "token.l1.1", SL_DENIED, "SL1412", "a bit changed", p);
    sl_spool_put_aside(spool, "token.l1.1");
    refuses(spool, "token.l1.1", SL_NONE, "SL1532", "put aside", p);
    is_int(access(path_of(dir, "bad.token.l1.1", p), F_OK), 0, "and kept for the admin");
    is_int(sl_spool_count(&count, spool, 99, NULL), SL_OK, "counted");
    is_int(count.set_aside, 1, "as one that was set aside");
    put(spool, "token.count.1", "one", p);
    put(spool, "access.count", "two", p);
    before = count.records;
    is_int(sl_spool_count(&count, spool, 99, NULL), SL_OK, "counted again");
    is_int(count.records, before + 2, "with two records more, of whatever kind");
    is_int(sl_spool_count(&count, spool, 1, NULL), SL_OK, "counted as far as one");
    is_int(count.records + count.set_aside, 1, "and no further");
    sl_spool_del(spool, "token.count.1");
    sl_spool_del(spool, "access.count");
    is_str(names_with(spool, "", 10, p), "token.l2.1", "and not listed");
    is_int(unlink(path_of(dir, "bad.token.l1.1", p)), 0, "cleaned");
    sl_spool_del(spool, "token.l2.1");
}

static void no_records(const char *dir, sl_spool_t *spool, apr_pool_t *p)
{
    const char *outside = apr_pstrcat(p, dir, ".outside", NULL);

    put(spool, "token.real", "mine", p);
    is_int(rename(path_of(dir, "token.real", p), outside), 0, "moved out");
    is_int(symlink(outside, path_of(dir, "token.real", p)), 0, "and linked to");
    refuses(spool, "token.real", SL_DENIED, "SL1530", "a link", p);
    is_int(mkfifo(path_of(dir, "token.pipe", p), 0600), 0, "a pipe");
    refuses(spool, "token.pipe", SL_DENIED, "SL1530", "a pipe", p);
    is_int(mkdir(path_of(dir, "token.dir", p), 0700), 0, "a directory");
    refuses(spool, "token.dir", SL_DENIED, "SL1530", "a directory", p);
    is_str(names_with(spool, "token", 10, p), "", "none of them is listed");
    put(spool, "token.real", "anew", p);
    holds(spool, "token.real", "anew", p);
    is_int(access(outside, F_OK), 0, "a link is replaced, not followed");
    if (geteuid() == 0) {
        is_int(chown(path_of(dir, "token.real", p), 65534, 65534), 0, "given away");
        refuses(spool, "token.real", SL_DENIED, "SL1530", "somebody else's file", p);
    }
    (void)unlink(outside);
    (void)unlink(path_of(dir, "token.pipe", p));
    (void)rmdir(path_of(dir, "token.dir", p));
    sl_spool_del(spool, "token.real");
}

/** A child that is killed while it writes leaves whole records only. */
static void killed(const char *dir, const sl_keyring_t *ring, apr_pool_t *p)
{
    sl_spool_t *spool = open_at(dir, ring, p);
    char *bytes = apr_palloc(p, 200001);
    struct stat st;

    memset(bytes, 'x', 200000);
    bytes[200000] = '\0';
    for (int round = 0; round < 12; round++) {
        apr_array_header_t *found = NULL;
        pid_t child = fork();

        if (child == 0) {
            apr_pool_t *mine;

            for (int i = 0;; i++) {
                apr_pool_create(&mine, NULL);
                if (sl_spool_put(spool, apr_psprintf(mine, "token.k.%d", i % 20),
                                 sl_secret_str(mine, bytes), mine, NULL) != SL_OK) {
                    _exit(1);
                }
                apr_pool_destroy(mine);
            }
        }
        while (names_with(spool, "token.k.", 99, p)[0] == '\0' &&
               waitpid(child, NULL, WNOHANG) == 0) {
            usleep(1000);
        }
        usleep((useconds_t)(round * 700)); /* somewhere in the middle of a write */
        (void)kill(child, SIGKILL);
        (void)waitpid(child, NULL, 0);
        is_int(sl_spool_list(&found, spool, "token.k.", 99, p, NULL), SL_OK, "after the kill");
        ok(found->nelts > 0, "there are records");
        for (int i = 0; i < found->nelts; i++) {
            sl_secret_t *got = NULL;
            const char *name = APR_ARRAY_IDX(found, i, const char *);

            if (sl_spool_get(&got, spool, name, p, NULL) != SL_OK || sl_secret_len(got) != 200000) {
                ok(false, "%s is whole", name);
            }
            sl_spool_del(spool, name);
        }
    }
    write_to(path_of(dir, ".tmp-old", p), "half", 4);
    write_to(path_of(dir, ".tmp-new", p), "half", 4);
    is_int(utimensat(AT_FDCWD, path_of(dir, ".tmp-old", p),
                     (const struct timespec[2]){{1, 0}, {1, 0}}, 0),
           0, "long ago");
    (void)open_at(dir, ring, p);
    ok(stat(path_of(dir, ".tmp-old", p), &st) != 0, "what a crash left is swept away");
    is_int(stat(path_of(dir, ".tmp-new", p), &st), 0, "what is being written is not");
}

static void directories(const char *dir, const sl_keyring_t *ring, apr_pool_t *p)
{
    static const mode_t open_modes[] = {0701, 0704, 0710, 0740, 0770, 0777};
    const char *link_to = apr_pstrcat(p, dir, ".link", NULL);
    const char *file = path_of(dir, "file", p);
    sl_spool_t *spool = NULL;
    sl_err_t err = {0};

    is_int(sl_spool_check(dir, geteuid(), p, &err), SL_OK, "a good one");
    is_int(sl_spool_check(dir, geteuid() + 1, p, &err), SL_DENIED, "another user's");
    is_str(err.id, "SL1522", "another user's");
    is_int(sl_spool_check(path_of(dir, "gone", p), geteuid(), p, &err), SL_NONE, "none");
    write_to(file, "x", 1);
    is_int(sl_spool_check(file, geteuid(), p, &err), SL_DENIED, "a file");
    is_int(symlink(dir, link_to), 0, "a link");
    is_int(sl_spool_check(link_to, geteuid(), p, &err), SL_DENIED, "a link is not followed");
    is_int(sl_spool_open(&spool, link_to, ring, p, &err), SL_DENIED, "nor opened");
    is_int(sl_spool_open(&spool, apr_pstrcat(p, link_to, "/", NULL), ring, p, &err), SL_DENIED,
           "nor with a slash at its end");
    is_int(sl_spool_open(&spool, path_of(dir, "gone", p), ring, p, &err), SL_NONE, "none to open");
    for (size_t i = 0; i < sizeof(open_modes) / sizeof(open_modes[0]); i++) {
        is_int(chmod(dir, open_modes[i]), 0, "a mode");
        is_int(sl_spool_check(dir, geteuid(), p, &err), SL_DENIED, "others may enter");
        is_str(err.id, "SL1523", "others may enter");
        is_int(sl_spool_open(&spool, dir, ring, p, &err), SL_DENIED, "so it is not opened");
    }
    is_int(chmod(dir, 0700), 0, "mended");
    (void)unlink(link_to);
    (void)unlink(file);
}

static void keys(const char *dir, apr_pool_t *p)
{
    sl_spool_t *before = open_at(dir, ring_of(KEY_A, p), p);
    sl_spool_t *rotated = open_at(dir, ring_of(KEY_B KEY_A, p), p);
    sl_spool_t *without = open_at(dir, ring_of(KEY_B, p), p);
    const char *id = NULL;
    sl_err_t err = {0};

    put(before, "token.old", "sealed by a", p);
    holds(rotated, "token.old", "sealed by a", p);
    refuses(without, "token.old", SL_DENIED, "SL1410", "its key is gone", p);
    put(rotated, "token.new", "sealed by b", p);
    holds(without, "token.new", "sealed by b", p);
    is_int(sl_spool_key(&id, without, "token.old", p, &err), SL_OK, "which key it needs");
    is_str(id, "a", "… is known without that key");
    is_int(sl_spool_key(&id, without, "token.new", p, &err), SL_OK, "also of the new one");
    is_str(id, "b", "… the first of the ring");
    is_int(sl_spool_key(&id, without, "token.none", p, &err), SL_NONE, "a record that is gone");
    sl_spool_del(before, "token.old");
    sl_spool_del(before, "token.new");
}

static void clean(const char *dir, apr_pool_t *p)
{
    apr_dir_t *open;
    apr_finfo_t info;

    if (apr_dir_open(&open, dir, p) == APR_SUCCESS) {
        while (apr_dir_read(&info, APR_FINFO_NAME, open) == APR_SUCCESS) {
            if (info.name[0] != '.' || sl_text_has_prefix(info.name, ".tmp-")) {
                (void)unlink(path_of(dir, info.name, p));
            }
        }
        (void)apr_dir_close(open);
    }
    is_int(rmdir(dir), 0, "nothing is left behind");
}

int main(void)
{
    char dir[] = "/tmp/sl-spool-XXXXXX";
    sl_keyring_t *ring;
    sl_spool_t *spool;
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    if (!ok(mkdtemp(dir) != NULL, "a directory")) {
        return tap_done();
    }
    ring = ring_of(KEY_A, p);
    spool = open_at(dir, ring, p);
    records(dir, spool, p);
    ages(dir, spool, p);
    names(spool, p);
    sizes(spool, p);
    tampering(dir, spool, p);
    no_records(dir, spool, p);
    directories(dir, ring, p);
    keys(dir, p);
    killed(dir, ring, p);
    clean(dir, p);
    apr_pool_destroy(p);
    apr_terminate();
    return tap_done();
}
