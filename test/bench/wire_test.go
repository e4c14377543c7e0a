package bench

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
)

const (
	wireOthers = 1000             // lanes that are busy meanwhile
	wireForce  = 10 * time.Second // how long each of their operations takes, so that the lanes are busy and the processors are not
	wireCars   = 40               // that are commanded
)

// controlsPath is where the simulated cloud tells when the last command reached it, by car.
const controlsPath = "/bench/controls"

// arrivals notes commands that reach the cloud.
type arrivals struct{ at sync.Map } // by the car's id, nanoseconds since 1970

func (a *arrivals) note(r *http.Request) {
	before, _, command := strings.Cut(r.URL.Path, "/control/")
	if _, rest, ok := strings.Cut(before, "/vehicles/"); ok && command && r.Method == http.MethodPost {
		id, _, _ := strings.Cut(rest, "/")
		a.at.Store(id, time.Now().UnixNano())
	}
}

func (a *arrivals) serve(w http.ResponseWriter) {
	all := map[string]any{}
	a.at.Range(func(id, at any) bool { all[id.(string)] = at; return true })
	_ = json.NewEncoder(w).Encode(all) // whoever asked has gone
}

// measureWire is from PUBLISH of a command until its request is at the cloud, with the journal on a disk in between, while
// a thousand other cars are in forced refreshes. All processes are on one machine, so their clocks are one.
func measureWire(b *testing.B, n *numbers) {
	w := serve(b, cloudOptions{Accounts: 1, Cars: wireCars + wireOthers, LatencyForce: wireForce})
	d := w.drive(byRecords)
	w.run(setup{account: 2 * (wireCars + wireOthers)})
	cars := d.await(wireCars + wireOthers)
	idle, busy := cars[:wireCars], cars[wireCars:]
	d.refresh(cars, 1, 16, "cached")

	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	defer loops.Wait()
	defer cancel()
	for i, car := range busy {
		loops.Go(func() {
			begin := time.NewTimer(wireForce * time.Duration(i) / time.Duration(len(busy)))
			defer begin.Stop()
			select {
			case <-begin.C:
			case <-ctx.Done():
				return
			}
			d.occupy(ctx, car)
		})
	}
	wait(wireForce + 2*time.Second) // until each has begun
	d.lock(idle)                    // the account's token for commands is got once
	w.arrived(b)
	var times []float64
	for range pick(5, 25) {
		asked := d.lock(idle)
		at := w.arrived(b)
		for i, car := range idle {
			times = append(times, float64(at[car.name]-asked[i].UnixNano())/1e6)
		}
	}
	n.add(b, "wire/ms", times...)
	n.add(b, "wire/p99_ms", quantile(times, 0.99))
}

// occupy keeps a car in forced refreshes until ctx ends. Some begin before the cloud has ended the one before, which it
// refuses; they are no measure here.
func (d *driver) occupy(ctx context.Context, car *target) {
	for {
		if err := d.client.Publish(ctx, mqtt.Publication{Topic: car.topic, Payload: []byte("force"), QoS: 1}); err != nil {
			return
		}
		select {
		case a := <-car.ended:
			if !a.verified {
				wait(time.Second)
			}
		case <-ctx.Done():
			return
		}
	}
}

// lock locks cars, one every few milliseconds, waits for all ends, and tells when each was asked.
func (d *driver) lock(cars []*target) (asked []time.Time) {
	d.tb.Helper()
	for _, car := range cars {
		asked = append(asked, time.Now())
		if err := d.client.Publish(d.tb.Context(), mqtt.Publication{Topic: base + car.name + "/commands/lock", Payload: []byte("lock"), QoS: 1}); err != nil {
			d.tb.Fatal(err)
		}
		wait(20 * time.Millisecond)
	}
	for _, car := range cars {
		select {
		case a := <-car.ended:
			if !a.verified {
				d.tb.Fatalf("a command did not end well: %s", a.record)
			}
		case <-time.After(patience):
			d.tb.Fatalf("a command for %s does not end", car.name)
		}
	}
	return asked
}

// arrived asks the simulated cloud when commands have reached it.
func (w *world) arrived(tb testing.TB) (at map[string]int64) {
	tb.Helper()
	answer, err := http.Get(w.url + controlsPath)
	if err != nil {
		tb.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err == nil {
		err = json.Unmarshal(text, &at)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return at
}
