#!/usr/bin/env bash
# Makes all golden data again, from the programs that they name, and checks the hostile corpus against the reference.
set -euo pipefail
cd "$(dirname "$0")/../.."

venv=${WEIGHTLOOM_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/weightloom/peers}
dev/peers.sh "$venv"
"$venv/bin/pip" install -q xxhash==4.1.0 scipy==1.17.1 networkx==3.6.1
"$venv/bin/python" dev/golden/mergekit.py
"$venv/bin/python" dev/golden/mergekit.py --check
"$venv/bin/python" dev/golden/safetensors_layout.py arrow-io/src/test/resources/golden
"$venv/bin/python" dev/golden/xxh3.py
"$venv/bin/python" dev/golden/matrix_methods.py
"$venv/bin/python" dev/golden/pruning.py
"$venv/bin/python" dev/golden/units.py
"$venv/bin/python" dev/golden/statistics.py

weightwatcher=$(dev/venv.sh weightwatcher-golden weightwatcher==0.7.7 powerlaw==1.5 torch safetensors)
"$weightwatcher/bin/python" dev/golden/spectrum.py
"$venv/bin/pip" install -q peft==0.21.2
"$venv/bin/python" dev/golden/lora.py arrow-io/src/test/resources/golden/lora

compressed=$(dev/venv.sh compressed-tensors compressed-tensors==0.12.2 torch numpy)
# -P: the scripts here have a statistics.py of their own.
"$compressed/bin/python" -P dev/golden/sparse_bitmask.py

corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
java -cp testkit/target/classes io.weightloom.testkit.HostileSafetensors "$corpus"
"$venv/bin/python" dev/golden/safetensors_corpus.py "$corpus"
