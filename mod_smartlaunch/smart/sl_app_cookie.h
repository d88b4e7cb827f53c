/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The app's cookies, kept apart by launch (design 3, 13 "App cookies"). In a launch a kept cookie
 * `sid` is called `sid.~<mark>` in the browser and `sid` in the app. Page scripts must find theirs
 * under their own names, so under `auto` a cookie without HttpOnly stays as it is. All launches
 * share it, and each writes over what another set: so a companion `name.!<mark>` has what this
 * launch set, and that is what the app gets back.
 */
#ifndef SL_APP_COOKIE_H
#define SL_APP_COOKIE_H

#include <apr_pools.h>
#include <apr_tables.h>
#include <apr_time.h>
#include <stdbool.h>

typedef enum {
    SL_APP_COOKIE_AUTO, /* those marked HttpOnly, and the usual session names */
    SL_APP_COOKIE_ALL,
    SL_APP_COOKIE_NONE,
    SL_APP_COOKIE_NAMES
} sl_app_cookie_keep_t;

/** SmartAppCookies. */
typedef struct {
    sl_app_cookie_keep_t keep;
    const char *const *names; /* NULL-terminated, for NAMES */
} sl_app_cookie_rule_t;

#define SL_APP_COOKIE_TAG_CHARS 4
#define SL_APP_COOKIE_MARK_CHARS 16

/** The first part of every mark of this app, so that apps leave each other's cookies alone. */
void sl_app_cookie_tag(char out[SL_APP_COOKIE_TAG_CHARS + 1], const char *app);

/** The mark of a launch: lower-case hex, tells nothing of the handle. */
void sl_app_cookie_mark(char out[SL_APP_COOKIE_MARK_CHARS + 1], const char *tag,
                        const char *handle);

/** How a request's cookies are to be read. */
typedef struct {
    const sl_app_cookie_rule_t *rule;
    const char *own;         /* SmartCookie's name */
    const char *tag;         /* of this app */
    const char *mark;        /* of the request's launch; NULL: it belongs to none */
    const char *const *live; /* marks of all live launches of this browser and app, the one used
                                last first, NULL-terminated; NULL: not known, nothing is dead */
    apr_size_t most; /* of a longer header the cookies of launches that were not used for longest
                        go, before httpd refuses all of it; 0: no such bound */
} sl_app_cookie_request_t;

/**
 * The Cookie header as the app may see it. Our own cookie, marks and companions of other launches
 * never pass; without a launch no marked one does; in a launch kept names pass only with its mark,
 * and under `auto` others only where this launch set them, with the value it gave them (a csrf
 * token apart, which comes as scripts have read it).
 * @param dead NULL, or gets full names of marked cookies whose launch is gone, or that there is no
 *        room for (at most 8), NULL when there are none: delete them with sl_app_cookie_delete
 * @return the very pointer given when nothing changes; NULL when nothing is left (or none came)
 */
const char *sl_app_cookie_from_browser(const sl_app_cookie_request_t *request, const char *header,
                                       apr_array_header_t **dead, apr_pool_t *p);

/** How a Set-Cookie of the app is to be written. */
typedef struct {
    const sl_app_cookie_rule_t *rule;
    const char *own;
    const char *mark; /* NULL: the request belongs to no launch */
    const char *sent; /* the Cookie header as the browser sent it, or NULL */
    const char *path; /* of the location: "/redcap"; NULL: "/" */
    bool embedded;    /* the launch finished in a frame */
    apr_time_t now;
    apr_time_t expires_at; /* of the launch */
} sl_app_cookie_answer_t;

#define SL_APP_COOKIE_MAX_SET 3

/** Set-Cookie values in place of the app's one; count 0: it is dropped. */
typedef struct {
    const char *set[SL_APP_COOKIE_MAX_SET];
    int count;
    const char *log_id; /* why it was dropped; NULL otherwise */
} sl_app_cookie_set_t;

/**
 * Rewrite one Set-Cookie value. Kept: marked, Path of the location, no Domain, at most the launch's
 * lifetime, Secure, and embedded `SameSite=None; Partitioned`, else `SameSite=Lax`. Others: in an
 * embedded launch `SameSite=None; Secure; Partitioned`, else unchanged (the very pointer given).
 * Our own name, marked names and (in a launch) names no browser would keep are dropped.
 */
void sl_app_cookie_to_browser(sl_app_cookie_set_t *out, const sl_app_cookie_answer_t *answer,
                              const char *value, apr_pool_t *p);

/** Set-Cookie value that removes a marked cookie of a dead launch. */
const char *sl_app_cookie_delete(apr_pool_t *p, const char *name, const char *path, bool embedded);

/** Names that carry sessions or logins by custom: PHPSESSID, JSESSIONID, connect.sid, … */
bool sl_app_cookie_is_session_name(const char *name, apr_size_t len);

#endif
