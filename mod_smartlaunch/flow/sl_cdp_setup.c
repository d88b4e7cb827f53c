/* SPDX-License-Identifier: Apache-2.0 */
#include "flow/sl_cdp_setup.h"

#include "store/sl_store_cdp_setup.h"

#include <apr_strings.h>
#include <string.h>

#define SETUP_MAX (8 * 1024 * 1024)

static apr_int64_t number(const sl_json_t *object, const char *name)
{
    return json_object_get_int64(sl_json_get(object, name));
}

static sl_rc_t read_offset(sl_cdp_offset_t *out, const sl_json_t *object)
{
    const char *direction = sl_json_str(object, "direction");

    out->centidays = (int)number(object, "day_offset");
    out->direction = SL_CDP_AROUND;
    return direction != NULL ? sl_cdp_direction_parse(&out->direction, direction) : SL_OK;
}

static sl_rc_t read_map(sl_cdp_map_t *out, const sl_json_t *object)
{
    const char *pick = sl_json_str(object, "preselect");
    sl_rc_t rc = read_offset(&out->offset, object);

    out->id = number(object, "id");
    out->source = sl_json_str(object, "source");
    out->event = sl_json_str(object, "event");
    out->field = sl_json_str(object, "field");
    out->temporal_field = sl_json_str(object, "temporal_field");
    out->unit = sl_json_str(object, "unit");
    return rc == SL_OK && pick != NULL ? sl_cdp_pick_parse(&out->pick, pick) : rc;
}

static sl_rc_t read_fields(sl_cdp_mapping_t *out, const sl_json_t *fields, apr_pool_t *p)
{
    apr_size_t count = json_object_array_length(fields);
    apr_array_header_t *maps = apr_array_make(p, (int)count, sizeof(sl_cdp_map_t));

    for (apr_size_t i = 0; i < count; i++) {
        const sl_json_t *field = json_object_array_get_idx(fields, i);
        sl_cdp_map_t map = {0};
        sl_rc_t rc = read_map(&map, field);

        if (rc != SL_OK) {
            return rc;
        }
        if (json_object_get_boolean(sl_json_get(field, "is_identifier"))) {
            out->identifier = map;
        } else {
            APR_ARRAY_PUSH(maps, sl_cdp_map_t) = map;
        }
    }
    out->fields = maps;
    return SL_OK;
}

static const apr_array_header_t *read_preview(const sl_json_t *preview, apr_pool_t *p)
{
    apr_array_header_t *sources = apr_array_make(p, SL_CDP_PREVIEWS, sizeof(const char *));

    for (apr_size_t i = 0; i < json_object_array_length(preview); i++) {
        APR_ARRAY_PUSH(sources, const char *) =
            json_object_get_string(json_object_array_get_idx(preview, i));
    }
    return sources;
}

sl_rc_t sl_cdp_setup_last(const char **by, apr_time_t *at, const sl_cdp_t *cdp, const char *project,
                          apr_pool_t *p, sl_err_t *err)
{
    return sl_store_cdp_setup_last(by, at, cdp->rt->db, project, p, err);
}

sl_rc_t sl_cdp_setup_load(sl_cdp_mapping_t *out, apr_int64_t *revision, const sl_cdp_t *cdp,
                          const char *project, apr_pool_t *p, sl_err_t *err)
{
    const char *text = NULL;
    sl_json_t *json = NULL;
    sl_rc_t rc = sl_store_cdp_setup_load(&text, cdp->rt->db, project, p, err);

    memset(out, 0, sizeof(*out));
    *revision = 0;
    if (rc == SL_OK) {
        rc = sl_json_parse_long(&json, text, strlen(text), SETUP_MAX, p, err);
    }
    if (rc != SL_OK) {
        return rc;
    }
    *revision = number(json, "revision");
    out->project = apr_pstrdup(p, project);
    out->ehr = sl_json_str(json, "ehr");
    out->convert_gmt = json_object_get_boolean(sl_json_get(json, "convert_gmt"));
    out->preview = read_preview(sl_json_get(json, "preview"), p);
    if (read_offset(&out->offset, json) != SL_OK ||
        sl_cdp_adjudication_parse(&out->adjudication, sl_json_str(json, "adjudication")) != SL_OK ||
        read_fields(out, sl_json_get(json, "fields"), p) != SL_OK) {
        return sl_err_set(err, SL_FAILED, "SL8005", "the stored mapping has a word nobody knows");
    }
    return SL_OK;
}

static void write_map(sl_json_t *fields, const sl_cdp_map_t *map, bool is_identifier, apr_pool_t *p)
{
    sl_json_t *json = sl_json_object(p);

    sl_json_put_int(json, "position", (int64_t)json_object_array_length(fields));
    sl_json_put_bool(json, "is_identifier", is_identifier);
    sl_json_put_str(json, "source", map->source);
    sl_json_put_str(json, "event", map->event != NULL ? map->event : "");
    sl_json_put_str(json, "field", map->field);
    sl_json_put_str(json, "temporal_field", map->temporal_field);
    sl_json_put_str(json, "preselect", sl_cdp_pick_word(map->pick));
    sl_json_put_str(json, "unit", map->unit);
    if (map->offset.centidays > 0) {
        sl_json_put_int(json, "day_offset", map->offset.centidays);
        sl_json_put_str(json, "direction", sl_cdp_direction_word(map->offset.direction));
    }
    sl_json_push(fields, json);
}

static const char *write_setup(const sl_cdp_mapping_t *mapping, apr_pool_t *p)
{
    sl_json_t *json = sl_json_object(p);
    sl_json_t *fields = sl_json_array(p);
    sl_json_t *preview = sl_json_array(p);

    write_map(fields, &mapping->identifier, true, p);
    for (int i = 0; mapping->fields != NULL && i < mapping->fields->nelts; i++) {
        write_map(fields, &APR_ARRAY_IDX(mapping->fields, i, sl_cdp_map_t), false, p);
    }
    for (int i = 0; mapping->preview != NULL && i < mapping->preview->nelts; i++) {
        sl_json_push_str(preview, APR_ARRAY_IDX(mapping->preview, i, const char *));
    }
    sl_json_put_str(json, "ehr", mapping->ehr);
    sl_json_put_int(json, "day_offset",
                    mapping->offset.centidays > 0 ? mapping->offset.centidays : 7 * SL_CDP_DAY);
    sl_json_put_str(json, "direction", sl_cdp_direction_word(mapping->offset.direction));
    sl_json_put_bool(json, "convert_gmt", mapping->convert_gmt);
    sl_json_put_str(json, "adjudication", sl_cdp_adjudication_word(mapping->adjudication));
    sl_json_put(json, "fields", fields);
    sl_json_put(json, "preview", preview);
    return sl_json_text(p, json);
}

sl_rc_t sl_cdp_setup_save(const sl_cdp_t *cdp, const char *project, const sl_cdp_saving_t *saving,
                          apr_pool_t *p, sl_err_t *err)
{
    const sl_store_cdp_setup_t setup = {project, saving->by, saving->revision,
                                        write_setup(saving->mapping, p)};

    return sl_store_cdp_setup_save(cdp->rt->db, &setup, p, err);
}
