package vehicle

import (
	"encoding/json"
	"testing"
	"time"
)

// BenchmarkStored writes and reads the form in which a state lies in the store, every row of the catalogue in it.
func BenchmarkStored(b *testing.B) {
	known, _, _ := State{}.Apply(fullReport(noon), noon.Add(time.Second))
	text, err := json.Marshal(known)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("write", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := json.Marshal(known); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(len(text)), "bytes")
	})
	b.Run("read", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var s State
			if err := json.Unmarshal(text, &s); err != nil {
				b.Fatal(err)
			}
		}
	})
}
