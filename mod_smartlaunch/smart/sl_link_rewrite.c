/* SPDX-License-Identifier: Apache-2.0 */
/*
 * No tokenizer: what is looked for is a string that begins with the base, and in valid JSON a `"`
 * that has a letter behind it and no backslash before it opens one. Whether it is the value of one
 * of the keys stands in the few bytes before it; of what was passed on already, `tail` has them.
 */
#include "smart/sl_link_rewrite.h"

#include "smart/sl_link_foreign.h"
#include "smart/sl_link_scan.h"
#include <apr_strings.h>
#include <string.h>

/* Longest that stands before a value: a backslash or not, the key in quotes, blank, colon, blank */
#define TAIL 16

#define WORD(text)                                                                                 \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

/* Words with their lengths: a Bundle asks for them thousands of times. */
typedef struct {
    const char *text;
    apr_size_t len;
} word_t;

static const word_t keys[] = {WORD("url"), WORD("fullUrl"), WORD("reference"), WORD("location")};

/* Names, not places: of these, nobody fetches anything from the EHR (design 11) */
static const word_t canonical[] = {WORD("StructureDefinition/"), WORD("ValueSet/"),
                                   WORD("CodeSystem/"),          WORD("NamingSystem/"),
                                   WORD("SearchParameter/"),     WORD("CapabilityStatement/")};
#define CANONICAL_MAX (sizeof("/StructureDefinition/") - 1)

struct sl_link_rewrite {
    word_t base;
    apr_size_t host; /* where its host begins */
    sl_link_begin_t begin;
    word_t plain, escaped; /* the gateway as it stands in the output: with `/` or with `\/` */
    char *hold; /* a candidate that cannot be decided yet, and room for what follows it */
    apr_size_t held, window; /* `window` bytes decide any candidate */
    char tail[TAIL];         /* the last bytes before `hold`, runs of blanks made one */
    apr_size_t tail_len;
    sl_link_counts_t counts;
    sl_link_foreign_t foreign;
};

/* One feed's output. */
typedef struct {
    sl_link_sink_fn sink;
    void *data;
} out_t;

typedef enum { NO, YES, MORE /* bytes are needed to tell */ } verdict_t;

static const char *escape_slashes(apr_pool_t *p, const char *url)
{
    char *out = apr_palloc(p, 2 * strlen(url) + 1);
    char *to = out;

    for (; *url != '\0'; url++) {
        if (*url == '/') {
            *to++ = '\\';
        }
        *to++ = *url;
    }
    *to = '\0';
    return out;
}

sl_link_rewrite_t *sl_link_rewrite_new(apr_pool_t *p, const char *base, const char *gateway)
{
    sl_link_rewrite_t *rewrite = apr_pcalloc(p, sizeof(*rewrite));

    rewrite->base.text = base;
    rewrite->base.len = strlen(base);
    rewrite->host = strcspn(base, "/") + 2;
    /* tells `"https` from `"http:` */
    rewrite->begin = (sl_link_begin_t){.first = base[0], .rare = base[4], .at = 5};
    rewrite->plain.text = gateway;
    rewrite->plain.len = strlen(gateway);
    rewrite->escaped.text = escape_slashes(p, gateway);
    rewrite->escaped.len = strlen(rewrite->escaped.text);
    /* the quote, everything with its slashes escaped, and one to spare */
    rewrite->window = 1 + strlen(escape_slashes(p, base)) + CANONICAL_MAX + 2 + 1;
    rewrite->hold = apr_palloc(p, 2 * rewrite->window);
    sl_link_foreign_init(&rewrite->foreign, base);
    return rewrite;
}

