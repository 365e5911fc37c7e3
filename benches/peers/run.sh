#!/bin/sh
# Builds and runs the comparison with other WebSocket crates; writes benches/results/PROCESSOR.md with its chart, and the list of them,
# benches/RESULTS.md. Where there is AVX-512, it is run twice, the second time without it.
#
#   benches/peers/run.sh            a full run, nine minutes after the build; twice that with AVX-512
#   benches/peers/run.sh --quick    four minutes, for a look; the figures go to benches/peers/target/quick/
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
"$target/release/sockless-peers" "$@" --out "$out"
if grep -q '^flags.* avx512f' /proc/cpuinfo; then
    echo "again without AVX-512" >&2
    RUSTFLAGS="${RUSTFLAGS-} --cfg sockless_simd=\"avx2\"" \
        cargo build --release --locked --manifest-path "$here/Cargo.toml" --target-dir "$target/avx2"
    "$target/avx2/release/sockless-peers" "$@" --out "$out"
fi
