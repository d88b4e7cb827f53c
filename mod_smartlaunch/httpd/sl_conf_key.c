/* SPDX-License-Identifier: Apache-2.0 */
/* SmartClientKey. */
#include "base/sl_file.h"
#include "base/sl_text.h"
#include "httpd/sl_conf_check.h"
#include "httpd/sl_directives.h"

#include <apr_strings.h>
#include <string.h>

#define KEYS_MAX 2 /* the one that signs, and its predecessor or successor */
#define KID_MAX 128

static const char *key_option(cmd_parms *cmd, sl_key_source_t *source, const char *word)
{
    const char *value;

    if ((value = sl_directive_option(word, "kid")) != NULL &&
        sl_text_is_header_safe(value, KID_MAX)) {
        source->kid = value;
        return NULL;
    }
    if ((value = sl_directive_option(word, "alg")) != NULL) {
        source->alg = sl_alg_of(value);
        if (source->alg == SL_ALG_RS384 || source->alg == SL_ALG_ES384) {
            return NULL;
        }
    }
    return apr_psprintf(cmd->pool,
                        "SmartClientKey: \"%s\" is not understood; write kid=NAME, alg=RS384 or "
                        "alg=ES384",
                        word);
}

const char *sl_ehr_client_key(cmd_parms *cmd, void *dir, int argc, char *const argv[])
{
    const char *wrong = NULL;
    sl_ehr_conf_t *conf = sl_directive_ehr(cmd, &wrong);
    sl_key_source_t source = {NULL, NULL, SL_ALG_NONE};

    (void)dir;
    if (conf == NULL) {
        return wrong;
    }
    if (argc == 0 || argv[0][0] == '\0') {
        return apr_psprintf(cmd->pool,
                            "SmartClientKey in <SmartEHR %s> needs the path of a private key",
                            conf->ehr.name);
    }
    source.path = ap_server_root_relative(cmd->pool, argv[0]);
    for (int i = 1; i < argc && wrong == NULL; i++) {
        wrong = key_option(cmd, &source, argv[i]);
    }
    if (conf->key_sources == NULL) {
        conf->key_sources = apr_array_make(cmd->pool, KEYS_MAX, sizeof(sl_key_source_t));
    }
    if (wrong == NULL && conf->key_sources->nelts == KEYS_MAX) {
        wrong = apr_psprintf(cmd->pool,
                             "<SmartEHR %s> has more than two SmartClientKey; write the one that "
                             "signs first, and beside it the one before or after it",
                             conf->ehr.name);
    }
    APR_ARRAY_PUSH(conf->key_sources, sl_key_source_t) = source;
    return wrong;
}

static const char *read_key(const sl_signer_t **out, const sl_ehr_conf_t *conf,
                            const sl_key_source_t *source, apr_pool_t *p)
{
    sl_secret_t *text = NULL;
    sl_signer_t *signer = NULL;
    sl_err_t err;

    if (sl_file_secret(&text, source->path, p, &err) != SL_OK) {
        return apr_psprintf(p,
                            "SmartClientKey in <SmartEHR %s>: %s; write the path of a private key "
                            "that only its owner may read",
                            conf->ehr.name, err.text);
    }
    if (sl_signer_parse(&signer, text, source->kid, source->alg, p, &err) != SL_OK) {
        return apr_psprintf(p,
                            "SmartClientKey in <SmartEHR %s>: %s will not do: %s; make one with "
                            "\"smartlaunchctl jwks new\"",
                            conf->ehr.name, source->path, err.text);
    }
    *out = signer;
    return NULL;
}

const char *sl_conf_check_keys(sl_ehr_conf_t *conf, apr_pool_t *p)
{
    apr_array_header_t *keys;

    if (conf->key_sources == NULL) {
        return NULL;
    }
    keys = apr_array_make(p, KEYS_MAX, sizeof(const sl_signer_t *));
    for (int i = 0; i < conf->key_sources->nelts; i++) {
        const char *wrong = read_key(apr_array_push(keys), conf,
                                     &APR_ARRAY_IDX(conf->key_sources, i, sl_key_source_t), p);

        if (wrong != NULL) {
            return wrong;
        }
    }
    conf->ehr.keys = keys;
    return NULL;
}

/** One key may serve several EHRs; two keys of one name would be told apart by nobody. */
static bool is_clash(const sl_signer_t *a, const sl_signer_t *b)
{
    return strcmp(sl_signer_kid(a), sl_signer_kid(b)) == 0 &&
           strcmp(sl_signer_public(a), sl_signer_public(b)) != 0;
}

static const char *check_ehr_names(apr_array_header_t *known, const sl_ehr_t *ehr, apr_pool_t *p)
{
    for (int i = 0; ehr->keys != NULL && i < ehr->keys->nelts; i++) {
        const sl_signer_t *key = APR_ARRAY_IDX(ehr->keys, i, const sl_signer_t *);

        for (int k = 0; k < known->nelts; k++) {
            if (is_clash(key, APR_ARRAY_IDX(known, k, const sl_signer_t *))) {
                return apr_psprintf(p,
                                    "SmartClientKey in <SmartEHR %s>: another key is called %s, "
                                    "too; write kid=NAME with a name of its own",
                                    ehr->name, sl_signer_kid(key));
            }
        }
        APR_ARRAY_PUSH(known, const sl_signer_t *) = key;
    }
    return NULL;
}

const char *sl_conf_check_key_names(const sl_main_t *main, apr_pool_t *p)
{
    apr_array_header_t *known = apr_array_make(p, 4, sizeof(const sl_signer_t *));
    const char *wrong = NULL;

    for (int i = 0; i < main->ehrs->nelts && wrong == NULL; i++) {
        wrong = check_ehr_names(known, &APR_ARRAY_IDX(main->ehrs, i, sl_ehr_conf_t *)->ehr, p);
    }
    return wrong;
}
