/* SPDX-License-Identifier: Apache-2.0 */
#include "cdp/sl_cdp_multipart.h"

#include <apr_strings.h>
#include <string.h>
#include <strings.h>

#define TYPE "multipart/form-data"
#define DISPOSITION "content-disposition:"
#define BLANKS " \t"

/* What is left to read. */
typedef struct {
    const char *at;
    const char *end;
    apr_pool_t *p;
} reader_t;

static apr_size_t left(const reader_t *reader)
{
    return (apr_size_t)(reader->end - reader->at);
}

/* Where `mark` is next; NULL: nowhere. */
static const char *find(const reader_t *reader, const char *mark)
{
    apr_size_t len = strlen(mark);
    const char *at = reader->at;

    while ((apr_size_t)(reader->end - at) >= len) {
        at = memchr(at, mark[0], (apr_size_t)(reader->end - at) - len + 1);
        if (at == NULL) {
            return NULL;
        }
        if (memcmp(at, mark, len) == 0) {
            return at;
        }
        at++;
    }
    return NULL;
}

static bool take(reader_t *reader, const char *mark)
{
    apr_size_t len = strlen(mark);

    if (left(reader) < len || memcmp(reader->at, mark, len) != 0) {
        return false;
    }
    reader->at += len;
    return true;
}

/* A parameter behind a header's value, "; name=token" or "; name=\"text\"". NULL: none. */
static const char *param(const char *text, const char *name, apr_pool_t *p)
{
    apr_size_t len = strlen(name);

    for (text = strchr(text, ';'); text != NULL;) {
        const char *value, *end;
        apr_size_t key;

        text += 1 + strspn(text + 1, BLANKS);
        key = strcspn(text, "=;");
        if (text[key] != '=') {
            text = strchr(text, ';');
            continue;
        }
        value = text + key + 1;
        end = value[0] == '"' ? strchr(value + 1, '"') : value + strcspn(value, "; \t");
        if (end == NULL) {
            return NULL;
        }
        if (key == len && strncasecmp(text, name, len) == 0) {
            value += value[0] == '"';
            return apr_pstrmemdup(p, value, (apr_size_t)(end - value));
        }
        text = strchr(end, ';');
    }
    return NULL;
}

/* CR LF and what stands between two parts; NULL: it is no form of this kind. */
static const char *delimiter(const char *type, apr_pool_t *p)
{
    const char *boundary;

    if (type == NULL || strncasecmp(type, TYPE, sizeof(TYPE) - 1) != 0 ||
        strchr("; \t", type[sizeof(TYPE) - 1]) == NULL) {
        return NULL;
    }
    boundary = param(type, "boundary", p);
    if (boundary == NULL || boundary[0] == '\0' || strlen(boundary) > SL_CDP_MULTIPART_BOUNDARY) {
        return NULL;
    }
    return apr_pstrcat(p, "\r\n--", boundary, NULL);
}

/* The lines above a part's body, and the empty one. False: they do not end, or name nothing. */
static bool read_head(reader_t *reader, sl_cdp_part_t *part)
{
    for (;;) {
        const char *end = find(reader, "\r\n");
        const char *line;

        if (end == NULL) {
            return false;
        }
        line = apr_pstrmemdup(reader->p, reader->at, (apr_size_t)(end - reader->at));
        reader->at = end + 2;
        if (line[0] == '\0') {
            return part->name != NULL;
        }
        if (strncasecmp(line, DISPOSITION, sizeof(DISPOSITION) - 1) == 0) {
            part->name = param(line, "name", reader->p);
        }
    }
}

static bool read_part(reader_t *reader, const char *mark, apr_array_header_t *parts)
{
    sl_cdp_part_t part = {NULL, "", 0};
    const char *end;

    if (parts->nelts == SL_CDP_MULTIPART_PARTS || !read_head(reader, &part)) {
        return false;
    }
    reader->at -= 2; /* of an empty body the mark's line end is the one above it */
    end = find(reader, mark);
    if (end == NULL) {
        return false;
    }
    part.len = end == reader->at ? 0 : (apr_size_t)(end - reader->at) - 2;
    part.body = apr_pstrmemdup(reader->p, reader->at + 2, part.len);
    reader->at = end + strlen(mark);
    APR_ARRAY_PUSH(parts, sl_cdp_part_t) = part;
    return true;
}

static bool read_parts(reader_t *reader, const char *mark, apr_array_header_t *parts)
{
    if (!take(reader, mark + 2)) { /* the first has no line end before it */
        return false;
    }
    while (!take(reader, "--")) {
        if (!take(reader, "\r\n") || !read_part(reader, mark, parts)) {
            return false;
        }
    }
    return true;
}

sl_rc_t sl_cdp_multipart_parse(apr_array_header_t **out, const char *type, const char *text,
                               apr_size_t len, apr_pool_t *p, sl_err_t *err)
{
    reader_t reader = {text, text + len, p};
    const char *mark = delimiter(type, p);

    *out = apr_array_make(p, 4, sizeof(sl_cdp_part_t));
    if (mark == NULL) {
        return sl_err_set(err, SL_INVALID, "SL8590", "this address takes %s", TYPE);
    }
    if (!read_parts(&reader, mark, *out)) {
        return sl_err_set(err, SL_INVALID, "SL8591", "a form with a file cannot be read");
    }
    return SL_OK;
}

const sl_cdp_part_t *sl_cdp_multipart_one(const apr_array_header_t *parts, const char *name)
{
    const sl_cdp_part_t *found = NULL;

    for (int i = 0; i < parts->nelts; i++) {
        const sl_cdp_part_t *part = &APR_ARRAY_IDX(parts, i, sl_cdp_part_t);

        if (strcmp(part->name, name) == 0) {
            if (found != NULL) {
                return NULL;
            }
            found = part;
        }
    }
    return found;
}
