package bridge_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// From the receipt of a command until it is given to the cloud's client, with the journal on a disk and a thousand other
// lanes busy. It prints the median and the 99th percentile.
func BenchmarkCommand_ToTheWire(b *testing.B) {
	const others = 1000
	all := fleet(others + 1)
	all[0] = able(0)
	c := newCloud(all...)
	sent := make(chan time.Time, 1)
	c.send = func(context.Context, bluelink.Ask, vehicle.Command) (vehicle.ActionID, error) {
		sent <- time.Now()
		return "", bluelink.ErrRefused // so that the lane is free again
	}
	ended := make(chan string, others)
	c.reply(func(ctx context.Context, made call) (vehicle.Report, error) {
		select {
		case <-time.After(time.Second + rand.N(2*time.Second)):
		case <-ctx.Done():
		}
		select {
		case ended <- made.ask.Vehicle.CloudID:
		default:
		}
		return report(made.at, soc(50)), ctx.Err()
	})
	disk, err := store.OpenBolt(b.TempDir(), store.BoltOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = disk.Close() })
	br, _ := bench(b, c, others+1, func(o *bridge.Options) { o.Store = disk })
	busy := func(name string) {
		br.Handle(bridge.Message{Topic: "hyundai/" + name + "/commands/refresh", Payload: []byte("force"), Received: time.Now()})
	}
	for n := range others {
		busy(fmt.Sprintf("car-%d", n+1))
	}
	over := make(chan struct{})
	go func() { // as soon as a car has been read it is read again
		for {
			select {
			case name := <-ended:
				busy(name)
			case <-over:
				return
			}
		}
	}()
	b.Cleanup(func() { close(over) })
	var waits []time.Duration
	for b.Loop() {
		steps := make(chan struct{})
		received := time.Now()
		br.Handle(bridge.Message{Topic: "hyundai/car-0/commands/lock", Payload: []byte("lock"), Received: received, Ack: func() { close(steps) }})
		waits = append(waits, (<-sent).Sub(received))
		<-steps
	}
	slices.Sort(waits)
	b.ReportMetric(float64(waits[len(waits)/2].Microseconds()), "µs-median")
	b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds()), "µs-p99")
}
