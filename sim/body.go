package sim

import (
	"math"
	"time"
)

// body is a car's physical truth at one moment. It holds no pointers that anybody
// writes through, so that a copy of it is a report.
type body struct {
	at time.Time // car time

	// Moving.
	odometerKm         float64
	lat, lon, altitude float64
	heading            float64 // degrees from north
	speedKmh           float64
	trip               trip // the one under way, or zero
	parkedLat          float64
	parkedLon          float64
	parkedAt           time.Time

	// Power.
	energyKWh     float64 // in the traction battery
	plug          plug
	charging      bool
	chargeHeld    bool // stopped by hand until the next plug-in or start
	chargeNow     bool // started by hand, whatever the schedule says
	chargeKW      float64
	chargePort    bool // open
	limitAC       int  // %
	limitDC       int
	currentLevel  int // AC charging current: 1 = 100, 2 = 90, 3 = 60 %
	v2lLimit      int // %
	fuelPercent   float64
	battery12V    float64 // %
	unreliable12V bool    // the sensor lost its memory

	// Shut and open.
	locked    [4]bool // FL, FR, BL, BR, as all rows of four
	doors     [4]bool // open
	windows   [4]int  // 0 closed, 1 open, 2 vented
	trunk     bool
	hood      bool
	sunroof   bool
	valet     bool
	hazardTil time.Time

	// Air.
	climate      bool
	climateTil   time.Time // zero while driving: it then runs as long as the drive
	temperatureC float64   // set point
	defrost      bool
	rearHeat     bool
	mirrorHeat   bool
	wheelHeat    int    // 0 off, 1 low, 2 high
	seats        [4]int // seat codes of docs/protocol/ccs2-status.md
	outsideC     float64

	// Wear.
	tyresPsi  [4]float64
	washerLow bool
	brakeLow  bool
	fobLow    bool

	// Plans.
	schedule schedule

	awakeTil time.Time
}

// plug is what is in the charge port, as the flat protocol numbers it.
type plug int

const (
	plugNone plug = iota
	plugDC
	plugPortable
	plugAC
)

func (p plug) String() string { return [...]string{"none", "dc", "portable", "ac"}[p] }

// trip is a drive along a loop that begins and ends at home.
type trip struct {
	from, to time.Time // car time
	km       float64
	seed     uint64
	// State at departure, from which every later moment is computed.
	odometerKm, lat, lon float64
}

func (b *body) driving() bool { return !b.trip.to.IsZero() }
func (b *body) asleep() bool {
	return !b.driving() && !b.charging && !b.climate && !b.at.Before(b.awakeTil)
}

func (b *body) allLocked() bool { return b.locked == [4]bool{true, true, true, true} }

func (b *body) setLocked(locked bool) { b.locked = [4]bool{locked, locked, locked, locked} }

// soc is the traction battery's state of charge in percent.
func (b *body) soc(m *model) float64 {
	if m.capacityKWh == 0 {
		return 0
	}
	return b.energyKWh / m.capacityKWh * 100
}

// limit is the state of charge in percent at which the present plug stops.
func (b *body) limit() float64 {
	if b.plug == plugDC {
		return float64(b.limitDC)
	}
	return float64(b.limitAC)
}

// evRange is how far the traction battery's energy goes, in km.
func (b *body) evRange(m *model) float64 { return m.evRange(b.soc(m)) }

func (m *model) evRange(soc float64) float64 {
	if m.kWhPerKm == 0 {
		return 0
	}
	return soc / 100 * m.capacityKWh / m.kWhPerKm
}

func (b *body) fuelRange(m *model) float64 {
	if !m.engine.burns() {
		return 0
	}
	return b.fuelPercent / 100 * m.tankL / m.lPer100Km * 100
}

func (b *body) totalRange(m *model) float64 { return b.evRange(m) + b.fuelRange(m) }

// tyreLow is the pressure in psi below which the car warns.
const tyreLow = 28

func (b *body) tyreWarning(i int) bool { return b.tyresPsi[i] < tyreLow }

func (b *body) anyTyreWarning() bool {
	return b.tyreWarning(0) || b.tyreWarning(1) || b.tyreWarning(2) || b.tyreWarning(3)
}

// low12V is the 12 V level in percent below which the cloud refuses to wake the car
// (assumed; the text of the refusal is seen, its threshold is not).
const low12V = 30

func round(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}