const sl_link_counts_t *sl_link_rewrite_counts(const sl_link_rewrite_t *rewrite)
{
    return &rewrite->counts;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* What was seen last: the bytes in front of a candidate, and those of `tail` before them. */
typedef struct {
    const char *at, *start;
    const sl_link_rewrite_t *rewrite;
    apr_size_t tail_left;
} back_t;

/* The byte before, '\0' at the beginning of everything. */
static char peek(const back_t *back)
{
    if (back->at > back->start) {
        return back->at[-1];
    }
    return back->tail_left > 0 ? back->rewrite->tail[back->tail_left - 1] : '\0';
}

static void step(back_t *back)
{
    if (back->at > back->start) {
        back->at--;
    } else if (back->tail_left > 0) {
        back->tail_left--;
    }
}

static bool take(back_t *back, char c)
{
    bool is = peek(back) == c;

    if (is) {
        step(back);
    }
    return is;
}

static void skip_blanks(back_t *back)
{
    while (is_blank(peek(back))) {
        step(back);
    }
}

static bool is_key(back_t back, const word_t *key)
{
    apr_size_t len = key->len;

    while (len > 0) {
        if (!take(&back, key->text[--len])) {
            return false;
        }
    }
    return take(&back, '"') && peek(&back) != '\\';
}

/* Does one of the keys stand before this string? */
static bool is_member(const sl_link_rewrite_t *rewrite, const char *start, const char *at)
{
    back_t back = {at, start, rewrite, rewrite->tail_len};

    skip_blanks(&back);
    if (!take(&back, ':')) {
        return false;
    }
    skip_blanks(&back);
    if (!take(&back, '"')) {
        return false;
    }
    for (apr_size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (is_key(back, &keys[i])) {
            return true;
        }
    }
    return false;
}

/* `text` at *at, each slash perhaps behind a backslash; *at is then what follows it. */
static verdict_t match(const char **at, const char *end, const word_t *word)
{
    const char *c = *at, *text = word->text;

    if ((apr_size_t)(end - c) >= word->len && memcmp(c, text, word->len) == 0) {
        *at = c + word->len; /* the usual case, at memory speed */
        return YES;
    }
    for (; *text != '\0'; text++, c++) {
        if (c < end && *c == '\\' && *text == '/') {
            c++;
        }
        if (c == end) {
            return MORE;
        }
        if (*c != *text) {
            return NO;
        }
    }
    *at = c;
    return YES;
}

/* Behind the base: is this the base at all, and no canonical URL? */
static verdict_t judge_rest(const char *at, const char *end)
{
    static const word_t slash = WORD("/");
    verdict_t verdict;

    if (at < end && (*at == '"' || *at == '?' || *at == '#')) {
        return YES;
    }
    verdict = match(&at, end, &slash);
    if (verdict != YES) {
        return verdict;
    }
    for (apr_size_t i = 0; i < sizeof(canonical) / sizeof(canonical[0]); i++) {
        const char *name = at;
        verdict_t named =
            at < end && *at != canonical[i].text[0] ? NO : match(&name, end, &canonical[i]);

        if (named == YES) {
            return NO;
        }
        if (named == MORE) {
            verdict = MORE;
        }
    }
    return verdict;
}

/* Is it plain at a glance that the URL at `c`, `len` bytes or more, has another host? */
static bool is_elsewhere(const sl_link_rewrite_t *rewrite, const char *c)
{
    apr_size_t host = rewrite->host;

    return c[host - 2] == '/' && c[host - 1] == '/' && c[host] != rewrite->base.text[host];
}

/* The string that opens at `at`; *past is then the end of the base in it. */
static verdict_t judge(const sl_link_rewrite_t *rewrite, const char *at, const char *end,
                       const char **past)
{
    const char *c = at + 1;
    verdict_t verdict;

    *past = c;
    if ((apr_size_t)(end - c) > rewrite->base.len && is_elsewhere(rewrite, c)) {
        return NO;
    }
    verdict = match(&c, end, &rewrite->base);
    if (verdict != YES) {
        return verdict;
    }
    *past = c;
    return judge_rest(c, end);
}

static void put(const out_t *out, const char *from, const char *to)
{
    if (from < to) {
        out->sink(out->data, from, (apr_size_t)(to - from));
    }
}

/*
 * Pass on [from, limit), in which candidates begin, and of what follows up to `end` as much as they
 * need to be decided. @return how far; before `limit` it is a candidate that needs more
 */
static const char *pass(sl_link_rewrite_t *rewrite, const char *from, const char *limit,
                        const char *end, const out_t *out)
{
    const char *kept = from; /* up to here all is out */
    const char *at = from, *past;

    while ((at = sl_link_scan(at, end, rewrite->begin)) < limit) {
        verdict_t verdict = judge(rewrite, at, end, &past);

        if (verdict == NO || !is_member(rewrite, from, at)) {
            at++;
            continue;
        }
        if (verdict == MORE) {
            put(out, kept, at);
            return at;
        }
        put(out, kept, at + 1);
        if (memchr(at, '\\', (size_t)(past - at)) != NULL) {
            put(out, rewrite->escaped.text, rewrite->escaped.text + rewrite->escaped.len);
        } else {
            put(out, rewrite->plain.text, rewrite->plain.text + rewrite->plain.len);
        }
        rewrite->counts.links++;
        at = kept = past;
    }
    put(out, kept, limit > kept ? limit : kept);
    return limit > kept ? limit : kept;
}

/* These bytes of the input are through. */
static void remember(sl_link_rewrite_t *rewrite, const char *from, const char *to)
{
    back_t back = {to, from, rewrite, rewrite->tail_len};
    char tail[TAIL];
    apr_size_t at = TAIL;
    char c;

    while (at > 0 && (c = peek(&back)) != '\0') {
        if (is_blank(c)) {
            c = ' ';
            skip_blanks(&back);
        } else {
            step(&back);
        }
        tail[--at] = c;
    }
    rewrite->tail_len = TAIL - at;
    memcpy(rewrite->tail, tail + at, TAIL - at);
}

static void hold(sl_link_rewrite_t *rewrite, const char *from, const char *to)
{
    rewrite->held = (apr_size_t)(to - from);
    memmove(rewrite->hold, from, rewrite->held);
}

/* Decide what is held. @return where in the input to go on; `end`: it is all in `hold` */
static const char *pass_held(sl_link_rewrite_t *rewrite, const char *at, const char *end,
                             const out_t *out)
{
    apr_size_t room = rewrite->window;
    apr_size_t more = (apr_size_t)(end - at) < room ? (apr_size_t)(end - at) : room;
    const char *limit = rewrite->hold + rewrite->held;
    const char *through;

    memcpy(rewrite->hold + rewrite->held, at, more);
    through = pass(rewrite, rewrite->hold, limit, limit + more, out);
    remember(rewrite, rewrite->hold, through);
    if (through < limit) {
        hold(rewrite, through, limit + more);
        return end;
    }
    rewrite->held = 0;
    return at + (through - limit);
}

void sl_link_rewrite_feed(sl_link_rewrite_t *rewrite, const char *bytes, apr_size_t len,
                          sl_link_sink_fn sink, void *data)
{
    const out_t out = {sink, data};
    const char *end = bytes + len;
    const char *at = bytes, *through;

    if (len == 0) {
        return;
    }
    sl_link_foreign_feed(&rewrite->foreign, bytes, len);
    if (rewrite->counts.foreign != rewrite->foreign.count) {
        rewrite->counts.foreign = rewrite->foreign.count;
        memcpy(rewrite->counts.foreign_host, rewrite->foreign.host, sizeof(rewrite->foreign.host));
    }
    if (rewrite->held > 0) {
        at = pass_held(rewrite, at, end, &out);
    }
    if (at < end) {
        through = pass(rewrite, at, end, end, &out);
        remember(rewrite, at, through);
        hold(rewrite, through, end);
    }
}

void sl_link_rewrite_flush(sl_link_rewrite_t *rewrite, sl_link_sink_fn sink, void *data)
{
    const out_t out = {sink, data};
    const char *end = rewrite->hold + rewrite->held;

    put(&out, rewrite->hold, end);
    remember(rewrite, rewrite->hold, end);
    rewrite->held = 0;
}

const char *sl_link_rewrite_header(apr_pool_t *p, const char *base, const char *gateway,
                                   const char *value)
{
    apr_size_t len = strlen(base);

    if (strncmp(value, base, len) != 0 || strchr("/?#", value[len]) == NULL) {
        return value; /* strchr finds the end, too */
    }
    return apr_pstrcat(p, gateway, value + len, NULL);
}
