package sim

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// Climate on the wire: the flat form with its hex code (docs/protocol/europe.md §6.1) and
// the CCS2 form with its nulls (§6.2).

func orderClimateFlat(c *call) (effect, bool) {
	var body struct {
		Action   string `json:"action"`
		HvacType *int   `json:"hvacType"`
		Options  *struct {
			Defrost  bool `json:"defrost"`
			Heating  int  `json:"heating1"`
			Duration *int `json:"igniOnDuration"`
		} `json:"options"`
		TempCode string `json:"tempCode"`
		Unit     string `json:"unit"`
	}
	if !c.decode(&body) || body.HvacType == nil || body.Options == nil || body.Unit != "C" {
		return nil, false
	}
	celsius, ok := c.cloud.ccapi.codes.celsius(body.TempCode)
	if !ok || body.Options.Heating < 0 || body.Options.Heating > 4 {
		return nil, false
	}
	switch body.Action {
	case "stop":
		return climateStop, true
	case "start":
	default:
		return nil, false
	}
	minutes := climateMinutes(body.Options.Duration)
	heating := body.Options.Heating
	return func(v *car) bool {
		b := &v.body
		b.temperatureC, b.defrost = celsius, body.Options.Defrost
		heat(b, heating)
		v.startClimate(minutes)
		return true
	}, minutes > 0
}

// orderEngineStart is the climate of regions that call it the engine, and orderEngine
// with the form that ends it, which needs no more than the action
// (docs/protocol/india.md §6, china.md §6).
func orderEngineStart(c *call) (effect, bool) {
	do, ok := orderClimateFlat(c)
	var body struct{ Action string }
	return do, ok && c.decode(&body) && body.Action == "start"
}

func orderEngine(c *call) (effect, bool) {
	var body struct{ Action string }
	if c.decode(&body) && body.Action == "stop" {
		return climateStop, true
	}
	return orderEngineStart(c)
}

// The keys of the engine's forms; China's has no duration.
const (
	engineKeysChina  = "action! hvacType options options.defrost options.heating1 tempCode unit"
	engineKeys       = engineKeysChina + " options.igniOnDuration"
	engineKeysBrazil = "action! deviceId! hvacType tempCode unit options options.airCtrl options.heating1 options.defrost options.igniOnDuration " +
		"options.seatHeaterVentCMD options.seatHeaterVentCMD.drvSeatOptCmd"
)

// orderEngineBrazil has the temperature itself in its code, in whole degrees
// (docs/protocol/brazil.md §6; the bounds are assumed).
func orderEngineBrazil(c *call) (effect, bool) {
	var body struct {
		Action  string `json:"action"`
		Options *struct {
			Air      *int `json:"airCtrl"`
			Heating  *int `json:"heating1"`
			Defrost  *bool
			Duration *int `json:"igniOnDuration"`
			Seats    *struct {
				Driver *int `json:"drvSeatOptCmd"`
			} `json:"seatHeaterVentCMD"`
		} `json:"options"`
		HvacType *int   `json:"hvacType"`
		TempCode string `json:"tempCode"`
		Unit     string `json:"unit"`
	}
	if !c.decode(&body) {
		return nil, false
	}
	switch body.Action {
	case "stop":
		return climateStop, true
	case "start":
	default:
		return nil, false
	}
	o := body.Options
	digits, isCode := strings.CutSuffix(body.TempCode, "H")
	celsius, err := strconv.ParseUint(digits, 16, 8)
	if err != nil || !isCode || celsius < 14 || celsius > 32 || body.Unit != "C" || body.HvacType == nil || o == nil || o.Defrost == nil {
		return nil, false
	}
	if o.Air == nil || !within(o.Air, 0, 1) || o.Heating == nil || !within(o.Heating, 0, 4) || o.Seats == nil || !within(o.Seats.Driver, 0, 8) {
		return nil, false
	}
	minutes := climateMinutes(o.Duration)
	return func(v *car) bool {
		b := &v.body
		b.temperatureC, b.defrost = float64(celsius), *o.Defrost
		heat(b, *o.Heating)
		if o.Seats.Driver != nil && *o.Seats.Driver != 0 {
			b.seats[0] = *o.Seats.Driver
		}
		if *o.Air == 1 {
			v.startClimate(minutes)
		}
		return true
	}, minutes > 0
}

