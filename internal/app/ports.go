package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
)

// tokens keeps an account's tokens in the store, under one key.
type tokens struct {
	store store.Store
	key   string
}

var _ bluelink.TokenStore = (*tokens)(nil)

func (t *tokens) Load(ctx context.Context) (tokens bluelink.Tokens, err error) {
	entry, err := t.store.Get(ctx, t.key)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return tokens, nil
	case err != nil:
		return tokens, err
	}
	if err := json.Unmarshal(entry.Value, &tokens); err != nil {
		return tokens, fmt.Errorf("tokens in the store cannot be read; run logout to forget them: %w", err)
	}
	return tokens, nil
}

func (t *tokens) Save(ctx context.Context, tokens bluelink.Tokens) error {
	value, err := json.Marshal(tokens)
	if err != nil {
		return err
	}
	_, err = t.store.Put(ctx, t.key, value, store.AnyRevision)
	return err
}

// outbox hands publications to the MQTT client.
type outbox struct {
	client publisher
	log    *slog.Logger
	said   *atomic.Bool // that something is too large for the broker
}

// publisher is the part of [mqtt.Client] that an outbox asks.
type publisher interface {
	Publish(ctx context.Context, p mqtt.Publication) error
	Flush(ctx context.Context) error
}

func (o outbox) Publish(p bridge.Publication) {
	err := o.client.Publish(context.Background(), mqtt.Publication{
		Topic: p.Topic, Payload: p.Payload, QoS: 1, Retain: p.Retain, CorrelationData: p.Correlation, ContentType: p.ContentType,
		Expiry: p.Expiry,
	})
	switch {
	case err == nil, errors.Is(err, mqtt.ErrClosed):
	case !errors.Is(err, mqtt.ErrTooLarge):
		o.log.Warn("message cannot be published", "error", err)
	case o.said.CompareAndSwap(false, true): // it comes again with each report, and others with it
		o.log.Warn("a message is larger than the broker takes and is left out, as all such will be; more is not said of them",
			"error", err, "hint", "let the broker take larger packets, or raise mqtt.max_packet_size; bluelink2mqtt_mqtt_lost_total counts them")
	}
}

func (o outbox) Drained(ctx context.Context) error { return o.client.Flush(ctx) }

// nowhere takes publications when there is no MQTT.
type nowhere struct{}

func (nowhere) Publish(bridge.Publication) {}

func (nowhere) Drained(context.Context) error { return nil }

// incoming translates a message for the bridge.
func incoming(m mqtt.Message) bridge.Message {
	message := bridge.Message{
		Topic: m.Topic, Payload: m.Payload, Retained: m.Retained, ResponseTopic: m.ResponseTopic,
		Correlation: m.CorrelationData, Received: m.ReceivedAt, Ack: m.Ack,
	}
	if m.HasExpiry {
		message.Expires = m.ReceivedAt.Add(m.Expiry)
	}
	return message
}

// readyFile exists while the broker is connected.
type readyFile struct {
	path string // empty for none
	log  *slog.Logger

	mu sync.Mutex // guards the file
}

func (r *readyFile) create() {
	if r.path == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := os.WriteFile(r.path, []byte("ready\n"), 0o644); err != nil { //nolint:gosec // a health check of another user reads it
		r.log.Warn("ready file cannot be written", "path", r.path, "error", err)
	}
}

func (r *readyFile) remove() {
	if r.path == "" {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := os.Remove(r.path); err != nil && !errors.Is(err, os.ErrNotExist) {
		r.log.Warn("ready file cannot be removed", "path", r.path, "error", err)
	}
}

// mqttCollector exports the client's own counts when they are asked for.
type mqttCollector struct{ client *mqtt.Client }

var (
	connectedDesc   = prometheus.NewDesc("bluelink2mqtt_mqtt_connected", "1 while the broker is connected.", nil, nil)
	connectionsDesc = prometheus.NewDesc("bluelink2mqtt_mqtt_connections_total", "Connections made to the broker; reconnects are one less.", nil, nil)
	queuedDesc      = prometheus.NewDesc("bluelink2mqtt_mqtt_queue_depth", "Publications that wait for the broker.", nil, nil)
	inFlightDesc    = prometheus.NewDesc("bluelink2mqtt_mqtt_in_flight", "Publications that the broker has not acknowledged yet.", nil, nil)
	publishedDesc   = prometheus.NewDesc("bluelink2mqtt_mqtt_published_total", "Publications that the broker acknowledged.", nil, nil)
	lostDesc        = prometheus.NewDesc("bluelink2mqtt_mqtt_lost_total", "Publications that were not delivered: dropped events, skipped states (published again after a connect), refused ones.", []string{"why"}, nil)
	receivedDesc    = prometheus.NewDesc("bluelink2mqtt_mqtt_received_total", "Messages received.", nil, nil)
)

// Describe names the series.
func (mqttCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{connectedDesc, connectionsDesc, queuedDesc, inFlightDesc, publishedDesc, lostDesc, receivedDesc} {
		ch <- d
	}
}

// Collect reads the counts.
func (c mqttCollector) Collect(ch chan<- prometheus.Metric) {
	s := c.client.Stats()
	connected := 0.0
	if s.Connected {
		connected = 1
	}
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	counter := func(d *prometheus.Desc, v uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(connectedDesc, connected)
	gauge(queuedDesc, float64(s.Queued))
	gauge(inFlightDesc, float64(s.InFlight))
	counter(connectionsDesc, s.Connections)
	counter(publishedDesc, s.Published)
	counter(receivedDesc, s.Received)
	counter(lostDesc, s.Dropped, "dropped")
	counter(lostDesc, s.Skipped, "skipped")
	counter(lostDesc, s.Refused, "refused")
}
