/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Launches of one browser, written as a line: `A Be Bp` are a live launch of patient A, one of B
 * that has ended, and one of B that waits for its link, the newest last. A launch's handle is its
 * word. First letter: the patient (`0`: none); then, in any order: `e` ended, `p` pending, `n` not
 * linked, `o` found by the old cookie, `s` a session, `h` another hospital, `u` another user, `m`
 * no user known, and digits that only tell launches apart.
 */
#ifndef LAUNCHES_H
#define LAUNCHES_H
#include "smart/sl_bind.h"
#include <stdio.h>
#include <string.h>

#define MAX_LAUNCHES 8

typedef struct {
    sl_bind_launch_t at[MAX_LAUNCHES];
    char handles[MAX_LAUNCHES][16];
    int count;
} launches_t;

__attribute__((unused)) static sl_bind_launch_t launch_of(const char *word)
{
    bool session = strchr(word, 's') != NULL;
    sl_bind_launch_t out = {.handle = word, .ehr = session ? NULL : "epic", .user = "alice"};

    out.patient = word[0] == 'A' ? "p-a" : word[0] == 'B' ? "p-b" : NULL;
    if (strchr(word, 'h') != NULL) {
        out.ehr = "oracle";
    }
    if (strchr(word, 'u') != NULL) {
        out.user = "bob";
    }
    if (strchr(word, 'm') != NULL) {
        out.user = NULL;
    }
    out.live = strchr(word, 'e') == NULL;
    out.link = strchr(word, 'p') != NULL   ? SL_BIND_PENDING
               : strchr(word, 'n') != NULL ? SL_BIND_UNLINKED
                                           : SL_BIND_LINKED;
    out.old_cookie = strchr(word, 'o') != NULL;
    out.session = session;
    return out;
}

__attribute__((unused)) static void launches_read(launches_t *out, const char *line)
{
    int used = 0;

    out->count = 0;
    while (sscanf(line, "%15s%n", out->handles[out->count], &used) == 1) {
        out->at[out->count] = launch_of(out->handles[out->count]);
        out->at[out->count].authorized_at = 1000 + out->count;
        out->count++;
        line += used;
    }
}

#endif
