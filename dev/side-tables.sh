#!/usr/bin/env bash
# The collector of side tables on a tiny model made on the spot, its sums against a plain computation, and its tables in
# prune and merge. Needs an environment with torch, transformers and safetensors: WEIGHTLOOM_PEERS, or dev/peers.sh makes it.
# usage: dev/side-tables.sh [WEIGHTLOOM]      (the command; default bin/weightloom)
set -euo pipefail
cd "$(dirname "$0")/.."

weightloom=${1:-bin/weightloom}
venv=${WEIGHTLOOM_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/weightloom/peers}
[ -x "$venv/bin/python" ] || dev/peers.sh "$venv"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

"$venv/bin/python" dev/side_tables_test.py make "$work"
for model in dense experts; do
  "$venv/bin/python" examples/side-tables/collect.py "$work/$model" "$work/text" "$work/tables-$model" \
    --what norms,grams,gradient-grams,fisher,routing --samples 4 --length 16
  "$venv/bin/python" dev/side_tables_test.py check "$work" "$model"
done
pruned=()
for options in "--method wanda --sparsity 0.5 --norms $work/tables-dense/norms.safetensors" \
  "--method wanda --nm 2:4 --norms $work/tables-dense/norms.safetensors" \
  "--sparsity 0.6 --method wanda --budget owl --norms $work/tables-dense/norms.safetensors" \
  "--method sparsegpt --sparsity 0.5 --grams $work/tables-dense/grams.safetensors --set error=relative"; do
  # shellcheck disable=SC2086
  "$weightloom" prune "$work/dense" "$work/out${#pruned[@]}" $options
  pruned+=("$work/out${#pruned[@]}")
done
"$venv/bin/python" dev/side_tables_test.py loads "${pruned[@]}"
for table in grams gradient-grams; do
  "$weightloom" spectrum "$work/tables-dense/$table.safetensors" --epsilon 1e-6 > "$work/spectrum"
done
cat > "$work/fisher.yml" <<RECIPE
merge_method: fisher
models: [{model: $work/dense}, {model: $work/out0}]
weightloom:
  side_tables:
    fisher:
      $work/dense: $work/tables-dense/fisher.safetensors
      $work/out0: $work/tables-dense/fisher.safetensors
RECIPE
"$weightloom" merge "$work/fisher.yml" "$work/merged"
echo "side tables: collected, checked and used"
