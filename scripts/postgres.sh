# A private PostgreSQL, for scripts/run and scripts/test: its own directory, its own server, nobody
# else's clusters touched. Sourced by bash after common.sh.
#
# PostgreSQL refuses to run as root. Started by root, the server and its files belong to the system
# user postgres, which Debian's package makes; otherwise to whoever started the script. A directory
# that exists already keeps its owner.
# shellcheck shell=bash

postgres_directory= # where the server's files are; empty while there is none
postgres_sockets=   # its Unix socket's directory, short (107 bytes are all that a socket's name may have)
postgres_port=5432  # part of the socket's name; of TCP's only if a setting opens that
postgres_owner=     # whom the server runs as
postgres_programs=  # the folder with initdb, pg_ctl and psql

# Runs a command as the owner, and from /, as the owner may not see the current directory.
postgres_as_owner() (
    cd /
    if [ "$(id -un)" = "$postgres_owner" ]; then
        "$@"
    else
        runuser -u "$postgres_owner" -- "$@"
    fi
)

# The same for a program of PostgreSQL's. What the user has set for clients (PGHOST, PGOPTIONS, …) is not
# meant for the private server.
postgres_do() (
    unset "${!PG@}"
    program=$1
    shift
    postgres_as_owner "$postgres_programs/$program" "$@"
)

# Can the one whom the server would run as come into this directory?
postgres_can_reach() {
    [ "$(id -u)" -ne 0 ] || runuser -u postgres -- test -x "$1"
}

# postgres_find_programs [VERSION]: the newest that is installed, or those of a version that a
# directory was made with.
postgres_find_programs() {
    local version=${1:-}
    if [ -n "$version" ]; then
        postgres_programs=/usr/lib/postgresql/$version/bin
    else
        postgres_programs=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null |
            sort -V | tail -n 1)
    fi
    [ -x "$postgres_programs/initdb" ]
}

# Is a process of the owner's at home in this directory? A postmaster and its children are; the pid
# in postmaster.pid may by now be somebody else's. The owner is asked, as even root can't see that of
# other users' processes in a container.
postgres_is_alive() {
    # shellcheck disable=SC2016 # it is the inner shell that expands
    postgres_as_owner bash -c \
        'for process in /proc/[0-9]*; do if [ "$process/cwd" -ef "$1" ]; then exit 0; fi; done; exit 1' \
        bash "$1"
}

# postgres_start DIRECTORY [SETTING=VALUE…]: makes the cluster if there is none and starts it. The
# directory's parent must exist and be reachable. Nobody else can connect: there is only a Unix
# socket in a folder of the owner's, unless the settings say otherwise.
postgres_start() {
    local directory=$1 settings=() setting
    shift
    if [ -e "$directory/PG_VERSION" ]; then
        postgres_owner=$(stat -c %U "$directory")
        if [ "$(id -u)" -ne 0 ] && [ "$postgres_owner" != "$(id -un)" ]; then
            fail "$directory belongs to $postgres_owner: run this as $postgres_owner or as root."
        fi
    elif [ "$(id -u)" -eq 0 ]; then
        postgres_owner=postgres
    else
        postgres_owner=$(id -un)
    fi

    if [ -e "$directory/PG_VERSION" ]; then
        postgres_find_programs "$(cat "$directory/PG_VERSION")" || fail \
            "$directory was made by PostgreSQL $(cat "$directory/PG_VERSION"), which isn't installed." \
            "Install it, or move the directory away to begin anew."
    else
        postgres_find_programs || fail "PostgreSQL's server is not installed."
        postgres_create "$directory"
    fi

    postgres_clear_remains "$directory"

    postgres_sockets=$(mktemp -d /tmp/cartd-XXXXXX)
    chown "$postgres_owner:" "$postgres_sockets"
    settings=(-c "unix_socket_directories=$postgres_sockets" -c listen_addresses=)
    for setting in "port=$postgres_port" "$@"; do
        settings+=(-c "$setting")
    done
    postgres_directory=$directory
    # The descriptor that may hold a lock of this script's is closed: the server outlives a killed script.
    if ! postgres_do pg_ctl -s -w -t 300 -D "$directory" -l "$directory/server.log" \
        -o "${settings[*]}" start 9>&-; then
        tail -n 20 "$directory/server.log" >&2
        fail "PostgreSQL did not start; its log is $directory/server.log."
    fi
}

# What a run that could not end in order left: a server, its pid file, its socket's folder.
postgres_clear_remains() {
    local directory=$1 sockets
    [ -e "$directory/postmaster.pid" ] || return 0
    sockets=$(sed -n 5p "$directory/postmaster.pid")
    if postgres_is_alive "$directory"; then
        say "Stopping the PostgreSQL that an interrupted run left in $directory."
        postgres_do pg_ctl -s -w -t 60 -D "$directory" -m fast stop || true
        ! postgres_is_alive "$directory" || fail "the PostgreSQL in $directory does not stop."
    fi
    rm -f "$directory/postmaster.pid"
    if [[ $sockets == /tmp/cartd-?????? ]]; then
        rm -rf "$sockets"
    fi
}

# Made beside its place and moved there when complete, so that an interrupted one is not taken for one.
postgres_create() {
    local directory=$1 unfinished=$1.unfinished
    rm -rf "$unfinished"
    mkdir -m 700 "$unfinished"
    chown "$postgres_owner:" "$unfinished"
    quietly postgres_do initdb -D "$unfinished" -U postgres --locale=C.UTF-8 -E UTF8 \
        --auth-local=trust --auth-host=scram-sha-256 ||
        fail "can't create PostgreSQL's files in $directory."
    if [ -d "$directory" ]; then
        rmdir "$directory"
    fi
    mv "$unfinished" "$directory"
}

# postgres_sql DATABASE STATEMENT: prints the answer, bare.
postgres_sql() {
    postgres_do psql -X -A -t -q -v ON_ERROR_STOP=1 -h "$postgres_sockets" -p "$postgres_port" -U postgres \
        -d "$1" -c "$2"
}

# postgres_url USER DATABASE: how cartd connects.
postgres_url() {
    echo "postgresql://$1@/$2?host=$postgres_sockets&port=$postgres_port"
}

# Stops it if it runs. Safe to call at any time, also twice.
postgres_stop() {
    if [ -n "$postgres_directory" ] && postgres_is_alive "$postgres_directory"; then
        postgres_do pg_ctl -s -w -t 60 -D "$postgres_directory" -m fast stop ||
            postgres_do pg_ctl -s -w -t 60 -D "$postgres_directory" -m immediate stop ||
            say "PostgreSQL in $postgres_directory does not stop." >&2
    fi
    if [ -n "$postgres_sockets" ]; then
        rm -rf "$postgres_sockets"
    fi
    postgres_directory=
    postgres_sockets=
}
