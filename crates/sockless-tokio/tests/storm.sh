#!/usr/bin/env bash
# A minute of what the test `journal` does for seconds: `crates/sockless-tokio/tests/storm.sh [SECONDS] [RATE] [FILTER]`.
#
# Sessions over real TCP through a proxy that cuts connections at any octet, stalls them, and lets attempts overtake each other, at
# 10,000 messages a second; their server dies by `kill -9` every few seconds, and so do the clients in Rust, while those in Chromium are
# reloaded and crash. At the end all three count: who sent, who took, and the journal. The rate that was reached is printed.
#
# FILTER `both` is Rust alone, `pages` Chromium alone. Without Chromium that part fails, unless SOCKLESS_SKIPPED names a file for it.
set -euo pipefail
cd "$(dirname "$0")/../../.."
export SOCKLESS_SECONDS=${1:-60} SOCKLESS_RATE=${2:-10000} SOCKLESS_PAUSE=${SOCKLESS_PAUSE:-4000}
exec cargo test --release -p sockless-tokio --features journal --test journal -- --nocapture --test-threads 1 "${3:-again}"
