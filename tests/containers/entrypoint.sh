#!/bin/bash
# What the official image's entrypoint does with its variables, in as few lines as the tests need: POSTGRES_USER,
# POSTGRES_PASSWORD, POSTGRES_DB, POSTGRES_INITDB_ARGS, PGDATA, and scripts in /docker-entrypoint-initdb.d.
set -euo pipefail

if [ "${1:0:1}" = '-' ]; then
    set -- postgres "$@"
fi
if [ "$1" != postgres ]; then
    exec "$@"
fi
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA"
    chmod 700 "$PGDATA"
    chown postgres "$PGDATA"
    install -d -o postgres -g postgres -m 2775 /run/postgresql
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

user=${POSTGRES_USER:-postgres}
database=${POSTGRES_DB:-$user}
export PGPASSWORD=${PGPASSWORD:-${POSTGRES_PASSWORD:-}}

ask() {
    PGHOST='' psql --no-psqlrc -v ON_ERROR_STOP=1 --quiet --no-password --username "$user" "$@"
}

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "$PGPASSWORD" ]; then
        echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
        exit 1
    fi
    mkdir -p "$PGDATA"
    # As in the official image, the arguments are shell words.
    eval "initdb --username=\"\$user\" --pwfile=<(printf '%s\n' \"\$PGPASSWORD\") ${POSTGRES_INITDB_ARGS:-}"
    printf '\nhost all all all scram-sha-256\n' >>"$PGDATA/pg_hba.conf"
    printf "listen_addresses = '*'\n" >>"$PGDATA/postgresql.conf"
    given=$([ $# -lt 2 ] || printf '%q ' "${@:2}")
    pg_ctl -D "$PGDATA" -o "$given -c listen_addresses=''" -w start
    if [ "$database" != postgres ]; then
        ask --dbname postgres --command "CREATE DATABASE \"$database\""
    fi
    for script in /docker-entrypoint-initdb.d/*.sql; do
        if [ -e "$script" ]; then
            ask --dbname "$database" --file "$script"
        fi
    done
    pg_ctl -D "$PGDATA" -m fast -w stop
    printf '\nPostgreSQL init process complete; ready for start up.\n\n'
fi
exec "$@"
