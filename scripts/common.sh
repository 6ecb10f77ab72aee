# What scripts/run and scripts/test share: messages and the build. Sourced by bash.
# shellcheck shell=bash
set -euo pipefail
umask 022
# A tree that root has tested stays free of files that its owner can't remove.
export PYTHONDONTWRITEBYTECODE=1

root=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)

say() {
    printf 'cartd: %s\n' "$*"
}

fail() {
    printf 'cartd: %s\n' "$*" >&2
    exit 1
}

# Runs a command whose output only matters when it fails.
quietly() {
    local log
    log=$(mktemp)
    if ! "$@" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}

# Two scripts in one tree take turns. The lock is on a file that is there anyway.
take_turn() {
    exec {turn}<"$root/meson.build"
    flock "$turn"
}

end_turn() {
    exec {turn}<&-
}

# configure DIRECTORY COMPILER [OPTION…], once. A directory that was configured by hand is left as it
# is; one that these scripts configured otherwise, or elsewhere before the tree was moved, is made anew.
configure() {
    local directory=$1 compiler=$2 wanted
    shift 2
    wanted="$root $compiler $*"
    take_turn
    if [ -e "$directory/configured-by-scripts" ] &&
        [ "$(cat "$directory/configured-by-scripts")" != "$wanted" ]; then
        rm -rf "$directory"
    fi
    if [ ! -e "$directory/build.ninja" ]; then
        say "Configuring ${directory#"$root/"} with $compiler."
        quietly env CC="$compiler" meson setup "$directory" "$root" "$@" ||
            fail "meson can't configure $directory."
        printf '%s\n' "$wanted" >"$directory/configured-by-scripts"
    fi
    end_turn
}

# compile DIRECTORY [TARGET…]
compile() {
    local directory=$1
    shift
    take_turn
    say "Building ${directory#"$root/"}."
    quietly meson compile -C "$directory" "$@" || fail "the build in $directory failed."
    end_turn
}

# The program in a build directory.
built_program() {
    [ -x "$1/cartd" ] || fail "$1 has no cartd."
    echo "$1/cartd"
}
