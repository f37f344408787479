#!/usr/bin/env bash
# The one jar in PySpark as it comes from PyPI: Spark 4.2, 4.1 and 4.0, each in an environment of its own.
# usage: dev/pyspark.sh [VERSION...]
set -euo pipefail
cd "$(dirname "$0")/.."

jar=$PWD/dist/target/weightloom/lib/weightloom.jar
if [ ! -f "$jar" ]; then
  echo "Cannot test $jar: there is none (make build)" >&2
  exit 1
fi
[ $# -gt 0 ] || set -- 4.2.0 4.1.3 4.0.2
unset SPARK_HOME PYSPARK_SUBMIT_ARGS
for version in "$@"; do
  if [ "$version" = 4.2.0 ]; then
    # The notebooks' environment has it.
    venv=$(bin/weightloom notebook --setup-only | sed -n 's/^declare -x VIRTUAL_ENV="\(.*\)"$/\1/p')
  else
    venv=$(dev/venv.sh "spark-$version" "pyspark==$version")
  fi
  "$venv/bin/python" dev/pyspark-test.py "$jar"
done
