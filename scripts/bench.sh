#!/usr/bin/env bash
# Measures the goals with real processes and writes docs/performance.md, then runs the benchmarks of the parts. Under five
# minutes; SOAK=1 measures at full length. Numbers mean something only on a machine that does nothing else.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
each=100ms
[ "${SOAK:-}" = 1 ] && each=1s

echo "== goals"
go test -run '^$' -bench '^BenchmarkGoals$' -benchtime 1x -timeout 6h ./test/bench -docs "$PWD/docs" </dev/null
echo "== the refresh, whole program in one process"
go test -run '^$' -bench '^BenchmarkRefresh$' -benchtime 2000x ./test/bench </dev/null
echo "== parts"
go list ./... | grep -v '/test/bench$' | xargs go test -run '^$' -bench . -benchmem -benchtime "$each" -p 1 | grep -E '^(pkg:|Benchmark|FAIL|---)'
