#!/usr/bin/env bash
# Runs the compiled tests of a module (mvn install first) under ScalaTest's Runner.
# Further arguments go to the Runner: dev/scalatest.sh core -z decodes
set -euo pipefail
cd "$(dirname "$0")/.."

module=${1:?usage: dev/scalatest.sh MODULE [RUNNER ARGUMENT...]}
shift
suites=$(cd "$module/src/test/java" && find . -name '*Suite.java' | sed 's:^\./::; s:\.java$::; s:/:.:g')
if [[ -z $suites || ! -d $module/target/test-classes ]]; then
  echo "Cannot run the tests of $module: it has no *Suite.java or is not compiled (mvn install)" >&2
  exit 2
fi

list=$module/target/scalatest.classpath
class_path() {
  mvn -q -B "$@" -pl "$module" dependency:build-classpath \
    -Dmdep.includeScope=test -Dmdep.outputFile="$PWD/$list"
}
class_path -o >/dev/null 2>&1 || class_path
# Of our own modules take what is compiled here, not what was last installed.
here='s#[^:]*/weightloom-([a-z-]+)/[^:/]*/[^:/]*-tests\.jar#\1/target/test-classes#g
s#[^:]*/weightloom-([a-z-]+)/[^:/]*/[^:/]*\.jar#\1/target/classes#g'
dependencies=$(sed -E "$here" "$list")

option() {
  sed -n "s:.*<$1>\(.*\)</$1>.*:\1:p" pom.xml
}
read -ra jvm <<<"$(option spark.jvm.options) $(option test.jvm.options)"
java=${JAVA_HOME:+$JAVA_HOME/bin/}java
# The test classes are on the class path too, so that one loader has them and what they test.
"$java" "${jvm[@]}" -cp "$module/target/test-classes:$module/target/classes:$dependencies" \
  org.scalatest.tools.Runner -R "$module/target/test-classes" -oW \
  $(printf -- '-s %s ' $suites) "$@"
