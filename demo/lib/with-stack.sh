#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# with-stack.sh COMMAND…: start the demo's servers on free ports, run COMMAND, end them.
# $DEMO_SITE is a file with lines for the app's virtual host, if there shall be any.
# COMMAND finds them by $DEMO_EHR and $DEMO_APP, and their files in $DEMO_RUN.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
. "$top/demo/lib/stack.sh"

stack_env "$(stack_new_dir)" "$(stack_free_port)" "$(stack_free_port)" "$(stack_free_port)" "$(stack_free_port)"

finish() {
    local status=$?
    trap - EXIT
    stack_stop || true
    if [ $status = 0 ]; then
        rm -rf "$DEMO_RUN"
    else
        echo "The logs are in $DEMO_RUN/log" >&2
    fi
    exit $status
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

stack_start
"$@"
