#!/usr/bin/env bash
# Whole processes against mergekit and the floor; arguments are those of bench/end-to-end/bench.py.
#   WEIGHTLOOM_PEERS  the environment of the peers (default: made by dev/peers.sh)
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${WEIGHTLOOM_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/weightloom/peers}
dev/peers.sh "$venv"
"$venv/bin/python" bench/end-to-end/bench.py --venv "$venv" "$@"
