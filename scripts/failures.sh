#!/usr/bin/env bash
# Runs the tests that docs/resilience.md names. Prints the matrix of faults against operations, as they were seen, and one
# line for each row of the page: its id, whether its tests pass, and the failure.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
page=docs/resilience.md

tests=$(grep -oE '`Test[A-Za-z0-9_]+`' "$page" | tr -d '`' | sort -u)
pattern="^($(paste -sd'|' <<<"$tests"))\$"
packages=$(git ls-files -co --exclude-standard '*_test.go' |
	xargs grep -lE "^func ($(paste -sd'|' <<<"$tests"))\(" | xargs -n1 dirname | sort -u | sed 's|^|./|')

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
# shellcheck disable=SC2086 # packages are words
STRAIN_MATRIX=$work/matrix go test -json -count=1 -run "$pattern" $packages >"$work/events" </dev/null || failed=1

if [ -s "$work/matrix" ]; then
	echo "What a user sees of each fault, and what ends it once the fault is over (– cannot happen, ok goes unnoticed):"
	echo
	cat "$work/matrix"
	echo
fi
# Ends of whole tests, as "TestName pass".
sed -nE 's/.*"Action":"(pass|fail|skip)".*"Test":"([^"/]+)".*/\2 \1/p' "$work/events" >"$work/ends"
grep -E '^\| [A-Z][0-9]+ \|' "$page" | while IFS= read -r row; do
	id=$(cut -d'|' -f2 <<<"$row" | tr -d ' ')
	what=$(cut -d'|' -f3 <<<"$row" | sed 's/^ *//;s/ *$//')
	ends=""
	for test in $(grep -oE '`Test[A-Za-z0-9_]+`' <<<"$row" | tr -d '`'); do
		ends+=" $(awk -v t="$test" '$1 == t {e = $2} END {print e ? e : "missing"}' "$work/ends")"
	done
	verdict=pass
	case "$ends" in
	*fail* | *missing*) verdict=FAIL ;;
	"") verdict=open ;;
	*skip*) verdict="pass, some skipped" ;;
	esac
	if grep -q 'open:' <<<"$row" && [ "$verdict" = pass ]; then
		verdict="pass, part open"
	fi
	printf '%-4s %-19s %s\n' "$id" "$verdict" "$what"
done
if [ "$failed" != 0 ]; then
	echo
	echo "What failed:"
	sed -nE 's/.*"Action":"output".*"Output":"(.*_test\.go.*)\\n".*/\1/p' "$work/events" | head -50
fi
exit "$failed"
