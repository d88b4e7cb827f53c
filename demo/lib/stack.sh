# SPDX-License-Identifier: Apache-2.0
# The demo's servers on loopback: PostgreSQL, the sandbox EHR (two of them in one process), php-fpm, Allergy Card and httpd.
# Sourced by demo.sh and with-stack.sh; expects $top (the source tree) and a built module.
#
# Everything they need lies in $DEMO_RUN: as root, httpd and PHP run as www-data and PostgreSQL as
# postgres, and none of them could look into a build folder below, say, /root.

newest() {
    printf '%s\n' "$@" | sort -V | tail -n 1
}

build=${SL_BUILD:-$top/build}

stack_env() { # RUN_DIR APP_PORT EHR_PORT GATEWAY_PORT CARD_PORT
    export DEMO_RUN=$1 DEMO_APP_PORT=$2 DEMO_EHR_PORT=$3 DEMO_GATEWAY_PORT=${4:-8081} DEMO_CARD_PORT=${5:-8082}
    export DEMO_APP=https://app.localhost:$2 DEMO_CARD=https://card.localhost:$2
    export DEMO_EHR=https://ehr.localhost:$3 DEMO_CLINIC=https://clinic.localhost:$3/t/clinic
    DEMO_MODULES=$(apxs -q LIBEXECDIR)
    DEMO_MODULE=$build/.libs/mod_smartlaunch.so
    export DEMO_CDP_MODULE=$build/.libs/mod_smartlaunch_cdp.so
    export DEMO_MODULES DEMO_MODULE DEMO_CTL=$build/smartlaunchctl
    if [ "$(id -u)" = 0 ]; then
        export DEMO_WEB_USER=www-data DEMO_WEB_GROUP=www-data db_user=postgres
    else
        DEMO_WEB_USER=$(id -un) DEMO_WEB_GROUP=$(id -gn)
        export DEMO_WEB_USER DEMO_WEB_GROUP db_user=$DEMO_WEB_USER
    fi
}

# A new directory that the service users can pass through, whatever the umask and TMPDIR are.
stack_new_dir() {
    local dir
    dir=$(mktemp -d /tmp/smartlaunch-demo.XXXXXX) && chmod 711 "$dir" && echo "$dir"
}

# Below the ports that the kernel gives to outgoing connections, so that none of those takes it.
stack_free_port() {
    local port
    while :; do
        port=$((10000 + RANDOM % 20000))
        answers "$port" 2>/dev/null || { echo "$port" && return; }
    done
}

# Needs `set -e`: the first part that fails says so and ends the script.
stack_start() {
    make_files
    start_postgres
    start_ehr
    start_php
    start_card
    start_httpd
    [ -f "$DEMO_RUN/project-set-up" ] || set_up_project
}

stack_stop() {
    end_process "$DEMO_RUN/httpd.pid"
    end_process "$DEMO_RUN/card.pid"
    end_process "$DEMO_RUN/php-fpm.pid"
    end_process "$DEMO_RUN/ehr.pid"
    ! is_ours "$DEMO_RUN/pg/postmaster.pid" || as_db "$pg_bin/pg_ctl" -D "$DEMO_RUN/pg" -s -m fast stop
}

stack_is_running() {
    is_ours "$DEMO_RUN/httpd.pid" && is_ours "$DEMO_RUN/ehr.pid"
}

# --- the parts ---

fail() {
    echo "$*" >&2
    return 1
}

# Wait until COMMAND succeeds, as long as the process in PIDFILE lives, 30 seconds at most.
wait_for() { # PIDFILE LOG COMMAND...
    local pidfile=$1 log=$2 deadline=$((SECONDS + 30))
    shift 2
    until "$@" 2>/dev/null; do
        if [ $SECONDS -ge $deadline ] || ! is_alive "$pidfile"; then
            tail -n 20 "$log" >&2
            fail "did not start; the log is $log"
            return 1
        fi
        sleep 0.1
    done
}

# Does the process in PIDFILE run? A moment after its start it is still called what we are called.
is_alive() { # PIDFILE
    grep -q '^State:[[:space:]]*[^ZX[:space:]]' "/proc/$(cat "$1")/status" 2>/dev/null
}

