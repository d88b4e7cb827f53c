/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_outcome.h"

#include "cdp/sl_cdp_fhir.h"
#include "cdp/sl_cdp_read.h"
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define MAX_SENTENCE 300 /* bytes */
#define MAX_SENTENCES 5
#define MASK "\xe2\x80\xa6"
#define MASK_DIGITS 4  /* so many digits may be a number of somebody */
#define MASK_LENGTH 16 /* no word is as long as an id */

/* Epic's codes for a chart behind break-the-glass. */
static const char *const glass_codes[] = {"4130", "4131", "4134"};
/* Epic says 4101 where nothing was found, and 4119 ("may not contain the entire record") always. */
static const char *const idle_codes[] = {"4101", "4119"};

static bool has_one_of(const sl_json_t *concept, const char *const *codes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sl_cdp_fhir_has_code(concept, NULL, codes[i])) {
            return true;
        }
    }
    return false;
}
#define HAS_ONE_OF(concept, codes) has_one_of((concept), (codes), sizeof(codes) / sizeof(*(codes)))

/* "break the glass", "Break-the-Glass", "BREAKTHEGLASS" */
static bool says_glass(const char *text)
{
    static const char wanted[] = "breaktheglass";

    for (; text != NULL && *text != '\0'; text++) {
        const char *at = text;
        size_t n = 0;

        while (wanted[n] != '\0' && *at != '\0') {
            if (apr_tolower(*at) == wanted[n]) {
                n++;
            } else if (n == 0 || strchr(" -_", *at) == NULL) {
                break;
            }
            at++;
        }
        if (wanted[n] == '\0') {
            return true;
        }
    }
    return false;
}

static bool is_glass(const sl_json_t *issue, apr_pool_t *tmp)
{
    const sl_json_t *details = sl_json_get(issue, "details");
    const sl_json_t *codings = sl_json_get(details, "coding");

    if (HAS_ONE_OF(details, glass_codes) || says_glass(sl_cdp_fhir_label(tmp, details, "text")) ||
        says_glass(sl_cdp_fhir_label(tmp, issue, "diagnostics"))) {
        return true;
    }
    for (int i = 0; i < sl_cdp_fhir_count(codings); i++) {
        const sl_json_t *coding = sl_cdp_fhir_at(codings, i);

        if (says_glass(sl_cdp_fhir_label(tmp, coding, "display")) ||
            says_glass(sl_json_str(coding, "code"))) {
            return true;
        }
    }
    return false;
}

/* Letters and digits in one go; `digits` of them are digits. */
static apr_size_t run_of(const char *text, int *digits)
{
    apr_size_t n = 0;

    for (*digits = 0; apr_isalnum(text[n]); n++) {
        *digits += apr_isdigit(text[n]) ? 1 : 0;
    }
    return n;
}

static const char *mask(const char *text, const char *patient, apr_pool_t *p)
{
    apr_size_t id_len = patient == NULL ? 0 : strlen(patient);
    char *out = apr_palloc(p, strlen(text) * 3 + 1); /* a masked letter is three bytes at most */
    char *to = out;

    while (*text != '\0') {
        int digits;
        apr_size_t run = run_of(text, &digits);
        bool is_id =
            id_len > 0 && strncmp(text, patient, id_len) == 0 && !apr_isalnum(text[id_len]);

        if (is_id || digits >= MASK_DIGITS || run >= MASK_LENGTH) {
            to = apr_cpystrn(to, MASK, sizeof(MASK));
            text += is_id ? id_len : run;
        } else {
            run = run == 0 ? 1 : run;
            memcpy(to, text, run);
            to += run;
            text += run;
        }
    }
    *to = '\0';
    return out;
}

static const char *sentence_of(const sl_json_t *issue, const char *patient, apr_pool_t *p)
{
    const char *text = sl_cdp_fhir_concept(p, sl_json_get(issue, "details"));

    text = text != NULL ? text : sl_cdp_fhir_label(p, issue, "diagnostics");
    text = text != NULL ? text : sl_cdp_fhir_label(p, issue, "code");
    return text == NULL ? NULL : sl_cdp_fhir_cut(p, mask(text, patient, p), MAX_SENTENCE);
}

void sl_cdp_outcome_read(sl_cdp_outcome_t *out, const sl_json_t *outcome, const char *patient,
                         apr_pool_t *p)
{
    const sl_json_t *issues = sl_json_get(outcome, "issue");

    memset(out, 0, sizeof(*out));
    out->sentences = apr_array_make(p, 2, sizeof(const char *));
    if (!sl_cdp_fhir_is(outcome, "resourceType", "OperationOutcome")) {
        return;
    }
    for (int i = 0; i < sl_cdp_fhir_count(issues); i++) {
        const sl_json_t *issue = sl_cdp_fhir_at(issues, i);
        const char *sentence;

        if (sl_cdp_fhir_is(issue, "severity", "information") ||
            HAS_ONE_OF(sl_json_get(issue, "details"), idle_codes)) {
            continue;
        }
        out->is_protected |= is_glass(issue, p);
        out->has_failed |= sl_cdp_fhir_is(issue, "severity", "error") ||
                           sl_cdp_fhir_is(issue, "severity", "fatal");
        sentence = sentence_of(issue, patient, p);
        if (sentence != NULL && out->sentences->nelts < MAX_SENTENCES) {
            APR_ARRAY_PUSH(out->sentences, const char *) = sentence;
        }
    }
}

const char *sl_cdp_read_outcome(bool *is_protected, const sl_json_t *outcome, apr_pool_t *p)
{
    sl_cdp_outcome_t read;

    sl_cdp_outcome_read(&read, outcome, NULL, p);
    *is_protected = read.is_protected;
    return read.sentences->nelts == 0 ? NULL : apr_array_pstrcat(p, read.sentences, ' ');
}
