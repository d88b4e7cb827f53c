/* SPDX-License-Identifier: Apache-2.0 */
/* smartlaunchctl cdp: rights in projects of the Clinical Data Pull, and what else there is. */
#include "ctl/sl_ctl_cdp.h"
#include "ctl/sl_ctl_table.h"
#include "flow/sl_cdp_right.h"
#include "store/sl_store_cdp_right.h"

#include <apr_strings.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *sl_ctl_cdp_who(apr_pool_t *p)
{
    const struct passwd *user = getpwuid(getuid());
    const char *behind = getuid() == 0 ? getenv("SUDO_USER") : NULL;

    if (behind != NULL && behind[0] != '\0') {
        return apr_pstrcat(p, "smartlaunchctl:", sl_ctl_plain(p, behind), NULL);
    }
    return user != NULL ? apr_pstrcat(p, "smartlaunchctl:", user->pw_name, NULL)
                        : apr_psprintf(p, "smartlaunchctl:%ld", (long)getuid());
}

int sl_ctl_cdp_fail(const sl_err_t *err)
{
    (void)fprintf(stderr, "smartlaunchctl: %s (%s)\n", err->text, err->id);
    if (strstr(err->text, "permission denied") != NULL) {
        (void)fputs("smartlaunchctl: this is for httpd's own role, a member of "
                    "smartlaunch_module: leave --db away\n",
                    stderr);
    }
    return err->rc == SL_NONE ? SL_CTL_NOT_THERE : SL_CTL_FAILED;
}

/** A right, whose, and whether he had it before. */
typedef struct {
    const char *project, *user;
    sl_cdp_right_change_t change;
    bool had;
} change_t;

static int print_change(const sl_ctl_t *ctl, const change_t *made)
{
    const bool is_new = made->had != made->change.may;
    sl_json_t *object = sl_json_object(ctl->p);

    if (ctl->json) {
        sl_json_put_str(object, "project", made->project);
        sl_json_put_str(object, "user", made->user);
        sl_json_put_str(object, "right", made->change.right);
        sl_json_put_bool(object, "has_it", made->change.may);
        sl_json_put_bool(object, "had_it", made->had);
        sl_ctl_print_json(ctl, object);
    } else if (made->change.may) {
        (void)printf("%s may %s in project %s%s\n", sl_ctl_plain(ctl->p, made->user),
                     made->change.right, made->project, is_new ? "" : ", as before");
    } else {
        (void)printf("%s may %s %s in project %s\n", sl_ctl_plain(ctl->p, made->user),
                     is_new ? "no longer" : "not", made->change.right, made->project);
    }
    return SL_CTL_OK;
}

static int change_right(sl_ctl_t *ctl, bool may)
{
    change_t change = {ctl->args[1], NULL, {NULL, may, sl_ctl_cdp_who(ctl->p)}, false};
    sl_store_cdp_right_t before = {0};
    sl_err_t err = {0};
    sl_cdp_t cdp;

    if (ctl->args[1] == NULL || ctl->args[2] == NULL || ctl->args[3] == NULL ||
        ctl->args[4] != NULL) {
        return sl_ctl_usage();
    }
    change.user = ctl->args[2];
    change.change.right = ctl->args[3];
    if (sl_ctl_cdp_open(&cdp, ctl, change.project, &err) != SL_OK ||
        sl_store_cdp_right_of(&before, cdp.rt->db, change.project, change.user, ctl->p, &err) !=
            SL_OK ||
        sl_cdp_right_set(&cdp, change.project, change.user, &change.change, &err) != SL_OK) {
        return sl_ctl_cdp_fail(&err);
    }
    change.had = strcmp(change.change.right, "setup") == 0 ? before.setup : before.adjudicate;
    return print_change(ctl, &change);
}

static int grant_one(sl_ctl_t *ctl)
{
    return change_right(ctl, true);
}

static int revoke_one(sl_ctl_t *ctl)
{
    return change_right(ctl, false);
}

int sl_ctl_cdp(sl_ctl_t *ctl)
{
    static const struct {
        const char *word;
        sl_ctl_verb_t *run;
    } words[] = {
        {"grant", grant_one},
        {"revoke", revoke_one},
        {"mapping", sl_ctl_cdp_mapping},
        {"projects", sl_ctl_cdp_list},
        {"refetch", sl_ctl_cdp_refetch},
        {"status", sl_ctl_cdp_status},
    };

    for (size_t i = 0; ctl->args[0] != NULL && i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcmp(ctl->args[0], words[i].word) == 0) {
            return words[i].run(ctl);
        }
    }
    return sl_ctl_usage();
}
