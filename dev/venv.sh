#!/usr/bin/env bash
# Makes a Python environment outside the repository, once, and prints where it is.
# usage: dev/venv.sh NAME PACKAGE==VERSION...     (in ${XDG_CACHE_HOME:-~/.cache}/weightloom; PYTHON names another interpreter)
set -euo pipefail

name=${1:?usage: dev/venv.sh NAME PACKAGE==VERSION...}
shift
cache=${XDG_CACHE_HOME:-$HOME/.cache}/weightloom
venv=$cache/$name
python=${PYTHON:-python3}

if ! "$python" -c 'import ensurepip, venv' 2> /dev/null; then
  echo "Cannot make $venv: no $python with the module venv (Debian: apt-get install python3 python3-venv)" >&2
  exit 1
fi
# The list is written last: an environment without it was not finished.
if [ "$(cat "$venv/requirements.txt" 2> /dev/null)" != "$*" ] || ! "$venv/bin/python" -c '' 2> /dev/null; then
  echo "Setting up $venv: $*" >&2
  mkdir -p "$cache"
  "$python" -m venv --clear "$venv"
  if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" >&2; then
    echo "Cannot install $* in $venv (is there a network, and a gigabyte of disk?)" >&2
    exit 1
  fi
  echo "$*" > "$venv/requirements.txt"
fi
echo "$venv"
