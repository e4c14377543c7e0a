package ccapi

import (
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// dialect is how the clouds of a region speak the protocol, whatever the brand. What differs in a number, a path or a key
// is data here; what is done in another way has a strategy with a name.
type dialect struct {
	format
	manners
	signing
	reading

	forms []form // how commands look
	// driver is on which side of every car of the region the driver sits; empty where each car must tell.
	driver   side
	meanings []meaning // what answers mean there and not elsewhere
	// recordDelay is how long a command may be without a record before that means anything.
	recordDelay time.Duration
	// patience is how long the outcome of a command may take, where that is longer than usual.
	patience time.Duration
}

// manners are what each call of the vehicle API has about it.
type manners struct {
	agent  string            // User-Agent
	fixed  map[string]string // further headers, by canonical name
	stamps stamps            // which calls carry one
	// nameless calls do not name the service; registrations do.
	nameless bool
	// formAlways puts the car's form into every header; else only calls about CCS2 cars say it.
	formAlways bool
	// onceOnly shows a control token in one header instead of two.
	onceOnly bool
	pinPath  string // of the exchange of a PIN for a control token
	// pinDressed sends the PIN with the headers of other calls.
	pinDressed bool
	// bareRefusal takes an answer without a control token for a refusal of the PIN, whatever else it says.
	bareRefusal bool
}

// stamps are which calls carry one (docs/protocol/europe.md §1.4).
type stamps uint8

const (
	unstamped    stamps = iota
	stampedEntry        // registrations, and what tokens are had with
	stampedAll
)

// signing is how a session begins and goes on.
type signing struct {
	way    func(*authority) bluelink.Authority
	device func(push string) any // body of a registration
	// byToken tells that a refresh token can take the place of the password.
	byToken   bool
	languages []string // the first is for all others
	// life is how long an access token lives of which the cloud does not say it.
	life          time.Duration
	pageAgent     string        // User-Agent of the pages
	entryTimeout  time.Duration // of each call; zero for the usual one
	grantRedirect string        // redirect_uri of a renewal by refresh token
	direct        directWay
}

// reading is how the state of cars is had.
type reading struct {
	// tree tells that each car reports the CCS2 tree, whatever the list says of it.
	tree    bool
	parked  placeCall // besides any status, without waking; none where the status itself says it
	found   placeCall // with a forced flat status
	aside   *aside    // where the odometer stands, should the flat status lack it
	limits  bool      // a forced flat read asks for the charge limits as well
	history history
	within  time.Duration // a cached status must come; zero for the usual time
}

// placeCall is a call that says where a car is.
type placeCall struct {
	path  string
	utc   bool // its time; else on the region's clock
	wakes bool
}

// aside is a number in the answer to another call.
type aside struct{ path, leaf string }

// history is the energy history of cars.
type history struct {
	kept        func(*vehicle.Vehicle) bool // which cars have one; nil for none
	total       string                      // the block of all time
	regenerated bool                        // is part of that
	forcedOnly  bool                        // nobody knows that asking for it does not wake
}

func (r *reading) speaksTree(v *vehicle.Vehicle) bool { return r.tree || v.CCS2 != 0 }

// dialects are the regions of this family.
var dialects = map[vehicle.Region]*dialect{
	vehicle.Europe:     &europe,
	vehicle.Australia:  &australia,
	vehicle.NewZealand: &australia,
	vehicle.India:      &india,
	vehicle.China:      &china,
	vehicle.Brazil:     &brazil,
}

// okhttp is what most apps of the family call themselves. No server looks at it (docs/protocol/europe.md §1.2).
const okhttp = "okhttp/3.12.0"
