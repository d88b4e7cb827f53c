/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sl_ctl_table.h"

#include <stdio.h>
#include <string.h>

static const sl_ctl_column_t COLUMNS[] = {
    {"id", "LAUNCH", SL_CTL_TEXT, SL_CTL_BOTH},
    {"app", "APP", SL_CTL_TEXT, SL_CTL_BOTH},
    {"ehr", "EHR", SL_CTL_TEXT, SL_CTL_BOTH},
    {"kind", "KIND", SL_CTL_TEXT, SL_CTL_BOTH},
    {"state", "STATE", SL_CTL_TEXT, SL_CTL_BOTH},
    {"link_state", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {"link", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {"ehr_user", "EHR USER", SL_CTL_TEXT, SL_CTL_BOTH},
    {"app_user", "APP USER", SL_CTL_TEXT, SL_CTL_BOTH},
    {"patient", "PATIENT", SL_CTL_TEXT, SL_CTL_PATIENT},
    {"encounter", "ENCOUNTER", SL_CTL_TEXT, SL_CTL_PATIENT},
    {"created_at", "BEGAN", SL_CTL_TIME, SL_CTL_BOTH},
    {"last_seen_at", "", SL_CTL_TIME, SL_CTL_JSON_ONLY},
    {"expires_at", "ENDS", SL_CTL_TIME, SL_CTL_BOTH},
    {"ended_at", "", SL_CTL_TIME, SL_CTL_JSON_ONLY},
    {"end_reason", "WHY OVER", SL_CTL_TEXT, SL_CTL_BOTH},
    {NULL, NULL, SL_CTL_TEXT, SL_CTL_BOTH},
};

static int end(sl_ctl_t *ctl)
{
    const char *id = sl_ctl_id(ctl);
    sl_json_t *object = sl_json_object(ctl->p);
    sl_db_t *db = NULL;
    sl_err_t err = {0};
    bool was_over = false;

    if (id == NULL) {
        (void)fputs("smartlaunchctl: which launch? By its id (launch list)\n", stderr);
        return SL_CTL_USAGE;
    }
    if (sl_ctl_open(&db, ctl, &err) != SL_OK ||
        sl_store_admin_end_launch(&was_over, db, id, ctl->reason, ctl->p, &err) != SL_OK) {
        return sl_ctl_missing(&err);
    }
    if (ctl->json) {
        sl_json_put_str(object, "launch", id);
        sl_json_put_bool(object, "ended", true);
        sl_json_put_bool(object, "was_over", was_over);
        sl_ctl_print_json(ctl, object);
    } else {
        (void)printf("launch %s %s\n", id, was_over ? "was over before" : "is ended");
    }
    return SL_CTL_OK;
}

int sl_ctl_launch(sl_ctl_t *ctl)
{
    if (ctl->args[0] != NULL && strcmp(ctl->args[0], "end") == 0) {
        return end(ctl);
    }
    return sl_ctl_is(ctl, "list") ? sl_ctl_list(ctl, sl_store_admin_launches, COLUMNS)
                                  : sl_ctl_usage();
}
