#!/usr/bin/env bash
# Fails when gofumpt would change a file, and names it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "== format"
changed=$(git ls-files -co --exclude-standard '*.go' | while read -r f; do [ -e "$f" ] && echo "$f"; done | xargs -r bin/gofumpt -l)
[ -z "$changed" ] || {
	printf 'not formatted (make fmt does it):\n%s\n' "$changed"
	exit 1
}
