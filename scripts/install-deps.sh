#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs the Debian packages that are missing for building (build), for the tests (test), for the
# demo (demo), for its pictures (pictures) and for measuring (bench). Does nothing, and asks the
# network nothing, when all are there. Starts no service and makes no database cluster.
set -euo pipefail

build=(gcc libc6-dev make autoconf automake libtool pkg-config xz-utils apache2-dev
    libcurl4-openssl-dev libssl-dev libjson-c-dev libpq-dev)
servers=(apache2-bin media-types postgresql-15 php-fpm php-curl openssl curl chromium
    fonts-dejavu-core)
perl=(perl libwww-perl libhttp-message-perl libhtml-form-perl liburi-perl libio-socket-ssl-perl
    libdbd-pg-perl)

usage() {
    echo "usage: $0 build|test|demo|pictures|bench…" >&2
    exit 2
}

is_installed() {
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Any Node from 18 on will do, wherever it came from.
has_node() {
    command -v npm >/dev/null &&
        node -e 'process.exit(process.versions.node.split(".")[0] < 18 ? 1 : 0)' 2>/dev/null
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

apt() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -y -q --no-install-recommends \
        -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@"
}

# Until the script ends, packages start no service; a policy that somebody else made stays.
policy=/usr/sbin/policy-rc.d
start_no_service() {
    [ ! -e $policy ] || return 0
    printf '#!/bin/sh\nexit 101\n' | as_root tee $policy >/dev/null
    as_root chmod 755 $policy
    trap 'as_root rm -f $policy' EXIT
}

# The server package would make a cluster "main"; we bring our own and leave the rest as it was.
install_postgres() {
    local conf=/etc/postgresql-common/createcluster.conf
    apt install postgresql-common
    as_root cp -p $conf $conf.before
    echo 'create_main_cluster = false' | as_root tee -a $conf >/dev/null
    local rc=0
    apt install "$1" || rc=$?
    as_root mv $conf.before $conf
    return $rc
}

[ $# -gt 0 ] || usage
wanted=()
for what in "$@"; do
    case $what in
    build) wanted+=("${build[@]}") ;;
    demo) wanted+=("${servers[@]}") ;;
    test) wanted+=("${servers[@]}" "${perl[@]}" pgbouncer git valgrind) ;;
    pictures) wanted+=(pngquant) ;;
    bench) wanted+=(valgrind wrk libapache2-mod-auth-openidc) ;;
    *) usage ;;
    esac
    [ "$what" = build ] || has_node || wanted+=(nodejs npm)
done

missing=()
for package in $(printf '%s\n' "${wanted[@]}" | sort -u); do
    is_installed "$package" || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

echo "Installing ${missing[*]} …"
start_no_service
apt update
for package in "${missing[@]}"; do
    case $package in
    postgresql-[0-9]*) install_postgres "$package" ;;
    esac
done
apt install "${missing[@]}"
