#!/usr/bin/env bash
# Compares the processor time that one thread of echo_mio needs for a message with that of a server on tungstenite, side by side.
#   benches/cpu/run.sh [--lto] [--rounds N] [--messages N]
# With --lto all are built with thin LTO in one codegen unit; otherwise as `cargo build --release` does.
# Exit status: 0 if it is less than half, 1 if not, 2 if it can't be measured here.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)

if ! command -v cargo >/dev/null 2>&1; then
  echo "cpu: cargo is needed to build the servers: see https://rustup.rs" >&2
  exit 2
fi
if [ ! -r /proc/self/schedstat ]; then
  echo "cpu: /proc/PID/schedstat tells the processor time of a server: this needs Linux" >&2
  exit 2
fi

target=${CARGO_TARGET_DIR:-$root/target}
if [ "${1:-}" = --lto ]; then
  shift
  export CARGO_PROFILE_RELEASE_LTO=thin CARGO_PROFILE_RELEASE_CODEGEN_UNITS=1
  target=$target/lto
fi

build() { cargo build --quiet --release --locked "$@" || exit 2; }
echo "cpu: building the servers, which takes some minutes the first time"
build --manifest-path "$root/Cargo.toml" --target-dir "$target" -p sockless-examples --bin echo_mio
build --manifest-path "$here/Cargo.toml" --target-dir "$target/cpu"
"$target/cpu/release/compare" "$target/release/echo_mio" "$@"
