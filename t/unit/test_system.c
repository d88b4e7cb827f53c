/* SPDX-License-Identifier: Apache-2.0 */
/* TKR-A3, TKR-A5: assertions; BKS-3, BKS-4, BKS-5: what shared memory knows of backend services. */
#include "base/sl_text.h"
#include "flow/sl_prove.h"
#include "flow/sl_system_memory.h"
#include "rule.h"
#include "vectors.h"

#include <apr_hash.h>
#include <apr_strings.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE ((apr_size_t)2 * 1024 * 1024)
#define KEYS "a AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
#define JTIS 500 /* of each process */
#define PROCESSES 4

static void *memory;

static sl_runtime_t runtime(apr_pool_t *p)
{
    sl_runtime_t rt = {0};
    sl_keyring_t *ring = NULL;

    memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED || sl_keyring_parse(&ring, sl_secret_str(p, KEYS), p, NULL) != SL_OK ||
        sl_shm_format(&rt.shm, memory, SIZE, p, NULL) != SL_OK) {
        abort();
    }
    rt.ring = ring;
    return rt;
}

static sl_ehr_t ehr_of(apr_pool_t *p)
{
    apr_array_header_t *keys = apr_array_make(p, 1, sizeof(const sl_signer_t *));
    sl_ehr_t ehr = {.name = "epic",
                    .issuer = "https://ehr.example/fhir",
                    .client_id = "my-id",
                    .auth = SL_CLIENT_KEY,
                    .system_scope = "system/*.rs",
                    .keys = keys};
    sl_signer_t *signer = NULL;

    if (sl_signer_parse(&signer, vector_file(p, "ES384.private.json"), NULL, SL_ALG_NONE, p,
                        NULL) != SL_OK) {
        abort();
    }
    APR_ARRAY_PUSH(keys, const sl_signer_t *) = signer;
    return ehr;
}

static const char *jti_of(const sl_secret_t *jwt, apr_pool_t *p)
{
    const char *claims = strchr(sl_secret_reveal(jwt), '.') + 1;
    apr_size_t len = 0;
    sl_json_t *json = NULL;
    const char *text = (const char *)sl_text_unbase64url(p, claims, strcspn(claims, "."), &len);

    return sl_json_parse(&json, text, len, p, NULL) == SL_OK ? sl_json_str(json, "jti") : NULL;
}

/* Children of httpd begin with the same memory. */
static void write_jtis(int to, const sl_ehr_t *ehr, apr_pool_t *p)
{
    const sl_prove_t prove = {"https://ehr.example/token", 0};

    for (int i = 0; i < JTIS; i++) {
        const sl_secret_t *jwt = NULL;
        const char *jti =
            sl_prove_client(&jwt, ehr, &prove, p, NULL) == SL_OK ? jti_of(jwt, p) : NULL;

        if (jti == NULL || strlen(jti) != 22 || write(to, jti, 22) != 22) {
            _exit(1);
        }
    }
    _exit(0);
}

static void test_jti(apr_pool_t *p)
{
    sl_ehr_t ehr = ehr_of(p);
    apr_hash_t *seen = apr_hash_make(p);
    int ends[2], failed = 0, status = 0;
    char jti[22];

    if (pipe(ends) != 0) {
        abort();
    }
    for (int i = 0; i < PROCESSES; i++) {
        if (fork() == 0) {
            write_jtis(ends[1], &ehr, p);
        }
    }
    (void)close(ends[1]);
    while (read(ends[0], jti, sizeof(jti)) == (ssize_t)sizeof(jti)) {
        apr_hash_set(seen, apr_pmemdup(p, jti, sizeof(jti)), sizeof(jti), "");
    }
    (void)close(ends[0]);
    for (int i = 0; i < PROCESSES; i++) {
        failed += wait(&status) < 0 || status != 0;
    }
    is_int(failed, 0, "TKR-A5 assertions in several processes");
    is_int(apr_hash_count(seen), JTIS * PROCESSES, "TKR-A3 no jti came twice");
}

static void test_no_key(apr_pool_t *p)
{
    const sl_prove_t prove = {"https://ehr.example/token", 0};
    sl_ehr_t ehr = ehr_of(p);
    const sl_secret_t *jwt = sl_secret_str(p, "x");
    sl_err_t err;

    ehr.auth = SL_CLIENT_BASIC;
    is_end(sl_prove_client(&jwt, &ehr, &prove, p, &err), &err, NULL, SL_OK,
           "TKR-A1 with a secret there is nothing to prove");
    ok(jwt == NULL, "TKR-A1 … and no assertion");
    ehr.auth = SL_CLIENT_KEY;
    ehr.keys = NULL;
    is_end(sl_prove_client(&jwt, &ehr, &prove, p, &err), &err, "SL4721", SL_FAILED,
           "REG-5 without a key there is no assertion");
}

static void put(const sl_system_memory_t *at, const char *access, apr_pool_t *p)
{
    apr_time_t now = apr_time_now();
    const sl_system_token_t token = {
        sl_secret_str(p, access), "system/*.r", now, now + apr_time_from_sec(60), 7, true};
    sl_err_t err;

    is_end(sl_system_memory_put(at, &token, p, &err), &err, NULL, SL_OK, "a token is kept");
}

static bool knows(const sl_runtime_t *rt, const sl_ehr_t *ehr, apr_pool_t *p)
{
    sl_system_memory_t at = sl_system_memory_of(rt, ehr, p);
    sl_system_token_t token;

    return sl_system_memory_get(&token, &at, p);
}

