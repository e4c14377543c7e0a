package bridge

import (
	"slices"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Tracker writes where cars are for maps that follow them, such as OwnTracks: a retained message a car, on a topic of its own
// outside the bridge's tree. The bridge decides when it is told, and clears it when the car goes or the topic is another one.
// Its methods answer at once.
type Tracker interface {
	// Topic is that of the car with this name.
	Topic(car string) string
	// Position is the message on where the car is; nil while that is not known.
	Position(car Car) []byte
}

// track tells where the car is. That is news when it was seen there later than what was told last. The shelf's lock is held.
func (s *shelf) track(when tellWhen) {
	t := s.bridge.options.Tracker
	taken, timed := vehicle.LocationUpdatedAt.Of(s.state)
	if t == nil || !timed || when == onNews && !taken.After(s.tracked) {
		return
	}
	if payload := t.Position(s.copy()); payload != nil {
		s.tracked = taken
		s.publish(Publication{Topic: t.Topic(s.lane.name), Payload: payload, Retain: true, ContentType: jsonType})
	}
}

// trackedOn is the topic on which the tracker retains where a car is; empty without a tracker.
func (b *Bridge) trackedOn(car string) string {
	if b.options.Tracker == nil {
		return ""
	}
	return b.options.Tracker.Topic(car)
}

// clearTrack empties a topic of the tracker, unless a car is told there now.
func (b *Bridge) clearTrack(old string) {
	told := func(l *lane) bool { return b.trackedOn(l.name) == old }
	if old != "" && !slices.ContainsFunc(b.lanes.all(), told) {
		b.clear(old)
	}
}
