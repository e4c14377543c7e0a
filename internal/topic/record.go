package topic

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// record is the form of a command's record on MQTT. All keys are always there, null where they have nothing to say; those
// of a refresh are there for refreshes.
type record struct {
	EventType  vehicle.CommandState `json:"event_type,omitempty"` // of an event only
	ID         string               `json:"id"`
	Vehicle    string               `json:"vehicle"`
	Command    string               `json:"command"`
	State      vehicle.CommandState `json:"state"`
	Terminal   bool                 `json:"terminal"`
	Reason     *string              `json:"reason"`
	Message    *string              `json:"message"`
	AcceptedAt *moment              `json:"accepted_at"`
	UpdatedAt  *moment              `json:"updated_at"`
}

type refreshRecord struct {
	record
	DataSource   *string `json:"data_source"`
	UpdateMethod *string `json:"update_method"`
}

// Record is the payload of [Car.Result].
func Record(r vehicle.Record) []byte { return encodeRecord(r, "") }

// CommandEvent is the payload of the event "command": the record with its state as event_type, as Home Assistant's event
// entities want it.
func CommandEvent(r vehicle.Record) []byte { return encodeRecord(r, r.State) }

func encodeRecord(r vehicle.Record, event vehicle.CommandState) []byte {
	base := record{
		EventType: event, ID: r.ID, Vehicle: r.Vehicle, Command: r.Command, State: r.State, Terminal: r.Terminal,
		Reason: orNull(r.Reason), Message: orNull(r.Message), AcceptedAt: momentOf(r.AcceptedAt), UpdatedAt: momentOf(r.UpdatedAt),
	}
	if r.Command == refresh {
		return encode(refreshRecord{base, orNull(r.DataSource), orNull(r.UpdateMethod)})
	}
	return encode(base)
}

func orNull[T ~string](text T) *string {
	if text == "" {
		return nil
	}
	plain := string(text)
	return &plain
}

// moment is a time in the payloads of this package: UTC, whole seconds.
type moment time.Time

func momentOf(t time.Time) *moment {
	if t.IsZero() {
		return nil
	}
	m := moment(t)
	return &m
}

func (m moment) MarshalJSON() ([]byte, error) { return appendTime(nil, time.Time(m), seconds), nil }

// encode writes a struct of this package, none of which can fail.
func encode(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("topic: encode %T: %v", v, err))
	}
	return text
}
