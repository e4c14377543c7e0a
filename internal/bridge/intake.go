package bridge

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// intakeSize is how many messages may wait to be decoded, which takes microseconds each.
const intakeSize = 8192

// Handle takes a message from the MQTT client. It only enqueues: it is called on the goroutine that reads from the
// broker, which must never wait.
func (b *Bridge) Handle(m Message) {
	if m.Received.IsZero() {
		m.Received = time.Now()
	}
	select {
	case b.inbox <- m:
	default:
		b.metrics.dropped.Inc()
		b.overrun.Do(func() { b.log.Warn("messages come in faster than they can be decoded and are turned away") })
		if b.contain(context.Background(), "intake", func() { b.turnAway(m) }) != nil {
			m.acknowledge()
		}
	}
	if b.stopped.Load() {
		b.drain() // there is no intake any more; the lanes are closed and refuse
	}
}

// intake decodes and refuses what came in, acknowledges it and hands it to the lane of its car. It is one goroutine and
// waits for nothing but the next message, and at the start for the cars of the last run.
func (b *Bridge) intake(ctx context.Context) error {
	select {
	case <-b.recalled: // a command for a car of the last run must not come too early
	case <-ctx.Done():
	}
	for {
		select {
		case <-ctx.Done():
			b.stopped.Store(true)
			b.drain()
			return nil
		case m := <-b.inbox:
			b.receive(ctx, m)
		}
	}
}

// receive takes one message. One that hits a fault of ours is acknowledged all the same, or it would come again.
func (b *Bridge) receive(ctx context.Context, m Message) {
	if b.contain(ctx, "intake", func() { b.take(m) }) != nil {
		m.acknowledge()
	}
}

// drain takes what is still in the inbox.
func (b *Bridge) drain() {
	for {
		select {
		case m := <-b.inbox:
			b.take(m)
		default:
			return
		}
	}
}

// take leads one message to its lane, or to the refusal that says why not, and acknowledges it.
func (b *Bridge) take(m Message) {
	b.metrics.lag.Observe(time.Since(m.Received).Seconds())
	if b.hear(m) {
		m.acknowledge()
		return
	}
	if name, verb, ok := b.tree.ParseAccountCommand(m.Topic); ok {
		b.tellAccount(name, verb, m)
		m.acknowledge()
		return
	}
	switch o, request, refused := b.decode(m); {
	case o == nil:
	case refused != nil:
		o.lane, _ = b.lanes.byName(o.record.Vehicle)
		b.refuse(o, refused.reason, refused.message)
	default:
		o.ack = m.Ack
		b.submit(o, request)
		return
	}
	m.acknowledge()
}

// turnAway answers a message for which there is no room.
func (b *Bridge) turnAway(m Message) {
	if o, _, _ := b.decode(m); o != nil {
		b.advance(o, vehicle.Rejected, vehicle.Overloaded, fmt.Sprintf("%d messages wait to be decoded already", intakeSize))
	}
	m.acknowledge()
}

func (m Message) acknowledge() {
	if m.Ack != nil {
		m.Ack()
	}
}

// refusal is why an order is not carried out.
type refusal struct {
	reason  vehicle.Reason
	message string
}

// decode turns a message into an order and what it asks for, or says why it is refused. Without an order nobody is
// answered: the message is no command.
func (b *Bridge) decode(m Message) (*order, vehicle.Request, *refusal) {
	name, segment, ok := b.tree.ParseCommand(m.Topic)
	if !ok {
		b.metrics.strays.Inc()
		b.log.Debug("message on a topic that is no command", "topic", m.Topic)
		return nil, vehicle.Request{}, nil
	}
	if m.Retained && len(m.Payload) == 0 {
		return nil, vehicle.Request{}, nil // somebody clears a retained command
	}
	o := &order{cause: vehicle.ByMQTT, expires: m.Received.Add(sendWithin)}
	if !m.Expires.IsZero() {
		o.expires = earlier(o.expires, m.Expires)
	}
	if m.ResponseTopic != "" {
		o.askers = []asker{{topic: m.ResponseTopic, correlation: m.Correlation}}
	}
	o.record = vehicle.Record{Vehicle: name, Command: segment, AcceptedAt: m.Received.UTC()}
	request, err := vehicle.DecodeRequest(segment, m.Payload)
	o.command, o.record.ID = request.Command, request.ID
	if o.command != nil {
		o.record.Command = o.command.Spec().Name
	}
	if o.record.ID == "" {
		o.record.ID = newID(m.Received)
	}
	switch {
	case errors.Is(err, vehicle.ErrUnknownCommand):
		return o, vehicle.Request{}, &refusal{vehicle.Unsupported, err.Error()}
	case m.Retained:
		return o, request, &refusal{vehicle.Retained, "a retained command is not carried out; publish it without retain, and clear the topic with an empty retained message"}
	case err != nil:
		return o, request, &refusal{vehicle.InvalidPayload, err.Error()}
	}
	return o, request, nil
}

