/* SPDX-License-Identifier: Apache-2.0 */
/* smartlaunchctl: the administrator's tool. */
#include "ctl/sl_ctl.h"

#include <apr_general.h>
#include <ctype.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char USAGE[] =
    "usage: smartlaunchctl [-f HTTPD_CONF | --db CONNINFO [--keyring PATH]] VERB …\n"
    "\n"
    "  check [EHR]                try everything the configuration needs, EHRs and all\n"
    "  trace REFERENCE            tell the story of a launch by the reference id the user saw\n"
    "\n"
    "  link list                  who is who: links of EHR users and app users\n"
    "  link revoke LINK           end a link with its launches and tokens; or by --app --ehr\n"
    "                             --ehr-user\n"
    "  launch list                launches that are not over\n"
    "  launch end LAUNCH          end a launch, and wipe its tokens\n"
    "  token list                 tokens, without the tokens\n"
    "  token check LAUNCH         ask its EHR about the token of a launch (introspection)\n"
    "  token renew LAUNCH         renew the token of a launch at the EHR, now\n"
    "  token revoke LAUNCH        wipe the tokens of a launch\n"
    "\n"
    "  cdp projects               projects of the Clinical Data Pull, and how they stand\n"
    "  cdp grant PROJECT USER setup|adjudicate   let an app user do that; or cdp revoke\n"
    "  cdp mapping import PROJECT FILE   take a mapping, JSON or CSV; - for standard input\n"
    "  cdp mapping export PROJECT        print it as JSON, or with --csv\n"
    "  cdp refetch PROJECT [RECORD]      fetch it, or all of them, as soon as may be\n"
    "  cdp status [PROJECT]       what is due, under way, waiting, refused, unreadable\n"
    "\n"
    "  keyring new                print a new line for the key ring\n"
    "  keyring add                put a new key on top of the key ring (--last: at its end)\n"
    "  keyring first KEY          move this key to the top of the key ring\n"
    "  keyring rotate             seal everything anew under the first key, while httpd serves\n"
    "  keyring status             which keys of the ring are needed, and until when\n"
    "  jwks new FILE              make a private key for SmartClientKey, and print the public one\n"
    "\n"
    "  schema install             make the tables (as the owner of the database, with --db)\n"
    "  schema upgrade             bring the tables to this version (the same)\n"
    "  schema status              say which version is there\n"
    "\n"
    "  -f HTTPD_CONF              configuration of httpd; its own without it\n"
    "      --db CONNINFO          PostgreSQL connection string, in place of SmartDatabase\n"
    "      --keyring PATH         in place of SmartKeyring\n"
    "      --state-dir PATH       in place of SmartStateDir\n"
    "      --app, --ehr, --user, --ehr-user NAME   only those of this name\n"
    "      --all                  lists: what is over, too\n"
    "      --limit N              lists: at most N rows, 200\n"
    "      --patients             lists: name patients\n"
    "      --reason TEXT          revoke, end: why; it is kept\n"
    "      --alg RS384|ES384      jwks new: RSA with 3072 bits, or EC P-384; RS384\n"
    "      --kid NAME             jwks new: the key's name, in place of its thumbprint\n"
    "      --jwk                  jwks new: write a JWK, not PEM\n"
    "      --csv                  cdp mapping export: print CSV\n"
    "      --unchecked            cdp mapping import: do not ask the app for its fields\n"
    "      --sql DIR              where the migrations are, " SL_SQLDIR "\n"
    "      --json                 print JSON\n"
    "      --version, --help\n";

static const struct {
    const char *name;
    sl_ctl_verb_t *run;
} VERBS[] = {
    {"cdp", sl_ctl_cdp},         {"check", sl_ctl_check},   {"jwks", sl_ctl_jwks},
    {"keyring", sl_ctl_keyring}, {"launch", sl_ctl_launch}, {"link", sl_ctl_link},
    {"schema", sl_ctl_schema},   {"token", sl_ctl_token},   {"trace", sl_ctl_trace},
};

int sl_ctl_fail(const sl_err_t *err)
{
    (void)fprintf(stderr, "smartlaunchctl: %s (%s)\n", err->text, err->id);
    if (strstr(err->text, "permission denied") != NULL) {
        (void)fputs("smartlaunchctl: this is for a member of smartlaunch_dba, or the owner of the "
                    "tables: say with --db how to connect as one\n",
                    stderr);
    }
    return SL_CTL_FAILED;
}

