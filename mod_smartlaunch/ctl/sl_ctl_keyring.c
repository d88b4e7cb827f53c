/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sl_digest.h"
#include "base/sl_json.h"
#include "base/sl_secret.h"
#include "base/sl_text.h"
#include "ctl/sl_ctl.h"

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

int sl_ctl_keyring(sl_ctl_t *ctl)
{
    unsigned char random[34];
    sl_err_t err = {0};
    const char *name;
    char *key;

    if (ctl->args[0] == NULL || strcmp(ctl->args[0], "new") != 0 || ctl->args[1] != NULL) {
        return sl_ctl_usage();
    }
    if (sl_digest_random(random, sizeof(random), &err) != SL_OK) {
        return sl_ctl_fail(&err);
    }
    name = new_name(ctl->p, random + 32);
    key = sl_text_base64(ctl->p, random, 32);
    if (ctl->json) {
        sl_json_t *object = sl_json_object(ctl->p);

        sl_json_put_str(object, "id", name);
        sl_json_put_str(object, "key", key);
        (void)puts(sl_json_text(ctl->p, object));
    } else {
        (void)printf("%s %s\n", name, key);
    }
    sl_secret_wipe(random, sizeof(random));
    sl_secret_wipe(key, strlen(key));
    return SL_CTL_OK;
}
