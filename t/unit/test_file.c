/* SPDX-License-Identifier: Apache-2.0 */
/* REG-4: secrets come from files that nobody but their owner may use. */
#include "base/sl_file.h"
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[] = "/tmp/sl_file.XXXXXX";

/* A file of that content and mode; its path. */
static const char *file(apr_pool_t *p, const char *text, size_t len, mode_t mode)
{
    const char *path = apr_pstrcat(p, dir, "/secret", NULL);
    int fd;

    (void)unlink(path);
    fd = open(path, O_CREAT | O_WRONLY, 0600);
    if (fd < 0 || write(fd, text, len) != (ssize_t)len || fchmod(fd, mode) != 0) {
        abort();
    }
    (void)close(fd);
    return path;
}

static void modes(apr_pool_t *p)
{
    static const mode_t refused[] = {0644, 0640, 0660, 0604, 0610, 0602, 0777};
    sl_secret_t *got = NULL;
    sl_err_t err = {0};

    is_int(sl_file_secret(&got, file(p, "s3cret\n", 7, 0600), p, NULL), SL_OK, "mode 0600");
    is_str(sl_secret_reveal(got), "s3cret\n", "as it is");
    is_int(sl_file_secret(&got, file(p, "s3cret", 6, 0400), p, NULL), SL_OK, "mode 0400");
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        const char *path = file(p, "s3cret", 6, refused[i]);

        is_int(sl_file_secret(&got, path, p, &err), SL_DENIED,
               apr_psprintf(p, "REG-4: mode %04o refused", (unsigned int)refused[i]));
    }
    ok(strstr(err.text, "chmod 600") != NULL && strstr(err.text, dir) != NULL,
       "the sentence names the file and says what to do");
    ok(strstr(err.text, "s3cret") == NULL, "and not what is in it");
}

static void contents(apr_pool_t *p)
{
    char *big = apr_pcalloc(p, 65537);
    sl_secret_t *got = NULL;

    is_int(sl_file_secret_line(&got, file(p, "s3cret\r\n\n", 9, 0600), p, NULL), SL_OK, "a line");
    is_str(sl_secret_reveal(got), "s3cret", "without its ends");
    is_int(sl_file_secret_line(&got, file(p, " a b ", 5, 0600), p, NULL), SL_OK, "blanks");
    is_str(sl_secret_reveal(got), " a b ", "are part of it");
    is_int(sl_file_secret_line(&got, file(p, "\n\n", 2, 0600), p, NULL), SL_INVALID,
           "nothing but line ends");
    is_int(sl_file_secret(&got, file(p, "", 0, 0600), p, NULL), SL_INVALID, "empty");
    memset(big, 'x', 65537);
    is_int(sl_file_secret(&got, file(p, big, 65536, 0600), p, NULL), SL_OK, "64 KiB");
    is_int((intmax_t)sl_secret_len(got), 65536, "all of it");
    is_int(sl_file_secret(&got, file(p, big, 65537, 0600), p, NULL), SL_INVALID, "a byte more");
}

static void odd_files(apr_pool_t *p)
{
    const char *fifo = apr_pstrcat(p, dir, "/fifo", NULL);
    const char *path = file(p, "x", 1, 0600);
    sl_secret_t *got = NULL;

    (void)unlink(path);
    is_int(sl_file_secret(&got, path, p, NULL), SL_NONE, "not there");
    is_int(sl_file_secret(&got, apr_pstrcat(p, path, "/x", NULL), p, NULL), SL_NONE,
           "nor below it");
    (void)chmod(dir, 0700);
    is_int(sl_file_secret(&got, dir, p, NULL), SL_INVALID, "a directory");
    is_int(mkfifo(fifo, 0600), 0, "a FIFO");
    is_int(sl_file_secret(&got, fifo, p, NULL), SL_INVALID, "is refused, not waited for");
    (void)unlink(fifo);
}

int main(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    if (mkdtemp(dir) == NULL) {
        abort();
    }
    modes(p);
    contents(p);
    odd_files(p);
    (void)rmdir(dir);
    apr_terminate();
    return tap_done();
}
