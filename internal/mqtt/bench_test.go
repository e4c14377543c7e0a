package mqtt_test

import (
	"strconv"
	"sync"
	"testing"
	"time"

	paho311 "github.com/eclipse/paho.mqtt.golang"

	"github.com/eclipse/paho.golang/paho"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/broker"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
)

// BenchmarkPublish compares the client with the libraries alone, that of version 5 and that of 3.1.1: publications with
// QoS 1 to retained topics, until the broker has acknowledged the last. The goal is a ratio of 0.7 or more.
//
//	go test -run - -bench Publish -benchtime 50000x ./internal/mqtt
func BenchmarkPublish(b *testing.B) {
	for _, against := range []struct {
		name  string
		start func(*testing.B) string
	}{
		{"mosquitto", func(b *testing.B) string { return mqtttest.Start(b).Addr() }},
		{"mosquitto_window_1000", func(b *testing.B) string { return mqtttest.Start(b, "max_inflight_messages 1000").Addr() }},
		{"embedded", func(b *testing.B) string { return startEmbedded(b, broker.Options{}).Addr() }},
	} {
		b.Run(against.name, func(b *testing.B) {
			for version, raw := range map[mqtt.Version]func(*testing.B, string, int){mqtt.Version5: publishRaw, mqtt.Version311: publishRaw311} {
				b.Run(string(version), func(b *testing.B) { compare(b, against.start(b), version, raw) })
			}
		})
	}
}

func compare(b *testing.B, addr string, version mqtt.Version, raw func(b *testing.B, addr string, n int)) {
	library := throughput(b, func(n int) { raw(b, addr, n) })
	l := startUp(b, addr, mqtt.Options{Version: version})
	ours := throughput(b, func(n int) {
		for i := range n {
			l.publish(b, state("bench/"+strconv.Itoa(i), "74"))
		}
		l.flush(b)
	})
	b.ReportMetric(library, "library/s")
	b.ReportMetric(ours, "ours/s")
	b.ReportMetric(ours/library, "ratio")
	b.ReportMetric(0, "ns/op")
}

// throughput is the number of publications a second.
func throughput(b *testing.B, publish func(n int)) float64 {
	publish(100) // connections and topics in place
	started := time.Now()
	publish(b.N)
	return float64(b.N) / time.Since(started).Seconds()
}

// publishRaw publishes with the library as well as it can: many callers that each wait for their
// acknowledgement.
func publishRaw(b *testing.B, addr string, n int) {
	o := observe(b, addr)
	work := make(chan int)
	var callers sync.WaitGroup
	for range 256 {
		callers.Go(func() {
			for i := range work {
				p := paho.Publish{Topic: "bench/" + strconv.Itoa(i), Payload: []byte("74"), QoS: 1, Retain: true}
				if _, err := o.Publish(b.Context(), &p); err != nil {
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
	_ = o.Disconnect(&paho.Disconnect{})
}

// publishRaw311 is the same with the library of 3.1.1, which numbers and keeps what is on its way itself.
func publishRaw311(b *testing.B, addr string, n int) {
	o := observe311(b, addr)
	tokens := make([]paho311.Token, n)
	for i := range n {
		tokens[i] = o.Publish("bench/"+strconv.Itoa(i), 1, true, "74")
	}
	for _, token := range tokens {
		if token.Wait(); token.Error() != nil {
			b.Error(token.Error())
		}
	}
	o.Disconnect(0)
}
