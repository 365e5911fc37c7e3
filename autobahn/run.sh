#!/usr/bin/env bash
# Runs the Autobahn test suite against a program of this repository.
#   autobahn/run.sh server|client PROGRAM [--cases core|sample|full]
set -euo pipefail
if ! command -v python3 >/dev/null 2>&1; then
  echo "autobahn: python3 is needed to run the suite" >&2
  exit 2
fi
exec python3 "$(dirname "$0")/suite.py" "$@"
