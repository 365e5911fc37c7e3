#!/usr/bin/env bash
# Runs sockless-tokio against programs that others wrote, and prints a line for each part.
#   crates/sockless-tokio/real/run.sh [--all] [--only PART] [--require-all] [--profile dev|release]
set -euo pipefail
if ! command -v python3 >/dev/null 2>&1; then
  echo "real: python3 is needed to run the programs" >&2
  exit 2
fi
export PYTHONDONTWRITEBYTECODE=1
exec python3 "$(dirname "$0")/run.py" "$@"
