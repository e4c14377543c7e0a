package bridge

import (
	"context"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Client is one account's cars, as package bluelink gives them.
type Client interface {
	Initialize(ctx context.Context) error
	Vehicles() []vehicle.Vehicle
	Seed(v vehicle.Vehicle, state vehicle.State)
	RefreshCached(ctx context.Context, id vehicle.ID) (bluelink.Result, error)
	RefreshForce(ctx context.Context, id vehicle.ID) (bluelink.Result, error)
	RefreshSmart(ctx context.Context, id vehicle.ID, maxAge time.Duration) (bluelink.Result, error)
	Do(ctx context.Context, id vehicle.ID, command vehicle.Command) (vehicle.ActionID, error)
	ActionStatus(ctx context.Context, id vehicle.ID, action vehicle.ActionID) (vehicle.ActionStatus, error)
}

var _ Client = (*bluelink.Client)(nil)

// Outbox takes what is published.
type Outbox interface {
	// Publish never waits: while there is no connection it drops states, which are published again after a connect, and
	// keeps a bounded number of events.
	Publish(p Publication)
	// Drained waits until all that was published has gone out or was dropped, or ctx ends.
	Drained(ctx context.Context) error
}

// Publication is one message on its way out, QoS 1.
type Publication struct {
	Topic       string
	Payload     []byte // not changed after it was handed over
	Retain      bool
	Correlation []byte        // v5 correlation data of the request that it answers
	ContentType string        // of text; empty for none
	Expiry      time.Duration // how long it is worth delivering; 0 for ever
}

// Message is one message that came in.
type Message struct {
	Topic         string
	Payload       []byte
	Retained      bool
	ResponseTopic string    // v5; empty when none is asked for
	Correlation   []byte    // v5
	Expires       time.Time // v5; zero when the message does not expire
	Received      time.Time // now when zero
	Ack           func()    // acknowledges; nil when there is nothing to acknowledge
}

// Account is one account and which of its cars are wanted.
type Account struct {
	Name   string
	Key    string // in the store; another e-mail or another cloud has another
	Client Client
	Wanted func(vehicle.VIN) bool // nil wants all
	Books  Books                  // nil when nothing is counted
	Codes  Codes                  // nil when its cloud sends no one-time codes
	News   <-chan struct{}        // tells that the books say what is worth publishing at once; nil when they never do
	Zone   *time.Location         // of the region; nil for UTC
	// Mute is why its cars take no commands, such as pin_required; empty when they do.
	Mute vehicle.Reason
}

// Books tell what an account and its cars have used up. They are asked at each end of an operation, and answer at once.
type Books interface {
	Account() AccountBook
	Car(id vehicle.ID) topic.Used
}
