#!/usr/bin/env bash
# Runs sockless against peers that others wrote, in both roles, and prints a table of what ran.
#   autobahn/interop/run.sh [--only matrix|page|stomp] [--match TEXT] [--jobs N] [--require-all]
set -euo pipefail
if ! command -v python3 >/dev/null 2>&1; then
  echo "interop: python3 is needed to run the peers" >&2
  exit 2
fi
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$(dirname "$0")/interop.py" "$@"
