#!/usr/bin/env bash
# What `prune --format sparse_bitmask` writes, read back by compressed-tensors, bit for bit as `prune` writes it dense.
# Needs an environment with torch, transformers and safetensors: WEIGHTLOOM_PEERS, or dev/peers.sh makes it.
# usage: dev/sparse-bitmask.sh [WEIGHTLOOM]      (the command; default bin/weightloom)
set -euo pipefail
cd "$(dirname "$0")/.."

weightloom=${1:-bin/weightloom}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/weightloom
venv=${WEIGHTLOOM_PEERS:-$cache/peers}
[ -x "$venv/bin/python" ] || dev/peers.sh "$venv"
# The last versions have dropped the format. Beside the environment, which has all else that it takes.
library=$cache/compressed-tensors-0.12.2
if [ ! -f "$library/complete" ]; then
  rm -rf "$library"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --target "$library" \
    compressed-tensors==0.12.2 loguru==0.7.3
  touch "$library/complete"
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

model=spark-jobs/src/test/resources/golden/units/model
"$weightloom" prune "$model" "$work/dense" --sparsity 0.5
"$weightloom" prune "$model" "$work/sparse" --sparsity 0.5 --format sparse_bitmask
PYTHONPATH=$library "$venv/bin/python" dev/sparse_bitmask_test.py "$work/dense" "$work/sparse"
