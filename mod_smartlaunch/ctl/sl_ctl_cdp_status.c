/* SPDX-License-Identifier: Apache-2.0 */
/* smartlaunchctl cdp projects, status, refetch. */
#include "ctl/sl_ctl_cdp.h"
#include "ctl/sl_ctl_table.h"
#include "flow/sl_cdp_hold.h"
#include "store/sl_store_cdp_admin.h"

#include <stdio.h>
#include <string.h>

static const sl_ctl_column_t PROJECTS[] = {
    {"project", "PROJECT", SL_CTL_TEXT, SL_CTL_BOTH},
    {"configured", "CONFIGURED", SL_CTL_YES_NO, SL_CTL_BOTH},
    {"app", "APP", SL_CTL_TEXT, SL_CTL_BOTH},
    {"ehr", "EHR", SL_CTL_TEXT, SL_CTL_BOTH},
    {"deliver", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {"fields", "FIELDS", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"revision", "", SL_CTL_NUMBER, SL_CTL_JSON_ONLY},
    {"updated_at", "", SL_CTL_TIME, SL_CTL_JSON_ONLY},
    {"updated_by", "", SL_CTL_TEXT, SL_CTL_JSON_ONLY},
    {"setup", "SETUP", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"adjudicate", "ADJUDICATE", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"records", "RECORDS", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"new_values", "NEW", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"waiting", "WAITING", SL_CTL_NUMBER, SL_CTL_BOTH},
    {NULL, NULL, SL_CTL_TEXT, SL_CTL_BOTH},
};

static const sl_ctl_column_t STATUS[] = {
    {"project", "PROJECT", SL_CTL_TEXT, SL_CTL_BOTH},
    {"records", "RECORDS", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"due", "DUE", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"fetching", "FETCHING", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"put_off", "", SL_CTL_NUMBER, SL_CTL_JSON_ONLY},
    {"relaunch", "RELAUNCH", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"failed", "FAILED", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"last_fetch", "", SL_CTL_TIME, SL_CTL_JSON_ONLY},
    {"new_values", "NEW", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"waiting", "WAITING", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"oldest_waiting", "OLDEST", SL_CTL_TIME, SL_CTL_BOTH},
    {"tries", "", SL_CTL_NUMBER, SL_CTL_JSON_ONLY},
    {"aside", "ASIDE", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"missing_keys", "MISSING KEYS", SL_CTL_TEXT, SL_CTL_BOTH},
    {"refused", "REFUSED", SL_CTL_NUMBER, SL_CTL_BOTH},
    {"unreadable", "UNREADABLE", SL_CTL_NUMBER, SL_CTL_BOTH},
    {NULL, NULL, SL_CTL_TEXT, SL_CTL_BOTH},
};

/** The configured projects as text; NULL: with --db nobody knows. */
static const char *configured(const sl_ctl_t *ctl)
{
    const sl_json_t *list = ctl->dump != NULL ? sl_ctl_cdp_dumped(ctl->dump) : NULL;

    if (ctl->dump == NULL) {
        return NULL;
    }
    return list != NULL ? sl_json_text(ctl->p, list) : "[]";
}

int sl_ctl_cdp_list(sl_ctl_t *ctl)
{
    sl_store_cdp_of_t of = {NULL, NULL, NULL, ctl->limit + 1};
    sl_rows_t *rows = NULL;
    sl_err_t err = {0};
    sl_cdp_t cdp;

    if (ctl->args[1] != NULL) {
        return sl_ctl_usage();
    }
    if (sl_ctl_cdp_open(&cdp, ctl, NULL, &err) != SL_OK) {
        return sl_ctl_cdp_fail(&err);
    }
    of.configured = configured(ctl);
    if (sl_store_cdp_admin_projects(&rows, cdp.rt->db, &of, ctl->p, &err) != SL_OK) {
        return sl_ctl_cdp_fail(&err);
    }
    sl_ctl_print_rows(ctl, rows, PROJECTS);
    return SL_CTL_OK;
}

/** The names of the ring's keys. With --db and no --keyring they are not known: NULL. */
static sl_rc_t names_of_keys(const char **out, sl_ctl_t *ctl, sl_err_t *err)
{
    sl_keyring_t *ring = NULL;
    sl_rc_t rc;

    *out = NULL;
    if (ctl->db != NULL && ctl->keyring == NULL) {
        return SL_OK;
    }
    rc = sl_ctl_ring(&ring, ctl, err);
    if (rc == SL_OK) {
        *out = sl_keyring_names(ring, ctl->p);
    }
    return rc;
}

int sl_ctl_cdp_status(sl_ctl_t *ctl)
{
    sl_store_cdp_of_t of = {NULL, ctl->args[1], NULL, ctl->limit + 1};
    sl_rows_t *rows = NULL;
    sl_err_t err = {0};
    sl_cdp_t cdp;

    if (of.project != NULL && ctl->args[2] != NULL) {
        return sl_ctl_usage();
    }
    /* The ring before PostgreSQL: who opens that may not read it any more. */
    if (names_of_keys(&of.keys, ctl, &err) != SL_OK ||
        sl_ctl_cdp_open(&cdp, ctl, of.project, &err) != SL_OK) {
        return sl_ctl_cdp_fail(&err);
    }
    of.configured = configured(ctl);
    if (sl_store_cdp_admin_status(&rows, cdp.rt->db, &of, ctl->p, &err) != SL_OK) {
        return sl_ctl_cdp_fail(&err);
    }
    sl_ctl_print_rows(ctl, rows, STATUS);
    return SL_CTL_OK;
}

static int print_queued(const sl_ctl_t *ctl, int n)
{
    sl_json_t *object = sl_json_object(ctl->p);

    if (ctl->json) {
        sl_json_put_str(object, "project", ctl->args[1]);
        sl_json_put_str(object, "record", ctl->args[2]);
        sl_json_put_int(object, "queued", n);
        sl_ctl_print_json(ctl, object);
    } else {
        (void)printf("%d record%s of project %s %s fetched as soon as may be\n", n,
                     n == 1 ? "" : "s", ctl->args[1], n == 1 ? "is" : "are");
    }
    return SL_CTL_OK;
}

int sl_ctl_cdp_refetch(sl_ctl_t *ctl)
{
    sl_err_t err = {0};
    sl_cdp_t cdp;
    sl_rc_t rc;
    int n = 0;

    if (ctl->args[1] == NULL || (ctl->args[2] != NULL && ctl->args[3] != NULL)) {
        return sl_ctl_usage();
    }
    rc = sl_ctl_cdp_open(&cdp, ctl, ctl->args[1], &err);
    if (rc == SL_OK) {
        rc = sl_cdp_hold_queue(&n, &cdp, ctl->args[1], ctl->args[2], &err);
    }
    if (rc == SL_OK && n == 0 && ctl->args[2] != NULL) {
        rc = sl_err_set(&err, SL_NONE, "SL7068",
                        "the project has no such record, or no medical record number for it");
    }
    return rc == SL_OK ? print_queued(ctl, n) : sl_ctl_cdp_fail(&err);
}
