/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_subject.h"

#include "base/sl_text.h"
#include <string.h>

/* Behind scheme and authority; NULL: it is relative. */
static const char *path_of(const char *url)
{
    const char *mark = strstr(url, "://");

    return mark == NULL ? NULL : mark + 3 + strcspn(mark + 3, "/?#");
}

/* "Patient/omar" of a reference to the EHR itself; NULL: it leads elsewhere. */
static const char *within(const char *base, const char *reference, apr_pool_t *tmp)
{
    const char *path = path_of(reference);
    const char *root;
    apr_size_t len;

    if (path == NULL) {
        return reference;
    }
    if (!sl_cdp_may_follow(base, reference, tmp)) {
        return NULL;
    }
    root = path_of(base);
    len = strlen(root);
    while (len > 0 && root[len - 1] == '/') {
        len--;
    }
    return strncmp(path, root, len) == 0 && path[len] == '/' ? path + len + 1 : NULL;
}

/* Is the text `id`, or `id` with a version? */
static bool is_id(const char *text, const char *id)
{
    apr_size_t len = strlen(id);

    return len > 0 && strncmp(text, id, len) == 0 &&
           (text[len] == '\0' || sl_text_has_prefix(text + len, "/_history/"));
}

sl_cdp_whose_t sl_cdp_subject_whose(const sl_json_t *resource, const sl_cdp_subject_t *subject,
                                    apr_pool_t *tmp)
{
    const sl_json_t *about = sl_json_get(resource, "subject");
    const char *reference;

    if (about == NULL) {
        about = sl_json_get(resource, "patient");
    }
    reference = sl_json_str(about, "reference");
    if (reference == NULL || subject->patient == NULL) {
        return SL_CDP_OTHERS;
    }
    reference = within(subject->base, reference, tmp);
    if (reference == NULL) {
        return SL_CDP_ELSEWHERE;
    }
    return sl_text_has_prefix(reference, "Patient/") &&
                   is_id(reference + strlen("Patient/"), subject->patient)
               ? SL_CDP_OURS
               : SL_CDP_OTHERS;
}
