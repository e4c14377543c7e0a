package bridge

import (
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// judgeRest looks how the 12 V battery of a parked car fares, and tells once when it falls over days. It asks for nothing:
// a read, let alone a wake, would take from the battery as well. The shelf's lock is held.
func (s *shelf) judgeRest(now time.Time) {
	before := s.rest.Fell
	s.rest = s.rest.Next(s.state)
	if before != s.rest.Fell {
		s.rested = false
		s.bridge.archive.mark(s.lane) // so that it is told once, over restarts too
	}
	s.tellRest(now)
	fall, ok := s.rest.Trend()
	if before || !s.rest.Fell || !ok {
		return
	}
	s.lane.log.Warn("the 12 V battery falls while the car is parked", "percent", float64(fall.To), "from", float64(fall.From),
		"since", fall.Since, "hint", topic.FallHint(fall))
	s.publish(Publication{
		Topic: s.topics.Event(topic.BatteryEvents), Payload: topic.BatteryEvent(now, fall), ContentType: jsonType, Expiry: eventExpiry,
	})
}

// eventExpiry is how long an event that a person should hear of is worth delivering.
const eventExpiry = 24 * time.Hour

// tellRest publishes whether the battery falls, of a car that has ever reported its charge. The shelf's lock is held.
func (s *shelf) tellRest(now time.Time) {
	if s.rested || s.state.Read(vehicle.Battery12V.Datum).Last == nil {
		return
	}
	s.rested = true
	s.send(topic.Falling(now, s.rest.Fell))
}
