/* SPDX-License-Identifier: Apache-2.0 */
#include "net/sl_http_client.h"

#include <apr_thread_mutex.h>
#include <stdlib.h>
#include <string.h>

#define KEPT 16         /* handles, with the connections they hold */
#define FIRST_SIZE 8192 /* of an answer's buffer; it doubles from there */

struct sl_http {
    apr_thread_mutex_t *lock;
    int count;
    CURL *kept[KEPT]; /* the one used last on top: its connection is the likeliest to live */
};

sl_rc_t sl_http_init(sl_err_t *err)
{
    return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK
               ? SL_OK
               : sl_err_set(err, SL_FAILED, "SL3501", "libcurl cannot be used");
}

static apr_status_t close_all(void *data)
{
    sl_http_t *client = data;

    while (client->count > 0) {
        curl_easy_cleanup(client->kept[--client->count]);
    }
    return APR_SUCCESS;
}

sl_rc_t sl_http_open(sl_http_t **out, apr_pool_t *p, sl_err_t *err)
{
    sl_http_t *client = apr_pcalloc(p, sizeof(*client));

    if (apr_thread_mutex_create(&client->lock, APR_THREAD_MUTEX_DEFAULT, p) != APR_SUCCESS) {
        return sl_err_set(err, SL_FAILED, "SL3502", "the system has no mutex");
    }
    apr_pool_cleanup_register(p, client, close_all, apr_pool_cleanup_null);
    *out = client;
    return SL_OK;
}

CURL *sl_http_handle_take(sl_http_t *client)
{
    CURL *handle = NULL;

    (void)apr_thread_mutex_lock(client->lock);
    if (client->count > 0) {
        handle = client->kept[--client->count];
    }
    (void)apr_thread_mutex_unlock(client->lock);
    return handle == NULL ? curl_easy_init() : handle;
}

void sl_http_handle_give(sl_http_t *client, CURL *handle)
{
    curl_easy_reset(handle);
    (void)apr_thread_mutex_lock(client->lock);
    if (client->count < KEPT) {
        client->kept[client->count++] = handle;
        handle = NULL;
    }
    (void)apr_thread_mutex_unlock(client->lock);
    curl_easy_cleanup(handle);
}

static bool grow(sl_http_buffer_t *buffer, apr_size_t wanted)
{
    apr_size_t size = buffer->size == 0 ? FIRST_SIZE : buffer->size;
    char *bytes;

    while (size < wanted) {
        size *= 2;
    }
    bytes = malloc(size);
    if (bytes == NULL) {
        return false;
    }
    if (buffer->len > 0) {
        memcpy(bytes, buffer->bytes, buffer->len);
    }
    if (buffer->bytes != NULL) {
        sl_secret_wipe(buffer->bytes, buffer->len);
        free(buffer->bytes);
    }
    buffer->bytes = bytes;
    buffer->size = size;
    return true;
}

bool sl_http_buffer_add(sl_http_buffer_t *buffer, const void *bytes, apr_size_t len)
{
    if (len > buffer->max - buffer->len) {
        return false;
    }
    if (len > buffer->size - buffer->len && !grow(buffer, buffer->len + len)) {
        return false;
    }
    if (len > 0) {
        memcpy(buffer->bytes + buffer->len, bytes, len);
        buffer->len += len;
    }
    return true;
}

void sl_http_buffer_drop(sl_http_buffer_t *buffer)
{
    if (buffer->bytes != NULL) {
        sl_secret_wipe(buffer->bytes, buffer->len);
        free(buffer->bytes);
    }
    buffer->bytes = NULL;
    buffer->len = buffer->size = 0;
}
