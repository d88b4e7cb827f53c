#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what is missing, builds, and runs every test.
set -euo pipefail
top=$(cd "$(dirname "$0")" && pwd)
cd "$top"

usage() {
    cat <<'TEXT'
usage: ./test.sh [-v] [TEST…]

Without names: everything. The integration tests (t/*.t) run in the event MPM; those marked
"# mpm: all" also in worker and prefork, and against a module built with ASan and UBSan (sanitized);
those marked "# mpm: prefork sanitized", or with one of these words, as they say.
With names (t/launch.t, build/t/unit/test_url): these alone; SL_MPM=worker|prefork and SL_SANITIZE=1
choose how. SL_KEEP=1 keeps the servers' directories under /tmp.
TEXT
}

# Out of the source tree: build/ and build/asan/.
build() { # DIRECTORY CONFIGURE-OPTIONS…
    local dir=$1
    shift
    mkdir -p "$dir"
    (
        cd "$dir"
        [ -f config.status ] || "$top/configure" --quiet --enable-werror "$@"
        make -s -j"$(nproc)" all
        make -s -j"$(nproc)" unit-tests
    )
}

install_npm() { # DIRECTORY
    [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] ||
        (cd "$1" && npm ci --no-audit --no-fund --loglevel=error)
}

unit_tests() { # BUILD-DIRECTORY
    local source
    for source in t/unit/test_*.c; do
        echo "$1/${source%.c}"
    done
}

# The same test under another MPM or build is a test of its own in the summary.
variant() { # NAME VARIABLE VALUE TEST
    local path=build/$1/$4
    mkdir -p "$(dirname "$path")"
    printf "\$ENV{%s} = '%s';\nexec \$^X, '%s';\n" "$2" "$3" "$top/$4" >"$path"
    echo "$path"
}

is_marked() { # WORD TEST
    grep -qE "^# mpm: (all|.*\b$1\b.*)\$" "$2"
}

# Those of one kind together, so that what waits long does not wait beside itself.
variants() {
    local how test
    for how in worker prefork sanitized; do
        for test in t/*.t; do
            is_marked $how "$test" || continue
            case $how in
            sanitized) variant $how SL_SANITIZE 1 "$test" ;;
            *) variant $how SL_MPM $how "$test" ;;
            esac
        done
    done
}

verbose=()
while [ $# -gt 0 ]; do
    case $1 in
    -v) verbose=(-v) ;;
    -h | --help) usage && exit ;;
    -*) usage >&2 && exit 2 ;;
    *) break ;;
    esac
    shift
done

echo "== Dependencies"
scripts/install-deps.sh build test
for dir in demo/ehr demo; do
    [ ! -f $dir/package-lock.json ] || install_npm $dir
done

echo "== Build"
[ -x configure ] || ./autogen.sh
build build
if [ $# -eq 0 ] || [ -n "${SL_SANITIZE-}" ]; then
    echo "== Build with sanitizers"
    build build/asan --enable-sanitizers
fi

echo "== Tests"
export ASAN_OPTIONS=detect_leaks=0
if [ $# -gt 0 ]; then
    tests=("$@")
else
    rm -rf build/worker build/prefork build/sanitized build/tap
    export PERL_TEST_HARNESS_DUMP_TAP=$top/build/tap # for scripts/conformance.pl
    mapfile -t tests < <(
        unit_tests build
        unit_tests build/asan
        ls t/guard/*.t t/*.t
        variants
        ls t/browser/*.t
    )
fi
# Tests wait more than they work: a processor has room for two of them.
exec perl t/lib/run.pl --timer -j $(($(nproc) * 2)) "${verbose[@]}" "${tests[@]}"
