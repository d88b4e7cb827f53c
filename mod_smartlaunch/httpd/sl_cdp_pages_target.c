/* SPDX-License-Identifier: Apache-2.0 */
/* One field of the study on the sheet, with what it could get. */
#include "httpd/sl_cdp_chart.h"
#include "httpd/sl_cdp_pages.h"

#include <apr_strings.h>

static const char *id_text(apr_int64_t id, apr_pool_t *p)
{
    return apr_psprintf(p, "%" APR_INT64_T_FMT, id);
}

static bool has_id(const apr_array_header_t *ids, apr_int64_t id)
{
    for (int i = 0; ids != NULL && i < ids->nelts; i++) {
        if (APR_ARRAY_IDX(ids, i, apr_int64_t) == id) {
            return true;
        }
    }
    return false;
}

static bool can_choose(const sl_cdp_shown_t *shown)
{
    return shown->saved_as != NULL && (shown->state == SL_CDP_NEW || shown->state == SL_CDP_SAVED);
}

static bool is_chosen(const sl_cdp_shown_t *shown, const sl_cdp_choices_t *kept)
{
    return can_choose(shown) && (kept != NULL ? has_id(kept->choose, shown->id) : shown->ticked);
}

/** When, from where, and what is odd about it. */
static void put_details(sl_cdp_html_t *html, const sl_cdp_shown_t *shown)
{
    bool has_time = shown->when.precision != SL_CDP_NO_TIME;

    sl_cdp_html_put(html, "<small>%s%s%s</small>",
                    has_time ? sl_cdp_pages_when(shown->when, html->p) : NULL,
                    has_time ? " · " : NULL, shown->source_label);
    if (shown->saved_as != NULL && shown->value != NULL &&
        strcmp(shown->saved_as, shown->value) != 0) {
        sl_cdp_html_put(html, "<small>saved as <b>%s</b></small>", shown->saved_as);
    }
    if (shown->note != NULL) {
        sl_cdp_html_put(html, "<small>%s</small>", shown->note);
    }
    if (shown->problem != NULL) {
        sl_cdp_html_put(
            html, "<small class=\"bad\">%s%s</small>",
            shown->saved_as == NULL ? "Cannot be saved: " : "Please look: ", shown->problem);
    }
}

static void put_value(sl_cdp_html_t *html, const sl_cdp_shown_t *shown)
{
    sl_cdp_html_put(html, "<span><span class=\"value\">%s</span>%s%s",
                    shown->value != NULL ? shown->value : "(unreadable)",
                    shown->unit != NULL ? " " : NULL, shown->unit);
    put_details(html, shown);
    sl_cdp_html_put(html, "</span>");
}

/** A box beside a value, up to the end of its tag; whoever does not see the value hears it. */
static void put_box(sl_cdp_html_t *html, const sl_cdp_shown_t *shown, const char *name,
                    const char *label)
{
    sl_cdp_html_put(html,
                    "<label class=\"line aside\"><input type=\"checkbox\" name=\"%s\" "
                    "value=\"%s\" aria-label=\"%s: %s\"",
                    name, id_text(shown->id, html->p), label,
                    shown->value != NULL ? shown->value : "unreadable");
}

/** A candidate that is on offer: to be chosen, or to be excluded. */
static void put_offer(sl_cdp_html_t *html, const sl_cdp_shown_t *shown, int n,
                      const sl_cdp_choices_t *kept)
{
    const char *id = id_text(shown->id, html->p);

    sl_cdp_html_put(html, "<div class=\"offer\">");
    if (can_choose(shown)) {
        sl_cdp_html_put(html,
                        "<label class=\"line\"><input type=\"radio\" name=\"pick%d\" "
                        "value=\"%s\"",
                        n, id);
        sl_cdp_html_put(html, is_chosen(shown, kept) ? " checked>" : ">");
        put_value(html, shown);
        sl_cdp_html_put(html, "</label>");
    } else {
        sl_cdp_html_put(html, "<div class=\"line\">");
        put_value(html, shown);
        sl_cdp_html_put(html, "</div>");
    }
    if (shown->state == SL_CDP_NEW) {
        put_box(html, shown, "exclude", "Exclude");
        sl_cdp_html_put(html, kept != NULL && has_id(kept->exclude, shown->id) ? " checked>" : ">");
        sl_cdp_html_put(html, "<span>Exclude</span></label>");
    }
    sl_cdp_html_put(html, "</div>");
}

