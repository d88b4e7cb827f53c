#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The main job on real parts: two sandbox EHRs, PostgreSQL, httpd with mod_smartlaunch, and two applications.
set -euo pipefail
top=$(cd "$(dirname "$0")" && pwd)
. "$top/demo/lib/stack.sh"

usage() {
    cat <<'TEXT'
usage: ./demo.sh               install, build, start, and say where to look
       ./demo.sh stop          end it and remove its data
       ./demo.sh --once        start, walk through it in a headless Chromium, end; exit status 0 if all went well
       ./demo.sh --screenshots the same way, but write docs/img/*.png; those of the Clinical Data Pull by its tests

APP_PORT (8443), EHR_PORT (9443), GATEWAY_PORT (8081) and CARD_PORT (8082) are the ports on loopback; --once and
--screenshots take free ones.
SL_BUILD is a build folder to use; without it the module is built in build/.
TEXT
}

prepare() {
    "$top/scripts/install-deps.sh" build demo
    [ -n "${SL_BUILD-}" ] || build_module
    install_npm "$top/demo/ehr"
    install_npm "$top/demo"
}

build_module() {
    local log=$top/build/build.log
    mkdir -p "$top/build"
    echo "Building (the log is build/build.log) …"
    {
        { [ -x "$top/configure" ] || (cd "$top" && ./autogen.sh); } &&
            cd "$top/build" && { [ -f Makefile ] || ../configure; } && make -j2
    } >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        fail "The build failed; the log is $log"
    }
}

install_npm() { # DIRECTORY
    [ "$1/node_modules/.package-lock.json" -nt "$1/package-lock.json" ] ||
        (cd "$1" && npm ci --no-audit --no-fund --loglevel=error)
}

start_demo() {
    local dir
    if [ -e "$top/build/demo/ports" ]; then
        use_demo_dir
        stack_is_running && { say_where && return; }
        stack_stop
    fi
    prepare
    mkdir -p "$top/build" # SL_BUILD may have built elsewhere
    [ -d "$top/build/demo/" ] || { dir=$(stack_new_dir) && ln -sfn "$dir" "$top/build/demo"; }
    echo "${APP_PORT:-8443} ${EHR_PORT:-9443} ${GATEWAY_PORT:-8081} ${CARD_PORT:-8082}" >"$top/build/demo/ports"
    use_demo_dir
    ports_are_free
    echo "Starting …"
    trap stack_stop EXIT
    stack_start
    trap - EXIT
    say_where
}

ports_are_free() {
    local name port
    for name in APP_PORT EHR_PORT GATEWAY_PORT CARD_PORT; do
        port=DEMO_$name
        ! answers "${!port}" 2>/dev/null || fail "Port ${!port} is taken. Choose another: $name=… ./demo.sh"
    done
}

# build/demo is a link to the directory that holds the running demo.
use_demo_dir() {
    local ports
    read -ra ports <"$top/build/demo/ports"
    stack_env "$(readlink "$top/build/demo")" "${ports[@]}"
}

say_where() {
    cat <<TEXT

The demo runs. Your browser does not know its certificate: open each of these once and accept it.

    Hospital EHR, which knows the study by a secret       $DEMO_EHR/
    City Clinic, another EHR, which knows it by a key     $DEMO_CLINIC/
    the study, Asthma in Adults                           $DEMO_APP/study/
    Allergy Card, a second application                    $DEMO_CARD/card/
    how it all fares                                      http://127.0.0.1:$DEMO_GATEWAY_PORT/smart-status

From the chart: at Hospital EHR choose dr-smith, open a patient, click "Open Asthma in Adults". The first time the
study asks who you are (alice, password alice-demo; also bob, carol); the second time it knows. The record shows
what the EHR knows of the patient, read through the gateway. Open another patient in a second window: they never mix.
City Clinic is the same with a key (Ingrid Sørensen is in the study). "Open Allergy Card" is for an application that
is told by a signed message.
From the study: open it by itself, log in, and click "Connect to Hospital EHR" (dr-smith, password smith-demo).
Clinical Data Pull: open Morris Lockman's chart, the study, and fetch with the medical record number MRN-10075 (as alice,
who may also set it up, or bob). His values wait at $DEMO_APP/cdp/asthma/1005 until somebody has chosen.

Logs: build/demo/log/    End it: ./demo.sh stop
TEXT
}

stop_demo() {
    if [ -e "$top/build/demo/ports" ]; then
        use_demo_dir
        stack_stop
        rm -rf "$DEMO_RUN"
        echo "The demo has ended."
    else
        echo "The demo does not run."
    fi
    rm -f "$top/build/demo"
}

run_with_stack() { # SCRIPT
    prepare
    echo "Starting …"
    "$top/demo/lib/with-stack.sh" node "$top/demo/$1"
}

# The screens of the Clinical Data Pull are pictured by the tests that go through all of them.
take_screenshots() {
    "$top/scripts/install-deps.sh" test pictures
    run_with_stack screenshots.mjs
    SL_SHOTS=$top/docs/img prove "$top"/t/browser/cdp{,-setup}.t
    pngquant --force --ext .png --strip --skip-if-larger 64 "$top"/docs/img/*.png ||
        [ $? -eq 98 ] # some would not become smaller
}

case ${1-} in
'') start_demo ;;
stop) stop_demo ;;
--once) run_with_stack once.mjs ;;
--screenshots) take_screenshots ;;
-h | --help) usage ;;
*) usage >&2 && exit 2 ;;
esac
