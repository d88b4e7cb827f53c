/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A test program's way to speak TAP (testanything.org): each check prints one line, and
 * `return tap_done();` at the end of main prints the plan and gives the exit status.
 * Single-threaded.
 */
#ifndef TAP_H
#define TAP_H
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static int tap_run, tap_failed;

/** A comment line in the output, for whoever reads a failure. */
__attribute__((unused, format(printf, 1, 2))) static void diag(const char *fmt, ...)
{
    va_list ap;

    fputs("# ", stdout);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
}

/** One check, named by a printf format. @return `pass`, so that a failure can be explained */
__attribute__((unused, format(printf, 2, 3))) static bool ok(bool pass, const char *fmt, ...)
{
    va_list ap;

    printf("%sok %d - ", pass ? "" : "not ", ++tap_run);
    va_start(ap, fmt);
    vprintf(fmt, ap);
    va_end(ap);
    putchar('\n');
    fflush(stdout);
    if (!pass) {
        tap_failed++;
    }
    return pass;
}

/** Are two integers (or enums) the same? */
__attribute__((unused)) static bool is_int(intmax_t got, intmax_t want, const char *name)
{
    bool pass = ok(got == want, "%s", name);

    if (!pass) {
        diag("got %" PRIdMAX ", want %" PRIdMAX, got, want);
    }
    return pass;
}

/** Are two strings the same? NULL is like nothing but NULL. */
__attribute__((unused)) static bool is_str(const char *got, const char *want, const char *name)
{
    bool pass = got == NULL || want == NULL ? got == want : strcmp(got, want) == 0;

    ok(pass, "%s", name);
    if (!pass) {
        diag("got  %s", got == NULL ? "(null)" : got);
        diag("want %s", want == NULL ? "(null)" : want);
    }
    return pass;
}

/** The plan. @return exit status for main: a program that checked nothing has failed */
__attribute__((unused)) static int tap_done(void)
{
    printf("1..%d\n", tap_run);
    return tap_run == 0 || tap_failed > 0;
}

#endif
