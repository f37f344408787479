#!/usr/bin/env bash
# Writes the generated parts of the documentation: the tables of methods.
set -euo pipefail
cd "$(dirname "$0")/.."
mvn -q -B -ntp test -pl testkit,core -Dtest=MethodTableTest -Dsurefire.failIfNoSpecifiedTests=false \
  -DargLine="-Dwl.docs.write=true --add-modules=jdk.incubator.vector"
git --no-pager diff --stat -- README.md docs
