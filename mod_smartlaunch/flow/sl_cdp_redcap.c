/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_redcap.h"

#include "flow/sl_cdp_redcap_call.h"
#include "flow/sl_cdp_redcap_memory.h"

#include <apr_strings.h>
#include <string.h>

/** Of metadata, what we need: the rest is many times as long. */
static sl_json_t *slim(const sl_json_t *metadata, apr_pool_t *p)
{
    static const char *const names[] = {"field_name",
                                        "form_name",
                                        "field_type",
                                        "field_label",
                                        "select_choices_or_calculations",
                                        "text_validation_type_or_show_slider_number",
                                        "text_validation_min",
                                        "text_validation_max"};
    sl_json_t *out = sl_json_array(p);

    for (size_t i = 0; i < json_object_array_length(metadata); i++) {
        const sl_json_t *row = json_object_array_get_idx(metadata, i);
        sl_json_t *kept = sl_json_object(p);

        for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++) {
            const char *value = sl_json_str(row, names[k]);

            if (value != NULL && *value != '\0') {
                sl_json_put_str(kept, names[k], value);
            }
        }
        sl_json_push(out, kept);
    }
    return out;
}

/** One export of the project. What it refuses to export it does not have. */
static sl_rc_t export_of(sl_json_t **out, const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                         const char *content, apr_pool_t *p, sl_err_t *err)
{
    apr_table_t *form = apr_table_make(p, 2);
    sl_cdp_redcap_reply_t reply;
    sl_rc_t rc;

    apr_table_addn(form, "content", content);
    rc = sl_cdp_redcap_call(&reply, cdp, project, form, p, err);
    *out = rc == SL_OK && reply.json != NULL && json_object_is_type(reply.json, json_type_array)
               ? reply.json
               : NULL;
    return rc;
}

/** {"metadata": …, "events": …, "forms": …, "repeating": …}, as far as the project has them. */
static sl_rc_t ask_all(const char **text, const sl_cdp_t *cdp, const sl_cdp_project_t *project,
                       apr_pool_t *p, sl_err_t *err)
{
    static const struct {
        const char *name, *content;
    } parts[] = {{"metadata", "metadata"},
                 {"events", "event"},
                 {"forms", "formEventMapping"},
                 {"repeating", "repeatingFormsEvents"}};
    sl_json_t *all = sl_json_object(p);

    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        sl_json_t *part = NULL;
        sl_rc_t rc = export_of(&part, cdp, project, parts[i].content, p, err);

        if (rc == SL_OK && i == 0 && part == NULL) {
            rc = sl_err_set(err, SL_UPSTREAM, "SL8306",
                            "the app of project %s does not give out its fields", project->name);
        }
        if (rc != SL_OK) {
            return rc;
        }
        if (part != NULL) {
            sl_json_put(all, parts[i].name, i == 0 ? slim(part, p) : part);
        }
    }
    *text = sl_json_text(p, all);
    return SL_OK;
}

sl_rc_t sl_cdp_redcap_open(sl_cdp_redcap_app_t *out, const sl_cdp_t *cdp,
                           const sl_cdp_project_t *project, apr_pool_t *p, sl_err_t *err)
{
    const char *text = sl_cdp_redcap_recall(cdp->rt, project->name, p);
    sl_cdp_dictionary_t *dictionary = apr_pcalloc(p, sizeof(*dictionary));
    sl_cdp_redcap_t answers;
    sl_json_t *all = NULL;
    sl_rc_t rc = SL_OK;

    if (text == NULL) {
        rc = ask_all(&text, cdp, project, p, err);
        if (rc == SL_OK) {
            sl_cdp_redcap_remember(cdp->rt, project->name, text, p);
        }
    }
    if (rc == SL_OK) {
        rc = sl_json_parse_long(&all, text, strlen(text), SL_CDP_REDCAP_MAX_BYTES, p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    answers.metadata = sl_json_get(all, "metadata");
    answers.events = sl_json_get(all, "events");
    answers.form_event_mapping = sl_json_get(all, "forms");
    rc = sl_cdp_dictionary_parse(dictionary, &answers, p, err);
    out->cdp = cdp;
    out->project = project;
    out->shape.dictionary = dictionary;
    out->shape.repeating = sl_json_get(all, "repeating");
    return rc == SL_INVALID ? SL_UPSTREAM : rc;
}

void sl_cdp_redcap_want(apr_array_header_t *names, const char *name)
{
    for (int i = 0; i < names->nelts; i++) {
        if (strcmp(APR_ARRAY_IDX(names, i, const char *), name) == 0) {
            return;
        }
    }
    if (*name != '\0') {
        APR_ARRAY_PUSH(names, const char *) = name;
    }
}

/** "fields[3]": names of a list in a form. */
static void add_list(apr_table_t *form, const char *name, const apr_array_header_t *values,
                     apr_pool_t *p)
{
    for (int i = 0; i < values->nelts; i++) {
        apr_table_addn(form, apr_psprintf(p, "%s[%d]", name, i),
                       APR_ARRAY_IDX(values, i, const char *));
    }
}

/** Those that the project has, and the record's own: it refuses the rest, and all with it. */
static apr_array_header_t *known_fields(const sl_cdp_redcap_shape_t *shape,
                                        const apr_array_header_t *fields, apr_pool_t *p)
{
    const apr_array_header_t *all = shape->dictionary->fields;
    apr_array_header_t *out = apr_array_make(p, fields->nelts + 1, sizeof(const char *));

    for (int i = 0; i < all->nelts; i++) {
        const sl_cdp_field_t *field = &APR_ARRAY_IDX(all, i, sl_cdp_field_t);
        bool wanted = field->is_record_id;

        for (int k = 0; k < fields->nelts && !wanted; k++) {
            wanted = strcmp(APR_ARRAY_IDX(fields, k, const char *), field->name) == 0;
        }
        if (wanted) {
            APR_ARRAY_PUSH(out, const char *) = field->name;
        }
    }
    return out;
}

sl_rc_t sl_cdp_redcap_record(apr_array_header_t **out, const sl_cdp_redcap_app_t *app,
                             const sl_cdp_redcap_ask_t *ask, apr_pool_t *p, sl_err_t *err)
{
    const apr_array_header_t *fields = known_fields(&app->shape, ask->fields, p);
    apr_table_t *form = apr_table_make(p, fields->nelts + 8);
    sl_cdp_redcap_reply_t reply;
    sl_rc_t rc;

    apr_table_addn(form, "content", "record");
    apr_table_addn(form, "action", "export");
    apr_table_addn(form, "type", "flat");
    apr_table_addn(form, "rawOrLabel", "raw");
    apr_table_addn(form, "records[0]", ask->record);
    add_list(form, "fields", fields, p);
    add_list(form, "events", ask->events, p);
    rc = sl_cdp_redcap_call(&reply, app->cdp, app->project, form, p, err);
    if (rc != SL_OK) {
        return rc;
    }
    if (reply.json == NULL || !json_object_is_type(reply.json, json_type_array)) {
        return sl_err_set(err, SL_UPSTREAM, "SL8307",
                          "the app of project %s does not give out its records",
                          app->project->name);
    }
    *out = sl_cdp_redcap_values(&app->shape, ask->record, reply.json, fields, p);
    return (*out)->nelts == 0 ? SL_NONE : SL_OK;
}
