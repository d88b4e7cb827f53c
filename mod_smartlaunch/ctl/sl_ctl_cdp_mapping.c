/* SPDX-License-Identifier: Apache-2.0 */
/* smartlaunchctl cdp mapping: all of it comes in, or nothing. */
#include "ctl/sl_ctl_cdp.h"
#include "ctl/sl_ctl_table.h"
#include "flow/sl_cdp_setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TEXT ((size_t)4 * 1024 * 1024)

/** One import. */
typedef struct {
    sl_cdp_t cdp;
    const sl_ctl_cdp_project_t *of;
    const char *by;
    char *text;
    size_t len;
    sl_cdp_mapping_rules_t rules;
    sl_cdp_mapping_t mapping;
    apr_int64_t revision;
    apr_array_header_t *faults; /* of sl_cdp_fault_t */
} import_t;

static sl_rc_t read_text(import_t *import, const char *path, apr_pool_t *p, sl_err_t *err)
{
    FILE *from = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    const char *wrong = NULL;

    if (from == NULL) {
        return sl_err_set(err, SL_FAILED, "SL7063", "%s: %s", path, strerror(errno));
    }
    import->text = apr_palloc(p, MAX_TEXT + 1);
    import->len = fread(import->text, 1, MAX_TEXT + 1, from);
    if (ferror(from)) {
        wrong = "it cannot be read";
    } else if (import->len > MAX_TEXT) {
        wrong = "it is longer than 4 MiB";
    }
    if (from != stdin) {
        (void)fclose(from);
    }
    return wrong == NULL ? SL_OK : sl_err_set(err, SL_FAILED, "SL7064", "%s: %s", path, wrong);
}

static bool is_json(const char *text, size_t len)
{
    size_t at = len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

    while (at < len && strchr(" \t\r\n", text[at]) != NULL && text[at] != '\0') {
        at++;
    }
    return at < len && text[at] == '{';
}

/** What names are judged by: the app's own fields, or with --unchecked nothing. */
static sl_rc_t ask_app(import_t *import, const sl_ctl_t *ctl, sl_err_t *err)
{
    sl_cdp_dictionary_t *dictionary = apr_pcalloc(ctl->p, sizeof(*dictionary));
    sl_err_t why = {0};
    sl_rc_t rc = import->of->secret_err.rc;

    if (ctl->unchecked) {
        return SL_OK;
    }
    if (rc == SL_OK) {
        rc = sl_cdp_app_dictionary(dictionary, &import->cdp, &import->of->project, ctl->p, &why);
    } else {
        why = import->of->secret_err;
    }
    if (rc == SL_OK) {
        import->rules.dictionary = dictionary;
    }
    return rc == SL_OK || rc == SL_NONE
               ? SL_OK
               : sl_err_set(err, SL_UPSTREAM, "SL7065",
                            "the application cannot be asked for its fields (%s: %s); nothing was "
                            "imported; --unchecked believes the names",
                            why.id, why.text);
}

/** SL_INVALID: the faults say why. */
static sl_rc_t parse(import_t *import, const sl_cdp_mapping_t *was, apr_pool_t *p)
{
    if (is_json(import->text, import->len)) {
        return sl_cdp_mapping_parse(&import->mapping, &import->faults, import->text, import->len,
                                    &import->rules, p);
    }
    return sl_cdp_mapping_from_csv(&import->mapping, &import->faults, import->text, import->len,
                                   was, &import->rules, p);
}

