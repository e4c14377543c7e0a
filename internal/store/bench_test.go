package store_test

import (
	"fmt"
	"sync/atomic"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// value is about as long as a car's state.
var value = make([]byte, 2000)

func BenchmarkBolt_Put(b *testing.B) {
	s := openBolt(b, b.TempDir(), store.BoltOptions{})
	for b.Loop() {
		if _, err := s.Put(b.Context(), "vehicle/a/state", value, store.AnyRevision); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBolt_Put64Writers(b *testing.B) {
	s := openBolt(b, b.TempDir(), store.BoltOptions{})
	b.SetParallelism(64)
	var writers atomic.Int64
	b.RunParallel(func(pb *testing.PB) {
		key := fmt.Sprintf("vehicle/%d/state", writers.Add(1))
		for pb.Next() {
			if _, err := s.Put(b.Context(), key, value, store.AnyRevision); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

func BenchmarkBolt_Get(b *testing.B) {
	s := openBolt(b, b.TempDir(), store.BoltOptions{NoSync: true})
	for i := range 1000 {
		if _, err := s.Put(b.Context(), fmt.Sprintf("vehicle/%03d/state", i), value, store.AnyRevision); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Get(b.Context(), "vehicle/500/state"); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkBolt_Range1000(b *testing.B) {
	s := openBolt(b, b.TempDir(), store.BoltOptions{NoSync: true})
	for i := range 1000 {
		if _, err := s.Put(b.Context(), fmt.Sprintf("vehicle/%03d/state", i), value, store.AnyRevision); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		for _, err := range s.Range(b.Context(), "vehicle/") {
			if err != nil {
				b.Fatal(err)
			}
		}
	}
}
