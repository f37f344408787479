#!/usr/bin/env bash
# All tests: under Surefire and Failsafe, under ScalaTest's Runner, and on a second JDK where there is one.
set -euo pipefail
cd "$(dirname "$0")/.."

mvn -B -ntp install -DforkCount=1C

echo "== our extensions beside Delta's and Iceberg's, on the newest Spark that all three are built for"
mvn -B -ntp surefire:test -pl udfs -Dtest=ExtensionsTest -Dspark.version=4.1.3 -Ddelta.spark=4.1 -Dparquet.version=1.16.0

echo "== the demo, and every command of the documentation"
bin/weightloom warm-up > /dev/null 2>&1
dev/demo.sh
dev/check-docs.sh

if "${PYTHON:-python3}" -c 'import ensurepip, venv' 2> /dev/null; then
  echo "== the jar in PySpark: Spark 4.2, 4.1 and 4.0"
  dev/pyspark.sh
  echo "== the notebooks"
  dev/notebooks.sh
else
  echo "== skipped: PySpark and the notebooks, for there is no python3 with venv (apt-get install python3-venv)"
fi

peers=${WEIGHTLOOM_PEERS:-${XDG_CACHE_HOME:-$HOME/.cache}/weightloom/peers}
if "$peers/bin/python" -c 'import torch, transformers' 2> /dev/null; then
  echo "== side tables of a model of Transformers, and sparse-bitmask read by compressed-tensors"
  WEIGHTLOOM_PEERS=$peers dev/side-tables.sh
  WEIGHTLOOM_PEERS=$peers dev/sparse-bitmask.sh
else
  echo "== skipped: side tables and compressed-tensors, for $peers has no torch (dev/peers.sh, some gigabytes)"
fi

echo "== core under ScalaTest's Runner"
dev/scalatest.sh core

newest=${WEIGHTLOOM_JDK25:-$(ls -d /usr/lib/jvm/*25* 2> /dev/null | head -n 1 || true)}
if [ -n "$newest" ] && [ -x "$newest/bin/java" ]; then
  echo "== the unit tests on $("$newest/bin/java" -version 2>&1 | head -n 1)"
  mvn -B -ntp -o surefire:test -DforkCount=1C -pl testkit,core,linalg,openblas,arrow-io,udfs,spark-jobs -Djvm="$newest/bin/java"
else
  echo "== skipped: the tests on JDK 25, for there is none in /usr/lib/jvm (set WEIGHTLOOM_JDK25)"
fi
