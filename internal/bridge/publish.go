package bridge

import (
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

const jsonType = "application/json"

// resultExpiry is how long the record of a command is worth delivering.
const resultExpiry = time.Hour

// publishRecord publishes a command's record: on its result topic, unless it is quiet, and to those who asked for more.
func (b *Bridge) publishRecord(record vehicle.Record, quiet bool, askers ...asker) {
	var payload []byte
	publish := func(p Publication) {
		if payload == nil {
			payload = topic.Record(record)
		}
		p.Payload, p.ContentType, p.Expiry = payload, jsonType, resultExpiry
		b.outbox.Publish(p)
	}
	if !quiet {
		publish(Publication{Topic: b.tree.Car(record.Vehicle).Result(record.ID)})
	}
	for _, a := range askers {
		if a.watch != nil {
			a.watch(record)
		} else {
			publish(Publication{Topic: a.topic, Correlation: a.correlation})
		}
	}
}

// publishBridge says that the bridge is there, and which one it is.
func (b *Bridge) publishBridge() {
	b.outbox.Publish(Publication{Topic: b.tree.BridgeState(), Payload: []byte(topic.Online), Retain: true})
	b.outbox.Publish(Publication{Topic: b.tree.BridgeInfo(), Payload: b.options.Info().Payload(), Retain: true, ContentType: jsonType})
}

// tellEnd tells the end of a command besides its record: as an event, and, when it did not go well, as the car's last
// error. Whoever failed to read the car has told that already, see shelf.failed. The order's lock is held.
func (l *lane) tellEnd(o *order) {
	r := o.record
	l.bridge.outbox.Publish(Publication{
		Topic: l.shelf.topics.Event(topic.CommandEvents), Payload: topic.CommandEvent(r), ContentType: jsonType, Expiry: resultExpiry,
	})
	if !o.controls() {
		return
	}
	switch r.State {
	case vehicle.Failed, vehicle.TimedOut, vehicle.Unknown, vehicle.Rejected, vehicle.Expired:
		if r.Reason != vehicle.Overloaded && r.Reason != vehicle.Shutdown {
			l.shelf.complain(topic.Problem{At: r.UpdatedAt, Command: r.Command, Reason: r.Reason, Text: r.Message})
		}
	case vehicle.Accepted, vehicle.Queued, vehicle.Sent, vehicle.Confirmed, vehicle.Verified, vehicle.Cancelled, vehicle.Superseded:
	}
}