// submit checks what every front's orders have in common and hands the order to its lane, by way of the journal. It
// acknowledges it, or sees to that.
func (b *Bridge) submit(o *order, request vehicle.Request) {
	if !b.check(o, request) {
		o.acknowledge()
		return
	}
	b.journal.hand(o)
}

// check ends an order that is not to be carried out, and tells whether it is.
func (b *Bridge) check(o *order, request vehicle.Request) bool {
	if !request.Expires.IsZero() {
		o.expires = earlier(o.expires, request.Expires)
	}
	l, err := b.lanes.byName(o.record.Vehicle)
	if err != nil {
		reason, message := b.whyUnknown(err)
		b.refuse(o, reason, message)
		return false
	}
	o.lane = l
	if request.ID != "" {
		if before, repeated := b.memory.remember(l.name+"/"+request.ID, o); repeated {
			b.repeat(before, o)
			return false
		}
	}
	if refused := b.permit(o); refused != nil {
		b.refuse(o, refused.reason, refused.message)
		return false
	}
	if o.expired(time.Now()) {
		b.expire(o)
		return false
	}
	if o.kept() {
		o.page = newPage(o, request)
	}
	return true
}

// whyUnknown tells whether there is no such car, or whether that cannot be said yet.
func (b *Bridge) whyUnknown(unknown error) (vehicle.Reason, string) {
	for _, a := range b.accounts {
		if status, listed := a.snapshot(); !listed {
			return reasonOf(status.State), "the cars of an account are not known yet: " + status.describe(a.Name)
		}
	}
	return vehicle.UnknownVehicle, unknown.Error()
}

// refuse ends an order before it reached a lane.
func (b *Bridge) refuse(o *order, reason vehicle.Reason, message string) {
	b.log.Info("command refused", "vehicle", clip(o.record.Vehicle), "request", clip(o.record.Command), "command", o.record.ID,
		"reason", string(reason), "message", message)
	b.advance(o, vehicle.Rejected, reason, message)
}

func (b *Bridge) expire(o *order) {
	b.advance(o, vehicle.Expired, vehicle.ExpiredReason, "it could not be sent in time")
}

// Submit takes a command from another front than MQTT. The channel gets every step of it and is closed after the last, or
// when the bridge stops and leaves a command that was sent to its next run.
func (b *Bridge) Submit(ref string, request vehicle.Request, cause vehicle.Cause) (<-chan vehicle.Record, error) {
	if request.Command == nil {
		return nil, fmt.Errorf("submit to %s: %w: no command", clip(ref), bluelink.ErrInvalidCommand)
	}
	l, err := b.lanes.find(ref)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	steps := make(chan vehicle.Record, 8) // more than a command has steps
	watch := func(r vehicle.Record) {
		select {
		case steps <- r:
		default: // never wait, whatever the future brings
		}
		if r.Terminal {
			close(steps)
		}
	}
	o := &order{command: request.Command, cause: cause, expires: now.Add(sendWithin), askers: []asker{{watch: watch, gone: func() { close(steps) }}}}
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

// clip bounds what strangers put into our log.
func clip(word string) string { return fmt.Sprintf("%.64s", word) }

var errNoVehicle = errors.New("there is no such car")
