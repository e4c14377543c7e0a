package topic

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The kinds of events that this package writes, for [Car.Event].
const (
	CommandEvents  = "command"
	SecurityEvents = "security"
	BatteryEvents  = "battery"
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

// CarBatteryFalling is the event_type of a parked car whose 12 V battery falls over days.
const CarBatteryFalling = "car_battery_falling"

// BatteryEvent is the payload of the event "battery".
func BatteryEvent(at time.Time, fall vehicle.Fall) []byte {
	return encode(struct {
		EventType string          `json:"event_type"`
		At        *moment         `json:"timestamp"`
		Since     *moment         `json:"since"`
		From      vehicle.Percent `json:"from_percent"`
		To        vehicle.Percent `json:"percent"`
		Daily     float64         `json:"percent_per_day"`
		Reports   float64         `json:"reports_per_day"`
		Message   string          `json:"message"`
	}{
		CarBatteryFalling, momentOf(at), momentOf(fall.Since), fall.From, fall.To, tenths(fall.Daily), tenths(fall.Reports),
		fmt.Sprintf("the 12 V battery fell from %v %% to %v %% while the car was parked; %s", fall.From, fall.To, FallHint(fall)),
	})
}

// FallHint says what may be the cause, and what helps.
func FallHint(fall vehicle.Fall) string {
	if fall.Busy() {
		return fmt.Sprintf("it reports %.0f times a day, so something keeps it awake: wakes, reads (see calls_today), another app, a door; ask less", fall.Reports)
	}
	return "it reports seldom, so the battery is weak or something draws from it; charge it or have it tested"
}

func tenths(x float64) float64 { return math.Round(x*10) / 10 }

// Falling says whether the 12 V battery falls while the car is parked.
func Falling(at time.Time, falls bool) Message {
	return retained("status/car_battery_falling", at, strconv.AppendBool(nil, falls))
}
