/* SPDX-License-Identifier: Apache-2.0 */
/* The query or body of a launch or callback, as any browser may send it. */
#include "base/sl_text.h"
#include "fuzz.h"
#include "smart/sl_redirect.h"

static void check_redirect(const sl_redirect_t *got)
{
    switch (got->kind) {
    case SL_REDIRECT_LAUNCH:
        PROMISE(got->iss != NULL && got->iss[0] != '\0' && got->launch != NULL);
        PROMISE(got->code == NULL && got->error == NULL);
        PROMISE(strlen(got->launch) <= SL_REDIRECT_MAX_LAUNCH);
        break;
    case SL_REDIRECT_CODE:
        PROMISE(sl_secret_len(got->code) > 0 && got->state != NULL && got->error == NULL);
        PROMISE(sl_secret_len(got->code) <= SL_REDIRECT_MAX_CODE);
        break;
    case SL_REDIRECT_ERROR:
        PROMISE(got->code == NULL && got->error != NULL);
        PROMISE(strcmp(got->error, "other") == 0 ||
                strcmp(got->error, sl_redirect_error_code(got->error)) == 0);
        PROMISE(got->description == NULL ||
                (strlen(got->description) <= 200 &&
                 sl_text_is_utf8(got->description, strlen(got->description)) &&
                 strpbrk(got->description, "\r\n\t") == NULL));
        break;
    }
    PROMISE(got->state == NULL || strlen(got->state) <= SL_REDIRECT_MAX_STATE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    sl_params_t *params;
    sl_redirect_t got;

    if (sl_params_parse(&params, (const char *)data, size, p, NULL) == SL_OK) {
        PROMISE(params->pairs->nelts <= SL_PARAMS_MAX_PAIRS);
        for (int i = 0; i < params->pairs->nelts; i++) {
            const sl_param_t *param = &APR_ARRAY_IDX(params->pairs, i, sl_param_t);

            PROMISE(sl_text_is_utf8(param->name, strlen(param->name)));
            PROMISE(sl_text_is_utf8(param->value, strlen(param->value)));
            PROMISE((sl_params_one(params, param->name) != NULL) ==
                    (sl_params_count(params, param->name) == 1));
        }
        if (sl_redirect_classify(&got, params, p, NULL) == SL_OK) {
            check_redirect(&got);
        }
    }
    apr_pool_destroy(p);
    return 0;
}
