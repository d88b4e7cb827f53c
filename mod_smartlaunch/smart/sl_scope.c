/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_scope.h"

#include "base/sl_text.h"
#include "smart/sl_scope_token.h"
#include <apr_strings.h>
#include <apr_tables.h>
#include <string.h>

#define BLANKS " \t\r\n"

/* The next token of a list, as a copy; NULL at the end. */
static const char *next_token(const char **rest, apr_pool_t *p)
{
    const char *from = *rest + strspn(*rest, BLANKS);
    apr_size_t len = strcspn(from, BLANKS);

    *rest = from + len;
    return len == 0 ? NULL : apr_pstrmemdup(p, from, len);
}

/* `.rd` is in order, but where people write it they mean `.read`; two scopes say it plainly. */
static bool is_read_or_rd(const sl_scope_token_t *token)
{
    return token->kind == SL_SCOPE_RESOURCE && token->rights == (SL_SCOPE_READ | SL_SCOPE_DELETE);
}

sl_rc_t sl_scope_check(const char *text, apr_pool_t *tmp, sl_err_t *err)
{
    const char *rest = text == NULL ? "" : text;
    const char *token;
    int count = 0;

    while ((token = next_token(&rest, tmp)) != NULL) {
        sl_scope_token_t parts;
        sl_rc_t rc = sl_scope_token_parse(&parts, token, tmp, err);

        if (rc != SL_OK) {
            return rc;
        }
        if (is_read_or_rd(&parts)) {
            return sl_err_set(err, SL_INVALID, "SL2212",
                              "scope \"%s\" asks for reading and deleting: write .rs or .read, or "
                              "two scopes with .r and .d if that is meant",
                              sl_text_loggable(tmp, token, 60));
        }
        count++;
    }
    if (count == 0) {
        return sl_err_set(err, SL_INVALID, "SL2211", "no scope is asked for; write at least one");
    }
    return SL_OK;
}

bool sl_scope_has(const char *text, const char *token)
{
    const char *at = text == NULL ? "" : text;

    while (*(at += strspn(at, BLANKS)) != '\0') {
        apr_size_t len = strcspn(at, BLANKS);
        apr_size_t prefix = sl_scope_prefix(at);

        if (len - prefix == strlen(token) && memcmp(at + prefix, token, len - prefix) == 0) {
            return true;
        }
        at += len;
    }
    return false;
}

/* Is the constraint `pair` among those of `query`? */
static bool has_pair(const char *query, const char *pair, apr_size_t len)
{
    while (true) {
        apr_size_t one = strcspn(query, "&");

        if (one == len && memcmp(query, pair, len) == 0) {
            return true;
        }
        if (query[one] == '\0') {
            return false;
        }
        query += one + 1;
    }
}

/* A grant without constraints reaches everything; one with constraints only what has them, too. */
static bool reaches(const char *granted, const char *wanted)
{
    while (granted != NULL) {
        apr_size_t len = strcspn(granted, "&");

        if (wanted == NULL || !has_pair(wanted, granted, len)) {
            return false;
        }
        granted = granted[len] == '\0' ? NULL : granted + len + 1;
    }
    return true;
}

static bool applies(const sl_scope_token_t *granted, const sl_scope_token_t *wanted)
{
    return granted->kind == SL_SCOPE_RESOURCE && strcmp(granted->level, wanted->level) == 0 &&
           (strcmp(granted->type, "*") == 0 || strcmp(granted->type, wanted->type) == 0) &&
           reaches(granted->query, wanted->query);
}

bool sl_scope_covers(const char *granted, const char *wanted, apr_pool_t *tmp)
{
    const char *rest = granted == NULL ? "" : granted;
    sl_scope_token_t want;
    const char *token;
    unsigned rights = 0;

    if (sl_scope_token_parse(&want, wanted, tmp, NULL) != SL_OK || want.kind != SL_SCOPE_RESOURCE) {
        return sl_scope_has(granted, wanted + sl_scope_prefix(wanted));
    }
    while ((token = next_token(&rest, tmp)) != NULL) {
        sl_scope_token_t grant;

        if (sl_scope_token_parse(&grant, token, tmp, NULL) == SL_OK && applies(&grant, &want)) {
            rights |= grant.rights;
        }
    }
    return (want.rights & ~rights) == 0;
}

/* Their grant shows in the context and in the refresh token; many EHRs do not repeat them. */
static bool shows_elsewhere(const char *token)
{
    return strcmp(token, "launch") == 0 || strncmp(token, "launch/", 7) == 0 ||
           strcmp(token, "offline_access") == 0 || strcmp(token, "online_access") == 0;
}

const char *sl_scope_missing(apr_pool_t *p, const char *asked, const char *granted)
{
    apr_array_header_t *missing = apr_array_make(p, 4, sizeof(const char *));
    const char *rest = asked == NULL ? "" : asked;
    const char *token;

    while ((token = next_token(&rest, p)) != NULL) {
        if (!shows_elsewhere(token + sl_scope_prefix(token)) &&
            !sl_scope_covers(granted, token, p)) {
            APR_ARRAY_PUSH(missing, const char *) = token;
        }
    }
    return apr_array_pstrcat(p, missing, ' ');
}
