#!/usr/bin/env bash
# The page in Chromium with all that others wrote: the official client of Socket.IO, and axe, which looks for what keeps people out.
# Needs Chromium, Python, npm and the network. Exit status 2: something of that is missing.
set -euo pipefail
cd "$(dirname "$0")/../../../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for package in socket.io-client@4.8.1 axe-core@4.10.2; do
  mkdir "$folder/${package%@*}"
  (cd "$folder/${package%@*}" && npm pack --silent "$package" >/dev/null && tar xzf ./*.tgz --strip-components 1) || exit 2
done
cargo build --quiet --package sockless-chat
crates/sockless-chat/tests/browser/run.py target/debug/sockless-chat \
  --socketio-client "$folder/socket.io-client/dist/socket.io.min.js" --axe "$folder/axe-core/axe.min.js"
