# What .ci/run and .ci/beside share: steps with the time, and skips that are counted. It is read by them, and does nothing alone.

export CARGO_TERM_COLOR=never PYTHONDONTWRITEBYTECODE=1
# Lines that name what was skipped, of both scripts.
skipped=target/ci/skipped

step() { printf '\n== [%4ds] %s\n' "$((SECONDS - started))" "$*"; }

skip() {
  printf '\n== [%4ds] skipped: %s\n' "$((SECONDS - started))" "$*"
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
