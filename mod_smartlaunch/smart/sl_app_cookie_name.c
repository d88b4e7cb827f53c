/* SPDX-License-Identifier: Apache-2.0 */
#include "smart/sl_app_cookie_name.h"

#include <string.h>
#include <strings.h>

sl_app_cookie_suffix_t sl_app_cookie_suffix(const char *name, apr_size_t len)
{
    const char *suffix;
    apr_size_t i;

    if (len <= SL_APP_COOKIE_SUFFIX_CHARS) {
        return SL_APP_COOKIE_PLAIN;
    }
    suffix = name + len - SL_APP_COOKIE_SUFFIX_CHARS;
    if (suffix[0] != '.' || (suffix[1] != '~' && suffix[1] != '!')) {
        return SL_APP_COOKIE_PLAIN;
    }
    for (i = 2; i < SL_APP_COOKIE_SUFFIX_CHARS; i++) {
        if (suffix[i] == '\0' || strchr("0123456789abcdef", suffix[i]) == NULL) {
            return SL_APP_COOKIE_PLAIN;
        }
    }
    return suffix[1] == '~' ? SL_APP_COOKIE_MARKED : SL_APP_COOKIE_COMPANION;
}

bool sl_app_cookie_has_mark(const char *name, apr_size_t len, const char *mark)
{
    return len > SL_APP_COOKIE_SUFFIX_CHARS && strlen(mark) == SL_APP_COOKIE_MARK_CHARS &&
           memcmp(name + len - SL_APP_COOKIE_MARK_CHARS, mark, SL_APP_COOKIE_MARK_CHARS) == 0;
}

bool sl_app_cookie_has_tag(const char *name, apr_size_t len, const char *tag)
{
    return len > SL_APP_COOKIE_SUFFIX_CHARS && strlen(tag) == SL_APP_COOKIE_TAG_CHARS &&
           memcmp(name + len - SL_APP_COOKIE_MARK_CHARS, tag, SL_APP_COOKIE_TAG_CHARS) == 0;
}

static bool is_same(const char *name, apr_size_t len, const char *other)
{
    return strlen(other) == len && strncasecmp(name, other, len) == 0;
}

bool sl_app_cookie_is_listed(const sl_app_cookie_rule_t *rule, const char *name, apr_size_t len)
{
    const char *const *listed;

    for (listed = rule->names; listed != NULL && *listed != NULL; listed++) {
        if (is_same(name, len, *listed)) {
            return true;
        }
    }
    return false;
}

bool sl_app_cookie_is_keepable(const char *name, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i < len; i++) {
        if (name[i] <= ' ' || name[i] > '~' || strchr(";,=\"\\", name[i]) != NULL) {
            return false;
        }
    }
    return len > 0;
}

bool sl_app_cookie_is_host_only(const char *name, apr_size_t len)
{
    return len >= 7 && strncasecmp(name, "__Host-", 7) == 0;
}

static apr_size_t prefix_length(const char *name, apr_size_t len)
{
    if (sl_app_cookie_is_host_only(name, len)) {
        return 7;
    }
    return len >= 9 && strncasecmp(name, "__Secure-", 9) == 0 ? 9 : 0;
}

/* Names by custom, `*` at one end stands for any rest. Tokens that page scripts read themselves
 * (jwt, access_token) are not among them: marked, their own script would not find them. */
static const char *const session_names[] = {
    "PHPSESSID",     "JSESSIONID*",    "ASP.NET_SessionId",
    "ASPSESSIONID*", ".ASPXAUTH",      "connect.sid",
    "sid",           "session",        "sess",
    "session_id",    "*sessid",        "*sessionid",
    "*_session",     "*-session",      "*.session",
    "*_sid",         "*.sid",          "*_session_id",
    "CFID",          "CFTOKEN",        "koa.sess",
    "express:sess",  "MoodleSession*", "SimpleSAML*",
    ".AspNetCore.*", "remember_*",     "wordpress_*",
    "remember-me",   "rememberme",     "MellonCookie*",
    "survey",        "_shibsession_*", "authchallenge", /* two of REDCap's */
};

static bool fits(const char *name, apr_size_t len, const char *pattern)
{
    apr_size_t wanted = strlen(pattern);

    if (pattern[0] == '*' && pattern[wanted - 1] != '*') {
        return len >= wanted - 1 && is_same(name + len - (wanted - 1), wanted - 1, pattern + 1);
    }
    if (pattern[wanted - 1] == '*') {
        return len >= wanted - 1 && strncasecmp(name, pattern, wanted - 1) == 0;
    }
    return is_same(name, len, pattern);
}

bool sl_app_cookie_is_session_name(const char *name, apr_size_t len)
{
    apr_size_t prefix = prefix_length(name, len), i;

    for (i = 0; i < sizeof(session_names) / sizeof(session_names[0]); i++) {
        if (fits(name + prefix, len - prefix, session_names[i])) {
            return true;
        }
    }
    return false;
}

bool sl_app_cookie_is_echo(const char *name, apr_size_t len)
{
    apr_size_t i;

    for (i = 0; i + 4 <= len; i++) {
        if (strncasecmp(name + i, "csrf", 4) == 0 || strncasecmp(name + i, "xsrf", 4) == 0) {
            return true;
        }
    }
    return false;
}
