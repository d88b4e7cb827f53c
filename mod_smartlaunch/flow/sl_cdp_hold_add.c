/* SPDX-License-Identifier: Apache-2.0 */
/* The items of a page become held values. */
#include "flow/sl_cdp_hold.h"

#include "base/sl_json.h"
#include "base/sl_text.h"
#include "flow/sl_cdp_setup.h"
#include "flow/sl_cdp_vault.h"
#include "store/sl_store_cdp_hold.h"

#include <apr_strings.h>

/** What holding a page needs. */
typedef struct {
    const sl_cdp_t *cdp;
    const sl_cdp_claim_t *claim;
    const sl_secret_t *print_key;
    const apr_array_header_t *current;     /* NULL: not known */
    const sl_cdp_request_t *request;       /* NULL: there are no origins */
    const sl_cdp_dictionary_t *dictionary; /* NULL: the app does not tell */
    apr_pool_t *p;
} page_t;

/** The project has it already: nobody needs to decide. Times speak for themselves, and are shown.
 */
static bool is_settled(const page_t *page, const sl_cdp_item_t *item)
{
    const sl_cdp_map_t *map = item->want->map;
    const sl_cdp_field_t *field = NULL;
    const char *text = item->value;
    const char *reason = NULL;
    const char *current;

    if (page->current == NULL || item->when.precision != SL_CDP_NO_TIME || text == NULL) {
        return false;
    }
    current = sl_cdp_redcap_find(page->current, map->event, item->want->instance, map->field);
    if (current == NULL || *current == '\0') {
        return false;
    }
    if (page->dictionary != NULL) {
        field = sl_cdp_dictionary_field(page->dictionary, map->event, map->field);
        text = field != NULL ? sl_cdp_fit(&reason, field, text, item->code, page->p) : NULL;
    }
    return text != NULL && sl_cdp_redcap_same(text, current);
}

/** Equal values have equal prints, in this record and field only. */
static const char *print_of(const page_t *page, const sl_cdp_item_t *item)
{
    const char *const parts[] = {
        "value",
        page->claim->project->name,
        page->claim->record,
        apr_psprintf(page->p, "%" APR_INT64_T_FMT, item->want->map->id),
        item->value != NULL ? "value" : "problem",
        item->value != NULL ? item->value : item->problem,
        item->unit != NULL ? item->unit : "",
        NULL,
    };

    return sl_cdp_vault_print(page->print_key, parts, page->p);
}

/** Of which resource of the EHR, in this record: no id stands in a table. NULL: of none. */
static const char *origin_print(const page_t *page, const char *id)
{
    const char *const parts[] = {"origin",
                                 page->claim->project->name,
                                 page->claim->record,
                                 page->claim->project->ehr->name,
                                 page->request->type,
                                 id,
                                 NULL};

    return sl_cdp_vault_print(page->print_key, parts, page->p);
}

static sl_rc_t write_item(sl_json_t *array, const page_t *page, const sl_cdp_item_t *item,
                          sl_err_t *err)
{
    const sl_cdp_content_t content = {item->value, item->code, item->note, item->problem};
    const char *taken = sl_cdp_when_text(page->p, item->when);
    const char *print = print_of(page, item);
    const sl_cdp_value_place_t place = {page->claim->project->name,
                                        page->claim->record,
                                        item->want->map->id,
                                        item->want->instance,
                                        taken,
                                        print,
                                        item->unit};
    sl_json_t *json = sl_json_object(page->p);
    sl_cdp_sealed_t sealed = {0};
    sl_rc_t rc =
        sl_cdp_vault_seal_value(&sealed, page->cdp->rt->ring, &place, &content, page->p, err);

    if (rc != SL_OK) {
        return rc;
    }
    sl_json_put_int(json, "mapping", place.mapping);
    sl_json_put_int(json, "instance", place.instance);
    sl_json_put_str(json, "taken", *taken != '\0' ? taken : NULL);
    sl_json_put_bool(json, "day", item->when.precision == SL_CDP_DATE);
    sl_json_put_str(json, "unit", item->unit);
    sl_json_put_str(json, "print", print);
    if (item->origin != NULL && page->request != NULL) {
        sl_json_put_str(json, "origin", origin_print(page, item->origin));
    }
    sl_json_put_str(json, "sealed", sl_text_base64(page->p, sealed.bytes.bytes, sealed.bytes.len));
    sl_json_put_bool(json, "settled", is_settled(page, item));
    sl_json_push(array, json);
    return SL_OK;
}

