// Package abrp sends what cars report to A Better Route Planner, with the user's own keys: fresh reports only, each once.
// [Feed] is the way in; telemetry.go says what is sent. The interface is that of https://documenter.getpostman.com/view/7396339/SWTK5a8w.
//
// It imports vehicle. The composition root hands it the states.
package abrp

import (
	"math"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// telemetry is what is known of a car at one moment. What is unknown is left out.
type telemetry struct {
	At       int64    `json:"utc"` // seconds since 1970: of the report, not of the message
	SoC      *float64 `json:"soc"` // %
	Charging *bool    `json:"is_charging,omitempty"`
	Fast     *bool    `json:"is_dcfc,omitempty"`
	Parked   *bool    `json:"is_parked,omitempty"`
	Power    *float64 `json:"power,omitempty"` // kW, negative while charging
	Lat      *float64 `json:"lat,omitempty"`
	Lon      *float64 `json:"lon,omitempty"`
	Speed    *float64 `json:"speed,omitempty"`     // km/h
	Heading  *float64 `json:"heading,omitempty"`   // degrees
	Altitude *float64 `json:"elevation,omitempty"` // m
	Capacity *float64 `json:"capacity,omitempty"`  // kWh
	SoH      *float64 `json:"soh,omitempty"`       // %
	Range    *float64 `json:"est_battery_range,omitempty"`
	Odometer *float64 `json:"odometer,omitempty"`      // km
	Outside  *float64 `json:"ext_temp,omitempty"`      // °C
	Battery  *float64 `json:"batt_temp,omitempty"`     // °C
	Setpoint *float64 `json:"hvac_setpoint,omitempty"` // °C
	tyres
}

// tyres are pressures in kPa.
type tyres struct {
	FrontLeft  *float64 `json:"tire_pressure_fl,omitempty"`
	FrontRight *float64 `json:"tire_pressure_fr,omitempty"`
	RearLeft   *float64 `json:"tire_pressure_rl,omitempty"`
	RearRight  *float64 `json:"tire_pressure_rr,omitempty"`
}

// telemetryOf reads a state; false where it lacks what must be told: a state of charge, and when it was reported. The
// position is told only when located is set.
func telemetryOf(state vehicle.State, located bool) (t telemetry, ok bool) {
	soc, known := vehicle.SoC.Of(state)
	at := state.ReportedAt()
	if !known || at.IsZero() {
		return t, false
	}
	percent := float64(soc)
	t = telemetry{
		At: at.Unix(), SoC: &percent, Charging: flag(vehicle.Charging, state), Capacity: in(vehicle.BatteryCapacity, state, vehicle.WattHour),
		Range: in(vehicle.EVRange, state, vehicle.Kilometre), Odometer: in(vehicle.Odometer, state, vehicle.Kilometre),
		Outside: in(vehicle.OutsideTemperature, state, vehicle.Celsius), Battery: in(vehicle.BatteryTempMin, state, vehicle.Celsius),
		Power: in(vehicle.ChargingPower, state, vehicle.Kilowatt), Speed: in(vehicle.Speed, state, vehicle.KilometrePerHour),
		tyres: tyres{
			in(vehicle.TireFrontLeft, state, vehicle.Kilopascal), in(vehicle.TireFrontRight, state, vehicle.Kilopascal),
			in(vehicle.TireRearLeft, state, vehicle.Kilopascal), in(vehicle.TireRearRight, state, vehicle.Kilopascal),
		},
	}
	if soh, known := vehicle.SoH.Of(state); known {
		health := float64(soh)
		t.SoH = &health
	}
	if t.Capacity != nil {
		*t.Capacity = round(*t.Capacity/1000, 2)
	}
	if t.Power != nil {
		*t.Power = -*t.Power
	}
	if running, known := vehicle.EngineRunning.Of(state); known {
		parked := !running
		t.Parked = &parked
	}
	if plug, known := vehicle.PlugType.Of(state); known && t.Charging != nil {
		fast := *t.Charging && plug == vehicle.PlugDC
		t.Fast = &fast
	}
	if on, known := vehicle.AirControl.Of(state); known && on {
		t.Setpoint = in(vehicle.AirTemperature, state, vehicle.Celsius)
	}
	if located {
		t.Lat, t.Lon = in(vehicle.Latitude, state, vehicle.Degree), in(vehicle.Longitude, state, vehicle.Degree)
		t.Heading, t.Altitude = in(vehicle.Heading, state, vehicle.Degree), in(vehicle.Altitude, state, vehicle.Metre)
	}
	return t, true
}

// moving tells whether a car's numbers change by the minute.
func moving(state vehicle.State) bool {
	charging, _ := vehicle.Charging.Of(state)
	running, _ := vehicle.EngineRunning.Of(state)
	return charging || running
}

func flag(p vehicle.Point[bool], state vehicle.State) *bool {
	if b, known := p.Of(state); known {
		return &b
	}
	return nil
}

func in(p vehicle.Point[vehicle.Quantity], state vehicle.State, unit vehicle.Unit) *float64 {
	q, known := p.Of(state)
	if !known {
		return nil
	}
	converted, ok := q.In(unit)
	if !ok {
		return nil
	}
	n := round(converted.Value, 6)
	return &n
}

func round(n float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(n*scale) / scale
}

// pause is how long nothing is sent after something was.
func pause(state vehicle.State) time.Duration {
	if moving(state) {
		return 5 * time.Second
	}
	return 5 * time.Minute
}
