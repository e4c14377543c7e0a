package bench

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
)

// numbers are what was measured, by name: the value of each repetition.
type numbers struct {
	mu  sync.Mutex
	all map[string][]float64
}

// add notes the repetitions of one number and reports their median with the benchmark.
func (n *numbers) add(b *testing.B, name string, values ...float64) {
	if len(values) == 0 {
		b.Fatalf("%s was not measured", name)
	}
	n.mu.Lock()
	n.all[name] = append(n.all[name], values...)
	n.mu.Unlock()
	b.ReportMetric(median(values), name[strings.LastIndexByte(name, '/')+1:])
	b.Logf("%s: median %s of %d, %s to %s", name, number(median(values)), len(values), number(slices.Min(values)), number(slices.Max(values)))
}

// median of a number; NaN when it was not measured.
func (n *numbers) median(name string) float64 { return median(n.all[name]) }

// has tells whether a number was measured; kept numbers may be older than a row.
func (n *numbers) has(name string) bool { return len(n.all[name]) > 0 }

func (n *numbers) MarshalJSON() ([]byte, error) { return json.Marshal(n.all) }

func (n *numbers) UnmarshalJSON(text []byte) error { return json.Unmarshal(text, &n.all) }

func median(values []float64) float64 { return quantile(values, 0.5) }

// quantile interpolates between the nearest two.
func quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := q * float64(len(sorted)-1)
	low := int(at)
	high := min(low+1, len(sorted)-1)
	return sorted[low] + (sorted[high]-sorted[low])*(at-float64(low))
}

// ratios pairs what was measured side by side.
func ratios(a, b []float64) []float64 {
	r := make([]float64, min(len(a), len(b)))
	for i := range r {
		r[i] = a[i] / b[i]
	}
	return r
}
