#!/usr/bin/env bash
# Makes the Python environment of the programs that read our tables and Arrow files, outside the repository.
# usage: dev/readers.sh [VENV]    (default ${XDG_CACHE_HOME:-~/.cache}/weightloom/readers; PYTHON names another interpreter)
set -euo pipefail

case ${1:-} in
  -h | --help) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
esac
venv=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/weightloom/readers}
python=${PYTHON:-python3}

if ! command -v "$python" > /dev/null; then
  echo "Cannot make $venv: no $python (Debian: apt-get install python3 python3-venv)" >&2
  exit 1
fi
if ! "$venv/bin/python" -c 'import pyarrow, duckdb' 2> /dev/null; then
  "$python" -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check pyarrow==26.0.1 duckdb==2.0.0
fi
"$venv/bin/python" -c 'import pyarrow, duckdb; print("pyarrow", pyarrow.__version__, "duckdb", duckdb.__version__)'
