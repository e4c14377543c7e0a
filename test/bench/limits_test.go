package bench

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
)

// payload is about as long as that of a datum.
const payload = `{"value":74,"timestamp":"2026-01-02T03:04:05.000000Z","reported_at":"2026-01-02T03:04:05Z","unit":"%"}`

// measurePublish compares the client with the library alone: publications with QoS 1 to retained topics, until the broker
// has acknowledged the last.
func measurePublish(b *testing.B, n *numbers) {
	const topics = 1000
	broker := newBroker(b)
	names := make([]string, topics)
	for i := range names {
		names[i] = "bench/" + strconv.Itoa(i)
	}
	count := pick(20_000, 100_000)
	ours, _ := connect(b, broker.URL(), func(mqtt.Message) {})
	library := library(b, broker.Addr())
	through := func(publish func(n int)) float64 {
		begun := time.Now()
		publish(count)
		return float64(count) / time.Since(begun).Seconds()
	}
	publish := func(n int) {
		for i := range n {
			// A topic comes again only when the window has passed, so that no state takes the place of another.
			if i%topics == 0 {
				if err := ours.Flush(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			if err := ours.Publish(b.Context(), mqtt.Publication{Topic: names[i%topics], Payload: []byte(payload), QoS: 1, Retain: true, ContentType: "application/json"}); err != nil {
				b.Fatal(err)
			}
		}
		if err := ours.Flush(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	publishAlone := func(n int) {
		work := make(chan int)
		var callers sync.WaitGroup
		for range 256 {
			callers.Go(func() {
				for i := range work {
					p := paho.Publish{
						Topic: names[i%topics], Payload: []byte(payload), QoS: 1, Retain: true,
						Properties: &paho.PublishProperties{ContentType: "application/json", PayloadFormat: paho.Byte(1)},
					}
					if _, err := library.Publish(b.Context(), &p); err != nil {
						b.Error(err)
					}
				}
			})
		}
		for i := range n {
			work <- i
		}
		close(work)
		callers.Wait()
	}
	publish(topics)
	publishAlone(topics)
	var with, alone []float64
	for range pick(7, 21) {
		with = append(with, through(publish))
		alone = append(alone, through(publishAlone))
	}
	n.add(b, "publish/per_second", with...)
	n.add(b, "publish/library_alone", alone...)
	n.add(b, "publish/ratio", ratios(with, alone)...)
}

// library connects with the client library alone.
func library(b *testing.B, address string) *paho.Client {
	b.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	c := paho.NewClient(paho.ClientConfig{Conn: conn})
	if _, err := c.Connect(b.Context(), &paho.Connect{CleanStart: true, KeepAlive: 60, ClientID: fmt.Sprintf("alone-%d", time.Now().UnixNano())}); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Disconnect(&paho.Disconnect{}) // the benchmark is over
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		select {
		case <-c.Done():
		case <-ctx.Done():
		}
	})
	return c
}
