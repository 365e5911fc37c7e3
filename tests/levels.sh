#!/usr/bin/env bash
# The tests at every SIMD level below the one that this CPU would choose: what is fast has to be right at all of them.
#
#   tests/levels.sh [--quick] [--fuzz]
#
# --quick  only the chapters that hand payloads of many lengths through the fast ways
# --fuzz   replays the fuzzing corpus and all past findings as well
#
# Each level is a build of its own of what is in this workspace; what that depends on is built once. The kernels themselves are tried
# at every level by tests/mask.rs and tests/utf8.rs, in any build.
# Exit status: 0 all pass; 1 a test fails; 2 a wrong call.
set -euo pipefail
cd "$(dirname "$0")/.."

chapters=()
fuzz=
for argument in "$@"; do
  case $argument in
    --quick)
      for chapter in words autobahn framing fragmentation text parts large level1 splits roundtrip reference deflate streamed; do
        chapters+=(--test "$chapter")
      done
      ;;
    --fuzz) fuzz=yes ;;
    *) echo "usage: tests/levels.sh [--quick] [--fuzz]" >&2; exit 2 ;;
  esac
done

levels=(scalar)
# On x86-64 every CPU has the second; whether the third is less than the best is for the CPU to know.
[[ $(uname -m) != x86_64 ]] || levels+=(sse2 avx2)
for level in "${levels[@]}"; do
  echo "level: $level"
  # Cargo tells builds apart by the path of their wrapper.
  wrapper=$PWD/target/levels/$level/rustc
  mkdir -p "${wrapper%/*}"
  printf '#!/bin/sh\nexec "$@" --cfg '\''sockless_simd="%s"'\''\n' "$level" >"$wrapper"
  chmod +x "$wrapper"
  SOCKLESS_LEVEL=$level RUSTC_WORKSPACE_WRAPPER=$wrapper cargo test --quiet --features deflate ${chapters[@]+"${chapters[@]}"}
  # There the package is no member of the workspace.
  [[ -z $fuzz ]] || RUSTFLAGS="--cfg sockless_simd=\"$level\"" CARGO_TARGET_DIR=$PWD/target/levels/$level/fuzz \
    cargo test --quiet --manifest-path fuzz/Cargo.toml
done
echo "levels: ${levels[*]}: all pass"