// heat switches on what the one number of the flat forms stands for
// (docs/protocol/europe.md §6.1).
func heat(b *body, heating int) {
	if heating == 1 || heating == 3 || heating == 4 {
		b.wheelHeat = 1
	}
	b.rearHeat = heating == 1 || heating == 2 || heating == 4
	b.mirrorHeat = heating == 2 || heating == 4
}

func climateStop(v *car) bool {
	if !v.body.driving() {
		v.stopClimate()
	}
	return true
}

// climateMinutes is how long the climate runs; absent is the car's own choice, and more
// than 30 minutes makes no sense.
func climateMinutes(minutes *int) time.Duration {
	switch {
	case minutes == nil:
		return climateDefault
	case *minutes < 1 || *minutes > 30:
		return 0
	}
	return time.Duration(*minutes) * time.Minute
}

// climateKeysFlat are the keys of the flat form; one app sends the heating of the front
// window (docs/protocol/europe.md §6.1).
const climateKeysFlat = "action! hvacType options options.defrost options.heating1 options.igniOnDuration options.frontWindowHeating " +
	"tempCode unit deviceId"

// climateKeysCCS2 are the keys of the CCS2 form; one client sends heating1.
const climateKeysCCS2 = "command! ignitionDuration strgWhlHeating hvacTempType hvacTemp sideRearMirrorHeating heating1 drvSeatLoc seatClimateInfo " +
	"seatClimateInfo.drvSeatClimateState seatClimateInfo.psgSeatClimateState seatClimateInfo.rrSeatClimateState seatClimateInfo.rlSeatClimateState " +
	"tempUnit windshieldFrontDefogState"

func orderClimateCCS2(c *call) (effect, bool) {
	var body struct {
		Command  string       `json:"command"`
		Duration *int         `json:"ignitionDuration"`
		Wheel    *int         `json:"strgWhlHeating"`
		Temp     *json.Number `json:"hvacTemp"`
		Rear     *int         `json:"sideRearMirrorHeating"`
		Side     string       `json:"drvSeatLoc"`
		Seats    *struct {
			Driver    *int `json:"drvSeatClimateState"`
			Passenger *int `json:"psgSeatClimateState"`
			RearRight *int `json:"rrSeatClimateState"`
			RearLeft  *int `json:"rlSeatClimateState"`
		} `json:"seatClimateInfo"`
		Unit  string `json:"tempUnit"`
		Defog bool   `json:"windshieldFrontDefogState"`
	}
	if !c.decode(&body) {
		return nil, false
	}
	switch body.Command {
	case "stop":
		return climateStop, true
	case "start":
	default:
		return nil, false
	}
	celsius, ok := readTemperature(body.Temp)
	minutes := climateMinutes(body.Duration)
	ok = ok && minutes > 0 && body.Unit == "C" && (body.Side == "L" || body.Side == "R") && within(body.Wheel, 0, 2) && within(body.Rear, 0, 1)
	var seats [4]*int
	if body.Seats != nil {
		seats = [4]*int{body.Seats.Driver, body.Seats.Passenger, body.Seats.RearLeft, body.Seats.RearRight}
		if body.Side == "R" { // the driver sits on the right; rear seats are physical
			seats[0], seats[1] = seats[1], seats[0]
		}
	}
	for _, seat := range seats {
		ok = ok && within(seat, 0, 8)
	}
	return func(v *car) bool {
		b := &v.body
		b.temperatureC, b.defrost = celsius, body.Defog
		if body.Wheel != nil {
			b.wheelHeat = *body.Wheel
		}
		if body.Rear != nil {
			b.rearHeat, b.mirrorHeat = *body.Rear == 1, *body.Rear == 1
		}
		for i, seat := range seats {
			if seat != nil {
				b.seats[i] = *seat
			}
		}
		v.startClimate(minutes)
		return true
	}, ok
}

// readTemperature takes a number, or one as text, of degrees Celsius.
func readTemperature(n *json.Number) (float64, bool) {
	if n == nil {
		return 0, false
	}
	celsius, err := n.Float64()
	return celsius, err == nil && celsius >= 14 && celsius <= 30
}
