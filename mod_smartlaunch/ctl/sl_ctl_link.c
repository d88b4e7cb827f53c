/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sl_ctl_table.h"

#include <stdio.h>
#include <string.h>

static const sl_ctl_column_t COLUMNS[] = {
    {"id", "LINK", SL_CTL_TEXT, SL_CTL_BOTH},
    {"app", "APP", SL_CTL_TEXT, SL_CTL_BOTH},
    {"ehr", "EHR", SL_CTL_TEXT, SL_CTL_BOTH},
    {"ehr_user", "EHR USER", SL_CTL_TEXT, SL_CTL_BOTH},
    {"app_user", "APP USER", SL_CTL_TEXT, SL_CTL_BOTH},
    {"how", "HOW", SL_CTL_TEXT, SL_CTL_BOTH},
    {"status", "STATUS", SL_CTL_TEXT, SL_CTL_BOTH},
    {"linked_at", "LINKED", SL_CTL_TIME, SL_CTL_JSON_ONLY},
    {"last_launch_at", "LAST LAUNCH", SL_CTL_TIME, SL_CTL_BOTH},
    {"fhir_user", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {"issuer", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {"sub", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {"source", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {"revoked_at", "", SL_CTL_TIME, SL_CTL_JSON_ONLY},
    {"revoked_by", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {"revoke_reason", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {NULL, NULL, SL_CTL_TEXT, SL_CTL_BOTH},
};

static int print_done(const sl_ctl_t *ctl, const sl_admin_done_t *done)
{
    sl_json_t *object = sl_json_object(ctl->p);

    if (ctl->json) {
        sl_json_put_str(object, "link", done->id);
        sl_json_put_bool(object, "revoked", true);
        sl_json_put_bool(object, "was_revoked", !done->first_time);
        sl_json_put_int(object, "launches_ended", done->launches);
        sl_ctl_print_json(ctl, object);
    } else {
        (void)printf("link %s %s; %d launch%s ended\n", done->id,
                     done->first_time ? "is revoked" : "was revoked before", done->launches,
                     done->launches == 1 ? "" : "es");
    }
    return SL_CTL_OK;
}

static int revoke_one(sl_ctl_t *ctl)
{
    const bool by_name = ctl->args[1] == NULL;
    sl_admin_link_t which = {sl_ctl_id(ctl), ctl->app, ctl->ehr, ctl->ehr_user, ctl->reason};
    sl_admin_done_t done = {0};
    sl_db_t *db = NULL;
    sl_err_t err = {0};

    if (by_name ? ctl->app == NULL || ctl->ehr == NULL || ctl->ehr_user == NULL
                : which.id == NULL) {
        (void)fputs("smartlaunchctl: which link? By its id (link list), or by --app, --ehr and "
                    "--ehr-user\n",
                    stderr);
        return SL_CTL_USAGE;
    }
    if (sl_ctl_open(&db, ctl, &err) != SL_OK ||
        sl_store_admin_revoke_link(&done, db, &which, ctl->p, &err) != SL_OK) {
        return sl_ctl_missing(&err);
    }
    return print_done(ctl, &done);
}

int sl_ctl_link(sl_ctl_t *ctl)
{
    if (ctl->args[0] != NULL && strcmp(ctl->args[0], "revoke") == 0) {
        return revoke_one(ctl);
    }
    return sl_ctl_is(ctl, "list") ? sl_ctl_list(ctl, sl_store_admin_links, COLUMNS)
                                  : sl_ctl_usage();
}
