# What the scripts of .ci share: steps with the time, skips that are counted, and tools that install themselves. It is read by them, and does
# nothing alone.

export CARGO_TERM_COLOR=never PYTHONDONTWRITEBYTECODE=1 PATH="$PWD/target/tools/bin:$PATH"
# Lines that name what was skipped.
skipped=target/ci/skipped

step() { printf '\n== [%4ds] %s\n' "$((SECONDS - started))" "$*"; }

skip() {
  step "skipped: $*"
  echo "$*" >>"$skipped"
}

# may_skip WHAT COMMAND...: a command whose exit status 2 says that something it needs can't be had here.
may_skip() {
  local what=$1 status=0
  shift
  "$@" || status=$?
  case $status in
    0) ;;
    2) skip "$what" ;;
    *) exit "$status" ;;
  esac
}

# elsewhere NAME COMMAND...: with a target directory for this kind of build alone.
elsewhere() { CARGO_TARGET_DIR=target/ci/$1 "${@:2}"; }

# tool PACKAGE VERSION: installs a tool that is written in Rust, unless it is there. Without optimisation that takes half the time.
tool() {
  command -v "$1" >/dev/null || cargo install --quiet --locked "$1" --version "$2" --debug --root target/tools ||
    echo "cargo can't install $1" >&2
}

# Whether there is a nightly compiler, if need be from rustup.
nightly() {
  cargo +nightly --version >/dev/null 2>&1 ||
    timeout 300 rustup toolchain install nightly --profile minimal --no-self-update >/dev/null 2>&1
}

# miri FILTER...: these tests of connections under Miri. The SIMD validator of UTF-8 uses instructions that Miri doesn't know.
miri() {
  if ! timeout 300 rustup component add --toolchain nightly miri rust-src >/dev/null 2>&1; then
    skip "Miri: rustup can't install it"
    return
  fi
  MIRIFLAGS=-Zmiri-disable-isolation elsewhere miri cargo +nightly miri test --quiet \
    --no-default-features --features std,alloc,handshake --test connection -- "$@"
}
