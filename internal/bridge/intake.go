package bridge

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Bounds of the way in.
const (
	intakeSize    = 8192           // messages; decoding one takes microseconds
	rememberFor   = 24 * time.Hour // a sender's id
	rememberAtMax = 100_000        // ids
)

// Handle takes a message from the MQTT client. It only enqueues: it is called on the goroutine that reads from the
// broker, which must never wait.
func (b *Bridge) Handle(m Message) {
	select {
	case b.inbox <- m:
	default:
		// The window of unacknowledged messages is smaller than the inbox, so only QoS 0 can come here.
		b.metrics.dropped.Inc()
		b.overrun.Do(func() { b.log.Warn("messages came in faster than they could be decoded and were dropped") })
	}
}

// intake decodes and refuses what came in, acknowledges it and hands it to the lane of its car. It is one goroutine and
// waits for nothing but the next message.
func (b *Bridge) intake(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case m := <-b.inbox:
			b.metrics.lag.Observe(time.Since(m.Received).Seconds())
			b.take(m)
			if m.Ack != nil {
				m.Ack()
			}
		}
	}
}

// take leads one message to its lane, or to the refusal that says why not.
func (b *Bridge) take(m Message) {
	name, segment, ok := b.tree.ParseCommand(m.Topic)
	if !ok {
		b.metrics.strays.Inc()
		b.log.Debug("message on a topic that is no command", "topic", m.Topic)
		return
	}
	if m.Retained && len(m.Payload) == 0 {
		return // somebody clears a retained command
	}
	now := time.Now()
	o := &order{cause: vehicle.ByMQTT, expires: now.Add(sendWithin), reply: reply{m.ResponseTopic, m.Correlation}}
	if !m.Expires.IsZero() {
		o.expires = earlier(o.expires, m.Expires)
	}
	o.record = vehicle.Record{Vehicle: name, Command: segment, AcceptedAt: m.Received.UTC()}
	spec, known := vehicle.CommandByTopic(segment)
	if !known {
		o.record.ID = newID(now)
		b.refuse(o, vehicle.Unsupported, fmt.Sprintf("there is no command %.64q", segment))
		return
	}
	o.record.Command = spec.Name
	request, err := vehicle.DecodeRequest(spec, m.Payload)
	o.record.ID = request.ID
	if o.record.ID == "" {
		o.record.ID = newID(now)
	}
	if m.Retained {
		b.refuse(o, vehicle.Retained, "a retained command is not carried out; publish it without retain, and clear the topic with an empty retained message")
		return
	}
	if err != nil {
		b.refuse(o, vehicle.InvalidPayload, err.Error())
		return
	}
	b.submit(o, request)
}

// submit checks what every front's orders have in common and hands the order to its lane.
func (b *Bridge) submit(o *order, request vehicle.Request) {
	o.command = request.Command
	if !request.Expires.IsZero() {
		o.expires = earlier(o.expires, request.Expires)
	}
	l, err := b.lanes.byName(o.record.Vehicle)
	switch {
	case err != nil && b.starting():
		b.refuse(o, vehicle.CloudUnavailable, "the cars of an account are not known yet: "+b.startingWhy())
		return
	case err != nil:
		b.refuse(o, vehicle.UnknownVehicle, err.Error())
		return
	}
	if request.ID != "" {
		if before, repeated := b.memory.remember(l.name+"/"+request.ID, o); repeated {
			b.repeat(before, o)
			return
		}
	}
	if !o.expires.After(time.Now()) {
		b.expire(o)
		return
	}
	l.push(o)
}

// refuse ends an order before it reached a lane.
func (b *Bridge) refuse(o *order, reason vehicle.Reason, message string) {
	b.log.Info("command refused", "vehicle", o.record.Vehicle, "command", o.record.Command, "id", o.record.ID,
		"reason", string(reason), "message", message)
	b.advance(o, vehicle.Rejected, reason, message)
}

func (b *Bridge) expire(o *order) {
	b.advance(o, vehicle.Expired, vehicle.ExpiredReason, "it could not be sent in time")
}

// repeat answers an order whose id was seen before with the record of the first one. It is not carried out again.
func (b *Bridge) repeat(first, again *order) {
	record := first.snapshot()
	b.log.Info("command repeated, not carried out again", "vehicle", record.Vehicle, "id", record.ID, "state", string(record.State))
	again.record = record
	b.tell(again)
}

// Submit takes a command from another front than MQTT. The channel gets every step of it and is closed after the last.
func (b *Bridge) Submit(ref string, request vehicle.Request, cause vehicle.Cause) (<-chan vehicle.Record, error) {
	l, err := b.lanes.find(ref)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	steps := make(chan vehicle.Record, 8) // more than a command has steps, so that watch never waits
	o := &order{cause: cause, expires: now.Add(sendWithin), watch: func(r vehicle.Record) {
		select {
		case steps <- r:
		default:
		}
		if r.Terminal {
			close(steps)
		}
	}}
	o.record = vehicle.Record{ID: request.ID, Vehicle: l.name, Command: request.Command.Spec().Name, AcceptedAt: now.UTC()}
	if o.record.ID == "" {
		o.record.ID = newID(now)
	}
	b.submit(o, request)
	return steps, nil
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// memory keeps the ids that senders gave, so that a repeated command is not carried out twice.
type memory struct {
	mu   sync.Mutex // guards what follows
	seen map[string]*remembered
	line []*remembered // oldest first
}

type remembered struct {
	key   string
	order *order
	at    time.Time
}

func (m *memory) remember(key string, o *order) (before *order, repeated bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for len(m.line) > 0 && (now.Sub(m.line[0].at) > rememberFor || len(m.line) >= rememberAtMax) {
		delete(m.seen, m.line[0].key)
		m.line[0], m.line = nil, m.line[1:]
	}
	if known, ok := m.seen[key]; ok {
		return known.order, true
	}
	if m.seen == nil {
		m.seen = map[string]*remembered{}
	}
	r := &remembered{key, o, now}
	m.seen[key], m.line = r, append(m.line, r)
	return nil, false
}

var errNoVehicle = errors.New("there is no such car")
