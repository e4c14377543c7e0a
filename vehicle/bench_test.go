package vehicle

import (
	"testing"
	"time"
)

// fullReport holds every row of the catalogue once, as a cloud that reports all would send it.
func fullReport(at time.Time) Report {
	r := Report{Source: "status", Reported: at}
	for _, d := range Catalogue() {
		r.Observations = append(r.Observations, Observation{Datum: d, Value: sample(d), Reported: at, Source: r.Source})
	}
	return r
}

// BenchmarkApply believes a report of all rows: the first one, and one that brings nothing new.
func BenchmarkApply(b *testing.B) {
	first, again := fullReport(noon), fullReport(noon.Add(time.Minute))
	known, _, _ := State{}.Apply(first, noon)
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			State{}.Apply(first, noon)
		}
	})
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			known.Apply(again, noon.Add(time.Minute))
		}
	})
}
