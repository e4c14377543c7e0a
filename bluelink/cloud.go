package bluelink

import (
	"context"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Cloud is one account at one maker's cloud: the contract that each protocol family fulfils and each decorator keeps.
//
// All methods are safe for concurrent use, also for the same car; none waits for another caller except for a renewal of
// the session, of which there is one at a time. Each ends soon after its context does. Reads may be repeated freely;
// Force wakes the car once per call. Errors are classified as errors.go says: an error never means that the car is in
// another state than before, except where [MayHaveSucceeded] says so.
type Cloud interface {
	// Login makes sure that there is a session: it does nothing while the tokens are good, renews them when they have
	// expired, and signs in only when there is no other way.
	Login(ctx context.Context) error

	// Vehicles lists the cars of the account.
	Vehicles(ctx context.Context) ([]vehicle.Vehicle, error)

	// Cached reads what the cloud holds. It never wakes the car. Parts that fail are left out of the report as long as the
	// status itself was read.
	Cached(ctx context.Context, ask Ask) (vehicle.Report, error)

	// Force wakes the car and reads what it then reports. A car that does not report in time is ErrVehicleUnreachable;
	// nothing older is returned in its place.
	Force(ctx context.Context, ask Ask) (vehicle.Report, error)

	// Send gives the car a command, once. It returns when the cloud has accepted it, with the id under which Action tells
	// its outcome. What a family cannot send is ErrUnsupported, before anything leaves. When the error says that it may
	// have succeeded, it may have been carried out: it must not be sent again.
	Send(ctx context.Context, ask Ask, command vehicle.Command) (vehicle.ActionID, error)

	// Action asks how far a command has come. It does not wait and never reaches the car.
	Action(ctx context.Context, v vehicle.Vehicle, id vehicle.ActionID) (vehicle.ActionStatus, error)
}

// Ask says what is read.
type Ask struct {
	Vehicle vehicle.Vehicle
	// Known is what is believed so far; it tells what would be new.
	Known vehicle.State
	// Sparing asks for as few calls as will do: the status, the position only when the status is news, the energy history
	// only after a drive. Without it everything is read.
	Sparing bool
}

// Account is the user's account at a cloud.
type Account struct {
	Name         string // for logs and metrics; never the e-mail
	Region       vehicle.Region
	Brand        vehicle.Brand
	Username     string // e-mail
	Password     string // or, where the region's page says so, a refresh token
	PIN          string // of the maker's app; only commands need it
	RefreshToken string // of an ordinary sign-in; used instead of the password when given
	Language     string // two letters; "en" when empty. Signing in sets the language of the owner's app too
}

// Cloud names the account's cloud in logs and errors: "hyundai-eu".
func (a Account) Cloud() string { return a.Brand.String() + "-" + a.Region.String() }
