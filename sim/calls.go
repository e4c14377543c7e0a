package sim

import (
	"sort"
	"sync"
	"sync/atomic"
)

// callKey is one line of the book of calls.
type callKey struct {
	host, method, path, vehicle string
	kind                        kind
}

// callBook counts calls. Counting costs one lookup: the book of a busy simulator is
// written thousands of times a second and read by hand.
type callBook struct{ lines sync.Map } // callKey → *atomic.Int64

func (b *callBook) count(key callKey) {
	line, known := b.lines.Load(key)
	if !known {
		line, _ = b.lines.LoadOrStore(key, new(atomic.Int64))
	}
	line.(*atomic.Int64).Add(1)
}

func (b *callBook) reset() { b.lines.Clear() }

// CallCount says how often a client made a call.
type CallCount struct {
	Host    string `json:"host"`
	Method  string `json:"method"`
	Path    string `json:"path"`    // with {vehicle} in place of the id
	Vehicle string `json:"vehicle"` // the id, empty for calls that concern no car
	Kind    string `json:"kind"`
	Count   int64  `json:"count"`
}

// Calls lists all calls since the start or the last reset, sorted by host, path,
// method and vehicle.
func (s *Sim) Calls() []CallCount {
	counts := []CallCount{}
	s.calls.lines.Range(func(key, line any) bool {
		k := key.(callKey)
		counts = append(counts, CallCount{k.host, k.method, k.path, k.vehicle, string(k.kind), line.(*atomic.Int64).Load()})
		return true
	})
	sort.Slice(counts, func(i, j int) bool {
		a, b := counts[i], counts[j]
		for _, pair := range [][2]string{{a.Host, b.Host}, {a.Path, b.Path}, {a.Method, b.Method}, {a.Vehicle, b.Vehicle}} {
			if pair[0] != pair[1] {
				return pair[0] < pair[1]
			}
		}
		return a.Kind < b.Kind
	})
	return counts
}
