#!/bin/sh
# Builds the servers and runs the same clients against them; writes RESULTS.md here.
#
#   crates/sockless-socketio/versus/run.sh            a full run: fifteen minutes after the build, and an hour at most
#   crates/sockless-socketio/versus/run.sh --quick    three rounds for a look: the table is printed alone
#   ... --quick --only WORD                           only loads with this word: echo, polling, broadcast, idle
#
# Exit status: 0 if it has run, 2 if something that it needs is missing, 1 if it has failed.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
if ! command -v cargo >/dev/null; then
    echo "$0: cargo is missing (https://rustup.rs)" >&2
    exit 2
fi
if [ ! -r /proc/self/schedstat ]; then
    echo "$0: Linux with schedstat is needed: it reads the processor time of other processes" >&2
    exit 2
fi
cargo build --quiet --release --locked --manifest-path "$here/Cargo.toml"
versus=${CARGO_TARGET_DIR:-$here/target}/release/versus
case $* in
"") exec timeout 3600 "$versus" --out "$here/RESULTS.md" ;;
--quick*) exec timeout 1800 "$versus" "$@" ;;
*)
    echo "usage: $0 [--quick [--only WORD]]" >&2
    exit 2
    ;;
esac
