#!/usr/bin/env bash
# Fuzzes the targets in turn, each for so many seconds.
#
#   fuzz/run.sh [--summary FILE] [--pack] [--install] [--plain] [--seed N] SECONDS [TARGET...]
#
# --summary FILE  appends a line for each target: executions, executions a second, corpus, coverage, result
# --pack          minimises each corpus afterwards, and packs it into fuzz/corpus.packed
# --seed N        makes the inputs of a run depend on this number alone (not 0) and the corpus; how many are tried still depends on the time
# --install       tries to install what is missing: Rust nightly by rustup, cargo-fuzz into fuzz/target/tools
# --plain         without AddressSanitizer: it builds faster, and tries more inputs in the same time
#
# Exit status: 0 nothing found; 1 something found, with the path of the input; 2 something missing, or a wrong call; 3 the build
# failed.
set -uo pipefail
cd "$(dirname "$0")"

summary=/dev/null
pack=
seed=0
install=
plain=()
while [[ ${1-} == --* ]]; do
  case $1 in
    --summary)
      [[ -n ${2-} ]] || { echo "--summary needs a file" >&2; exit 2; }
      summary=$(realpath -m -- "$OLDPWD/$2")
      [[ $2 == /* ]] && summary=$2
      shift 2
      ;;
    --pack) pack=yes; shift ;;
    --install) install=yes; shift ;;
    --plain) plain=(--sanitizer none); shift ;;
    --seed)
      [[ ${2-} =~ ^[1-9][0-9]*$ ]] || { echo "--seed needs a number" >&2; exit 2; }
      seed=$2
      shift 2
      ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
done
seconds=${1-}
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
  echo "usage: fuzz/run.sh [--summary FILE] [--pack] [--install] [--plain] [--seed N] SECONDS [TARGET...]" >&2
  exit 2
fi
shift

tools=$PWD/target/tools
export PATH="$tools/bin:$PATH"
missing=
# need WHAT PROBE HOW...: whether PROBE succeeds, if need be after HOW.
need() {
  local what=$1 probe=$2
  shift 2
  $probe >/dev/null 2>&1 && return
  if [[ -n $install ]]; then
    echo "installing $what"
    timeout 900 "$@" </dev/null && $probe >/dev/null 2>&1 && return
  fi
  echo "missing: $what. Install it with: $*" >&2
  missing=yes
}
need "Rust nightly" "cargo +nightly --version" rustup toolchain install nightly --profile minimal
need "cargo-fuzz" "cargo fuzz --version" cargo install cargo-fuzz --version 0.13.2 --locked --debug --root "$tools"
[[ -z $missing ]] || exit 2

all=$(sed -n 's/^    ("\([a-z_0-9]*\)", .*/\1/p' src/lib.rs)
targets=("$@")
[[ ${#targets[@]} -gt 0 ]] || mapfile -t targets <<<"$all"
for target in "${targets[@]}"; do
  grep -qx -- "$target" <<<"$all" || { echo "no target $target; there are:" $all >&2; exit 2; }
done

# The library's own allocations are counted; the leak check at the end would cost more than it finds.
export ASAN_OPTIONS="detect_leaks=0${ASAN_OPTIONS:+:$ASAN_OPTIONS}" CARGO_TERM_COLOR=never
started=$SECONDS
log=$(mktemp)
trap 'rm -f "$log"' EXIT

echo "building, which takes minutes the first time"
if ! (cd .. && cargo +nightly fuzz build ${plain[@]+"${plain[@]}"}) >"$log" 2>&1; then
  cat "$log" >&2
  echo "the build failed" >&2
  exit 3
fi
cargo build --quiet --example corpus || exit 3
echo "built in $((SECONDS - started)) s"

line() { printf '%-17s %11s %8s %7s %7s %9s  %s\n' "$@" | tee -a "$summary"; }
line target executions a_second inputs edges features result
found=
for target in "${targets[@]}"; do
  corpus=corpus/$target
  mkdir -p "$corpus" "artifacts/$target"
  cargo run --quiet --example corpus unpack "$target" "$corpus" || exit 3
  # Time is bounded by libFuzzer, a single input too, and the whole by `timeout`, should libFuzzer hang.
  (cd .. && timeout --kill-after=10 $((seconds + 300)) cargo +nightly fuzz run ${plain[@]+"${plain[@]}"} "$target" "fuzz/$corpus" -- \
    -seed="$seed" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=2048 -max_len=2048 -len_control=10 -print_final_stats=1 2>&1) \
    | tee "$log" | awk -v target="$target" '/^#[0-9]+/ { if (systime() - last >= 15) { last = systime(); printf "  %s %s\n", target, $0; fflush() } }'
  status=${PIPESTATUS[0]}
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  a_second=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
  edges=$(grep -ao ' cov: [0-9]*' "$log" | tail -1 | grep -o '[0-9]*')
  features=$(grep -ao ' ft: [0-9]*' "$log" | tail -1 | grep -o '[0-9]*')
  inputs=$(find "$corpus" -type f | wc -l)
  result=ok
  if [[ $status -ne 0 ]]; then
    artifact=$(sed -n 's/.*Test unit written to //p' "$log" | tail -1)
    result="FOUND ${artifact:-nothing on disk, status $status}"
    found=yes
    grep -av '^#[0-9]' "$log" | tail -60 >&2
  fi
  line "$target" "${executions:-?}" "${a_second:-?}" "$inputs" "${edges:-?}" "${features:-?}" "$result"
  if [[ -n $pack && $status -eq 0 ]]; then
    echo "  minimising $corpus"
    rm -rf "$corpus.small"
    mkdir -p "$corpus.small"
    # The smallest set that covers what the whole covers, near enough.
    if (cd .. && timeout --kill-after=10 900 cargo +nightly fuzz run ${plain[@]+"${plain[@]}"} "$target" "fuzz/$corpus.small" "fuzz/$corpus" -- \
      -set_cover_merge=1 -max_len=2048) >"$log" 2>&1; then
      rm -rf "$corpus"
      mv "$corpus.small" "$corpus"
      cargo run --quiet --example corpus pack "$target" "$corpus" || exit 3
      echo "  $(find "$corpus" -type f | wc -l) inputs, $(stat -c %s "corpus.packed/$target") bytes packed"
    else
      tail -20 "$log" >&2
      rm -rf "$corpus.small"
      echo "  minimising failed: the packed corpus is as it was" >&2
    fi
  fi
done
if [[ -n $found ]]; then
  echo "something was found; to see it: cargo run --manifest-path fuzz/Cargo.toml --bin TARGET FILE" >&2
  exit 1
fi
echo "nothing was found, in $((SECONDS - started)) s"
