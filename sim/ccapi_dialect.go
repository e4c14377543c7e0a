package sim

import "time"

// dialect is how one region speaks: all that its brands have in common and other regions
// have otherwise.
type dialect struct {
	// zone is that of times in the flat form, placeZone that of parked positions.
	zone, placeZone *time.Location
	// rightHand is true where drivers sit on the right.
	rightHand bool
	// tokenLife is how long access tokens live.
	tokenLife time.Duration
	// stamps says what the vehicle API does with stamps, tokenStamps what the token
	// endpoint does.
	stamps, tokenStamps stampNeed
	// badApp is the answer to an unknown application, badStamp to a wrong stamp, badDevice
	// to a device id that is missing or unknown.
	badApp, badStamp, badDevice refusal
	// badGrant and badLogin are the answers to refused tokens and sign-ins.
	badGrant, badLogin userError
	// clientInForm is true where the token endpoint wants the client's id in the form too.
	clientInForm bool
	// providerDevice is true where only Apple's devices with an id of their own can be
	// registered.
	providerDevice bool
	// zeroRates is true where every answer carries a rate limit of zero.
	zeroRates bool

	// root is where the flat status stands; odometer and sunroof say whether it tells of
	// them.
	root              flatRoot
	odometer, sunroof bool
	// seats are the names of the front left, front right and rear seats in it.
	seats [4]string
	// codes are the set points that the flat form can express; offCode, when there is
	// one, stands there while the climate is off.
	codes   climateCodes
	offCode string
	// twoPlaces is true where positions come twice, by themselves and as gpsDetail.
	twoPlaces bool

	// offset is what CCS2 trees say of the car's clock.
	offset string
	// treeForAll is true where flat cars have a CCS2 tree as well.
	treeForAll bool
	// treePlace is true where the tree has the present position; elsewhere that copy is
	// stale.
	treePlace bool
	// compactUpdate is true where lastUpdateTime is a date and not a number.
	compactUpdate bool

	// support is what the vehicle list says of CCS2; nil leaves it out.
	support func(*car) *int
	// accepted is the message of the answer to a command; empty is none.
	accepted string
	// tripsByID says which cars' trips have to be asked for one by one; nil is none.
	tripsByID func(*car) bool
	// reportOdometer is true where the monthly report begins with the distance.
	reportOdometer bool
	// history says which engines have a driving history, and in which form.
	history historyForm

	// reads are the endpoints below one car, and commands the commands that it takes.
	reads    func(*ccapi) []endpoint
	commands []command
	// readsV2 is true where reads are served by both versions of the API.
	readsV2 bool
}

// flatRoot is where the flat status stands in an answer.
type flatRoot int

const (
	rootInfo   flatRoot = iota // resMsg.vehicleStatusInfo, with odometer and position beside it
	rootBare                   // resMsg itself
	rootStatus                 // resMsg.status, with the position beside it
)

// stampNeed is what a cloud does with a Stamp header.
type stampNeed int

const (
	stampIgnored stampNeed = iota
	stampIfSent            // checked when there is one
	stampNeeded
)

// flatSeats are the names of seats by side, which most regions use.
var flatSeats = [4]string{"flSeatHeatState", "frSeatHeatState", "rlSeatHeatState", "rrSeatHeatState"}
