#!/usr/bin/env bash
# Makes the Python environment of the peer programs, outside the repository, and prints its versions.
# usage: dev/peers.sh [VENV]      (default ${XDG_CACHE_HOME:-~/.cache}/weightloom/peers; PYTHON names another interpreter)
set -euo pipefail

case ${1:-} in
  -h | --help) sed -n '2,3s/^# //p' "$0"; exit 0 ;;
esac
venv=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/weightloom/peers}
python=${PYTHON:-python3}
# With transformers 5 this mergekit stops on a pydantic error.
wanted=(mergekit==0.1.4 transformers==4.57.3)

if ! command -v "$python" > /dev/null; then
  echo "Cannot make $venv: no $python (Debian: apt-get install python3 python3-venv)" >&2
  exit 1
fi
if ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
  echo "Cannot make $venv: $python has no venv module (Debian: apt-get install python3-venv)" >&2
  exit 1
fi
if ! "$venv/bin/python" -c 'import sys' 2> /dev/null; then
  "$python" -m venv --clear "$venv"
fi
has() { "$venv/bin/python" - "${wanted[@]}" << 'PY'
import sys
from importlib.metadata import PackageNotFoundError, version

try:
    sys.exit(any(version(name) != pin for name, pin in (w.split("==") for w in sys.argv[1:])))
except PackageNotFoundError:
    sys.exit(1)
PY
}
if ! has; then
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${wanted[@]}"
fi
"$venv/bin/python" - "$venv" << 'PY'
import platform
import sys
from importlib.metadata import version

print(sys.argv[1])
print("python", platform.python_version())
for name in ("mergekit", "torch", "transformers", "safetensors", "numpy"):
    print(name, version(name))
PY
