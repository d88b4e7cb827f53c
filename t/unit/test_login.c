/* SPDX-License-Identifier: Apache-2.0 */
/* A link is confirmed while its token is renewed, with a store whose token moves on in between. */
#include "flow/sl_login.h"
#include "flow/sl_vault.h"
#include "tap.h"

#include <apr_general.h>
#include <apr_strings.h>
#include <stdlib.h>

#define KEY "a AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
#define LAUNCH "0192f0c1-0000-7000-8000-000000000001"

static apr_pool_t *pool;
static sl_runtime_t rt;

/* The row: a token of this generation, of nobody yet; it moves on after so many reads. */
static int64_t generation;
static int renewals_to_come;
static sl_token_status_t status;

static int makes;
static sl_rc_t store_says;
static sl_link_make_t stored; /* generation -1: nothing */

static const char *secret_of(int64_t number)
{
    return apr_psprintf(pool, "access-%d", (int)number);
}

static sl_token_row_t row_of(const char *user, int64_t number)
{
    return (sl_token_row_t){LAUNCH, "app", "epic", user, "p1", number};
}

sl_rc_t sl_store_token_find(sl_token_t *out, sl_db_t *db, const char *launch, apr_pool_t *p,
                            sl_err_t *err)
{
    const sl_tokens_t tokens = {sl_secret_str(p, secret_of(generation)), NULL};
    const sl_token_row_t row = row_of(NULL, generation);
    sl_sealed_tokens_t sealed;
    sl_rc_t rc = sl_vault_seal_tokens(&sealed, rt.ring, &row, &tokens, p, err);

    (void)db;
    *out = (sl_token_t){.launch = launch,
                        .app = row.app,
                        .ehr = row.ehr,
                        .patient = row.patient,
                        .access_sealed = sealed.access,
                        .key_id = sealed.key_id,
                        .generation = generation,
                        .status = status};
    if (renewals_to_come > 0) {
        renewals_to_come--;
        generation++;
    }
    return rc;
}

sl_rc_t sl_store_link_make(sl_link_made_t *out, sl_db_t *db, const sl_link_make_t *make,
                           apr_pool_t *p, sl_err_t *err)
{
    (void)db, (void)p;
    makes++;
    if (store_says != SL_OK) {
        return sl_err_set(err, store_says, "SL0001", "no");
    }
    if (make->generation != (status == SL_TOKEN_ACTIVE ? generation : 0)) {
        return sl_err_set(err, SL_EXPIRED, "SL0002", "it changed");
    }
    stored = *make;
    *out = (sl_link_made_t){.link = "l", .moved = true};
    return SL_OK;
}

sl_rc_t sl_store_link_by_user(sl_link_user_t *out, sl_db_t *db, const sl_link_key_t *app_and_ehr,
                              const char *app_user, apr_pool_t *p, sl_err_t *err)
{
    (void)db, (void)app_and_ehr, (void)app_user, (void)p, (void)err;
    *out = (sl_link_user_t){.outcome = SL_LINK_MISSING};
    return SL_OK;
}

/** Confirm the link of "alice" with a token that is renewed so many times while we do. */
static sl_rc_t confirm(int renewals, const char **cookie)
{
    sl_browser_launch_t launch = {.row = {.id = LAUNCH, .app = "app", .ehr = "epic"}};
    sl_browser_key_t key = {.app = "app", .max = apr_time_from_sec(3600)};
    const sl_login_t login = {&rt, &key, &launch, sl_trace_new(pool, "ref")};
    sl_err_t err = {0};

    generation = 1;
    renewals_to_come = renewals;
    makes = 0;
    stored.generation = -1;
    if (sl_id_new(&key.cookie, rt.ring, SL_ID_BROWSER, pool, &err) != SL_OK) {
        return SL_FAILED;
    }
    return sl_login_link(cookie, &login, "alice", "app", &err);
}

/** What was stored, opened as alice's token of that generation; "" if it is not. */
static const char *opened(int64_t number)
{
    const sl_token_t row = {.launch = LAUNCH,
                            .app = "app",
                            .ehr = "epic",
                            .app_user = "alice",
                            .patient = "p1",
                            .access_sealed = stored.access_sealed,
                            .key_id = stored.key_id,
                            .generation = number};
    sl_tokens_t tokens = {NULL, NULL};
    sl_err_t err = {0};

    if (stored.generation != number ||
        sl_vault_open_tokens(&tokens, rt.ring, &row, pool, &err) != SL_OK) {
        return "";
    }
    return sl_secret_eq(tokens.access, sl_secret_str(pool, secret_of(number))) ? secret_of(number)
                                                                               : "another";
}

static void links(void)
{
    const char *cookie = NULL;

    is_int(confirm(0, &cookie), SL_OK, "a link is confirmed");
    is_str(opened(1), "access-1", "… its token sealed for its user");
    ok(cookie != NULL && makes == 1, "… at once, and the cookie is new");
    is_int(confirm(1, &cookie), SL_OK, "RFR-4: … while the token is renewed");
    is_str(opened(2), "access-2", "… the new one is sealed for its user, not the old one");
    ok(cookie != NULL && makes == 2, "… at the second try");
    is_int(confirm(9, &cookie), SL_EXPIRED, "a token that never comes to rest");
    ok(cookie == NULL && makes == 2 && stored.generation == -1, "… is left alone after two tries");
}

static void links_without(void)
{
    const char *cookie = NULL;

    status = SL_TOKEN_REVOKED;
    is_int(confirm(0, &cookie), SL_OK, "a token that was revoked");
    ok(stored.generation == 0 && stored.access_sealed.bytes == NULL, "… is not sealed anew");
    status = SL_TOKEN_ACTIVE;
    store_says = SL_CONFLICT;
    is_int(confirm(0, &cookie), SL_CONFLICT, "a user who is linked with somebody else");
    is_int(makes, 1, "… is not tried again");
    store_says = SL_UNAVAILABLE;
    is_int(confirm(0, &cookie), SL_UNAVAILABLE, "PostgreSQL is away");
    is_int(makes, 1, "… no second try either");
    store_says = SL_OK;
}

int main(void)
{
    sl_keyring_t *ring = NULL;
    void *memory = NULL;

    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&pool, NULL) != APR_SUCCESS) {
        return 1;
    }
    is_int(sl_keyring_parse(&ring, sl_secret_str(pool, KEY), pool, NULL), SL_OK, "a key ring");
    is_int(posix_memalign(&memory, 4096, SL_SHM_MIN_SIZE), 0, "memory");
    is_int(sl_shm_format(&rt.shm, memory, SL_SHM_MIN_SIZE, pool, NULL), SL_OK, "laid out");
    rt.ring = ring;
    status = SL_TOKEN_ACTIVE;
    links();
    links_without();
    apr_pool_destroy(pool);
    free(memory);
    apr_terminate();
    return tap_done();
}
