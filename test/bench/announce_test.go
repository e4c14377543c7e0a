package bench

import (
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
)

// BenchmarkAnnounce starts the program on the store of an earlier run, beside a broker that knows nothing, and looks how long
// it takes until Home Assistant would have heard of all cars and of what they report, and what that costs program and broker.
// The goal is 10,000 cars in 20 s on two cores.
func BenchmarkAnnounce(b *testing.B) {
	for _, cars := range []int{100, 10_000} {
		b.Run(strconv.Itoa(cars), func(b *testing.B) {
			for range b.N {
				measureAnnounce(b, cars)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

func measureAnnounce(b *testing.B, cars int) {
	w := serve(b, cloudOptions{Accounts: 100, Cars: cars / 100})
	s := setup{storeDir: filepath.Join(b.TempDir(), "store")}
	d := w.drive(byEvents)
	first := w.run(s)
	d.refresh(d.await(cars), 1, atOnce, "cached")
	first.stop()

	w.broker = newBroker(b)
	var announced, bytes, offline atomic.Int64
	all, last := make(chan struct{}), make(chan struct{}, cars)
	connect(b, w.broker.URL(), func(m mqtt.Message) {
		switch {
		case strings.HasPrefix(m.Topic, "homeassistant/device/bluelink2mqtt_account_"), strings.HasPrefix(m.Topic, "homeassistant/device/bluelink2mqtt_bridge/"):
		case strings.HasPrefix(m.Topic, "homeassistant/"):
			bytes.Add(int64(len(m.Payload)))
			if announced.Add(1) == int64(cars) {
				close(all)
			}
		case strings.HasSuffix(m.Topic, "/status/stale_reason"): // comes behind a car's state
			if offline.Add(1) == int64(cars) {
				close(last)
			}
		}
	}, "homeassistant/device/#", base+"+/status/stale_reason")
	second := w.run(s)
	deadline := time.After(patience)
	for _, one := range []struct {
		what string
		done <-chan struct{}
	}{{"announced", all}, {"told", last}} {
		select {
		case <-one.done:
			b.ReportMetric(time.Since(second.started).Seconds(), one.what+"-s")
			b.ReportMetric(second.cpu().Seconds(), one.what+"-cpu-s")
		case <-deadline:
			b.Fatalf("%d of %d cars were announced, %d told", announced.Load(), cars, offline.Load())
		}
	}
	b.ReportMetric(float64(bytes.Load())/float64(cars)/1000, "kB/car")
	now, _ := second.memory()
	b.ReportMetric(now, "MB")
	held, _ := memoryOf(b, w.broker.PID())
	b.ReportMetric(held, "broker-MB")
}