static void test_token(const sl_runtime_t *rt, apr_pool_t *p)
{
    static const char access[] = "token-that-nobody-may-read";
    sl_ehr_t ehr = ehr_of(p), other = ehr;
    sl_system_memory_t at = sl_system_memory_of(rt, &ehr, p);
    sl_system_token_t token;

    ok(!sl_system_memory_get(&token, &at, p), "BKS-3 at first there is none");
    put(&at, access, p);
    ok(sl_system_memory_get(&token, &at, p), "BKS-3 then there is one");
    is_str(sl_secret_reveal(token.access), access, "BKS-3 the same");
    ok(strcmp(token.scope, "system/*.r") == 0 && token.generation == 7 && token.by_refusal,
       "BKS-3 with all that belongs to it");
    ok(memmem(memory, SIZE, access, sizeof(access) - 1) == NULL,
       "BKS-5 shared memory has it sealed only");
    other.system_scope = "system/Patient.r";
    ok(!knows(rt, &other, p), "BKS-5 another scope is another token");
    other = ehr;
    other.client_id = "other-id";
    ok(!knows(rt, &other, p), "BKS-5 another client, too");
    other = ehr;
    other.name = "oracle";
    ok(!knows(rt, &other, p), "BKS-5 another EHR, too");
    other = ehr;
    other.issuer = "https://evil.example/fhir";
    ok(!knows(rt, &other, p), "BKS-5 the same name for another issuer, too");
    ok(knows(rt, &ehr, p), "BKS-3 and the first one is still there");
}

/* What one EHR was given cannot be read as another's, wherever it lies. */
static void test_moved(const sl_runtime_t *rt, apr_pool_t *p)
{
    sl_ehr_t ehr = ehr_of(p), other = ehr_of(p);
    sl_system_memory_t at = sl_system_memory_of(rt, &ehr, p), there;
    sl_shm_entry_t entry;
    sl_shm_put_t copy = {.now = apr_time_now(), .expires = apr_time_now() + 60000000};
    sl_err_t err;

    other.name = "oracle";
    there = sl_system_memory_of(rt, &other, p);
    ok(sl_shm_get(rt->shm, &at.token, apr_time_now(), &entry, p) == SL_OK, "BKS-5 an entry");
    copy.value = entry.value;
    is_end(sl_shm_put(rt->shm, &there.token, &copy, &err), &err, NULL, SL_OK, "BKS-5 moved");
    ok(!knows(rt, &other, p), "BKS-5 does not open for another EHR");
}

static int wait_after(const sl_system_memory_t *at, int retry_after, apr_pool_t *p)
{
    sl_err_t err;

    sl_err_set(&err, SL_UPSTREAM, "SL2136", "refused");
    err.retry_after = retry_after;
    sl_system_memory_failed(at, &err, p);
    return sl_system_memory_failure(at, p, &err) ? err.retry_after : 0;
}

static void test_trouble(const sl_runtime_t *rt, apr_pool_t *p)
{
    sl_ehr_t ehr = ehr_of(p);
    sl_system_memory_t at = sl_system_memory_of(rt, &ehr, p);
    int waits[9];
    sl_err_t err;

    ok(!sl_system_memory_failure(&at, p, &err), "BKS-4 at first there is no trouble");
    for (int i = 0; i < COUNT_OF(waits); i++) {
        waits[i] = wait_after(&at, 0, p);
    }
    for (int i = 0; i < 6; i++) {
        ok(waits[i] >= 1 << i && waits[i] <= (1 << i) * 5 / 4 + 1,
           "BKS-4 failure %d: a wait of about %d seconds", i + 1, 1 << i);
    }
    ok(waits[8] >= 60 && waits[8] <= 76, "BKS-4 never much longer than a minute");
    ok(sl_system_memory_failure(&at, p, &err), "BKS-4 everybody knows of it");
    is_int(err.rc, SL_UPSTREAM, "BKS-4 and how it failed");
    ok(wait_after(&at, 120, p) >= 120, "BKS-4 Retry-After counts where it is longer");
    ok(wait_after(&at, 1000000, p) <= 751, "BKS-4 but not for ever");
    put(&at, "t", p);
    ok(!sl_system_memory_failure(&at, p, &err), "BKS-4 a token is the end of it");
    is_int(wait_after(&at, 0, p) <= 2, 1, "BKS-4 and the next failure is a first one");
}

static void test_lease(const sl_runtime_t *rt, apr_pool_t *p)
{
    sl_ehr_t ehr = ehr_of(p), other = ehr;
    sl_system_memory_t at = sl_system_memory_of(rt, &ehr, p), there;

    other.name = "oracle";
    there = sl_system_memory_of(rt, &other, p);
    ok(sl_system_memory_elect(&at, apr_time_from_sec(10)), "BKS-3 one is elected");
    ok(!sl_system_memory_elect(&at, apr_time_from_sec(10)), "BKS-3 and nobody else");
    ok(sl_system_memory_elect(&there, apr_time_from_sec(10)), "BKS-3 for each EHR one");
    sl_system_memory_release(&at);
    ok(sl_system_memory_elect(&at, 1), "BKS-3 until it is done");
    apr_sleep(1000);
    ok(sl_system_memory_elect(&at, 1), "BKS-3 or was killed");
}

int main(void)
{
    apr_pool_t *p = rule_pool();
    const sl_runtime_t rt = runtime(p);

    test_jti(p);
    test_no_key(p);
    test_token(&rt, p);
    test_moved(&rt, p);
    test_trouble(&rt, p);
    test_lease(&rt, p);
    rule_release(p);
    return tap_done();
}
