package bench

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
)

// base is the base topic of all rows.
const base = "hyundai/"

// connect opens a line to the broker; it ends with the benchmark, or before by close.
func connect(tb testing.TB, server string, onMessage func(mqtt.Message), filters ...string) (c *mqtt.Client, closeLine func()) {
	tb.Helper()
	up := make(chan struct{})
	var once sync.Once
	c, err := mqtt.New(mqtt.Options{
		Servers: []string{server}, Subscriptions: filters, EventLimit: 100_000,
		OnMessage: func(m mqtt.Message) { onMessage(m); m.Ack() },
		OnUp:      func(mqtt.Info) { once.Do(func() { close(up) }) },
	})
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _ = c.Run(ctx) }()
	closeLine = func() { cancel(); <-ended }
	tb.Cleanup(closeLine)
	select {
	case <-up:
	case <-time.After(patience):
		tb.Fatal("the broker does not answer")
	}
	return c, closeLine
}

// driver asks cars for refreshes over MQTT, as a user would, and learns how each ended. A car is asked again only when
// it has answered.
type driver struct {
	tb     testing.TB
	client *mqtt.Client

	mu    sync.Mutex // guards cars
	cars  map[string]*target
	found chan struct{} // holds a token when there may be a new car
}

// target is one car.
type target struct {
	name  string
	topic string
	ended chan answer // capacity 1
}

// answer is the end of a refresh.
type answer struct {
	at       time.Time
	verified bool
	record   string
}

// Where the ends of refreshes are told: among the records of each, or as one event of each, which is less to receive when
// many end.
const (
	byRecords = "+/result/+"
	byEvents  = "+/event/command"
)

// drive finds the cars of the program that is about to be started, and hears of ends.
func (w *world) drive(ends string) *driver {
	d := &driver{tb: w.tb, cars: map[string]*target{}, found: make(chan struct{}, 1)}
	d.client, _ = connect(w.tb, w.broker.URL(), d.receive, base+"+/info", base+ends)
	return d
}

func (d *driver) receive(m mqtt.Message) {
	at := time.Now()
	name, rest, _ := strings.Cut(strings.TrimPrefix(m.Topic, base), "/")
	d.mu.Lock()
	car := d.cars[name]
	if car == nil && rest == "info" && name != "bridge" {
		d.cars[name] = &target{name: name, topic: base + name + "/commands/refresh", ended: make(chan answer, 1)}
		select {
		case d.found <- struct{}{}:
		default:
		}
	}
	d.mu.Unlock()
	if car != nil && rest != "info" && bytes.Contains(m.Payload, []byte(`"terminal":true`)) {
		select {
		case car.ended <- answer{at, bytes.Contains(m.Payload, []byte(`"state":"verified"`)), string(m.Payload)}:
		default:
			d.tb.Errorf("%s ended more often than it was asked", name)
		}
	}
}

// await waits for so many cars and gives them by name.
func (d *driver) await(n int) []*target {
	d.tb.Helper()
	deadline := time.After(patience)
	for {
		d.mu.Lock()
		known := len(d.cars)
		d.mu.Unlock()
		if known >= n {
			break
		}
		select {
		case <-d.found:
		case <-deadline:
			d.tb.Fatalf("%d of %d cars were found", known, n)
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []*target
	for _, car := range d.cars {
		all = append(all, car)
	}
	slices.SortFunc(all, func(a, b *target) int { return strings.Compare(a.name, b.name) })
	return all
}

// ask refreshes one car and tells how long the answer took; ok is false when ctx ended first or the refresh did not end
// well.
func (d *driver) ask(ctx context.Context, car *target, word string) (took time.Duration, ok bool) {
	asked := time.Now()
	if err := d.client.Publish(ctx, mqtt.Publication{Topic: car.topic, Payload: []byte(word), QoS: 1}); err != nil {
		return 0, false
	}
	select {
	case a := <-car.ended:
		if !a.verified {
			d.tb.Errorf("a %s refresh did not end well: %s", word, a.record)
		}
		return a.at.Sub(asked), a.verified
	case <-ctx.Done():
		return 0, false
	}
}

// refresh asks every car so many times, with so many of them at once, and tells how long that took.
func (d *driver) refresh(cars []*target, rounds, atOnce int, word string) time.Duration {
	d.tb.Helper()
	var begun atomic.Int64
	all := int64(len(cars) * rounds)
	n, took := d.loop(cars, atOnce, word, func() bool { return begun.Add(1) <= all })
	if n != int(all) {
		d.tb.Fatalf("%d of %d refreshes ended", n, all)
	}
	return took
}

// refreshFor asks cars in turn for so long and tells how many refreshes ended, and in what time exactly.
func (d *driver) refreshFor(length time.Duration, cars []*target, atOnce int, word string) (n int, took time.Duration) {
	d.tb.Helper()
	stop := time.Now().Add(length)
	return d.loop(cars, atOnce, word, func() bool { return time.Now().Before(stop) })
}

// loop asks cars in turn, as long as there is to be more, and waits for the last answer.
func (d *driver) loop(cars []*target, atOnce int, word string, more func() bool) (n int, took time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var (
		ended   atomic.Int64
		workers sync.WaitGroup
	)
	idle := make(chan *target, len(cars))
	for _, car := range cars {
		idle <- car
	}
	begun := time.Now()
	for range min(atOnce, len(cars)) {
		workers.Go(func() {
			for more() {
				car := <-idle
				if _, ok := d.ask(ctx, car, word); !ok {
					return
				}
				ended.Add(1)
				idle <- car
			}
		})
	}
	workers.Wait()
	return int(ended.Load()), time.Since(begun)
}
