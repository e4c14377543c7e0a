package topic

import (
	"slices"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Message is a topic below a car's with its payload; Suffix is for [Car.Topic].
type Message struct {
	Suffix  string
	Payload []byte
	Retain  bool
}

// The payloads of availability, of the bridge's state and of the last will.
const (
	Online  = "online"
	Offline = "offline"
)

// beside are the topics below a car's that are retained beside its data.
var beside = []string{
	"availability", "info", "status/last_updated", "status/data_source", "status/update_method", "status/error", "status/stale",
	"status/stale_reason", "status/calls_today", "status/wakes_today", "status/last_wake_at", "status/last_wake_cause",
	"status/climate/target", "status/climate/preset", "status/car_battery_falling", lockSuffix,
}

// Retained are the endings of all topics that a broker may keep of a car, under any choice of options.
func (t *Table) Retained() []string {
	all := slices.Concat(beside, Places())
	for _, row := range t.rows {
		if !row.Place {
			all = append(all, row.Suffix)
		}
	}
	return all
}

// Refreshed is what every successful refresh publishes behind its data: when, from where, and how it was asked for; at is
// our clock. The service that this one replaces then cleared the error as well, see [Cleared].
func Refreshed(at time.Time, source vehicle.DataSource, method vehicle.RefreshMode) []Message {
	return []Message{
		retained("status/last_updated", at, appendTime(nil, at, microseconds)),
		retained("status/data_source", at, appendText(nil, string(source))),
		retained("status/update_method", at, appendText(nil, string(method))),
	}
}

// Cleared says that the last refresh went well.
func Cleared(at time.Time) Message { return retained("status/error", at, appendNull(nil)) }

// StaleReason says why a car's data are older than they should be. The list is closed.
type StaleReason string

// The reasons.
const (
	Fresh              StaleReason = "" // not stale
	Asleep             StaleReason = "asleep"
	VehicleUnreachable StaleReason = "vehicle_unreachable"
	CloudUnavailable   StaleReason = "cloud_unavailable"
	CloudLimit         StaleReason = "cloud_limit"
	QuotaExhausted     StaleReason = "quota_exhausted"
	LoginRequired      StaleReason = "login_required"
	CodeRequired       StaleReason = "code_required"
	ConsentRequired    StaleReason = "consent_required"
	ClientBlocked      StaleReason = "client_blocked"
	Guarded            StaleReason = "guarded"
	QuietHours         StaleReason = "quiet_hours"
	Vacation           StaleReason = "vacation"
	NoSchedule         StaleReason = "no_schedule"
	Disabled           StaleReason = "disabled"
	BridgeFault        StaleReason = "bridge_fault"
)

// StaleReasons is the closed list, for enumerations.
func StaleReasons() []StaleReason {
	return []StaleReason{
		Asleep, VehicleUnreachable, CloudUnavailable, CloudLimit, QuotaExhausted, LoginRequired, CodeRequired, ConsentRequired,
		ClientBlocked, Guarded, QuietHours, Vacation, NoSchedule, Disabled, BridgeFault,
	}
}

// Stale says whether a car's data are older than they should be, and why.
func Stale(at time.Time, reason StaleReason) []Message {
	flag, why := "true", appendText(nil, string(reason))
	if reason == Fresh {
		flag, why = "false", appendNull(nil)
	}
	return []Message{
		retained("status/stale", at, []byte(flag)),
		retained("status/stale_reason", at, why),
	}
}

// retained puts the envelope around a value that is known at a moment of our clock.
func retained(suffix string, at time.Time, value []byte) Message {
	return Message{suffix, appendTail(append(appendHead(nil), value...), at, time.Time{}, ""), true}
}

// Problem is a command or refresh that did not end well.
type Problem struct {
	At      time.Time // our clock
	Command string    // name of the catalogue of commands: refresh, lock, climate-start …
	Mode    vehicle.RefreshMode
	Reason  vehicle.Reason
	Text    string // what went wrong, for people; without secrets
}

// Failed is what status/error says of a problem, in the form of the service that this one replaces, and with the reason.
func Failed(p Problem) Message {
	o := appendObject(nil)
	o.text("error", p.text())
	o.text("error_type", p.class())
	o.text("command_type", p.commandType())
	o.key("timestamp")
	o.dst = appendTime(o.dst, p.At, microseconds)
	o.key("reason")
	if p.Reason == vehicle.NoReason {
		o.dst = appendNull(o.dst)
	} else {
		o.dst = appendText(o.dst, string(p.Reason))
	}
	return retained("status/error", p.At, o.end())
}

const refresh = "refresh"

// text begins as it did before, so that automations that look for the beginning go on.
func (p Problem) text() string {
	if p.Reason == vehicle.BreakerOpen {
		return strings.TrimSuffix("Circuit breaker is open: "+p.Text, ": ")
	}
	return p.what() + " failed: " + p.Text
}

// texts are the beginnings that automations may look for. Commands that came later are called by their names.
var texts = map[string]string{
	"lock":              "Lock command",
	"unlock":            "Unlock command",
	"climate-start":     "Start climate command",
	"climate-stop":      "Stop climate command",
	"windows":           "Set windows command",
	"charge-port-open":  "Open charge port command",
	"charge-port-close": "Close charge port command",
	"charging-current":  "Set charging current command",
}

func (p Problem) what() string {
	text, old := texts[p.Command]
	switch {
	case old:
		return text
	case p.Command == refresh && p.Mode != "":
		return capital(string(p.Mode)) + " refresh"
	case p.Command == refresh:
		return "Refresh"
	}
	return capital(strings.ReplaceAll(p.Command, "-", " ")) + " command"
}

func capital(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// commandTypes are the words of the service that this one replaces where they are not the command's name.
var commandTypes = map[string]string{
	"unlock": "lock", "climate-start": "climate", "climate-stop": "climate", "charge-start": "charge", "charge-stop": "charge",
	"charge-port-open": "charge_port", "charge-port-close": "charge_port", "valet-on": "valet", "valet-off": "valet",
	"charge-limits": "charge_limit",
}

// commandType is the mode of a refresh and the topic segment of other commands.
func (p Problem) commandType() string {
	if p.Command == refresh && p.Mode != "" {
		return string(p.Mode)
	}
	if word, ok := commandTypes[p.Command]; ok {
		return word
	}
	return strings.ReplaceAll(p.Command, "-", "_")
}

// class is the error_type: our own refusals have the class that the breaker's had.
func (p Problem) class() string {
	switch {
	case refusal(p.Reason):
		return "HyundaiAPIError"
	case p.Command == refresh:
		return "RefreshError"
	}
	return "CommandError"
}

// refusal tells whether we refused by ourselves, so that nothing was sent.
func refusal(r vehicle.Reason) bool {
	switch r {
	case vehicle.InvalidPayload, vehicle.UnknownVehicle, vehicle.Unsupported, vehicle.NotPermitted, vehicle.ReadOnly,
		vehicle.Retained, vehicle.ExpiredReason, vehicle.Overloaded, vehicle.RateLimited, vehicle.QuotaExhausted,
		vehicle.GuardedDailyCap, vehicle.GuardedSpacing, vehicle.Guarded12V, vehicle.GuardedQuietHours, vehicle.GuardedParked,
		vehicle.BreakerOpen, vehicle.PINRequired, vehicle.PreconditionFailed, vehicle.SupersededReason,
		vehicle.CancelledReason, vehicle.NotOwner, vehicle.Shutdown:
		return true
	case vehicle.NoReason, vehicle.LoginRequired, vehicle.CodeRequired, vehicle.PINWrong, vehicle.VehicleBusy,
		vehicle.VehicleUnreachable, vehicle.VehicleRefused, vehicle.CloudUnavailable, vehicle.CloudLimit, vehicle.CloudChanged,
		vehicle.Timeout, vehicle.EffectNotSeen, vehicle.RevertedByVehicle, vehicle.Internal:
		return false
	}
	return false
}
