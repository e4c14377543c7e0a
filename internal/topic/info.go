package topic

import (
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

type info struct {
	Name         *string              `json:"name"`
	Brand        vehicle.Brand        `json:"brand"`
	Region       vehicle.Region       `json:"region"`
	Model        *string              `json:"model"`
	Year         *int                 `json:"year"`
	Engine       vehicle.Engine       `json:"engine_type"`
	Protocol     string               `json:"protocol"`
	VIN          *string              `json:"vin_last4"`
	Capabilities vehicle.Capabilities `json:"capabilities"`
}

// Info is the payload of [Car.Info]: who the car is, and what it can do. Of the chassis number it shows the last four
// characters.
func Info(v vehicle.Vehicle) []byte {
	i := info{
		Name: orNull(v.Name), Brand: v.Brand, Region: v.Region, Model: orNull(v.Model), Engine: v.Engine,
		Protocol: v.Protocol(), VIN: orNull(v.VIN.Last4()), Capabilities: v.Capabilities,
	}
	if v.Year != 0 {
		i.Year = &v.Year
	}
	if i.Capabilities.Commands == nil {
		i.Capabilities.Commands = []string{} // a list, for readers that range over it
	}
	return encode(i)
}

// Bridge says which bridge this is.
type Bridge struct {
	Version  string
	Latest   string // the newest release that is known of; empty when nobody has looked
	Commit   string
	Started  time.Time
	Protocol string   // of the connection to the broker: "5" or "3.1.1"
	Features []string // what is switched on
}

// Payload is what [Tree.BridgeInfo] says.
func (b Bridge) Payload() []byte {
	features := b.Features
	if features == nil {
		features = []string{}
	}
	return encode(struct {
		Version  string   `json:"version"`
		Latest   *string  `json:"latest_version"`
		Commit   *string  `json:"commit"`
		Started  *moment  `json:"started_at"`
		Protocol *string  `json:"mqtt_protocol"`
		Features []string `json:"features"`
	}{b.Version, orNull(b.Latest), orNull(b.Commit), momentOf(b.Started), orNull(b.Protocol), features})
}

// Health says how the bridge is.
type Health struct {
	At         time.Time
	Uptime     time.Duration
	Memory     uint64 // bytes that the process holds
	Goroutines int
	Vehicles   int
	Queued     int // messages that wait for the intake
	Commands   int // commands that wait in lanes
	InFlight   int // operations at the clouds
	Reconnects int // to the broker, since the start
	Stuck      int // lanes that have not moved for too long
}

// Payload is what [Tree.BridgeHealth] says.
func (h Health) Payload() []byte {
	return encode(struct {
		At         *moment `json:"timestamp"`
		Uptime     int64   `json:"uptime_s"`
		Memory     uint64  `json:"memory_bytes"`
		Goroutines int     `json:"goroutines"`
		Vehicles   int     `json:"vehicles"`
		Queued     int     `json:"queued_messages"`
		Commands   int     `json:"queued_commands"`
		InFlight   int     `json:"operations_in_flight"`
		Reconnects int     `json:"reconnects"`
		Stuck      int     `json:"stuck_lanes"`
	}{
		momentOf(h.At), int64(h.Uptime / time.Second), h.Memory, h.Goroutines, h.Vehicles, h.Queued, h.Commands, h.InFlight,
		h.Reconnects, h.Stuck,
	})
}

// AccountState is how an account is. The list is closed.
type AccountState string

// The account states.
const (
	AccountStarting         AccountState = "starting"
	AccountOnline           AccountState = "online"
	AccountExpiring         AccountState = "expiring" // works until the time given
	AccountCodeRequired     AccountState = "code_required"
	AccountConsentRequired  AccountState = "consent_required"
	AccountRefused          AccountState = "credentials_refused"
	AccountClientBlocked    AccountState = "client_blocked"
	AccountCloudUnavailable AccountState = "cloud_unavailable"
	AccountLimitReached     AccountState = "limit_reached"
	AccountDisabled         AccountState = "disabled"
)

// AccountStates is the closed list, for enumerations.
func AccountStates() []AccountState {
	return []AccountState{
		AccountStarting, AccountOnline, AccountExpiring, AccountCodeRequired, AccountConsentRequired, AccountRefused,
		AccountClientBlocked, AccountCloudUnavailable, AccountLimitReached, AccountDisabled,
	}
}

// Account says how an account is.
type Account struct {
	State     AccountState
	Message   string    // what a person should know or can do; empty when all is well
	Since     time.Time // of the state
	Until     time.Time // of an expiring one; zero otherwise
	Used      int       // calls of this day
	Limit     int       // calls a day; 0 without limit
	Reset     time.Time // when the counts begin anew
	Wakes     int       // operations of this day that woke a car
	Reads     string    // the breaker for reads: closed, half_open or open
	Commands  string    // the breaker for commands
	NextCalls time.Time // when calls, or signing in, are allowed again; zero when they are
}

// Payload is what [Tree.AccountState] says.
func (a Account) Payload() []byte {
	var limit, remaining *int
	if a.Limit > 0 {
		left := max(0, a.Limit-a.Used)
		limit, remaining = &a.Limit, &left
	}
	return encode(struct {
		State     AccountState `json:"auth"`
		Message   *string      `json:"message"`
		Since     *moment      `json:"since"`
		Until     *moment      `json:"until"`
		Used      int          `json:"quota_used"`
		Limit     *int         `json:"quota_limit"`
		Remaining *int         `json:"quota_remaining"`
		Reset     *moment      `json:"quota_reset_at"`
		Wakes     int          `json:"wakes_today"`
		Reads     *string      `json:"breaker"`
		Commands  *string      `json:"command_breaker"`
		Next      *moment      `json:"next_allowed_at"`
	}{
		a.State, orNull(a.Message), momentOf(a.Since), momentOf(a.Until), a.Used, limit, remaining, momentOf(a.Reset), a.Wakes,
		orNull(a.Reads), orNull(a.Commands), momentOf(a.NextCalls),
	})
}
