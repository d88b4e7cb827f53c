/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loaded into a test's httpd (LD_PRELOAD). A child takes its time at exit(), and then leaves
 * $SL_STACKS/late.<pid> when a thread that nobody waited for ended with what OpenSSL keeps for a
 * thread in its hands: exit() frees that, too, and sooner or later the two meet.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIME 500000 /* microseconds; mod_watchdog looks around every tenth of a second */
#define THREADS 1024

typedef void (*destructor_t)(void *);

static destructor_t openssl; /* of its one key that has a destructor */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_t ended[THREADS];
static int count;

/* The function that ours stands in front of. */
static void find(void *function, const char *name)
{
    void *symbol = dlsym(RTLD_NEXT, name);

    memcpy(function, &symbol, sizeof(symbol));
}

static void end(void *data)
{
    (void)pthread_mutex_lock(&mutex);
    if (count < THREADS) {
        ended[count++] = pthread_self();
    }
    (void)pthread_mutex_unlock(&mutex);
    openssl(data);
}

static int is_openssl(destructor_t destructor)
{
    void *address;
    Dl_info info;

    memcpy(&address, &destructor, sizeof(address));
    return destructor != NULL && dladdr(address, &info) != 0 && info.dli_fname != NULL &&
           strstr(info.dli_fname, "libcrypto") != NULL;
}

int pthread_key_create(pthread_key_t *key, destructor_t destructor)
{
    int (*create)(pthread_key_t *, destructor_t);

    find(&create, "pthread_key_create");
    if (openssl == NULL && is_openssl(destructor)) {
        openssl = destructor;
        destructor = end;
    }
    return create(key, destructor);
}

int pthread_join(pthread_t thread, void **value)
{
    int (*join)(pthread_t, void **);
    int rc;

    find(&join, "pthread_join");
    rc = join(thread, value);
    (void)pthread_mutex_lock(&mutex);
    for (int i = 0; i < count; i++) {
        if (pthread_equal(ended[i], thread)) {
            ended[i--] = ended[--count];
        }
    }
    (void)pthread_mutex_unlock(&mutex);
    return rc;
}

static void leave_note(void)
{
    const char *dir = getenv("SL_STACKS");
    char name[512];
    int fd;

    (void)snprintf(name, sizeof(name), "%s/late.%ld", dir != NULL ? dir : "", (long)getpid());
    fd = open(name, O_WRONLY | O_CREAT, 0644);
    if (fd >= 0) {
        (void)close(fd);
    }
}

void exit(int status)
{
    void (*leave)(int) __attribute__((noreturn));

    find(&leave, "exit");
    (void)usleep(TIME);
    (void)pthread_mutex_lock(&mutex);
    if (count > 0) {
        leave_note();
    }
    (void)pthread_mutex_unlock(&mutex);
    leave(status);
}
