/* SPDX-License-Identifier: Apache-2.0 */
/* What only the tree of directives shows: other modules' lines that would undo ours. */
#include "httpd/sl_conf_check.h"
#include "smart/sl_url.h"

#include <apr_strings.h>
#include <string.h>

/** A Require that asks for a launch, and the literal <Location> that it stands in. */
typedef struct {
    const char *word, *path;
} asking_t;

/** What a walk found: paths under AuthType Smart, SmartGateway and CacheEnable, and more. */
typedef struct {
    apr_array_header_t *apps;
    apr_array_header_t *gateways;
    apr_array_header_t *cached;
    apr_array_header_t *asking; /* of asking_t */
    bool merges_trailers;
    apr_pool_t *p;
} walk_t;

static bool is(const ap_directive_t *d, const char *name)
{
    return strcasecmp(d->directive, name) == 0;
}

/** The path of the section that `d` stands in; "/" outside any <Location>. */
static const char *place_of(const ap_directive_t *d, apr_pool_t *p)
{
    for (const ap_directive_t *up = d->parent; up != NULL; up = up->parent) {
        if (is(up, "<Location")) {
            const char *args = apr_pstrmemdup(p, up->args, strcspn(up->args, ">"));

            return ap_getword_conf(p, &args);
        }
    }
    return "/";
}

/** Sections with patterns, and <Directory>, are left to httpd: who knows which paths they mean. */
static void look_at_require(walk_t *walk, const ap_directive_t *d)
{
    const char *args = d->args;
    const char *word = ap_getword_conf(walk->p, &args);
    const char *path = place_of(d, walk->p);
    asking_t asking;

    if (strcasecmp(word, "not") == 0) {
        word = ap_getword_conf(walk->p, &args);
    }
    if (strncasecmp(word, "smart-", 6) == 0 && path[0] == '/' && path[1] != '\0' &&
        strpbrk(path, "*?[") == NULL) {
        asking.word = word;
        asking.path = path;
        APR_ARRAY_PUSH(walk->asking, asking_t) = asking;
    }
}

static void look_at(walk_t *walk, const ap_directive_t *d)
{
    const char *args = d->args;

    if (is(d, "AuthType") && strcasecmp(ap_getword_conf(walk->p, &args), "Smart") == 0) {
        APR_ARRAY_PUSH(walk->apps, const char *) = place_of(d, walk->p);
    } else if (is(d, "Require")) {
        look_at_require(walk, d);
    } else if (is(d, "SmartGateway") && strcasecmp(d->args, "on") == 0) {
        APR_ARRAY_PUSH(walk->gateways, const char *) = place_of(d, walk->p);
    } else if (is(d, "CacheEnable")) {
        const char *path;

        (void)ap_getword_conf(walk->p, &args);
        path = ap_getword_conf(walk->p, &args);
        APR_ARRAY_PUSH(walk->cached, const char *) = path[0] == '/' ? path : place_of(d, walk->p);
    } else if (is(d, "MergeTrailers") && strcasecmp(d->args, "on") == 0) {
        walk->merges_trailers = true;
    }
}

/** Depth of sections is bounded by httpd itself (AP_MAX_INCLUDE_DEPTH and the parser). */
static void walk_tree(walk_t *walk, const ap_directive_t *d)
{
    for (; d != NULL; d = d->next) {
        look_at(walk, d);
        if (d->first_child != NULL) {
            walk_tree(walk, d->first_child);
        }
    }
}

static bool overlaps(const char *outer, const char *inner)
{
    return sl_url_is_below(inner, outer) || sl_url_is_below(outer, inner) ||
           strcmp(outer, "/") == 0;
}

/** One of `outer` that `inner` shares paths with; NULL: none. */
static const char *find_overlap(const apr_array_header_t *outer, const char *inner)
{
    for (int i = 0; i < outer->nelts; i++) {
        const char *path = APR_ARRAY_IDX(outer, i, const char *);

        if (overlaps(path, inner)) {
            return path;
        }
    }
    return NULL;
}

static const char *check_caches(const walk_t *walk, const apr_array_header_t *places)
{
    for (int i = 0; i < places->nelts; i++) {
        const char *smart = APR_ARRAY_IDX(places, i, const char *);
        const char *cached = find_overlap(walk->cached, smart);

        if (cached != NULL) {
            return apr_psprintf(walk->p,
                                "CacheEnable over %s would keep one patient's pages for the "
                                "next; write its path apart from %s (AuthType Smart or "
                                "SmartGateway), or remove CacheEnable",
                                cached, smart);
        }
    }
    return NULL;
}

/** Only AuthType Smart tells which launch a request belongs to: elsewhere these are never true. */
static const char *check_asking(const walk_t *walk)
{
    for (int i = 0; i < walk->asking->nelts; i++) {
        const asking_t *asking = &APR_ARRAY_IDX(walk->asking, i, asking_t);

        if (find_overlap(walk->apps, asking->path) != NULL) {
            continue;
        }
        if (find_overlap(walk->gateways, asking->path) != NULL) {
            return apr_psprintf(walk->p,
                                "Require %s in <Location %s>, which is a gateway (SmartGateway "
                                "on): its callers are no browsers and are in no launch; write "
                                "Require local, or SmartCaller NAME file:PATH",
                                asking->word, asking->path);
        }
        return apr_psprintf(walk->p,
                            "Require %s in <Location %s>: nobody could ever come in there, since "
                            "AuthType Smart does not hold; write AuthType Smart beside it",
                            asking->word, asking->path);
    }
    return NULL;
}

const char *sl_conf_check_tree(const ap_directive_t *tree, apr_pool_t *p)
{
    walk_t walk = {NULL, NULL, NULL, NULL, false, p};
    const char *wrong;

    walk.apps = apr_array_make(p, 4, sizeof(const char *));
    walk.gateways = apr_array_make(p, 4, sizeof(const char *));
    walk.asking = apr_array_make(p, 4, sizeof(asking_t));
    walk.cached = apr_array_make(p, 4, sizeof(const char *));
    walk_tree(&walk, tree);
    if (walk.merges_trailers && walk.apps->nelts + walk.gateways->nelts > 0) {
        return "MergeTrailers On lets a client send headers of ours after the body; write "
               "MergeTrailers Off";
    }
    wrong = check_asking(&walk);
    if (wrong == NULL) {
        wrong = check_caches(&walk, walk.apps);
    }
    return wrong != NULL ? wrong : check_caches(&walk, walk.gateways);
}