static sl_rc_t take(import_t *import, const sl_ctl_t *ctl, sl_err_t *err)
{
    const char *name = import->of->project.name;
    sl_cdp_saving_t saving = {&import->mapping, 0, import->by};
    sl_cdp_mapping_t was;
    sl_rc_t rc = sl_cdp_setup_load(&was, &import->revision, &import->cdp, name, ctl->p, err);
    const sl_cdp_mapping_t *had = rc == SL_OK ? &was : NULL;

    import->rules.project = name;
    import->rules.ehr = import->of->project.ehr->name;
    if (rc == SL_OK || rc == SL_NONE) {
        rc = ask_app(import, ctl, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    rc = parse(import, had, ctl->p);
    if (rc != SL_OK) {
        return sl_err_set(err, rc, "SL7066",
                          "some of the mapping cannot be used, so nothing was imported");
    }
    saving.revision = import->revision;
    return sl_cdp_setup_save(&import->cdp, name, &saving, ctl->p, err);
}

static void print_faults(const sl_ctl_t *ctl, const apr_array_header_t *faults)
{
    for (int i = 0; i < faults->nelts; i++) {
        const sl_cdp_fault_t *fault = &APR_ARRAY_IDX(faults, i, sl_cdp_fault_t);

        if (fault->row > 0) {
            (void)printf("row %d", fault->row);
        } else {
            (void)fputs("the mapping", stdout);
        }
        if (fault->name != NULL) {
            (void)printf(" (%s)", sl_ctl_plain(ctl->p, fault->name));
        }
        (void)printf(": %s\n", sl_ctl_plain(ctl->p, fault->reason));
    }
    (void)fflush(stdout); /* before what stderr has to say */
}

static sl_json_t *faults_json(const sl_ctl_t *ctl, const apr_array_header_t *faults)
{
    sl_json_t *rows = sl_json_array(ctl->p);

    for (int i = 0; i < faults->nelts; i++) {
        const sl_cdp_fault_t *fault = &APR_ARRAY_IDX(faults, i, sl_cdp_fault_t);
        sl_json_t *row = sl_json_object(ctl->p);

        sl_json_put_int(row, "row", fault->row);
        sl_json_put_str(row, "name", fault->name);
        sl_json_put_str(row, "reason", fault->reason);
        sl_json_push(rows, row);
    }
    return rows;
}

static int refuse(const sl_ctl_t *ctl, const import_t *import, const sl_err_t *err)
{
    sl_json_t *object = sl_json_object(ctl->p);

    if (err->rc == SL_INVALID && ctl->json) {
        sl_json_put_str(object, "project", import->of->project.name);
        sl_json_put_bool(object, "imported", false);
        sl_json_put(object, "rows", faults_json(ctl, import->faults));
        sl_ctl_print_json(ctl, object);
    } else if (err->rc == SL_INVALID) {
        print_faults(ctl, import->faults);
    }
    return sl_ctl_cdp_fail(err);
}

static int print_imported(const sl_ctl_t *ctl, const import_t *import)
{
    const bool is_checked = import->rules.dictionary != NULL;
    const int fields = import->mapping.fields->nelts;
    sl_json_t *object = sl_json_object(ctl->p);

    if (ctl->json) {
        sl_json_put_str(object, "project", import->of->project.name);
        sl_json_put_bool(object, "imported", true);
        sl_json_put_int(object, "fields", fields);
        sl_json_put_bool(object, "checked", is_checked);
        sl_json_put_int(object, "revision", import->revision + 1);
        sl_ctl_print_json(ctl, object);
    } else {
        (void)printf("project %s has a mapping of %d field%s%s\n", import->of->project.name, fields,
                     fields == 1 ? "" : "s",
                     is_checked ? ", which its application has"
                                : "; whether its application has them was not asked");
    }
    return SL_CTL_OK;
}

static int import_mapping(sl_ctl_t *ctl, const char *project, const char *path)
{
    apr_array_header_t *nobody = apr_array_make(ctl->p, 1, sizeof(const sl_ehr_t *));
    import_t import = {.by = sl_ctl_cdp_who(ctl->p)};
    sl_runtime_t *rt = NULL;
    sl_err_t err = {0};

    if (ctl->db != NULL) {
        (void)fputs("smartlaunchctl: this needs all of httpd's configuration: say -f, or nothing, "
                    "in place of --db\n",
                    stderr);
        return SL_CTL_USAGE;
    }
    /* Files before the runtime, which may go on as httpd's user. */
    if (sl_ctl_cdp_find(&import.of, ctl, project, &err) != SL_OK ||
        read_text(&import, path, ctl->p, &err) != SL_OK ||
        sl_ctl_runtime(&rt, ctl, nobody, &err) != SL_OK) {
        return sl_ctl_cdp_fail(&err);
    }
    import.cdp.rt = rt;
    import.faults = apr_array_make(ctl->p, 1, sizeof(sl_cdp_fault_t));
    return take(&import, ctl, &err) == SL_OK ? print_imported(ctl, &import)
                                             : refuse(ctl, &import, &err);
}

static int export_mapping(sl_ctl_t *ctl, const char *project)
{
    sl_cdp_mapping_t mapping;
    apr_int64_t revision;
    sl_err_t err = {0};
    sl_cdp_t cdp;
    sl_rc_t rc = sl_ctl_cdp_open(&cdp, ctl, project, &err);

    if (rc == SL_OK) {
        rc = sl_cdp_setup_load(&mapping, &revision, &cdp, project, ctl->p, &err);
        if (rc == SL_NONE) {
            rc = sl_err_set(&err, SL_NONE, "SL7067", "nobody has saved a mapping of project %s",
                            project);
        }
    }
    if (rc != SL_OK) {
        return sl_ctl_cdp_fail(&err);
    }
    if (ctl->csv) {
        (void)fputs(sl_cdp_mapping_csv(&mapping, ctl->p), stdout);
    } else if (ctl->json) {
        sl_ctl_print_json(ctl, sl_cdp_mapping_json(&mapping, ctl->p));
    } else { /* for a file that people edit */
        (void)puts(json_object_to_json_string_ext(sl_cdp_mapping_json(&mapping, ctl->p),
                                                  JSON_C_TO_STRING_PRETTY |
                                                      JSON_C_TO_STRING_NOSLASHESCAPE));
    }
    return SL_CTL_OK;
}

int sl_ctl_cdp_mapping(sl_ctl_t *ctl)
{
    const char *const *args = ctl->args + 1;

    if (args[0] == NULL || args[1] == NULL) {
        return sl_ctl_usage();
    }
    if (strcmp(args[0], "import") == 0 && args[2] != NULL && args[3] == NULL && !ctl->csv) {
        return import_mapping(ctl, args[1], args[2]);
    }
    if (strcmp(args[0], "export") == 0 && args[2] == NULL && !(ctl->csv && ctl->json)) {
        return export_mapping(ctl, args[1]);
    }
    return sl_ctl_usage();
}
