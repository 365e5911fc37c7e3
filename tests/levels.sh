#!/usr/bin/env bash
# The tests at every SIMD level below the one that this CPU would choose: what is fast has to be right at all of them.
#
#   tests/levels.sh [--quick] [--fuzz] [--autobahn]
#
# --quick  only the chapters that hand payloads of many lengths through the fast ways, with a third of the random cases
# --fuzz   replays the fuzzing corpus and all past findings as well
# --autobahn
#          runs the core of the Autobahn suite as well, against a server and a client
#
# For each level what is in this workspace is built once more; what it depends on is built once for all. The kernels themselves are tried
# at every level by tests/mask.rs and tests/utf8.rs, in any build.
# Exit status: 0 all pass; 1 a test fails; 2 a wrong call.
set -euo pipefail
cd "$(dirname "$0")/.."

chapters=()
fuzz=
autobahn=()
for argument in "$@"; do
  case $argument in
    --quick)
      chapters=(--test autobahn --test connection --test properties --test compression --
        --skip mask:: --skip utf8:: --skip deflate_properties:: --skip deflate_negotiation:: --skip extension_header::)
      export SOCKLESS_CASES=0.34
      ;;
    --fuzz) fuzz=yes ;;
    --autobahn) autobahn=("server echo_mio" "client client_std") ;;
    *) echo "usage: tests/levels.sh [--quick] [--fuzz] [--autobahn]" >&2; exit 2 ;;
  esac
done

levels=(scalar)
# On x86-64 every CPU has the second. Where there is no AVX-512, the third is the best, which any other build tries.
[[ $(uname -m) != x86_64 ]] || levels+=(sse2)
! grep -qs ' avx512f' /proc/cpuinfo || levels+=(avx2)
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
  for program in ${autobahn[@]+"${autobahn[@]}"}; do
    read -r role name <<<"$program"
    RUSTC_WORKSPACE_WRAPPER=$wrapper autobahn/run.sh "$role" "$name" --cases core
  done
done
echo "levels: ${levels[*]}: all pass"
