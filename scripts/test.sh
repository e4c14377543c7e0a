#!/usr/bin/env bash
# Runs all tests: race detector on, order shuffled. Skipped tests are listed with their reasons, and
# the last lines are go test's own, one a package. Arguments go to go test; SOAK=1 asks for full length.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

race=-race
if ! command -v cc >/dev/null && ! command -v gcc >/dev/null; then
	race=
	echo "== no C compiler: tests run without the race detector"
fi

echo "== test"
lines=$(mktemp)
trap 'rm -f "$lines"' EXIT
status=0
bin/gotestsum --format standard-quiet --no-color -- $race -shuffle=on -timeout 20m "$@" ./... </dev/null 2>&1 | tee "$lines" || status=$?

echo
echo "== go test, package by package"
grep -E '^(ok|FAIL|panic:)[[:space:]]' "$lines" | awk '!seen[$0]++' || true
exit "$status"
