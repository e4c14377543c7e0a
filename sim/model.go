package sim

import "time"

// engine is what turns the wheels.
type engine int

const (
	petrol engine = iota
	electric
	plugIn
	hybrid
)

// String is the word of the views.
func (e engine) String() string { return [...]string{"ICE", "EV", "PHEV", "HEV"}[e] }

// wire is the word of the vehicle list (docs/protocol/europe.md §3).
func (e engine) wire() string { return [...]string{"GN", "EV", "PHEV", "HV"}[e] }

func (e engine) plugs() bool { return e == electric || e == plugIn }
func (e engine) burns() bool { return e != electric }

// model is what all cars of a kind have in common.
type model struct {
	name, code string
	nickname   string // what its owner calls it; empty for a name made of the model's
	engine     engine
	ccs2       bool

	capacityKWh float64 // traction battery, 0 without a plug
	acKW, dcKW  float64 // most that it charges with
	kWhPerKm    float64 // electric consumption
	tankL       float64
	lPer100Km   float64
	sunroof     bool

	generation int  // of the telematics, where the cloud tells it apart; 0 where not
	year       int  // the only model year; 0 for one of the last few
	older      bool // lacks what its page says that older cars lack
	// climateAsked cars tell of their climate only to who asks for it
	// (docs/protocol/usa-kia.md §4.1).
	climateAsked bool
	// refuses is the path of a command that the cloud does not take for such a car.
	refuses string
}

// place is a town where cars live, each some streets away, and the zone of their clocks.
type place struct {
	lat, lon float64
	zone     *time.Location
}
