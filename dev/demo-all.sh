#!/usr/bin/env bash
# Merges the demo's zoo by every method that needs no table, or by those that are named, and prints the accuracies, the best first.
set -euo pipefail
cd "$(dirname "$0")/.."

demo=build/demo
classes=$(ls examples/target/weightloom-examples-*.jar | head -n 1)
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
zoo() {
  "$java" --add-modules jdk.incubator.vector -cp "$classes:dist/target/weightloom/lib/weightloom.jar:dist/target/weightloom/jars/*" "io.weightloom.examples.zoo.$1" "${@:2}"
}

if [ ! -d "$demo/zoo" ]; then
  mkdir -p "$demo"
  zoo MakeZoo "$demo/zoo"
fi
zoo ScoreMethods "$demo/zoo" "$@"