/** What fits into a field, where that can be asked; it is remembered, and only a help here. */
static const sl_cdp_dictionary_t *dictionary_of(const page_t *page)
{
    sl_cdp_dictionary_t *dictionary = apr_pcalloc(page->p, sizeof(*dictionary));
    sl_err_t ignored = {0};

    if (page->current == NULL || page->current->nelts == 0 ||
        sl_cdp_app_dictionary(dictionary, page->cdp, page->claim->project, page->p, &ignored) !=
            SL_OK) {
        return NULL;
    }
    return dictionary;
}

static sl_rc_t write_items(const char **json, page_t *page, const apr_array_header_t *items,
                           sl_err_t *err)
{
    sl_json_t *array = sl_json_array(page->p);
    sl_rc_t rc = SL_OK;

    page->dictionary = dictionary_of(page);
    for (int i = 0; rc == SL_OK && i < items->nelts; i++) {
        const sl_cdp_item_t *item = &APR_ARRAY_IDX(items, i, sl_cdp_item_t);

        if (item->value != NULL || item->problem != NULL) {
            rc = write_item(array, page, item, err);
        }
    }
    *json = rc == SL_OK ? sl_json_text(page->p, array) : NULL;
    return rc;
}

/** A place in the record that the request asked about, and the times it asked for. */
static sl_json_t *want_json(const sl_cdp_want_t *want, apr_pool_t *p)
{
    sl_json_t *json = sl_json_object(p);

    sl_json_put_int(json, "mapping", want->map->id);
    sl_json_put_int(json, "instance", want->instance);
    sl_json_put_str(json, "opens", sl_cdp_when_text(p, want->window.from));
    sl_json_put_str(json, "closes", sl_cdp_when_text(p, want->window.to));
    return json;
}

/** Which resources were read, and for what. */
static const char *write_seen(const page_t *page, const apr_array_header_t *origins)
{
    sl_json_t *all = sl_json_object(page->p);
    sl_json_t *seen = sl_json_array(page->p);
    sl_json_t *wants = sl_json_array(page->p);

    for (int i = 0; origins != NULL && i < origins->nelts; i++) {
        const sl_cdp_origin_t *origin = &APR_ARRAY_IDX(origins, i, sl_cdp_origin_t);
        sl_json_t *json = sl_json_object(page->p);

        sl_json_put_str(json, "print", origin_print(page, origin->id));
        sl_json_put_bool(json, "gone", origin->is_gone);
        sl_json_push(seen, json);
    }
    for (int i = 0; page->request != NULL && i < page->request->wants->nelts; i++) {
        sl_json_push(wants,
                     want_json(&APR_ARRAY_IDX(page->request->wants, i, sl_cdp_want_t), page->p));
    }
    sl_json_put(all, "origins", seen);
    sl_json_put(all, "wants", wants);
    return sl_json_text(page->p, all);
}

sl_rc_t sl_cdp_hold_add(sl_cdp_held_t *held, const sl_cdp_hold_t *hold, const sl_cdp_gain_t *gain,
                        apr_pool_t *p, sl_err_t *err)
{
    const sl_cdp_claim_t *claim = hold->claim;
    const sl_store_cdp_lease_t lease = {claim->project->name, claim->record, claim->lease, NULL};
    sl_store_cdp_items_t sealed = {.key_id = sl_keyring_active(hold->cdp->rt->ring)};
    page_t page = {.cdp = hold->cdp,
                   .claim = claim,
                   .print_key = hold->print_key,
                   .current = hold->current,
                   .request = gain->origins != NULL ? gain->request : NULL,
                   .p = p};
    sl_store_cdp_held_t done = {0};
    sl_rc_t rc = write_items(&sealed.json, &page, gain->items, err);

    sealed.seen = write_seen(&page, gain->origins);
    rc = rc == SL_OK ? sl_store_cdp_hold(&done, hold->cdp->rt->db, &lease, &sealed, err) : rc;
    held->rows += done.added;
    held->settled += done.settled;
    held->unchanged += done.known;
    return rc;
}
