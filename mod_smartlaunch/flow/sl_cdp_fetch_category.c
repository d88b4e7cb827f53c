/* SPDX-License-Identifier: Apache-2.0 */
/* One category of a fetch, page by page: of a page nothing stays but what is held of it. */
#include "flow/sl_cdp_fetch_run.h"

#include "base/sl_digest.h"
#include "flow/sl_cdp_vault.h"
#include <apr_hash.h>
#include <apr_strings.h>
#include <string.h>

#define MOST_PAGES 500
#define MOST_TIME apr_time_from_sec(5 * 60)
#define MOST_SILENT 2 /* categories without any answer, then the rest is not tried */
#define LATER 60      /* seconds, after trouble that passes */

/** The pages of one request. */
typedef struct {
    sl_cdp_run_t *run;
    const sl_cdp_request_t *request;
    sl_cdp_reader_t *reader;
    apr_hash_t *seen; /* digests of the addresses asked so far */
    apr_pool_t *p;    /* lives as long as the category */
    const char *url;  /* of the next page; NULL: there is none */
    apr_time_t until; /* of this category */
    apr_time_t whole; /* of the fetch */
    int pages;
    bool has_hole; /* something is missing: a list of it would be a wrong list */
    bool is_protected;
    const char *told;
    int status;
} pages_t;

const char *sl_cdp_fetch_url(const sl_ehr_t *ehr, const char *query, apr_pool_t *p)
{
    apr_size_t len = strlen(ehr->issuer);

    while (len > 0 && ehr->issuer[len - 1] == '/') {
        len--;
    }
    return apr_pstrcat(p, apr_pstrmemdup(p, ehr->issuer, len), "/", query, NULL);
}

/** A category may be several requests: it says the same thing once. */
static bool is_said(const sl_cdp_run_t *run, const sl_cdp_warning_t *warning)
{
    for (int i = 0; i < run->warnings->nelts; i++) {
        const sl_cdp_warning_t *other = &APR_ARRAY_IDX(run->warnings, i, sl_cdp_warning_t);

        if (strcmp(other->source, warning->source) == 0 &&
            strcmp(other->message, warning->message) == 0) {
            return true;
        }
    }
    return false;
}

void sl_cdp_fetch_warn(sl_cdp_run_t *run, const char *source, const char *message, const char *told)
{
    sl_cdp_warning_t warning = {source, message};

    if (told != NULL) {
        warning.message = apr_pstrcat(run->p, message, " (", told, ")", NULL);
    }
    if (!is_said(run, &warning)) {
        warning.message = apr_pstrdup(run->p, warning.message);
        APR_ARRAY_PUSH(run->warnings, sl_cdp_warning_t) = warning;
    }
}

void sl_cdp_fetch_miss(sl_cdp_run_t *run, const sl_cdp_request_t *request)
{
    run->is_partial = true;
    run->is_measured_in_part |= request->category == SL_CDP_OBSERVATIONS;
}

bool sl_cdp_fetch_hold(sl_cdp_run_t *run, const sl_cdp_gain_t *gain, apr_pool_t *p)
{
    sl_cdp_hold_t hold = {run->cdp, run->claim, run->current, NULL};

    if (gain->items->nelts == 0 && (gain->origins == NULL || gain->origins->nelts == 0)) {
        return true;
    }
    run->rc = SL_OK;
    if (run->print_key == NULL) { /* once, not for each of hundreds of pages */
        run->rc = sl_cdp_vault_print_key(&run->print_key, run->cdp->rt, run->p, &run->err);
    }
    if (run->rc == SL_OK) {
        hold.print_key = run->print_key;
        run->rc = sl_cdp_hold_add(&run->held, &hold, gain, p, &run->err);
    }
    if (run->rc != SL_OK) {
        run->course = SL_CDP_IS_LOST;
    }
    return run->rc == SL_OK;
}

/** A server that sends us in a circle is left. */
static bool is_new(pages_t *pages, const char *url)
{
    unsigned char *digest = apr_palloc(pages->p, SL_SHA256_LEN);

    sl_digest_sha256(url, strlen(url), digest);
    if (apr_hash_get(pages->seen, digest, SL_SHA256_LEN) != NULL) {
        return false;
    }
    apr_hash_set(pages->seen, digest, SL_SHA256_LEN, "");
    return true;
}

