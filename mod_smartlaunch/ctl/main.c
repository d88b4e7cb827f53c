/* SPDX-License-Identifier: Apache-2.0 */
/* smartlaunchctl: the administrator's tool. */
#include "ctl/sl_ctl.h"

#include <apr_general.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "usage: smartlaunchctl [-f HTTPD_CONF | --db CONNINFO] [--json] VERB\n"
    "\n"
    "  schema install      make the tables (as the owner of the database, with --db)\n"
    "  schema upgrade      bring the tables to this version (the same)\n"
    "  schema status       say which version is there\n"
    "  keyring new         print a new line for the key ring\n"
    "  trace REFERENCE     tell the steps of a launch by the reference id the user saw\n"
    "\n"
    "  -f HTTPD_CONF       configuration to take SmartDatabase from; httpd's own without it\n"
    "      --db CONNINFO   PostgreSQL connection string\n"
    "      --sql DIR       where the migrations are, " SL_SQLDIR "\n"
    "      --json          print JSON\n"
    "      --version, --help\n";

static const struct {
    const char *name;
    sl_ctl_verb_t *run;
} VERBS[] = {{"schema", sl_ctl_schema}, {"keyring", sl_ctl_keyring}, {"trace", sl_ctl_trace}};

int sl_ctl_fail(const sl_err_t *err)
{
    (void)fprintf(stderr, "smartlaunchctl: %s (%s)\n", err->text, err->id);
    return SL_CTL_FAILED;
}

int sl_ctl_usage(void)
{
    (void)fputs(USAGE, stderr);
    return SL_CTL_USAGE;
}

static int run_verb(sl_ctl_t *ctl, const char *verb)
{
    for (size_t i = 0; i < sizeof(VERBS) / sizeof(VERBS[0]); i++) {
        if (strcmp(VERBS[i].name, verb) == 0) {
            return VERBS[i].run(ctl);
        }
    }
    return sl_ctl_usage();
}

/** @return -1 to go on, else how to end */
static int parse(sl_ctl_t *ctl, int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"db", required_argument, NULL, 'd'}, {"sql", required_argument, NULL, 's'},
        {"json", no_argument, NULL, 'j'},     {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},  {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "f:h", OPTIONS, NULL)) != -1) {
        switch (c) {
        case 'f':
            ctl->httpd_conf = optarg;
            break;
        case 'd':
            ctl->db = optarg;
            break;
        case 's':
            ctl->sql = optarg;
            break;
        case 'j':
            ctl->json = true;
            break;
        case 'h':
            (void)fputs(USAGE, stdout);
            return SL_CTL_OK;
        case 'v':
            (void)puts("smartlaunchctl " SL_VERSION);
            return SL_CTL_OK;
        default:
            return sl_ctl_usage();
        }
    }
    return optind < argc && (ctl->db == NULL || ctl->httpd_conf == NULL) ? -1 : sl_ctl_usage();
}

int main(int argc, char **argv)
{
    const char *from_env = getenv("SL_SQLDIR");
    sl_ctl_t ctl = {.sql = from_env != NULL ? from_env : SL_SQLDIR};
    int status = parse(&ctl, argc, argv);

    if (status >= 0) {
        return status;
    }
    if (apr_initialize() != APR_SUCCESS || apr_pool_create(&ctl.p, NULL) != APR_SUCCESS) {
        (void)fputs("smartlaunchctl: out of memory\n", stderr);
        return SL_CTL_FAILED;
    }
    ctl.args = (const char *const *)argv + optind + 1;
    status = run_verb(&ctl, argv[optind]);
    apr_pool_destroy(ctl.p);
    apr_terminate();
    return fflush(stdout) == 0 ? status : SL_CTL_FAILED;
}
