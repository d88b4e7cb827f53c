/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sl_ctl_keyring.h"
#include "base/sl_digest.h"
#include "base/sl_file.h"
#include "base/sl_text.h"
#include "ctl/sl_ctl_ring_file.h"

#include <apr_strings.h>
#include <apr_time.h>
#include <stdio.h>
#include <string.h>

/** "k20260314-9f3c": says when, and two made on one day differ. */
static const char *new_name(apr_pool_t *p, const unsigned char *random)
{
    apr_time_exp_t now;

    (void)apr_time_exp_gmt(&now, apr_time_now());
    return apr_psprintf(p, "k%04d%02d%02d-%02x%02x", now.tm_year + 1900, now.tm_mon + 1,
                        now.tm_mday, random[0], random[1]);
}

/** A line "name base64", and the name apart. */
static sl_rc_t new_line(sl_secret_t **line, const char **name, apr_pool_t *p, sl_err_t *err)
{
    unsigned char random[34];
    sl_rc_t rc = sl_digest_random(random, sizeof(random), err);
    char *key, *text;

    if (rc != SL_OK) {
        return rc;
    }
    *name = new_name(p, random + 32);
    key = sl_text_base64(p, random, 32);
    text = apr_pstrcat(p, *name, " ", key, NULL);
    *line = sl_secret_str(p, text);
    sl_secret_wipe(random, sizeof(random));
    sl_secret_wipe(key, strlen(key));
    sl_secret_wipe(text, strlen(text));
    return SL_OK;
}

static int new_key(sl_ctl_t *ctl)
{
    sl_json_t *object = sl_json_object(ctl->p);
    const char *name = NULL;
    sl_secret_t *line = NULL;
    sl_err_t err = {0};

    if (new_line(&line, &name, ctl->p, &err) != SL_OK) {
        return sl_ctl_missing(&err);
    }
    if (ctl->json) {
        sl_json_put_str(object, "id", name);
        sl_json_put_str(object, "key", sl_secret_reveal(line) + strlen(name) + 1);
        (void)puts(sl_json_text(ctl->p, object));
    } else {
        (void)puts(sl_secret_reveal(line));
    }
    return SL_CTL_OK;
}

static int print_change(const sl_ctl_t *ctl, const char *path, const char *name, bool seals)
{
    sl_json_t *object = sl_json_object(ctl->p);

    if (ctl->json) {
        sl_json_put_str(object, "id", name);
        sl_json_put_str(object, "file", path);
        sl_json_put_bool(object, "seals", seals);
        (void)puts(sl_json_text(ctl->p, object));
    } else if (seals) {
        (void)printf("key %s is the first of %s\nNow reload httpd on every host that has this key "
                     "ring, then run: smartlaunchctl keyring rotate\n",
                     name, path);
    } else {
        (void)printf("key %s is the last of %s\nNow copy it to every host and reload httpd there, "
                     "then run: smartlaunchctl keyring first %s\n",
                     name, path, name);
    }
    return SL_CTL_OK;
}

static int add(sl_ctl_t *ctl)
{
    const char *path = NULL, *name = NULL;
    sl_secret_t *text = NULL, *line = NULL;
    sl_err_t err = {0};

    if (sl_ctl_keyring_path(&path, ctl, &err) != SL_OK || sl_ctl_ring_lock(path, &err) != SL_OK ||
        sl_file_secret(&text, path, ctl->p, &err) != SL_OK ||
        new_line(&line, &name, ctl->p, &err) != SL_OK ||
        sl_ctl_ring_write(path, sl_ctl_ring_put(text, line, ctl->last, ctl->p), ctl->p, &err) !=
            SL_OK) {
        return sl_ctl_missing(&err);
    }
    return print_change(ctl, path, name, !ctl->last);
}

static int first(sl_ctl_t *ctl)
{
    const char *path = NULL, *name = ctl->args[1];
    sl_secret_t *text = NULL, *now;
    sl_err_t err = {0};

    if (name == NULL || ctl->args[2] != NULL) {
        return sl_ctl_usage();
    }
    if (sl_ctl_keyring_path(&path, ctl, &err) != SL_OK || sl_ctl_ring_lock(path, &err) != SL_OK ||
        sl_file_secret(&text, path, ctl->p, &err) != SL_OK) {
        return sl_ctl_missing(&err);
    }
    now = sl_ctl_ring_first(text, name, ctl->p);
    if (now == NULL) {
        (void)sl_err_set(&err, SL_NONE, "SL7023", "the key ring has no such key");
        return sl_ctl_missing(&err);
    }
    return sl_ctl_ring_write(path, now, ctl->p, &err) == SL_OK ? print_change(ctl, path, name, true)
                                                               : sl_ctl_missing(&err);
}

int sl_ctl_keyring(sl_ctl_t *ctl)
{
    static const struct {
        const char *word;
        sl_ctl_verb_t *run;
    } words[] = {{"new", new_key},
                 {"add", add},
                 {"rotate", sl_ctl_keyring_rotate},
                 {"status", sl_ctl_keyring_status}};

    if (ctl->args[0] != NULL && strcmp(ctl->args[0], "first") == 0) {
        return first(ctl);
    }
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (sl_ctl_is(ctl, words[i].word)) {
            return words[i].run(ctl);
        }
    }
    return sl_ctl_usage();
}