/** Not everything that is there could be had. */
static void leave_out(pages_t *pages, const char *message)
{
    sl_cdp_fetch_miss(pages->run, pages->request);
    pages->has_hole = true;
    sl_cdp_fetch_warn(pages->run, pages->request->label, message, NULL);
}

static void cut_short(pages_t *pages, const char *message)
{
    pages->url = NULL;
    leave_out(pages, message);
}

/** `next` as it came, where it is safe to go there (C9). */
static void go_on(pages_t *pages, const char *next)
{
    const char *base = pages->run->project->ehr->issuer;

    pages->url = next == NULL ? NULL : apr_pstrdup(pages->p, next);
    if (next == NULL) {
        return;
    }
    if (!sl_cdp_may_follow(base, next, pages->p)) {
        cut_short(pages, "The EHR has further pages at an address that is not its own: they were "
                         "left out.");
    } else if (!is_new(pages, next)) {
        cut_short(pages, "The EHR sent the same page again: what may follow was left out.");
    } else if (pages->pages >= MOST_PAGES) {
        cut_short(pages, "There are more pages than are read at once: the rest was left out.");
    }
}

static bool is_told_to_stop(const sl_cdp_run_t *run)
{
    return run->stop != NULL && *run->stop != 0;
}

static void pass_on(sl_cdp_run_t *run, const sl_cdp_request_t *request,
                    const apr_array_header_t *told)
{
    for (int i = 0; i < told->nelts; i++) {
        sl_cdp_fetch_warn(run, request->label, APR_ARRAY_IDX(told, i, const char *), NULL);
    }
}

/** What was on a page is held before the next one is asked for. */
static sl_rc_t use_page(pages_t *pages, const sl_json_t *bundle, apr_pool_t *p, sl_err_t *err)
{
    sl_cdp_run_t *run = pages->run;
    sl_cdp_page_t page;
    sl_rc_t rc = sl_cdp_reader_page(&page, pages->reader, bundle, p, err);

    if (rc != SL_OK) {
        return sl_err_set(err, SL_UPSTREAM, "SL8131", "%s: the answer for %s is no search result",
                          run->project->ehr->name, pages->request->type);
    }
    pass_on(run, pages->request, page.warnings);
    pages->is_protected = page.is_protected;
    if (!sl_cdp_fetch_hold(run, &(sl_cdp_gain_t){page.items, page.origins, pages->request}, p)) {
        return run->rc;
    }
    pages->pages++;
    go_on(pages, page.next);
    if (page.has_failed && !pages->has_hole) {
        leave_out(pages, "The EHR could not give everything.");
    }
    return page.is_protected
               ? sl_err_set(err, SL_DENIED, "SL8132", "%s: %s: the patient is protected",
                            run->project->ehr->name, pages->request->type)
               : SL_OK;
}

static sl_rc_t one_page(pages_t *pages, apr_pool_t *p, sl_err_t *err)
{
    sl_cdp_run_t *run = pages->run;
    sl_cdp_answer_t answer;
    sl_rc_t rc;

    run->asking.until = pages->until;
    rc = sl_cdp_ask(&answer, &run->asking, pages->url, pages->request->type, p, err);
    if (rc == SL_INVALID && pages->pages == 0 && pages->request->fallback != NULL) {
        rc = sl_cdp_ask(&answer, &run->asking,
                        sl_cdp_fetch_url(run->project->ehr, pages->request->fallback, p),
                        pages->request->type, p, err);
    }
    pages->status = answer.status;
    if (rc == SL_OK && pages->request->category == SL_CDP_DOCUMENTS) {
        rc = sl_cdp_fetch_notes(run, answer.json, p, err);
    }
    if (rc == SL_OK) {
        return use_page(pages, answer.json, p, err);
    }
    pages->is_protected = answer.is_protected;
    pages->told = answer.told == NULL ? NULL : apr_pstrdup(pages->p, answer.told);
    return rc;
}

/** The clock, or the process's end. */
static bool has_to_end(const pages_t *pages)
{
    apr_time_t now = apr_time_now();

    if (is_told_to_stop(pages->run) || now >= pages->whole) {
        pages->run->course = SL_CDP_WAS_CUT;
        return true;
    }
    return now >= pages->until;
}

