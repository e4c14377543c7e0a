package sim

import (
	"io"
	"net/http"
	"runtime"
	"testing"
	"time"
)

// benchmark makes the same call again and again; what counts is the time of the
// simulated cloud, so the request is built once.
func benchmark(b *testing.B, s *Sim, r *http.Request) {
	b.ReportAllocs()
	transport := s.RoundTripper()
	for b.Loop() {
		response, err := transport.RoundTrip(r)
		if err != nil || response.StatusCode != http.StatusOK {
			b.Fatal(response, err)
		}
		_, _ = io.Copy(io.Discard, response.Body)
	}
}

// BenchmarkCached is the cached status of a car that has nothing new to say.
func BenchmarkCached(b *testing.B) {
	s := newSim(b, Options{Cars: 2, Parked: true})
	g := newGuest(b, s)
	b.Run("ccs2", func(b *testing.B) { benchmark(b, s, g.request(b.Context(), "GET", g.car(0, cachedPath), "")) })
	b.Run("flat", func(b *testing.B) { benchmark(b, s, g.request(b.Context(), "GET", g.car(1, "/status/latest"), "")) })
	b.Run("park", func(b *testing.B) { benchmark(b, s, g.request(b.Context(), "GET", g.car(0, "/location/park"), "")) })
}

// BenchmarkHistory is the energy of 30 days and of all time.
func BenchmarkHistory(b *testing.B) {
	s := newSim(b, Options{Cars: 2, Parked: true})
	v := s.clouds[1].cars[0]
	for b.Loop() {
		v.mu.Lock()
		v.energy30Days(time.Now())
		v.energyEver(time.Now(), false)
		v.mu.Unlock()
	}
}

// BenchmarkRender is what a changed car costs.
func BenchmarkRender(b *testing.B) {
	s := newSim(b, Options{Cars: 2, Parked: true})
	for name, form := range map[string]func(*report) []byte{"ccs2": (*report).renderCCS2, "flat": (*report).renderFlat} {
		r := s.clouds[1].cars[map[string]int{"ccs2": 0, "flat": 1}[name]].report
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				form(r)
			}
		})
	}
}

// BenchmarkWorld is a large world: time to build it and memory per car.
func BenchmarkWorld(b *testing.B) {
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		s := newSim(b, Options{Cars: 10_000})
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/30_000, "B/car")
		runtime.KeepAlive(s)
	}
}
