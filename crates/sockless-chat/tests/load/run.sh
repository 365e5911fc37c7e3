#!/usr/bin/env bash
# Measures sockless-chat with sockless-load: the chat's scenario, and what an idle user costs.
#
#   crates/sockless-chat/tests/load/run.sh [CONNECTIONS]     10,000 by default; the reports are in target/load
#
#   DURATION=60s  RAMP=60s  IDLE=75    of the scenario, and the seconds in which idle users are watched
#   CORES=0,1  LOAD_CORES=0,1          where the server and the generator run (taskset)
#   NO_BUILD=yes                       with the programs that are there
#
# A machine with nothing else to do: 10,000 connections need 10,100 descriptors in each process, some 300 MB and four minutes.
set -euo pipefail
cd "$(dirname "$0")/../../../.."
connections=${1:-10000}
duration=${DURATION:-60s}
ramp=${RAMP:-60s}
idle=${IDLE:-75}
out=target/load
mkdir -p "$out"

[ -n "${NO_BUILD-}" ] || cargo build --quiet --release -p sockless-chat -p sockless-load
target=${CARGO_TARGET_DIR:-target}
ulimit -n "$(ulimit -Hn)"
data=$(mktemp -d)
server=
load=
finish() {
  [ -z "$load" ] || kill "$load" 2>/dev/null || true
  [ -z "$server" ] || { kill "$server" 2>/dev/null && wait "$server" 2>/dev/null; } || true
  rm -rf "$data" "$data.address"
}
trap finish EXIT

# A new server with an empty store, at a free port: its address is in `address`.
start_server() {
  [ -z "$server" ] || { kill "$server"; wait "$server" || true; }
  rm -rf "$data"
  mkdir "$data"
  : >"$data.address"
  taskset -c "${CORES:-0-$(($(nproc) - 1))}" "$target/release/sockless-chat" --data "$data" --listen 127.0.0.1:0 --lobby none \
    --requests-a-minute 100000000 >"$data.address" &
  server=$!
  for _ in $(seq 100); do
    address=$(sed -n 's,^http://,,p' "$data.address")
    [ -z "$address" ] || break
    sleep 0.1
  done
  rm -f "$data.address"
  [ -n "$address" ] || { echo "the server hasn't started" >&2; exit 1; }
}

generator() {
  taskset -c "${LOAD_CORES:-0-$(($(nproc) - 1))}" "$target/release/sockless-load" "$@" --secret-file "$data/secret" \
    --url "ws://$address/chat?token={jwt}" --connections "$connections"
}

# Of the server: kilobytes in memory, and microseconds of processor time.
memory() { awk '/^VmRSS/ { print $2 }' "/proc/$server/status"; }
processor() {
  awk -v ticks="$(getconf CLK_TCK)" '{ print ($14 + $15) * 1000000 / ticks }' "/proc/$server/stat"
}

echo "== idle: $connections users in rooms of 100 with a heartbeat each 25 s"
start_server
empty=$(memory)
sed "s/^ramp = .*/ramp = \"$ramp\"/; s/^settle = .*/settle = \"0s\"/; /^\[message\]/,\$d" crates/sockless-load/scenarios/chat.toml >"$out/idle.toml"
generator "$out/idle.toml" --quiet --duration "$((idle + 25))s" --json "$out/idle.json" &
load=$!
# All are there when the gauge says so; then what happened at their coming is left to settle.
for _ in $(seq 600); do
  there=$(curl -s "http://$address/metrics" | awk '/^sockless_chat_users_online / { print $2 }')
  [ "${there:-0}" -lt "$connections" ] || break
  kill -0 "$load" 2>/dev/null || { echo "the generator has ended early" >&2; exit 1; }
  sleep 0.5
done
sleep 10
before=$(processor)
sleep "$idle"
after=$(processor)
full=$(memory)
kill -INT "$load"
wait "$load" || true
load=
awk -v n="$connections" -v empty="$empty" -v full="$full" -v us="$(awk "BEGIN { print $after - $before }")" -v s="$idle" 'BEGIN {
  printf "memory: %d kB without users, %d kB with %d: %.2f KB for a user\n", empty, full, n, (full - empty) / n
  printf "processor: %.0f us in %d s: %.2f us/s for a user\n", us, s, us / s / n
}' | tee "$out/idle.txt"

echo "== rooms: a message a second from each room of 100"
start_server
sed "s/^ramp = .*/ramp = \"$ramp\"/" crates/sockless-load/scenarios/chat.toml >"$out/chat.toml"
before=$(processor)
status=0
generator "$out/chat.toml" --duration "$duration" --json "$out/chat.json" --html "$out/chat.html" | tee "$out/chat.txt" || status=$?
after=$(processor)
echo "server: $(memory) kB in memory at the end, $(awk "BEGIN { printf \"%.1f\", ($after - $before) / 1e6 }") s of processor time in all"
exit "$status"