int sl_ctl_missing(const sl_err_t *err)
{
    int status = sl_ctl_fail(err);

    return err->rc == SL_NONE ? SL_CTL_NOT_THERE : status;
}

int sl_ctl_usage(void)
{
    (void)fputs(USAGE, stderr);
    return SL_CTL_USAGE;
}

bool sl_ctl_is(const sl_ctl_t *ctl, const char *word)
{
    return ctl->args[0] != NULL && strcmp(ctl->args[0], word) == 0 && ctl->args[1] == NULL;
}

const char *sl_ctl_id(const sl_ctl_t *ctl)
{
    const char *id = ctl->args[0] != NULL ? ctl->args[1] : NULL;

    if (id == NULL || ctl->args[2] != NULL || strlen(id) != 36) {
        return NULL;
    }
    for (int i = 0; i < 36; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        if (is_dash ? id[i] != '-' : !isxdigit((unsigned char)id[i])) {
            return NULL;
        }
    }
    return id;
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

/** Options that are a text, and where it goes. */
typedef struct {
    int letter;
    const char **to;
} text_option_t;

static bool take_text(sl_ctl_t *ctl, int letter, const char *value)
{
    const text_option_t texts[] = {
        {'f', &ctl->httpd_conf}, {'d', &ctl->db},  {'s', &ctl->sql},    {'k', &ctl->keyring},
        {'S', &ctl->state_dir},  {'a', &ctl->app}, {'e', &ctl->ehr},    {'u', &ctl->user},
        {'U', &ctl->ehr_user},   {'A', &ctl->alg}, {'r', &ctl->reason}, {'K', &ctl->kid},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].letter == letter) {
            *texts[i].to = value;
            return true;
        }
    }
    return false;
}

static bool take_limit(sl_ctl_t *ctl, const char *value)
{
    char *end;
    long n = strtol(value, &end, 10);

    ctl->limit = (int)n;
    return *end == '\0' && n >= 1 && n <= 1000000;
}

static bool take(sl_ctl_t *ctl, int letter, const char *value)
{
    switch (letter) {
    case 'j':
        return ctl->json = true;
    case 'x':
        return ctl->all = true;
    case 'p':
        return ctl->patients = true;
    case 'l':
        return ctl->last = true;
    case 'J':
        return ctl->jwk = true;
    case 'c':
        return ctl->csv = true;
    case 'N':
        return ctl->unchecked = true;
    case 'n':
        return take_limit(ctl, value);
    default:
        return take_text(ctl, letter, value);
    }
}

/** @return -1 to go on, else how to end */
static int parse(sl_ctl_t *ctl, int argc, char **argv)
{
    static const struct option OPTIONS[] = {
        {"db", required_argument, NULL, 'd'},
        {"sql", required_argument, NULL, 's'},
        {"keyring", required_argument, NULL, 'k'},
        {"app", required_argument, NULL, 'a'},
        {"state-dir", required_argument, NULL, 'S'},
        {"ehr", required_argument, NULL, 'e'},
        {"user", required_argument, NULL, 'u'},
        {"reason", required_argument, NULL, 'r'},
        {"ehr-user", required_argument, NULL, 'U'},
        {"limit", required_argument, NULL, 'n'},
        {"alg", required_argument, NULL, 'A'},
        {"kid", required_argument, NULL, 'K'},
        {"all", no_argument, NULL, 'x'},
        {"patients", no_argument, NULL, 'p'},
        {"last", no_argument, NULL, 'l'},
        {"jwk", no_argument, NULL, 'J'},
        {"csv", no_argument, NULL, 'c'},
        {"unchecked", no_argument, NULL, 'N'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    int c;

    while ((c = getopt_long(argc, argv, "f:h", OPTIONS, NULL)) != -1) {
        if (c == 'h') {
            (void)fputs(USAGE, stdout);
            return SL_CTL_OK;
        }
        if (c == 'v') {
            (void)puts("smartlaunchctl " SL_VERSION);
            return SL_CTL_OK;
        }
        if (!take(ctl, c, optarg)) {
            return sl_ctl_usage();
        }
    }
    return optind < argc && (ctl->db == NULL || ctl->httpd_conf == NULL) ? -1 : sl_ctl_usage();
}

int main(int argc, char **argv)
{
    const char *from_env = getenv("SL_SQLDIR");
    sl_ctl_t ctl = {.sql = from_env != NULL ? from_env : SL_SQLDIR, .limit = 200};
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
