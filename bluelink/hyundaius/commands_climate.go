package hyundaius

import (
	"math"
	"slices"
	"strconv"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Climate (§6.1 to §6.3). Temperatures are whole degrees Fahrenheit.

type temperature struct {
	Value any `json:"value"` // a text for electric cars, a number for others
	Unit  int `json:"unit"`  // 1 is °F
}

// seats are the states of the four seats, by the codes of §5.
type seats struct {
	Driver    int `json:"drvSeatHeatState"`
	Passenger int `json:"astSeatHeatState"`
	RearLeft  int `json:"rlSeatHeatState"`
	RearRight int `json:"rrSeatHeatState"`
}

// What a start takes for what is not given (§6.3).
const (
	usualFahrenheit = 70
	usualMinutes    = 10
	seatOff         = 2 // of the two codes the one that every car was seen to take
)

// mostMinutes is how long a car may run. More were refused with the generic 502, which does not tell what was done (§6.2;
// seen).
const mostMinutes = 10

// electricClimate has the four keys of generation 2, to which two more come from generation 3 on: an older car fails with
// them (§6.1; seen). It runs as long as it does; a duration that is asked for cannot be told to it.
func electricClimate(start vehicle.ClimateStart, o order) (any, error) {
	w, err := wishOf(start, o)
	if err != nil {
		return nil, err
	}
	type body struct {
		AirControl  int         `json:"airCtrl"`
		Temperature temperature `json:"airTemp"`
		Defrost     bool        `json:"defrost"`
		Heating     int         `json:"heating1"`
		Minutes     int         `json:"igniOnDuration,omitempty"`
		Seats       *seats      `json:"seatHeaterVentInfo,omitempty"`
	}
	b := body{AirControl: w.air, Temperature: temperature{strconv.Itoa(w.fahrenheit), 1}, Defrost: w.defrost, Heating: w.heating}
	switch {
	case o.details.generation >= 3:
		b.Minutes, b.Seats = w.minutes, &w.seats
	case w.seats != seats{seatOff, seatOff, seatOff, seatOff}:
		return nil, unsupported("the seats of a car of generation %d cannot be set from afar", o.details.generation)
	}
	return b, nil
}

// engineStart starts the engine, and the climate with it.
func engineStart(start vehicle.ClimateStart, o order) (any, error) {
	w, err := wishOf(start, o)
	if err != nil {
		return nil, err
	}
	return struct {
		Ims         int         `json:"Ims"`
		AirControl  int         `json:"airCtrl"`
		Temperature temperature `json:"airTemp"`
		Defrost     bool        `json:"defrost"`
		Heating     int         `json:"heating1"`
		Minutes     int         `json:"igniOnDuration"`
		Seats       seats       `json:"seatHeaterVentInfo"`
		Username    string      `json:"username"`
		VIN         string      `json:"vin"` // of the chassis, as all clients but one send it (§6.2)
	}{
		AirControl: w.air, Temperature: temperature{w.fahrenheit, 1}, Defrost: w.defrost, Heating: w.heating, Minutes: w.minutes, Seats: w.seats,
		Username: o.username, VIN: o.ask.Vehicle.VIN.Full(),
	}, nil
}

// wish is a start in the words of the wire.
type wish struct {
	air        int
	fahrenheit int
	defrost    bool
	heating    int
	minutes    int
	seats      seats
}

func wishOf(start vehicle.ClimateStart, o order) (w wish, err error) {
	w.defrost = start.Defrost.Value
	if start.Climate.Or(true) {
		w.air = 1
	}
	if w.fahrenheit, err = fahrenheitOf(start.Temperature, o.details); err != nil {
		return w, err
	}
	if w.minutes, err = want.Minutes(start.Duration, usualMinutes, mostMinutes); err != nil {
		return w, err
	}
	warm, err := want.WarmthOf(start)
	if err != nil {
		return w, err
	}
	w.heating = warm.Code() // the wire's too; the wheel has no levels here
	for _, seat := range []struct {
		id    int
		name  string
		asked vehicle.Optional[vehicle.Seat]
		into  *int
	}{
		{1, "driver's", start.FrontLeft, &w.seats.Driver},
		{2, "passenger's", start.FrontRight, &w.seats.Passenger},
		{3, "rear left", start.RearLeft, &w.seats.RearLeft},
		{4, "rear right", start.RearRight, &w.seats.RearRight},
	} {
		code := int(seat.asked.Or(vehicle.SeatOff))
		if code < 1 || code > int(vehicle.SeatHighHeat) {
			return w, want.Invalid("the %s seat must be 1 to 8, not %d", seat.name, code)
		}
		if *seat.into = code; code != seatOff && o.details.seats != nil && !slices.Contains(o.details.seats[seat.id], code) {
			return w, unsupported("the %s seat cannot be set to %q", seat.name, vehicle.Seat(code))
		}
	}
	return w, nil
}

// fahrenheitOf is the temperature in whole °F, within what the car can be set to.
func fahrenheitOf(t vehicle.Optional[vehicle.Quantity], d details) (int, error) {
	if !t.Given {
		return usualFahrenheit, nil
	}
	q, ok := t.Value.In(vehicle.Fahrenheit)
	degrees := math.Round(q.Value)
	if !ok || !(degrees >= d.coldest && degrees <= d.hottest) {
		return 0, want.Invalid("the temperature must be %g to %g °F, not %v", d.coldest, d.hottest, t.Value)
	}
	return int(degrees), nil
}
