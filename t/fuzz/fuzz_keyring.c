/* SPDX-License-Identifier: Apache-2.0 */
/* The key ring file, sealed values and ids: whatever parses also works, and nothing else opens. */
#include "base/sl_keyring.h"
#include "fuzz.h"

static const char *const aad[] = {"token", "access_sealed", "1", NULL};

/* A ring that parsed seals and opens, and knows its own ids. */
static void use(const sl_keyring_t *ring, apr_pool_t *p)
{
    sl_sealed_t sealed = {sl_keyring_active(ring), aad, {NULL, 0}};
    sl_secret_t *value = sl_secret_str(p, "value"), *got;
    const char *id;

    PROMISE(sl_keyring_has(ring, sl_keyring_active(ring)));
    PROMISE(sl_keyring_seal(&sealed.sealed, ring, aad, value, p, NULL) == SL_OK);
    PROMISE(sl_keyring_open(&got, ring, &sealed, p, NULL) == SL_OK && sl_secret_eq(got, value));
    PROMISE(sl_id_new(&id, ring, SL_ID_STATE, p, NULL) == SL_OK);
    PROMISE(sl_id_is_ours(ring, SL_ID_STATE, id) && !sl_id_is_ours(ring, SL_ID_FORM, id));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char good[] = "k AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    sl_sealed_t sealed = {"k", aad, {data, size}};
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size);
    sl_keyring_t *ring;
    sl_secret_t *got;

    if (sl_keyring_parse(&ring, sl_secret_new(p, data, size), p, NULL) == SL_OK) {
        use(ring, p);
    }
    PROMISE(sl_keyring_parse(&ring, sl_secret_str(p, good), p, NULL) == SL_OK);
    PROMISE(sl_keyring_open(&got, ring, &sealed, p, NULL) == SL_DENIED);
    PROMISE(!sl_id_is_ours(ring, SL_ID_HANDLE, text));
    free(text);
    apr_pool_destroy(p);
    return 0;
}
