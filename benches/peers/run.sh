#!/bin/sh
# Builds and runs the comparison with other WebSocket crates; writes benches/RESULTS.md and benches/results.svg.
#
#   benches/peers/run.sh            a full run, six minutes and more after the build
#   benches/peers/run.sh --quick    two minutes, for a look; the figures go to benches/peers/target/quick/
#
# Exit status: 0 if it has run, 2 if something that it needs is missing, 1 if it has failed.
set -eu

here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
out=$(CDPATH= cd -- "$here/.." && pwd)
# A part alone is for a look: what is published is whole.
case $* in
"") ;;
--quick | "--quick --only "*) out=$here/target/quick ;;
*)
    echo "usage: $0 [--quick [--only decode|encode|handshake|deflate|memory|echo]]" >&2
    exit 2
    ;;
esac
if ! command -v cargo >/dev/null; then
    echo "$0: cargo is missing (https://rustup.rs)" >&2
    exit 2
fi
if [ "$(uname -s)" != Linux ]; then
    echo "$0: Linux is needed: it reads the processor time of other processes" >&2
    exit 2
fi

echo "building (the peers bring some 300 packages; minutes at first)" >&2
cargo build --release --locked --manifest-path "$here/Cargo.toml"
target=${CARGO_TARGET_DIR:-$here/target}
mkdir -p "$out"
exec "$target/release/sockless-peers" "$@" --out "$out"
