#!/bin/sh
# Builds and runs the comparison with other WebSocket crates; writes benches/results/PROCESSOR.md with its chart, and the list of them,
# benches/RESULTS.md. Where there is AVX-512, it is run twice, the second time without it.
#
#   benches/peers/run.sh            a full run, nine minutes after the build; twice that with AVX-512
#   benches/peers/run.sh --quick    four minutes, for a look; the figures go to benches/peers/target/quick/
#
# One contender isn't a crate: uWebSockets is fetched and built by uwebsockets/build.sh. Where that can't be done it is left out, and
# the run says so at its end.
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
    echo "usage: $0 [--quick [--only decode|encode|handshake|deflate|memory|echo|epoll|broadcast]]" >&2
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
# 3: it can't be built here, which it has said.
"$here/uwebsockets/build.sh" "$target/release/uwebsockets" || [ $? = 3 ]
mkdir -p "$out"
"$target/release/sockless-peers" "$@" --out "$out"
if grep -q '^flags.* avx512f' /proc/cpuinfo; then
    echo "again without AVX-512" >&2
    RUSTFLAGS="${RUSTFLAGS-} --cfg sockless_simd=\"avx2\"" \
        cargo build --release --locked --manifest-path "$here/Cargo.toml" --target-dir "$target/avx2"
    if [ -x "$target/release/uwebsockets" ]; then
        cp -p "$target/release/uwebsockets" "$target/avx2/release/"
    fi
    "$target/avx2/release/sockless-peers" "$@" --out "$out"
fi
