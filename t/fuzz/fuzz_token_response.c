/* SPDX-License-Identifier: Apache-2.0 */
/* The body of a token endpoint's answer, the context in it, and the user's name. */
#include "base/sl_text.h"
#include "fuzz.h"
#include "smart/sl_context.h"
#include "smart/sl_identity.h"
#include "smart/sl_token_response.h"

static void check_context(const sl_json_t *json, const sl_quirks_t *quirks, apr_pool_t *p)
{
    const sl_context_input_t input = {json, quirks, NULL};
    sl_context_t got;
    const char *values[4];

    if (sl_context_parse(&got, &input, p, NULL) != SL_OK) {
        return;
    }
    PROMISE(got.patient == NULL || sl_context_is_fhir_id(got.patient));
    PROMISE(got.encounter == NULL || sl_context_is_fhir_id(got.encounter));
    values[0] = got.intent;
    values[1] = got.style_url;
    values[2] = got.tenant;
    values[3] = got.fhir_context;
    for (int i = 0; i < 4; i++) {
        PROMISE(values[i] == NULL || sl_text_is_header_safe(values[i], SL_CONTEXT_MAX));
    }
}

static void check_identity(const sl_json_t *json, apr_pool_t *p)
{
    sl_identity_source_t source = {SL_SOURCE_TOKEN, "user", "token:user"};
    const sl_identity_facts_t facts = {NULL, json, NULL};
    apr_array_header_t *sources = apr_array_make(p, 1, sizeof(source));
    sl_identity_t got;

    APR_ARRAY_PUSH(sources, sl_identity_source_t) = source;
    if (sl_identity_find(&got, sources, &facts, p, NULL) == SL_OK) {
        PROMISE(sl_text_is_header_safe(got.user, SL_IDENTITY_MAX) && got.user[0] != ' ');
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    bool is_lenient = size > 0 && data[size - 1] == '\n';
    const sl_switch_t lenient = is_lenient ? SL_SWITCH_ON : SL_SWITCH_OFF;
    const sl_ehr_t ehr = {.name = "epic", .quirks = {lenient, lenient, lenient}};
    const sl_token_answer_t answer = {200, (const char *)data, size, 1700000000000000, NULL};
    sl_token_response_t got;

    (void)sl_token_response_error((const char *)data, size, p);
    if (sl_token_response_parse(&got, &ehr, &answer, p, NULL) == SL_OK) {
        PROMISE(sl_text_is_header_safe(sl_secret_reveal(got.access), 65536));
        PROMISE(got.expires_in >= 1 && got.expires_in <= SL_TOKEN_LIFE_MAX);
        PROMISE(got.scope == NULL || got.scope[0] == '\0' ||
                sl_text_is_header_safe(got.scope, 65536));
        PROMISE(sl_json_get(got.json, "access_token") == NULL);
        PROMISE(sl_json_get(got.json, "refresh_token") == NULL);
        PROMISE(sl_json_get(got.json, "id_token") == NULL);
        check_context(got.json, &ehr.quirks, p);
        check_identity(got.json, p);
    }
    apr_pool_destroy(p);
    return 0;
}
