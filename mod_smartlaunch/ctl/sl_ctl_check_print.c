/* SPDX-License-Identifier: Apache-2.0 */
#include "ctl/sl_ctl_check.h"

#include <stdio.h>
#include <string.h>

#define WIDTH 80  /* of a terminal nobody has widened */
#define INDENT 23 /* verdict and name */

/** A text from the current column on, broken between words; what has no blank stays whole. */
static void print_wrapped(const char *text)
{
    size_t column = INDENT;

    while (*text != '\0') {
        size_t len = strcspn(text, " ");

        if (column > INDENT && column + 1 + len > WIDTH) {
            (void)printf("\n%*s", INDENT, "");
            column = INDENT;
        } else if (column > INDENT) {
            (void)putchar(' ');
            column++;
        }
        (void)printf("%.*s", (int)len, text);
        column += len;
        text += len;
        text += strspn(text, " ");
    }
    (void)putchar('\n');
}

static void print_finding(const sl_finding_t *finding)
{
    (void)printf("  %-5s  %-13s ", sl_finding_word(finding->verdict), finding->what);
    print_wrapped(finding->found);
    if (finding->todo != NULL) {
        (void)printf("%*s", INDENT - 3, "");
        (void)fputs("-> ", stdout);
        print_wrapped(finding->todo);
    }
}

static void print_table(const sl_findings_t *findings)
{
    const char *ehr = "";
    int counts[3] = {0, 0, 0};

    for (int i = 0; i < findings->list->nelts; i++) {
        const sl_finding_t *one = &APR_ARRAY_IDX(findings->list, i, sl_finding_t);
        const char *head = one->ehr != NULL ? one->ehr : "this host";

        if (strcmp(head, ehr) != 0) {
            (void)printf("%s%s%s\n", i > 0 ? "\n" : "", one->ehr != NULL ? "EHR " : "", head);
            ehr = head;
        }
        counts[one->verdict]++;
        print_finding(one);
    }
    (void)printf("\n%d right, %d to look at, %d WRONG\n", counts[SL_FINDING_OK],
                 counts[SL_FINDING_WARN], counts[SL_FINDING_WRONG]);
}

static void print_json(const sl_findings_t *findings, apr_pool_t *p)
{
    static const char *const words[] = {"ok", "warn", "wrong"};
    sl_json_t *out = sl_json_object(p);
    sl_json_t *list = sl_json_array(p);
    bool ok = true;

    for (int i = 0; i < findings->list->nelts; i++) {
        const sl_finding_t *one = &APR_ARRAY_IDX(findings->list, i, sl_finding_t);
        sl_json_t *object = sl_json_object(p);

        ok = ok && one->verdict != SL_FINDING_WRONG;
        sl_json_put_str(object, "ehr", one->ehr);
        sl_json_put_str(object, "what", one->what);
        sl_json_put_str(object, "verdict", words[one->verdict]);
        sl_json_put_str(object, "found", one->found);
        sl_json_put_str(object, "todo", one->todo);
        sl_json_push(list, object);
    }
    sl_json_put_bool(out, "ok", ok);
    sl_json_put(out, "findings", list);
    (void)puts(sl_json_text(p, out));
}

void sl_ctl_check_print(const sl_findings_t *findings, const sl_ctl_t *ctl)
{
    if (ctl->json) {
        print_json(findings, ctl->p);
    } else {
        print_table(findings);
    }
}
