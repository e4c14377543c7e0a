package vehicle

import "time"

// CommandState is how far a command has come.
type CommandState string

// The states; Terminal says which end a command.
const (
	Accepted   CommandState = "accepted"
	Queued     CommandState = "queued"
	Sent       CommandState = "sent"
	Confirmed  CommandState = "confirmed" // ends a command whose effect no datum shows
	Verified   CommandState = "verified"
	Rejected   CommandState = "rejected"
	Failed     CommandState = "failed"
	TimedOut   CommandState = "timed_out"
	Unknown    CommandState = "unknown"
	Expired    CommandState = "expired"
	Cancelled  CommandState = "cancelled"
	Superseded CommandState = "superseded"
)

// CommandStates is the closed list, for enumerations.
func CommandStates() []CommandState {
	return []CommandState{
		Accepted, Queued, Sent, Confirmed, Verified, Rejected, Failed, TimedOut, Unknown, Expired, Cancelled, Superseded,
	}
}

// Terminal tells whether the state always ends a command.
func (s CommandState) Terminal() bool {
	switch s {
	case Accepted, Queued, Sent, Confirmed:
		return false
	case Verified, Rejected, Failed, TimedOut, Unknown, Expired, Cancelled, Superseded:
		return true
	}
	return false
}

// Reason says why a command did not end well. The list is closed.
type Reason string

// The reasons that MQTT, REST, CLI, logs and metrics use.
const (
	NoReason           Reason = ""
	InvalidPayload     Reason = "invalid_payload"
	UnknownVehicle     Reason = "unknown_vehicle"
	Unsupported        Reason = "unsupported"
	NotPermitted       Reason = "not_permitted"
	ReadOnly           Reason = "read_only"
	Retained           Reason = "retained"
	ExpiredReason      Reason = "expired"
	Overloaded         Reason = "overloaded"
	RateLimited        Reason = "rate_limited"
	QuotaExhausted     Reason = "quota_exhausted"
	GuardedDailyCap    Reason = "guarded_daily_cap"
	GuardedSpacing     Reason = "guarded_spacing"
	Guarded12V         Reason = "guarded_12v"
	GuardedQuietHours  Reason = "guarded_quiet_hours"
	GuardedParked      Reason = "guarded_parked"
	BreakerOpen        Reason = "breaker_open"
	LoginRequired      Reason = "login_required"
	CodeRequired       Reason = "code_required"
	PINRequired        Reason = "pin_required"
	PINWrong           Reason = "pin_wrong"
	VehicleBusy        Reason = "vehicle_busy"
	VehicleUnreachable Reason = "vehicle_unreachable"
	VehicleRefused     Reason = "vehicle_refused"
	PreconditionFailed Reason = "precondition_failed"
	CloudUnavailable   Reason = "cloud_unavailable"
	CloudLimit         Reason = "cloud_limit"
	CloudChanged       Reason = "cloud_changed"
	Timeout            Reason = "timeout"
	EffectNotSeen      Reason = "effect_not_seen"
	RevertedByVehicle  Reason = "reverted_by_vehicle"
	SupersededReason   Reason = "superseded"
	CancelledReason    Reason = "cancelled"
	NotOwner           Reason = "not_owner"
	Shutdown           Reason = "shutdown"
	Internal           Reason = "internal"
)

// DataSource says where a refresh got its data.
type DataSource string

// Fresh data was asked of the car, cached data of the cloud.
const (
	FromCloud DataSource = "cached"
	FromCar   DataSource = "fresh"
)

// Record is the life of one command as every front shows it.
type Record struct {
	ID         string       `json:"id"`
	Vehicle    string       `json:"vehicle"` // the car's name in topics
	Command    string       `json:"command"`
	State      CommandState `json:"state"`
	Terminal   bool         `json:"terminal"`
	Reason     Reason       `json:"reason,omitempty"`
	Message    string       `json:"message,omitempty"`
	AcceptedAt time.Time    `json:"accepted_at"`
	UpdatedAt  time.Time    `json:"updated_at"`

	// Of a refresh that was verified.
	DataSource   DataSource  `json:"data_source,omitempty"`
	UpdateMethod RefreshMode `json:"update_method,omitempty"`
}

// Cause says what asked for an operation.
type Cause string

// The causes.
const (
	ByTimer Cause = "timer"
	ByMQTT  Cause = "mqtt"
	ByHTTP  Cause = "http"
	ByCLI   Cause = "cli"
	ByHint  Cause = "hint"
	ByRetry Cause = "retry"
	ByStart Cause = "start"
)

// Causes is the closed list, for enumerations.
func Causes() []Cause { return []Cause{ByTimer, ByMQTT, ByHTTP, ByCLI, ByHint, ByRetry, ByStart} }

// Automatic tells whether nobody waits for the answer.
func (c Cause) Automatic() bool {
	switch c {
	case ByTimer, ByRetry, ByStart, ByHint:
		return true
	case ByMQTT, ByHTTP, ByCLI:
		return false
	}
	return true
}
