package topic

import (
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// BenchmarkAppend_FullSet encodes every topic of a car that has all data.
func BenchmarkAppend_FullSet(b *testing.B) {
	full, table := fullState(b), NewTable(Options{})
	var buffer []byte
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for row := range table.Seen(full) {
			buffer = row.Append(buffer[:0], full)
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "payloads/s")
	b.ReportMetric(float64(n)/float64(b.N), "payloads/op")
}

// BenchmarkChanged_OneRefresh asks what 25 changed data points of a full state mean for topics.
func BenchmarkChanged_OneRefresh(b *testing.B) {
	before, table := fullState(b), NewTable(Options{})
	report := vehicle.Report{Reported: reportedAt.Add(time.Minute)}
	for _, d := range vehicle.Catalogue() {
		if d.Kind == vehicle.KindFlag && len(report.Observations) < 25 {
			report.Observations = append(report.Observations, vehicle.Observation{Datum: d, Value: false, Reported: report.Reported})
		}
	}
	after, changes, _ := before.Apply(report, fetchedAt.Add(time.Minute))
	b.ReportAllocs()
	for b.Loop() {
		if len(table.Changed(before, after, changes)) < 25 {
			b.Fatal("too few topics")
		}
	}
}