/** All pages. SL_OK also where they were cut off. */
static sl_rc_t all_pages(pages_t *pages, apr_pool_t *p, sl_err_t *err)
{
    sl_cdp_run_t *run = pages->run;
    sl_rc_t rc = SL_OK;

    while (rc == SL_OK && pages->url != NULL) {
        if (has_to_end(pages)) {
            cut_short(pages, "There was no time for the rest.");
            return SL_OK;
        }
        rc = one_page(pages, p, err);
        apr_pool_clear(p);
    }
    if (rc == SL_OK && !pages->has_hole) {
        const sl_cdp_gain_t lists = {.items = sl_cdp_reader_end(pages->reader, p)};

        (void)sl_cdp_fetch_hold(run, &lists, p);
    }
    return rc;
}

/** What a person reads of it. */
static const char *sentence_of(sl_rc_t rc, const pages_t *pages)
{
    if (pages->is_protected) {
        return "The patient is protected: break the glass in the EHR first.";
    }
    switch ((int)rc) {
    case SL_EXPIRED:
        return "The sign-in at the EHR has ended: launch again.";
    case SL_DENIED:
        return "The EHR does not allow this.";
    case SL_BUSY:
        return "The EHR is too busy at the moment.";
    case SL_TIMEOUT:
        return "The EHR did not answer in time.";
    default:
        return "The EHR answered with an error.";
    }
}

/** C11: which failures are this category's own, and which everybody's. */
static sl_cdp_course_t course_of(sl_rc_t rc, const pages_t *pages)
{
    if (pages->is_protected) {
        return SL_CDP_IS_PROTECTED;
    }
    switch ((int)rc) {
    case SL_EXPIRED:
    case SL_BUSY:
        return SL_CDP_IS_OVER;
    case SL_UNAVAILABLE:
    case SL_FAILED:
        return SL_CDP_IS_LOST;
    default:
        if (apr_time_now() >= pages->whole) {
            return SL_CDP_WAS_CUT;
        }
        return pages->run->silent >= MOST_SILENT ? SL_CDP_IS_OVER : SL_CDP_GOES_ON;
    }
}

static void failed(pages_t *pages, sl_rc_t rc, const sl_err_t *err)
{
    sl_cdp_run_t *run = pages->run;

    if (run->course == SL_CDP_IS_LOST) {
        return; /* our own trouble: said by the whole */
    }
    run->silent =
        pages->status == 0 && (rc == SL_TIMEOUT || rc == SL_UPSTREAM) ? run->silent + 1 : 0;
    run->rc = rc;
    run->err = *err;
    sl_cdp_fetch_miss(run, pages->request);
    run->course = course_of(rc, pages);
    if (rc == SL_BUSY || run->silent > 0) {
        run->again = err->retry_after > LATER ? err->retry_after : LATER;
    }
    sl_cdp_fetch_warn(run, pages->request->label, sentence_of(rc, pages), pages->told);
    sl_log(&run->cdp->rt->log, SL_LOG_WARN, "SL8133", "project %s: %s (%s, reference %s)",
           run->project->name, err->text, err->id, run->asking.reference);
}

void sl_cdp_fetch_category(sl_cdp_run_t *run, const sl_cdp_request_t *request)
{
    pages_t pages = {.run = run,
                     .request = request,
                     .until = apr_time_now() + MOST_TIME,
                     .whole = run->asking.until};
    const sl_cdp_subject_t subject = {run->claim->patient, run->project->ehr->issuer};
    apr_pool_t *tmp;
    sl_err_t err = {0};
    sl_rc_t rc;

    apr_pool_create(&pages.p, run->p);
    apr_pool_create(&tmp, pages.p);
    if (pages.until > pages.whole) {
        pages.until = pages.whole;
    }
    pages.seen = apr_hash_make(pages.p);
    pages.reader = sl_cdp_reader_new(request, &subject, run->mapping->convert_gmt, pages.p);
    pages.url = sl_cdp_fetch_url(run->project->ehr, request->query, pages.p);
    run->asked++;
    (void)is_new(&pages, pages.url);
    rc = all_pages(&pages, tmp, &err);
    if (rc != SL_OK) {
        failed(&pages, rc, &err);
    } else {
        run->silent = 0;
    }
    run->got += pages.pages > 0;
    run->asking.until = pages.whole;
    apr_pool_destroy(pages.p);
}
