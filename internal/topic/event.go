package topic

import (
	"time"
)

// The kinds of events that this package writes, for [Car.Event].
const (
	CommandEvents  = "command"
	SecurityEvents = "security"
)

// NotLocked is the event_type of a car that reports that it is not locked after it has confirmed a lock command.
const NotLocked = "not_locked"

// SecurityEvent is the payload of the event "security"; command is the id of the command that it is about.
func SecurityEvent(what string, at time.Time, command string) []byte {
	return encode(struct {
		EventType string  `json:"event_type"`
		At        *moment `json:"timestamp"`
		Command   *string `json:"command_id"`
	}{what, momentOf(at), orNull(command)})
}
