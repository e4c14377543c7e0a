package bench

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
)

// forceTakes is how long a forced refresh of the other cars takes at the cloud.
const forceTakes = 2 * time.Second

// measureAnswer asks one idle car again and again for a cached refresh, from PUBLISH to the terminal record, while others
// are in forced refreshes without pause. They begin one after the other, as people would. The bulkhead is wide enough for
// all of them, so that all are under way.
func measureAnswer(b *testing.B, n *numbers, others int) {
	w := serve(b, cloudOptions{Accounts: 1, Cars: 1 + others, LatencyForce: forceTakes})
	d := w.drive(byRecords)
	w.run(setup{account: max(8, 2*others)})
	cars := d.await(1 + others)
	idle, busy := cars[0], cars[1:]
	d.refresh(cars, 1, 16, "cached")

	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	defer loops.Wait()
	defer cancel()
	for i, car := range busy {
		loops.Go(func() {
			begin := time.NewTimer(forceTakes * time.Duration(i) / time.Duration(len(busy)))
			defer begin.Stop()
			select {
			case <-begin.C:
			case <-ctx.Done():
				return
			}
			for {
				if _, ok := d.ask(ctx, car, "force"); !ok {
					return
				}
			}
		})
	}
	if others > 0 {
		wait(2 * forceTakes) // until each has begun, and some have ended
	}
	var times []float64
	for range pick(200, 2000) {
		took, ok := d.ask(b.Context(), idle, "cached")
		if !ok {
			b.Fatal("the idle car does not answer")
		}
		times = append(times, took.Seconds()*1000)
		wait(5 * time.Millisecond)
	}
	name := fmt.Sprintf("answer/%d_others", others)
	n.add(b, name+"/ms", times...)
	n.add(b, name+"/p99_ms", quantile(times, 0.99))
}

// measureEcho is the limit of the machine for an answer: a message that goes to the broker and comes back.
func measureEcho(b *testing.B, n *numbers) {
	broker := newBroker(b)
	back := make(chan time.Time, 1)
	c, _ := connect(b, broker.URL(), func(mqtt.Message) { back <- time.Now() }, "echo")
	var times []float64
	for range pick(200, 2000) {
		sent := time.Now()
		if err := c.Publish(b.Context(), mqtt.Publication{Topic: "echo", Payload: []byte("cached"), QoS: 1}); err != nil {
			b.Fatal(err)
		}
		select {
		case at := <-back:
			times = append(times, at.Sub(sent).Seconds()*1000)
		case <-time.After(patience):
			b.Fatal("the message does not come back")
		}
	}
	n.add(b, "answer/echo_ms", times...)
}

// wait lets time pass in the world, for what happens by itself there.
func wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	<-timer.C
}
