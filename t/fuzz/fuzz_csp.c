/* SPDX-License-Identifier: Apache-2.0 */
#include "fuzz.h"
#include "smart/sl_csp.h"
#include <strings.h>

#define ANCESTORS "'self' https://ehr.example"

/* Every policy says who may frame it, once, in our words. */
static void check_policies(const char *csp, const char *input)
{
    char *copy = strdup(csp), *policies, *policy;

    for (policy = strtok_r(copy, ",", &policies); policy != NULL;
         policy = strtok_r(NULL, ",", &policies)) {
        char *directives, *directive;
        int ours = 0;

        for (directive = strtok_r(policy, ";", &directives); directive != NULL;
             directive = strtok_r(NULL, ";", &directives)) {
            directive += strspn(directive, " \t\r\n\f");
            if (strncasecmp(directive, "frame-ancestors", 15) == 0 &&
                (directive[15] == '\0' || strchr(" \t\r\n\f", directive[15]) != NULL)) {
                ours++;
                fuzz_must(strcmp(directive, "frame-ancestors " ANCESTORS) == 0, "our words", input);
            }
        }
        fuzz_must(ours == 1, "once in every policy", input);
    }
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    apr_pool_t *p = fuzz_pool();
    char *text = fuzz_text(data, size);
    const char *got = sl_csp_reframe(p, text, ANCESTORS);

    check_policies(got, text);
    fuzz_must(strcmp(sl_csp_reframe(p, got, ANCESTORS), got) == 0, "again changes nothing", text);
    free(text);
    apr_pool_destroy(p);
    return 0;
}
