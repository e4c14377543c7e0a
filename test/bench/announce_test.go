package bench

import (
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
)

// announcedCars are the cars of the goal.
const announcedCars = 10_000

// measureAnnounce starts the program on the store of an earlier run, beside a broker that knows nothing, and looks how long
// it takes until Home Assistant would have heard of all cars and of what they report, and what that costs program and broker.
func measureAnnounce(b *testing.B, n *numbers) {
	const cars = announcedCars
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
			n.add(b, "announce/"+one.what+"_s", time.Since(second.started).Seconds())
			n.add(b, "announce/"+one.what+"_cpu_s", second.cpu().Seconds())
		case <-deadline:
			b.Fatalf("%d of %d cars were announced, %d told", announced.Load(), cars, offline.Load())
		}
	}
	n.add(b, "announce/kB", float64(bytes.Load())/cars/1000)
	now, _ := second.memory()
	n.add(b, "announce/MB", now)
	held, _ := memoryOf(b, w.broker.PID())
	n.add(b, "announce/broker_MB", held)
	second.stop()
}
