/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Links of a Bundle (`link`: objects with `relation` and `url`) that lead to another host, counted
 * in a stream with bounded memory. Any split of the stream gives the same counts. URLs of
 * extensions and canonical ones are no links.
 */
#ifndef SL_LINK_FOREIGN_H
#define SL_LINK_FOREIGN_H

#include <apr.h>
#include <stdbool.h>

#define SL_LINK_FOREIGN_TEXT 192 /* bytes of a URL that are looked at */

typedef enum {
    SL_LINK_SEEK,  /* for the key "link" */
    SL_LINK_COLON, /* behind the key */
    SL_LINK_ARRAY, /* behind the colon */
    SL_LINK_INSIDE /* in the array */
} sl_link_state_t;

/** Kept between two calls; sl_link_foreign_init() fills it in, nobody else touches it. */
typedef struct {
    const char *own; /* host[:port] that is not foreign */
    apr_uint64_t count;
    char host[128]; /* the first foreign one; "" none */

    sl_link_state_t state;
    int seen;         /* bytes of the key "link" that match so far */
    int depth;        /* of brackets: 1 in the array, 2 in an object of it */
    bool in_string;   /* and so, inside: */
    bool escaped;     /* behind a backslash */
    bool is_value;    /* the string is a member's value */
    bool is_relation; /* the last key */
    bool is_url;
    bool has_relation; /* the object has one */
    char text[SL_LINK_FOREIGN_TEXT];
    int len;
    char url[SL_LINK_FOREIGN_TEXT]; /* the object's */
} sl_link_foreign_t;

/** @param base URL whose host is not foreign; must live as long as `foreign` */
void sl_link_foreign_init(sl_link_foreign_t *foreign, const char *base);

/** Some more of the stream; `count` and `host` are then up to date. */
void sl_link_foreign_feed(sl_link_foreign_t *foreign, const char *bytes, apr_size_t len);

#endif
