package bench

import (
	"fmt"
	"strconv"
	"testing"
)

// BenchmarkGoals measures each row of the goals once, however often it is asked, and writes the page when all have run.
func BenchmarkGoals(b *testing.B) {
	n := &numbers{all: map[string][]float64{}}
	complete := true
	row := func(name string, measure func(*testing.B)) {
		done := false
		b.Run(name, func(b *testing.B) {
			if !done { // the numbers are their own measure; there is nothing to repeat until a second has passed
				measure(b)
				done = true
			}
			b.ReportMetric(0, "ns/op")
		})
		complete = complete && done
	}
	row("binary", func(b *testing.B) { measureBinary(b, n) })
	row("publish", func(b *testing.B) { measurePublish(b, n) })
	row("echo", func(b *testing.B) { measureEcho(b, n) })
	for _, others := range []int{0, 10, 1000} {
		row("answer/"+strconv.Itoa(others)+"_others", func(b *testing.B) { measureAnswer(b, n, others) })
	}
	row("refreshes/none_changes", func(b *testing.B) {
		measureRefreshes(b, n, "refreshes/none", simulate(b, "--cars", strconv.Itoa(refreshCars)))
	})
	row("refreshes/all_change", func(b *testing.B) {
		measureRefreshes(b, n, "refreshes/all", serve(b, cloudOptions{Accounts: 1, Cars: refreshCars, Restless: true}))
	})
	row("hundred", func(b *testing.B) { measureHundred(b, n) })
	row("start", func(b *testing.B) { measureStart(b, n) })
	for _, size := range sizes {
		row(fmt.Sprintf("memory/%d_on_%d", size.cars, size.accounts), func(b *testing.B) { measureMemory(b, n, size.accounts, size.cars) })
	}
	if complete && !b.Failed() && *docs != "" {
		writePage(b, n)
	}
}

// sizes are the numbers of cars for which memory and processor time are measured.
var sizes = []struct{ cars, accounts int }{{1, 1}, {10, 1}, {20, 1}, {100, 1}, {500, 1}, {1000, 1}, {10_000, 1}, {10_000, 1000}}
