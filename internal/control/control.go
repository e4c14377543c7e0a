// Package control is how the command line talks to a bridge: the same requests whether a running bridge answers them
// over the socket in its store directory, or the command works by itself. [Service] is the whole contract; [Serve] offers
// one on a socket and [Dial] reaches it.
//
// It imports vehicle. The composition root implements Service, the commands use it.
package control

import (
	"context"
	"iter"
	"path/filepath"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Service is what can be asked of a bridge. Its errors are for people; a command's outcome is in its records.
type Service interface {
	// Vehicles lists all cars by name.
	Vehicles(ctx context.Context) ([]Vehicle, error)
	// State tells what is believed of a car; ref is its name, cloud id, VIN or an ending of one of them.
	State(ctx context.Context, ref string) (State, error)
	// Send gives a command, by the last segment of its topic, and yields each step of it; the last one is terminal.
	Send(ctx context.Context, ref, command string, payload []byte) iter.Seq2[vehicle.Record, error]
	// Login signs in to an account now, also when automatic attempts have stopped, and yields each stage of it; the last
	// step of each account has an outcome.
	Login(ctx context.Context, r LoginRequest) iter.Seq2[LoginStep, error]
	// RefreshToken gives what an account's session is renewed with, for another program.
	RefreshToken(ctx context.Context, account string) (string, error)
	// Logout forgets the tokens of an account, and its device id when device is set; nothing signs in to it until Login. An
	// empty account means all.
	Logout(ctx context.Context, account string, device bool) ([]Account, error)
	// Health tells how the bridge stands.
	Health(ctx context.Context) (Health, error)
}

// Vehicle is a car in a list.
type Vehicle struct {
	Name     string     `json:"name"`
	Account  string     `json:"account"`
	ID       vehicle.ID `json:"id"`
	CloudID  string     `json:"cloud_id"`
	VINEnd   string     `json:"vin_last4"`
	Brand    string     `json:"brand"`
	Region   string     `json:"region"`
	Model    string     `json:"model"`
	Nickname string     `json:"nickname"`
	Engine   string     `json:"engine"`
	Protocol string     `json:"protocol"`
	Reported time.Time  `json:"reported_at,omitzero"`
	Stale    string     `json:"stale,omitempty"`
}

// State is what is believed of a car.
type State struct {
	Vehicle Vehicle   `json:"vehicle"`
	Fetched time.Time `json:"fetched_at,omitzero"`
	Data    []Datum   `json:"data"`
}

// Datum is one data point of a state.
type Datum struct {
	Key      string    `json:"key"`
	Value    any       `json:"value"` // null while unknown
	Unit     string    `json:"unit,omitempty"`
	Reported time.Time `json:"reported_at,omitzero"`
	// Last is the last good value of one that is unknown now, and LastReported its time.
	Last         any       `json:"last_value,omitempty"`
	LastReported time.Time `json:"last_reported_at,omitzero"`
}

// Account is how an account stands.
type Account struct {
	Name    string    `json:"name"`
	State   string    `json:"state"`
	Since   time.Time `json:"since"`
	Message string    `json:"message,omitempty"`
	Cars    int       `json:"vehicles"`
}

// LoginRequest is how an account is signed in to. At most one of Method, Code and RefreshToken is given, and none of them
// for more than one account.
type LoginRequest struct {
	Account      string `json:"account,omitempty"`       // empty for all
	Method       string `json:"method,omitempty"`        // have a one-time code sent that way: email or sms
	Code         string `json:"code,omitempty"`          // finish with this one-time code
	RefreshToken string `json:"refresh_token,omitempty"` // instead of the password
}

// LoginStep is one step of a sign-in: a stage, or its outcome.
type LoginStep struct {
	Account string   `json:"account"`
	Stage   *Stage   `json:"stage,omitempty"`
	Outcome *Outcome `json:"outcome,omitempty"`
}

// Stage is one call of a sign-in. It holds no secret.
type Stage struct {
	Op     string        `json:"stage"`
	Kind   string        `json:"kind"`
	Method string        `json:"method"`
	Host   string        `json:"host"`
	Path   string        `json:"path"`
	Status int           `json:"status,omitempty"` // of HTTP; 0 when there was no answer
	Took   time.Duration `json:"took_ns"`
	Error  string        `json:"error,omitempty"`
}

// Outcome is how a sign-in stands when nothing more happens by itself.
type Outcome struct {
	State string `json:"state"`
	Cars  int    `json:"vehicles"`
	Error string `json:"error,omitempty"`
	Hint  string `json:"hint,omitempty"`
	// Code is what the sign-in waits for; nil when it waits for no one-time code.
	Code *Code `json:"code,omitempty"`
}

// Code is a one-time code that is waited for.
type Code struct {
	Methods []CodeMethod `json:"methods"`
	Sent    string       `json:"sent,omitempty"` // the method by which one was sent last
	SentAt  time.Time    `json:"sent_at,omitzero"`
	Left    int          `json:"tries_left"`
}

// CodeMethod is a way to get a code.
type CodeMethod struct {
	Name string `json:"method"`       // email or sms
	To   string `json:"to,omitempty"` // masked
}

// Health is how a bridge stands.
type Health struct {
	Version   string    `json:"version"`
	Ready     bool      `json:"ready"`
	NotReady  string    `json:"not_ready,omitempty"`
	Healthy   bool      `json:"healthy"`
	Sick      string    `json:"sick,omitempty"`
	Connected bool      `json:"mqtt_connected"`
	Accounts  []Account `json:"accounts"`
}

// SocketName is the socket's name in a store directory.
const SocketName = "control.sock"

// SocketPath is where a bridge with this store directory listens.
func SocketPath(storeDir string) string { return filepath.Join(storeDir, SocketName) }
