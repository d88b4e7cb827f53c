#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What the module costs, beside bare mod_proxy and mod_auth_openidc: docs/performance.md says what is
# measured and how.
# Installs what is missing, builds a release in build/bench and runs everything on private servers.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"

usage() {
    cat <<'TEXT'
usage: bench/run.sh [--rows N,N…] [--rounds N] [--seconds N] [--connections N] [--plot FILE]
                    [--profile DIRECTORY] [--only REGEX]
       bench/run.sh --pull [--records N] [--hosts N] [--rounds N] [--profile DIRECTORY] [--only REGEX]

--rows         how many links, launches and tokens are stored meanwhile (1000,1000000)
--rounds       rounds of CPU time, of which the median counts (15)
--seconds      how long each load lasts (5), and
--connections  over how many connections (16)
--plot         where the picture goes (docs/img/performance.svg)
--profile      keep callgrind's files there, to be read with callgrind_annotate
--only         measure only what has such a name ("gateway"), and what it is compared with

--pull         measure the Clinical Data Pull instead:
--records      how many are due at once (1000), and
--hosts        how many httpds fetch them, beside one alone (3)
--rounds       how often a page is asked for, of which the median counts (15)
--only         charts, sheets, instructions, due
SL_BUILD=DIRECTORY measures the module built there instead of build/bench.
TEXT
}

case ${1-} in
-h | --help) usage && exit ;;
esac

program=bench.pl
if [ "${1-}" = --pull ]; then
    program=pull.pl
    shift
fi
scripts/install-deps.sh build test bench
[ demo/ehr/node_modules/.package-lock.json -nt demo/ehr/package-lock.json ] ||
    (cd demo/ehr && npm ci --no-audit --no-fund --loglevel=error)
if [ -z "${SL_BUILD-}" ]; then
    export SL_BUILD=$top/build/bench
    [ -x configure ] || ./autogen.sh
    mkdir -p "$SL_BUILD"
    [ -f "$SL_BUILD/config.status" ] ||
        (cd "$SL_BUILD" && "$top/configure" --quiet CFLAGS='-O2 -g')
    make -s -C "$SL_BUILD" -j"$(nproc)" all
fi
exec perl "bench/$program" "$@"