# Is the process in PIDFILE alive and one that we started here?
is_ours() { # PIDFILE
    local pid
    pid=$(head -n 1 "$1" 2>/dev/null) && [ -n "$pid" ] &&
        { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF "$DEMO_RUN"
}

end_process() { # PIDFILE
    [ -f "$1" ] || return 0
    local pid deadline=$((SECONDS + 10))
    pid=$(cat "$1")
    ! is_ours "$1" || kill "$pid"
    while is_ours "$1"; do
        [ $SECONDS -lt $deadline ] || kill -KILL "$pid"
        sleep 0.1
    done
    end_orphans "$pid"
    rm -f "$1"
}

# Of a process that was killed, children live on and hold its port. Each of ours leads a session.
end_orphans() { # SESSION
    local stat pid line words
    for stat in /proc/[0-9]*/stat; do
        pid=${stat//[!0-9]/}
        { read -r line <"$stat"; } 2>/dev/null || continue
        read -ra words <<<"${line##*) }"
        [ "${words[3]-}" = "$1" ] || continue
        ! { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF -e "$DEMO_RUN" -e 'php-fpm: pool study' ||
            kill -KILL "$pid" 2>/dev/null || true
    done
}

as_db() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && runuser -u "$db_user" -- "$@")
    else
        "$@"
    fi
}

pg_bin=$(newest /usr/lib/postgresql/*/bin)

random_base64() { # BYTES
    openssl rand -base64 "$1" | tr -d '\n'
}

own_dir() { # USER DIR
    mkdir -p "$2" && chmod 700 "$2" && chown "$1" "$2"
}

make_files() {
    local run=$DEMO_RUN
    mkdir -p "$run/log" "$run/tls" "$run/conf/site.d"
    own_dir "$(id -un)" "$run/secret"
    own_dir "$DEMO_WEB_USER" "$run/state"
    own_dir "$DEMO_WEB_USER" "$run/study"
    own_dir "$DEMO_WEB_USER" "$run/sessions"
    rm -rf "$run/app" && cp -r "$top/demo/app" "$run/app" && chmod -R a+rX "$run/app"
    cp "$top/demo/conf/httpd.conf" "$top/demo/conf/php-fpm.conf" "$run/conf/"
    [ -z "${DEMO_SITE-}" ] || cp "$DEMO_SITE" "$run/conf/site.d/"
    chmod 755 "$run/log" "$run/tls" "$run/conf"
    [ -f "$run/secret/keyring" ] || make_secrets
    give_study_token
    register_client
    [ -f "$run/tls/cert.pem" ] || make_certificate
}

make_secrets() (
    umask 077
    cd "$DEMO_RUN/secret" || exit
    echo "demo1 $(random_base64 32)" >keyring
    random_base64 24 >hospital.secret
    openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out clinic.key
    openssl rand -hex 32 >card.secret
    openssl rand -hex 16 >card.token
    openssl rand -hex 16 | tr a-f A-F >study-api.token
)

# The study keeps a hash of its API's token, not the token.
give_study_token() {
    local file=$DEMO_RUN/study/api-token.sha256
    tr -d '\n' <"$DEMO_RUN/secret/study-api.token" | sha256sum | cut -d ' ' -f 1 >"$file"
    chown "$DEMO_WEB_USER" "$file" && chmod 600 "$file"
}

# What the EHRs know of us.
register_client() (
    umask 077
    cd "$DEMO_RUN/secret" || exit
    cat >clients.json <<JSON
[{"ehr": "sandbox", "client_id": "asthma-study", "client_name": "Asthma in Adults",
  "client_secret": "$(cat hospital.secret)", "token_endpoint_auth_method": "client_secret_basic",
  "redirect_uris": ["$DEMO_APP/smart", "$DEMO_CARD/smart"]},
 {"ehr": "clinic", "client_id": "asthma-study", "client_name": "Asthma in Adults",
  "token_endpoint_auth_method": "private_key_jwt", "jwks_uri": "$DEMO_APP/smart/jwks.json",
  "redirect_uris": ["$DEMO_APP/smart"]}]
JSON
)

make_certificate() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
        -subj "/CN=mod_smartlaunch demo" -keyout "$DEMO_RUN/tls/key.pem" -out "$DEMO_RUN/tls/cert.pem" \
        -addext "subjectAltName=DNS:app.localhost,DNS:card.localhost,DNS:ehr.localhost,DNS:clinic.localhost,DNS:localhost" \
        -addext "basicConstraints=critical,CA:FALSE" -config <(printf '[req]\ndistinguished_name=dn\n[dn]\n') \
        2>"$DEMO_RUN/log/openssl.log" || fail "no certificate; the log is $DEMO_RUN/log/openssl.log" || return
    chmod 600 "$DEMO_RUN/tls/key.pem"
    chmod 644 "$DEMO_RUN/tls/cert.pem"
}

start_postgres() {
    local pg=$DEMO_RUN/pg log=$DEMO_RUN/log/postgresql.log
    if [ ! -f "$pg/PG_VERSION" ]; then
        own_dir "$db_user" "$pg"
        own_dir "$db_user" "$DEMO_RUN/pgsocket" && chmod 755 "$DEMO_RUN/pgsocket"
        touch "$log" && chown "$db_user" "$log"
        as_db "$pg_bin/initdb" -D "$pg" -U postgres -E UTF8 --locale=C -A peer --no-sync >"$log" 2>&1 ||
            fail "initdb failed; the log is $log" || return
        who_may_connect
    fi
    as_db "$pg_bin/pg_ctl" -D "$pg" -s -w -l "$log" \
        -o "-k $DEMO_RUN/pgsocket -c listen_addresses='' -c fsync=off" start ||
        fail "PostgreSQL did not start; the log is $log" || return
    [ -f "$DEMO_RUN/schema-installed" ] || install_schema
}

# Nobody has a password: the kernel says who is at the other end of the socket.
who_may_connect() {
    echo "local all all peer map=demo" >"$DEMO_RUN/pg/pg_hba.conf"
    printf 'demo %s %s\n' "$db_user" postgres "$(id -un)" postgres "$(id -un)" smartlaunch_httpd \
        "$DEMO_WEB_USER" smartlaunch_httpd >"$DEMO_RUN/pg/pg_ident.conf"
}

install_schema() {
    local log=$DEMO_RUN/log/schema.log owner="host=$DEMO_RUN/pgsocket user=postgres"
    {
        psql -qX -v ON_ERROR_STOP=1 -d "$owner dbname=postgres" -c "CREATE DATABASE smartlaunch" &&
            SL_SQLDIR=$top/sql "$build/smartlaunchctl" schema install --db "$owner dbname=smartlaunch" &&
            psql -qX -v ON_ERROR_STOP=1 -d "$owner dbname=smartlaunch" \
                -c "CREATE ROLE smartlaunch_httpd LOGIN IN ROLE smartlaunch_module"
    } >"$log" 2>&1 || fail "the schema was not installed; the log is $log" || return
    touch "$DEMO_RUN/schema-installed"
}

start_ehr() {
    local log=$DEMO_RUN/log/ehr.log
    setsid node "$top/demo/ehr/server.mjs" --port "$DEMO_EHR_PORT" --host ehr.localhost \
        --fhir-host localhost --cert "$DEMO_RUN/tls/cert.pem" --key "$DEMO_RUN/tls/key.pem" \
        --launch-url "$DEMO_APP/smart" --app-name "Asthma in Adults" \
        --app "Allergy Card=$DEMO_CARD/smart" \
        --title "Hospital EHR" --tenants "clinic:City Clinic:clinic.localhost" \
        --clients "$DEMO_RUN/secret/clients.json" --search </dev/null >"$log" 2>&1 &
    echo $! >"$DEMO_RUN/ehr.pid"
    wait_for "$DEMO_RUN/ehr.pid" "$log" grep -q '"ready":true' "$log" || fail "The sandbox EHR did not start."
}

start_php() {
    "$(newest /usr/sbin/php-fpm*)" -y "$DEMO_RUN/conf/php-fpm.conf" \
        >"$DEMO_RUN/log/php-fpm.out" 2>&1 || fail "PHP did not start; the logs are $DEMO_RUN/log/php-fpm.*"
}

start_card() {
    local log=$DEMO_RUN/log/card.log secret=$DEMO_RUN/secret
    CARD_PORT=$DEMO_CARD_PORT CARD_URL=$DEMO_CARD CARD_SECRET=$secret/card.secret CARD_TOKEN=$secret/card.token \
        setsid node "$top/demo/card/server.mjs" "$DEMO_RUN" </dev/null >"$log" 2>&1 &
    echo $! >"$DEMO_RUN/card.pid"
    wait_for "$DEMO_RUN/card.pid" "$log" grep -q ready "$log" || fail "Allergy Card did not start."
}

start_httpd() {
    local log=$DEMO_RUN/log/error.log httpd
    httpd=$(command -v apache2 || echo /usr/sbin/apache2)
    "$httpd" -f "$DEMO_RUN/conf/httpd.conf" -t >"$DEMO_RUN/log/configtest.log" 2>&1 || {
        cat "$DEMO_RUN/log/configtest.log" >&2
        return 1
    }
    touch "$log"
    setsid "$httpd" -f "$DEMO_RUN/conf/httpd.conf" -DFOREGROUND </dev/null >>"$log" 2>&1 &
    echo $! >"$DEMO_RUN/httpd.pid"
    wait_for "$DEMO_RUN/httpd.pid" "$log" answers "$DEMO_APP_PORT" || fail "httpd did not start."
}

# Which fields of the EHR go where in the study, and who may say so: alice sets up and decides, bob decides.
set_up_project() {
    local log=$DEMO_RUN/log/cdp.log
    {
        ctl cdp grant asthma alice setup && ctl cdp grant asthma alice adjudicate &&
            ctl cdp grant asthma bob adjudicate &&
            ctl cdp mapping import asthma "$top/demo/conf/mapping.json"
    } >"$log" 2>&1 || fail "the study's project was not set up; the log is $log" || return
    touch "$DEMO_RUN/project-set-up"
}

ctl() {
    "$DEMO_CTL" -f "$DEMO_RUN/conf/httpd.conf" "$@"
}

answers() { # PORT
    (: <"/dev/tcp/127.0.0.1/$1")
}
