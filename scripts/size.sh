#!/usr/bin/env bash
# Fails when the release binary needs a C library or is larger than 20 MB.
set -euo pipefail
binary=$1
limit=20000000

size=$(stat -c %s "$binary")
printf '== size: %s is %d.%d MB of %d\n' "$binary" $((size / 1000000)) $((size % 1000000 / 100000)) $((limit / 1000000))
go version -m "$binary" | grep -q 'CGO_ENABLED=0' || {
	echo "$binary is not static: it was built with cgo"
	exit 1
}
[ "$size" -le "$limit" ] || {
	echo "$binary is larger than $limit bytes: go version -m and go tool nm -size tell what came in"
	exit 1
}