/** Those that were excluded, to be offered again. */
static void put_excluded(sl_cdp_html_t *html, const sl_cdp_target_t *target, int count)
{
    sl_cdp_html_put(html, "<details><summary>%d excluded</summary>", count);
    for (int i = 0; i < target->candidates->nelts; i++) {
        const sl_cdp_shown_t *shown = &APR_ARRAY_IDX(target->candidates, i, sl_cdp_shown_t);

        if (shown->state == SL_CDP_EXCLUDED) {
            sl_cdp_html_put(html, "<div class=\"offer\"><div class=\"line\">");
            put_value(html, shown);
            sl_cdp_html_put(html, "</div>");
            put_box(html, shown, "include", "Offer again");
            sl_cdp_html_put(html, "><span>Offer again</span></label></div>");
        }
    }
    sl_cdp_html_put(html, "</details>");
}

const char *sl_cdp_pages_revised(const sl_cdp_target_t *target)
{
    switch (target->revised) {
    case SL_CDP_AS_IT_WAS:
        return NULL;
    case SL_CDP_CORRECTED:
        return "The EHR has since corrected this result.";
    case SL_CDP_WITHDRAWN:
        break;
    }
    return "The EHR has since withdrawn this result.";
}

static void put_head(sl_cdp_html_t *html, const sl_cdp_target_t *target)
{
    sl_cdp_html_put(html, "<legend>%s</legend><p class=\"quiet\">", target->label);
    if (target->current == NULL) {
        sl_cdp_html_put(html, "What the study has now is not known.");
    } else if (target->current[0] == '\0') {
        sl_cdp_html_put(html, "In the study now: nothing.");
    } else {
        sl_cdp_html_put(html,
                        "In the study now: <span class=\"value\">%s</span> (a saved value "
                        "replaces it)",
                        target->current);
    }
    if (target->date != NULL && target->date[0] != '\0') {
        sl_cdp_html_put(html, " · Date of the visit: %s", target->date);
    }
    sl_cdp_html_put(html, "</p>");
    if (target->sent == SL_CDP_REFUSED) {
        sl_cdp_html_put(html,
                        "<p class=\"trouble\">The study's application refused the value that "
                        "was saved: %s</p>",
                        target->refusal != NULL ? target->refusal : "it did not say why.");
    } else if (target->sent == SL_CDP_ASIDE) {
        sl_cdp_html_put(html,
                        "<p class=\"trouble\">The value that was saved cannot be sent. %s</p>",
                        target->refusal);
    } else if (target->sent == SL_CDP_WAITING) {
        sl_cdp_html_put(html, "<p class=\"note\">A saved value waits for the study's application."
                              "</p>");
    }
    if (target->revised != SL_CDP_AS_IT_WAS) {
        sl_cdp_html_put(html, "<p class=\"trouble\">What was saved: %s</p>",
                        sl_cdp_pages_revised(target));
    }
}

void sl_cdp_pages_put_target(sl_cdp_html_t *html, const sl_cdp_target_t *target, int n,
                             const sl_cdp_choices_t *kept)
{
    int excluded = 0, offers = 0;
    bool any = false;

    for (int i = 0; i < target->candidates->nelts; i++) {
        const sl_cdp_shown_t *shown = &APR_ARRAY_IDX(target->candidates, i, sl_cdp_shown_t);

        excluded += shown->state == SL_CDP_EXCLUDED;
        offers += can_choose(shown);
        any = any || is_chosen(shown, kept);
    }
    sl_cdp_html_put(html, "<fieldset>");
    put_head(html, target);
    sl_cdp_chart_put(html, target, n);
    if (offers > 0) {
        sl_cdp_html_put(
            html, "<label class=\"line\"><input type=\"radio\" name=\"pick%d\" value=\"\"", n);
        sl_cdp_html_put(html, any ? ">" : " checked>");
        sl_cdp_html_put(html, "<span>None of these, or later</span></label>");
    }
    for (int i = 0; i < target->candidates->nelts; i++) {
        const sl_cdp_shown_t *shown = &APR_ARRAY_IDX(target->candidates, i, sl_cdp_shown_t);

        if (shown->state != SL_CDP_EXCLUDED) {
            put_offer(html, shown, n, kept);
        }
    }
    if (excluded > 0) {
        put_excluded(html, target, excluded);
    }
    sl_cdp_html_put(html, "</fieldset>");
}
