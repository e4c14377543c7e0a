package canada

import (
	"encoding/json"
	"math"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// What a start takes for what is not given (docs/protocol/canada.md §6.2).
const (
	usualCelsius = 21.0
	usualMinutes = 5
)

// climate is what both bodies say.
type climate struct {
	Control int         `json:"airCtrl"`
	Defrost bool        `json:"defrost"`
	Heating int         `json:"heating1"`
	Minutes int         `json:"igniOnDuration"`
	Ims     *int        `json:"ims,omitempty"` // of an engine start; always 0
	Air     temperature `json:"airTemp"`
	Seats   seatsBody   `json:"seatHeaterVentCMD"`
}

type temperature struct {
	Value string `json:"value"`
	Unit  int    `json:"unit"` // 0 is °C
	Type  int    `json:"hvacTempType"`
}

type seatsBody struct {
	Driver    int `json:"drvSeatOptCmd"`
	Passenger int `json:"astSeatOptCmd"`
	RearLeft  int `json:"rlSeatOptCmd"`
	RearRight int `json:"rrSeatOptCmd"`
}

// electricClimate is the body for electric cars, which wraps the rest in one of two names.
type electricClimate struct {
	name    string
	pin     string
	climate climate
}

// The names. Newer cars want the second, and answer 15109 to the first (docs/protocol/canada.md §6.1).
const (
	oldWrapper = "hvacInfo"
	newWrapper = "remoteControl"
)

// MarshalJSON writes it.
func (e electricClimate) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]any{"pin": e.pin, e.name: e.climate})
}

// rewrapped is the same in the other name.
func (e electricClimate) rewrapped() electricClimate {
	if e.name == oldWrapper {
		e.name = newWrapper
	} else {
		e.name = oldWrapper
	}
	return e
}

// wrapperOf is the name that worked for a car before; empty when none is known.
func (c *cloud) wrapperOf(v *vehicle.Vehicle) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wrappers[v.ID]
}

func (c *cloud) keepWrapper(v *vehicle.Vehicle, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrappers[v.ID] = name
}

// climateStart builds the body of evc/rfon.
func climateStart(o order, start vehicle.ClimateStart) (any, error) {
	c, err := climateOf(o, start)
	if err != nil {
		return nil, err
	}
	c.Air.Type = 1
	name := o.wrapper
	if name == "" {
		name = oldWrapper
		if model := strings.ToUpper(strings.TrimSpace(o.ask.Vehicle.Model)); model == "EV9" || model == "IONIQ 9" {
			name = newWrapper
		}
	}
	return electricClimate{name, o.pin, c}, nil
}

// engineStart builds the body of rmtstrt.
func engineStart(o order, start vehicle.ClimateStart) (any, error) {
	c, err := climateOf(o, start)
	if err != nil {
		return nil, err
	}
	c.Ims = new(int)
	return struct {
		PIN     string  `json:"pin"`
		Setting climate `json:"setting"`
	}{o.pin, c}, nil
}

func climateOf(o order, start vehicle.ClimateStart) (c climate, err error) {
	degrees := tableOf(o.ask.Vehicle.Year)
	q, ok := start.Temperature.Or(vehicle.Quantity{Value: usualCelsius, Unit: vehicle.Celsius}).In(vehicle.Celsius)
	celsius := math.RoundToEven(q.Value*2) / 2
	code, has := degrees.code(celsius)
	if !ok || !has || celsius > 30 {
		return c, want.Invalid("the temperature must be %g to 30 °C, not %v", degrees.lowest, start.Temperature.Value)
	}
	c.Air.Value = code
	if c.Minutes, err = want.Minutes(start.Duration, usualMinutes, 30); err != nil {
		return c, err
	}
	warm, err := want.WarmthOf(start)
	if err != nil {
		return c, err
	}
	c.Heating = warm.Code() // how warm the wheel shall be it cannot say
	if start.Climate.Or(true) {
		c.Control = 1
	}
	c.Defrost = start.Defrost.Value
	c.Seats = seatsBody{seatOf(start.FrontLeft), seatOf(start.FrontRight), seatOf(start.RearLeft), seatOf(start.RearRight)}
	return c, nil
}

// seatOf is a seat's code: 0 off, 3 to 5 cool, 6 to 8 heat. A seat that is merely on heats a little (assumed).
func seatOf(asked vehicle.Optional[vehicle.Seat]) int {
	switch seat := asked.Or(vehicle.SeatOff); seat {
	case vehicle.SeatOff:
		return 0
	case vehicle.SeatOn:
		return int(vehicle.SeatLowHeat)
	default:
		return int(seat)
	}
}
