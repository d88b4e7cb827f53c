/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded into the tests' httpd (LD_PRELOAD, see t/lib/SL/Stack.pm). A child that dies of a fault
 * gets to httpd's handler, which sends it the signal again by kill() on the same stack: that stack
 * is written to $SL_STACKS/stack.<pid> before. A core would say more, but not every machine leaves
 * one.
 */
#define _GNU_SOURCE
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FRAMES 64

static char path[256];

/* What allocates memory is done while the process is well. */
__attribute__((constructor)) static void prepare(void)
{
    const char *dir = getenv("SL_STACKS");
    void *frames[1];

    (void)backtrace(frames, 1);
    if (dir != NULL) {
        (void)snprintf(path, sizeof(path), "%s/stack.", dir);
    }
}

static int is_fault(int sig)
{
    return sig == SIGSEGV || sig == SIGBUS || sig == SIGABRT || sig == SIGFPE || sig == SIGILL;
}

static void write_stack(void)
{
    void *frames[FRAMES];
    char name[sizeof(path) + 24];
    int fd;

    (void)snprintf(name, sizeof(name), "%s%ld", path, (long)getpid());
    fd = open(name, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (fd >= 0) {
        backtrace_symbols_fd(frames, backtrace(frames, FRAMES), fd);
        (void)close(fd);
    }
}

int kill(pid_t pid, int sig)
{
    if (path[0] != '\0' && pid == getpid() && is_fault(sig)) {
        write_stack();
    }
    return (int)syscall(SYS_kill, pid, sig);
}
