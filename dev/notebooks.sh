#!/usr/bin/env bash
# Runs all notebooks on the demo's models (make demo) and checks what they show against values computed without Spark.
# The executed notebooks and their pictures stay in build/notebooks.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ ! -f build/demo/merged/ties/model.safetensors ]; then
  echo "Cannot run the notebooks: the demo's models are not in build/demo (make demo)" >&2
  exit 1
fi
environment=$(bin/weightloom notebook --setup-only --models build/demo)
eval "$environment"
python dev/check-notebooks.py sources notebooks/*.ipynb

out=build/notebooks
rm -rf "$out"
mkdir -p "$out"
for notebook in notebooks/*.ipynb; do
  echo "$notebook"
  jupyter nbconvert --to notebook --execute --log-level WARN --output-dir "$out" "$notebook"
done
python dev/check-notebooks.py results build/demo "$out"/*.ipynb
