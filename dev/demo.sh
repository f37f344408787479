#!/usr/bin/env bash
# The demo: trains a zoo, merges it by every recipe of examples/recipes, looks for good coefficients by a sweep, and
# scores all models on all tasks.
set -euo pipefail
cd "$(dirname "$0")/.."

demo=build/demo
classes=$(ls examples/target/weightloom-examples-*.jar | head -n 1)
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
classpath="$classes:dist/target/weightloom/lib/weightloom.jar:dist/target/weightloom/jars/*"
zoo() {
  "$java" -cp "$classpath" "io.weightloom.examples.zoo.$1" "${@:2}"
}

mkdir -p "$demo"
echo "Training a base network and its fine-tuned ones ..."
zoo MakeZoo "$demo/zoo"

merged=()
for recipe in examples/recipes/demo-*.yml; do
  method=$(basename "$recipe" .yml)
  method=${method#demo-}
  bin/weightloom merge "$recipe" "$demo/merged/$method" --overwrite
  merged+=("$demo/merged/$method")
done

echo
echo "Trying coefficients of TIES: one read of the models writes all candidates ..."
bin/weightloom sweep examples/recipes/sweep-ties.yml "$demo/sweep" --overwrite \
  --score "'$java' -cp '$classpath' io.weightloom.examples.zoo.ScoreModel {}"
rm -rf "$demo/merged/swept"
cp -r "$demo/sweep/best/" "$demo/merged/swept"
merged+=("$demo/merged/swept")

echo
zoo ScoreZoo "$demo/zoo" "${merged[@]}"
echo
echo "The zoo is in $demo/zoo, the merged models in $demo/merged. Next: bin/weightloom inspect ${merged[-1]}"
