#!/usr/bin/env bash
# Fails when generated files are stale: runs go generate in a copy of the tree and compares. The tree
# itself stays as it is, so it may hold changes that are not committed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

echo "== generated files"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -co --exclude-standard -z |
	while IFS= read -r -d '' f; do [ -e "$f" ] && printf '%s\0' "$f"; done |
	tar --null -T - -cf - | { mkdir "$copy/tree" && tar -C "$copy/tree" -xf -; }

cd "$copy/tree"
git init -q && git add -A
go generate ./...
git add -AN
git diff --exit-code --stat || {
	git diff | head -n 60
	echo "stale: run make generate and commit the result"
	exit 1
}
