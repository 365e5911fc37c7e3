#!/usr/bin/env bash
# Runs the Autobahn test suite against programs of this repository.
#   autobahn/run.sh server|client [PROGRAM] [--cases few|core|sample|full]   one program, or all of a role
#   autobahn/run.sh all [--cases few|core|sample|full]                       all programs
#   autobahn/run.sh results                                                  writes RESULTS.md from the runs that are kept
set -euo pipefail
if ! command -v python3 >/dev/null 2>&1; then
  echo "autobahn: python3 is needed to run the suite" >&2
  exit 2
fi
here=$(dirname "$0")
if [ "${1-}" = results ]; then
  exec python3 "$here/results.py"
fi
exec python3 "$here/suite.py" "$@"
