/* SPDX-License-Identifier: Apache-2.0 */
#include "rule.h"
#include "smart/sl_header_name.h"

static const struct {
    const char *name;
    bool ours;
} names[] = {
    {"Smart-Patient", true},   {"smart-patient", true},   {"SMART-PATIENT", true},
    {"smart_patient", true},   {"SMART_PATIENT", true},   {"Smart.Patient", true},
    {"Smart Patient", true},   {"Smart~Patient", true},   {"sMaRt!x", true},
    {"Smart--Patient", true},  {"Smart-", true},          {"Smart\xe9X", true},
    {"Smart", false},          {"Smarty-Patient", false}, {"X-Smart-Patient", false},
    {"-Smart-Patient", false}, {"Smart1", false},         {"", false},
    {"SmartPatient", false},   {"Host", false},
};

static const char *const user_headers[] = {"X-Remote-User", "REMOTE_USER", NULL};

static const struct {
    const char *name, *value, *want;
} connections[] = {
    {"nothing of ours", "keep-alive, Upgrade", "keep-alive, Upgrade"},
    {"ours alone", "Smart-Patient", NULL},
    {"ours among others", "close, Smart-Patient, Upgrade", "close, Upgrade"},
    {"ours in another spelling", "close,smart_session", "close"},
    {"ours behind a blank, as mod_proxy parts", "close Smart-Patient", "close"},
    {"ours behind a semicolon", "close;Smart-Patient", "close"},
    {"ours behind a tab", "close\tSmart-Patient", "close"},
    {"the user header", "X-Remote-User, close", "close"},
    {"the user header in another spelling", "x_remote.user", NULL},
    {"ours twice", "Smart-A, Smart-B", NULL},
    {"commas only", ",,", ",,"},
    {"empty", "", ""},
    {"many short words", "a;b;c;Smart-X;d", "a, b, c, d"},
};

int main(void)
{
    apr_pool_t *p = rule_pool();
    size_t i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        ok(sl_header_is_ours(names[i].name) == names[i].ours, "SEC-3 is ours: '%s'", names[i].name);
    }
    ok(!sl_header_is_ours(NULL), "SEC-3 is ours: no name");
    ok(sl_header_same_cgi("X-Remote-User", "x_remote.USER"), "SEC-3 the same to CGI");
    ok(!sl_header_same_cgi("X-Remote-User", "X-Remote-Use"), "SEC-3 a shorter one");
    ok(!sl_header_same_cgi("X-Remote-Use", "X-Remote-User"), "SEC-3 a longer one");
    ok(!sl_header_same_cgi(NULL, "X") && !sl_header_same_cgi("X", NULL), "SEC-3 none is like none");
    ok(sl_header_is_listed("remote-user", user_headers), "SEC-3 listed in another spelling");
    ok(!sl_header_is_listed("remote-use", user_headers), "SEC-3 not listed");
    ok(!sl_header_is_listed("x", NULL), "SEC-3 no list");
    for (i = 0; i < sizeof(connections) / sizeof(connections[0]); i++) {
        const char *value = connections[i].value;
        const char *got = sl_header_clean_connection(p, value, user_headers);

        is_str(got, connections[i].want, connections[i].name);
        ok(got == value || got == NULL || strcmp(got, value) != 0, "%s: nothing copied for nothing",
           connections[i].name);
    }
    ok(sl_header_clean_connection(p, NULL, user_headers) == NULL, "no Connection header");
    is_str(sl_header_clean_connection(p, "X-Remote-User, Smart-A", NULL), "X-Remote-User",
           "no other names");
    rule_release(p);
    return tap_done();
}
