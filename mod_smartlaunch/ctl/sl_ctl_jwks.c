/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_signer.h"
#include "base/sl_signer_new.h"
#include "ctl/sl_ctl_table.h"

#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/** A file of its own that only its owner may read; one that is there is never touched. */
static sl_rc_t write_key(const char *path, const sl_secret_t *text, sl_err_t *err)
{
    const char *at = sl_secret_reveal(text);
    apr_size_t left = sl_secret_len(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);

    if (fd < 0) {
        return sl_err_set(err, SL_FAILED, "SL7051", "cannot make %s: %s", path, strerror(errno));
    }
    while (left > 0) {
        ssize_t n = write(fd, at, left);

        if (n < 0 && errno != EINTR) {
            break;
        }
        at += n > 0 ? n : 0;
        left -= n > 0 ? (apr_size_t)n : 0;
    }
    if (left > 0 || fchmod(fd, S_IRUSR | S_IWUSR) != 0 || fsync(fd) != 0 || close(fd) != 0) {
        (void)unlink(path);
        return sl_err_set(err, SL_FAILED, "SL7052", "cannot write %s: %s", path, strerror(errno));
    }
    return SL_OK;
}

static const char *directive(const sl_ctl_t *ctl, const char *path)
{
    char real[PATH_MAX];
    const char *whole = realpath(path, real) != NULL ? real : path;
    /* A JWK says itself what it is called. */
    const char *kid =
        ctl->kid != NULL && !ctl->jwk ? apr_pstrcat(ctl->p, " kid=", ctl->kid, NULL) : "";

    return apr_pstrcat(ctl->p, "SmartClientKey ", whole, kid, NULL);
}

static int print_key(const sl_ctl_t *ctl, const char *path, const sl_signer_t *signer)
{
    const char *text = apr_pstrcat(ctl->p, "{\"keys\":[", sl_signer_public(signer), "]}", NULL);
    sl_json_t *object = sl_json_object(ctl->p), *jwks = NULL;
    sl_err_t err = {0};

    if (!ctl->json) {
        (void)printf("%s\n%s\n", text, directive(ctl, path));
        return SL_CTL_OK;
    }
    if (sl_json_parse(&jwks, text, strlen(text), ctl->p, &err) != SL_OK) {
        return sl_ctl_fail(&err);
    }
    sl_json_put_str(object, "file", path);
    sl_json_put_str(object, "kid", sl_signer_kid(signer));
    sl_json_put_str(object, "alg", sl_signer_alg(signer) == SL_ALG_ES384 ? "ES384" : "RS384");
    sl_json_put_str(object, "directive", directive(ctl, path));
    sl_json_put(object, "jwks", jwks);
    sl_ctl_print_json(ctl, object);
    return SL_CTL_OK;
}

int sl_ctl_jwks(sl_ctl_t *ctl)
{
    const char *alg = ctl->alg != NULL ? ctl->alg : "RS384";
    const sl_signer_wish_t wish = {sl_alg_of(alg), ctl->jwk, ctl->kid};
    sl_signer_t *signer = NULL;
    sl_secret_t *text = NULL;
    const char *path = ctl->args[0] != NULL ? ctl->args[1] : NULL;
    sl_err_t err = {0};

    if (path == NULL || ctl->args[2] != NULL || strcmp(ctl->args[0], "new") != 0 ||
        (wish.alg != SL_ALG_RS384 && wish.alg != SL_ALG_ES384)) {
        return sl_ctl_usage();
    }
    if (sl_signer_new(&text, &wish, ctl->p, &err) != SL_OK ||
        sl_signer_parse(&signer, text, ctl->kid, wish.alg, ctl->p, &err) != SL_OK ||
        write_key(path, text, &err) != SL_OK) {
        return sl_ctl_fail(&err);
    }
    return print_key(ctl, path, signer);
}
