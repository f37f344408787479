#!/usr/bin/env bash
# Runs the compiled benchmarks (mvn install first) and prints GB/s; arguments are JMH's:
#   dev/bench-kernels.sh MergeBench -p chunk=512,1024,2048
#   JAVA_HOME=/path/to/jdk-25 dev/bench-kernels.sh -f 1 decode
set -euo pipefail
cd "$(dirname "$0")/.."

if [[ ! -d bench/target/classes ]]; then
  echo "Cannot run the benchmarks: they are not compiled (mvn -pl testkit,core,bench install)" >&2
  exit 2
fi
list=bench/target/bench.classpath
class_path() {
  mvn -q -B "$@" -pl bench dependency:build-classpath \
    -Dmdep.includeScope=runtime -Dmdep.outputFile="$PWD/$list"
}
class_path -o >/dev/null 2>&1 || class_path
# Of our own modules take what is compiled here, not what was last installed.
dependencies=$(sed -E 's#[^:]*/weightloom-([a-z-]+)/[^:/]*/[^:/]*\.jar#\1/target/classes#g' "$list")

"${JAVA_HOME:+$JAVA_HOME/bin/}java" -cp "bench/target/classes:$dependencies" \
  io.weightloom.bench.KernelBench "$@"
