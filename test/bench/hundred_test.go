package bench

import (
	"strconv"
	"testing"
	"time"
)

// measureHundred asks 100 cars at once, whose cloud takes 300 ms for a status, with a bulkhead as wide as that.
func measureHundred(b *testing.B, n *numbers) {
	const cars = 100
	w := simulate(b, "--cars", strconv.Itoa(cars), "--latency-cached", "300ms")
	d := w.drive(byRecords)
	w.run(setup{account: cars})
	all := d.await(cars)
	d.refresh(all, 1, cars, "cached")
	var times []float64
	for range pick(7, 31) {
		times = append(times, d.refresh(all, 1, cars, "cached").Seconds())
		wait(50 * time.Millisecond)
	}
	n.add(b, "hundred/s", times...)
}
