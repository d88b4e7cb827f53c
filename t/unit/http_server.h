/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An HTTP/1.1 server in threads of the test program, on a free port of 127.0.0.1, plain or TLS.
 * What it does is in the path: see answer().
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <netinet/in.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct server {
    struct server *next; /* all of them, so that none is lost */
    int listener, port;
    SSL_CTX *tls;                     /* NULL: plain */
    atomic_int connections, requests; /* so far */
    atomic_int waiting;               /* requests for /wait that stand */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool released; /* /wait may go on */
} server_t;

typedef struct {
    server_t *server;
    int fd;
    SSL *tls;
} client_t;

static int client_read(client_t *c, char *to, int size)
{
    return c->tls != NULL ? SSL_read(c->tls, to, size) : (int)recv(c->fd, to, (size_t)size, 0);
}

static void client_write(client_t *c, const char *text, size_t len)
{
    if (c->tls != NULL) {
        (void)SSL_write(c->tls, text, (int)len);
    } else {
        (void)send(c->fd, text, len, MSG_NOSIGNAL);
    }
}

static void client_say(client_t *c, const char *text)
{
    client_write(c, text, strlen(text));
}

/* A whole request, head and body, NUL-terminated. False: the connection ended. */
static bool read_request(client_t *c, char *text, size_t size)
{
    size_t len = 0, wanted = 0;

    while (wanted == 0 || len < wanted) {
        int n = client_read(c, text + len, (int)(size - 1 - len));
        const char *end, *length;

        if (n <= 0) {
            return false;
        }
        len += (size_t)n;
        text[len] = '\0';
        end = strstr(text, "\r\n\r\n");
        length = strstr(text, "Content-Length: ");
        if (end != NULL) {
            wanted =
                (size_t)(end - text) + 4 + (length == NULL ? 0 : strtoul(length + 16, NULL, 10));
        }
    }
    return true;
}

static void wait_for_release(server_t *server)
{
    pthread_mutex_lock(&server->lock);
    atomic_fetch_add(&server->waiting, 1);
    pthread_cond_broadcast(&server->changed);
    while (!server->released) {
        pthread_cond_wait(&server->changed, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
}

static void say_body(client_t *c, const char *head, const char *body)
{
    char text[32768];

    (void)snprintf(text, sizeof(text), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", head,
                   strlen(body), body);
    client_say(c, text);
}

static void flood(client_t *c, const char *piece, int times)
{
    for (int i = 0; i < times; i++) {
        client_say(c, piece);
    }
}

/* False: close the connection. */
static bool answer(client_t *c, const char *request)
{
    const char *path = strchr(request, ' ') + 1;
    int seen = atomic_fetch_add(&c->server->requests, 1) + 1;

    if (strncmp(path, "/echo", 5) == 0) {
        say_body(c, "200 OK\r\nContent-Type: text/plain; charset=utf-8", request);
    } else if (strncmp(path, "/busy", 5) == 0) {
        say_body(c, "503 Busy\r\nRetry-After: 7", "later");
    } else if (strncmp(path, "/patience", 9) == 0) {
        say_body(c, "429 Busy\r\nRetry-After: 99999999", "");
    } else if (strncmp(path, "/away", 5) == 0) {
        say_body(c, "307 Away\r\nLocation: /echo", "");
    } else if (strncmp(path, "/two-ways", 9) == 0) {
        say_body(c, "302 Away\r\nLocation: https://one.example/\r\nlocation: /two", "");
    } else if (strncmp(path, "/folded", 7) == 0) {
        say_body(c, "302 Away\r\nLocation: https://one.example/\r\n x", "");
    } else if (strncmp(path, "/hints", 6) == 0) {
        client_say(c, "HTTP/1.1 103 Early Hints\r\nLocation: /early\r\n\r\n");
        say_body(c, "302 Away\r\nlOCATION:\t https://one.example/x \t", "");
    } else if (strncmp(path, "/announced", 10) == 0) {
        client_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
        return false;
    } else if (strncmp(path, "/endless", 8) == 0) {
        client_say(c, "HTTP/1.1 200 OK\r\n\r\n");
        flood(c, "0123456789abcdef", 100000);
        return false;
    } else if (strncmp(path, "/headers", 8) == 0) {
        client_say(c, "HTTP/1.1 200 OK\r\n");
        flood(c, "X-Filler: 0123456789abcdef0123456789abcdef\r\n", 3000);
        return false;
    } else if (strncmp(path, "/short", 6) == 0) {
        client_say(c, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
        return false;
    } else if (strncmp(path, "/noise", 6) == 0) {
        client_say(c, "good morning\r\n\r\n");
        return false;
    } else if (strncmp(path, "/wait", 5) == 0) {
        wait_for_release(c->server);
        say_body(c, "200 OK", "waited");
    } else if (strncmp(path, "/cut2", 5) == 0 && seen == 2) {
        return false;
    } else if (strncmp(path, "/cut ", 5) == 0) {
        return false;
    } else {
        say_body(c, "200 OK", "fine");
    }
    return true;
}

static void *serve(void *data)
{
    client_t *c = data;
    char request[32000];

    if (c->server->tls != NULL) {
        c->tls = SSL_new(c->server->tls);
        SSL_set_fd(c->tls, c->fd);
    }
    if (c->tls == NULL || SSL_accept(c->tls) == 1) {
        while (read_request(c, request, sizeof(request)) && answer(c, request)) {
        }
    }
    SSL_free(c->tls);
    (void)shutdown(c->fd, SHUT_RDWR);
    (void)close(c->fd);
    free(c);
    return NULL;
}

static void *listen_on(void *data)
{
    server_t *server = data;
    int fd;

    while ((fd = accept(server->listener, NULL, NULL)) >= 0) {
        client_t *c = calloc(1, sizeof(*c));
        pthread_t thread;

        atomic_fetch_add(&server->connections, 1);
        c->server = server;
        c->fd = fd;
        if (pthread_create(&thread, NULL, serve, c) != 0) {
            abort();
        }
        pthread_detach(thread);
    }
    return NULL;
}

/* It runs until the program ends. */
static server_t *server_start(SSL_CTX *tls)
{
    static server_t *all;
    server_t *server = calloc(1, sizeof(*server));
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(at);
    pthread_t thread;

    /* OpenSSL writes to connections that the client has closed. */
    (void)signal(SIGPIPE, SIG_IGN);
    server->next = all;
    all = server;
    server->tls = tls;
    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    pthread_mutex_init(&server->lock, NULL);
    pthread_cond_init(&server->changed, NULL);
    if (server->listener < 0 || bind(server->listener, (struct sockaddr *)&at, sizeof(at)) != 0 ||
        listen(server->listener, 64) != 0 ||
        getsockname(server->listener, (struct sockaddr *)&at, &len) != 0 ||
        pthread_create(&thread, NULL, listen_on, server) != 0) {
        abort();
    }
    pthread_detach(thread);
    server->port = ntohs(at.sin_port);
    return server;
}

/* Until so many requests for /wait stand. */
static void server_await(server_t *server, int count)
{
    pthread_mutex_lock(&server->lock);
    while (atomic_load(&server->waiting) < count) {
        pthread_cond_wait(&server->changed, &server->lock);
    }
    pthread_mutex_unlock(&server->lock);
}

static void server_release(server_t *server)
{
    pthread_mutex_lock(&server->lock);
    server->released = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

#endif
