#!/usr/bin/env bash
# Runs every shell block of the documentation that stands below a line "<!-- checked -->".
set -euo pipefail
cd "$(dirname "$0")/.."

count=0
for page in README.md docs/*.md; do
  blocks=$(awk '
    /^<!-- checked -->$/ { armed = 1; next }
    armed && /^```sh$/ { inside = 1; armed = 0; next }
    inside && /^```$/ { inside = 0; next }
    inside { print }' "$page")
  if [ -n "$blocks" ]; then
    echo "== $page"
    bash -euo pipefail -c "$blocks"
    count=$((count + $(wc -l <<< "$blocks")))
  fi
done
echo "$count commands of the documentation ran"
[ "$count" -gt 0 ]
