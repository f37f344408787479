#!/usr/bin/env bash
# Writes the generated parts of the documentation: the tables of methods and functions.
set -euo pipefail
cd "$(dirname "$0")/.."
mvn -q -B -ntp test -pl testkit,core,arrow-io,udfs -Dtest=MethodTableTest,FunctionTableTest -Dsurefire.failIfNoSpecifiedTests=false -Dwl.docs.write=true
git --no-pager diff --stat -- README.md docs
