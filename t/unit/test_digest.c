/* SPDX-License-Identifier: Apache-2.0 */
/* Digests against the vectors of FIPS 180-4, RFC 4231 and RFC 5869. */
#include "base/sl_digest.h"
#include "base/sl_siphash.h"
#include "base/sl_text.h"
#include "tap.h"

#include <apr_general.h>
#include <sys/wait.h>
#include <unistd.h>

static void sha256(apr_pool_t *p)
{
    unsigned char out[SL_SHA256_LEN];

    sl_digest_sha256("abc", 3, out);
    is_str(sl_text_hex(p, out, sizeof(out)),
           "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", "SHA-256 of abc");
    sl_digest_sha256("", 0, out);
    is_str(sl_text_hex(p, out, sizeof(out)),
           "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
           "SHA-256 of nothing");
}

/* The vectors of the reference implementation: key 00…0f, text 00, 01, … */
static void siphash(void)
{
    static const struct {
        apr_size_t len;
        uint64_t value;
    } rows[] = {{0, 0x726fdb47dd0e0e31ULL},  {1, 0x74f839c593dc67fdULL},
                {7, 0xab0200f58b01d137ULL},  {8, 0x93f5f5799a932462ULL},
                {15, 0xa129ca6149be45e5ULL}, {16, 0x3f2acc7f57c29bdbULL},
                {63, 0x958a324ceb064572ULL}};
    unsigned char bytes[64];

    for (size_t i = 0; i < sizeof(bytes); i++) {
        bytes[i] = (unsigned char)i;
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        ok(sl_siphash(bytes, bytes, rows[i].len) == rows[i].value, "SipHash-2-4 of %d bytes",
           (int)rows[i].len);
    }
}

typedef struct {
    const char *name;
    unsigned char key_byte;
    apr_size_t key_len;
    const char *key, *text, *mac;
} hmac_row_t;

static const hmac_row_t hmac_rows[] = {
    {"RFC 4231 case 1", 0x0b, 20, NULL, "Hi There",
     "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
    {"RFC 4231 case 2", 0, 4, "Jefe", "what do ya want for nothing?",
     "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    {"RFC 4231 case 6, a key longer than a block", 0xaa, 131, NULL,
     "Test Using Larger Than Block-Size Key - Hash Key First",
     "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"},
};

static void hmac(apr_pool_t *p)
{
    for (size_t i = 0; i < sizeof(hmac_rows) / sizeof(*hmac_rows); i++) {
        const hmac_row_t *row = &hmac_rows[i];
        unsigned char key[131], out[SL_SHA256_LEN];

        memset(key, row->key_byte, sizeof(key));
        if (row->key != NULL) {
            memcpy(key, row->key, row->key_len);
        }
        sl_digest_hmac(key, row->key_len, row->text, strlen(row->text), out);
        is_str(sl_text_hex(p, out, sizeof(out)), row->mac, row->name);
    }
}

static void hkdf(apr_pool_t *p)
{
    unsigned char key[22], out[SL_SHA256_LEN];
    char label[300];

    memset(key, 0x0b, sizeof(key));
    is_int(sl_digest_hkdf(key, sizeof(key), "", out, NULL), SL_OK, "HKDF");
    is_str(sl_text_hex(p, out, sizeof(out)),
           "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d",
           "RFC 5869 case 3, its first 32 bytes");
    memset(label, 'x', sizeof(label));
    label[sizeof(label) - 1] = '\0';
    is_int(sl_digest_hkdf(key, sizeof(key), label, out, NULL), SL_INVALID, "label too long");
}

/* Parent and child must not draw the same bytes. */
static void random_bytes(void)
{
    unsigned char mine[16] = {0}, other[16] = {0}, childs[16] = {0};
    int ends[2];
    pid_t child;

    is_int(sl_digest_random(mine, sizeof(mine), NULL), SL_OK, "random bytes");
    if (pipe(ends) != 0 || (child = fork()) < 0) {
        ok(false, "cannot fork");
        return;
    }
    if (child == 0) {
        ssize_t n = sl_digest_random(other, sizeof(other), NULL) == SL_OK
                        ? write(ends[1], other, sizeof(other))
                        : -1;
        _exit(n == (ssize_t)sizeof(other) ? 0 : 1);
    }
    is_int(sl_digest_random(other, sizeof(other), NULL), SL_OK, "and again");
    is_int(read(ends[0], childs, sizeof(childs)), sizeof(childs), "and in a child");
    (void)waitpid(child, NULL, 0);
    ok(memcmp(mine, other, 16) != 0, "the second draw differs from the first");
    ok(memcmp(childs, other, 16) != 0, "the child's differs from the parent's");
}

int main(void)
{
    apr_pool_t *p;

    apr_initialize();
    apr_pool_create(&p, NULL);
    sha256(p);
    siphash();
    hmac(p);
    hkdf(p);
    random_bytes();
    apr_terminate();
    return tap_done();
}
