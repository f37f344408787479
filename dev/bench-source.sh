#!/usr/bin/env bash
# How fast Spark SQL reads models (mvn -pl bench -am package first); arguments are SourceBench's:
#   dev/bench-source.sh l2 /zoo/llama
#   MASTER='local[4]' dev/bench-source.sh aligned /zoo/base /zoo/a /zoo/b
# A model of 1,000 shards and 2 TB of holes, for its headers:
#   dev/bench-source.sh holes /tmp/holes && dev/bench-source.sh headers /tmp/holes
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ "${1:-}" == holes ]]; then
  python3 - "${2:?a directory}" <<'PY'
import json, os, sys
root, shards, tensors, size = sys.argv[1], 1000, 3, 2 * 10**9 // 3 // 8192 * 8192
os.makedirs(root)
weights = {}
for i in range(shards):
    file = f"model-{i + 1:05d}-of-{shards:05d}.safetensors"
    header = {}
    for t in range(tensors):
        name = f"model.layers.{i}.mlp.w{t}.weight"
        header[name] = {"dtype": "BF16", "shape": [size // 8192, 4096], "data_offsets": [t * size, (t + 1) * size]}
        weights[name] = file
    text = json.dumps(header).encode()
    with open(os.path.join(root, file), "wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        out.truncate(8 + len(text) + tensors * size)
with open(os.path.join(root, "model.safetensors.index.json"), "w") as out:
    json.dump({"weight_map": weights}, out)
PY
  exit
fi
if [[ ! -d bench/target/classes ]]; then
  echo "Cannot run the benchmarks: they are not compiled (mvn -pl bench -am package)" >&2
  exit 2
fi
list=bench/target/source.classpath
class_path() {
  mvn -q -B "$@" -pl bench dependency:build-classpath \
    -Dmdep.includeScope=test -Dmdep.outputFile="$PWD/$list"
}
class_path -o >/dev/null 2>&1 || class_path
# Of our own modules take what is compiled here, not what was last installed.
dependencies=$(sed -E 's#[^:]*/weightloom-([a-z-]+)/[^:/]*/[^:/]*\.jar#\1/target/classes#g' "$list")
options=$(sed -n 's#.*<spark.jvm.options>\(.*\)</spark.jvm.options>.*#\1#p' pom.xml)

# shellcheck disable=SC2086 # options are words
"${JAVA_HOME:+$JAVA_HOME/bin/}java" $options -Xmx2g "-Dmaster=${MASTER:-local[1]}" \
  -cp "bench/target/classes:$dependencies" io.weightloom.bench.SourceBench "$@"
