package topic

import (
	"fmt"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Units says in which units data topics speak.
type Units uint8

// The choices. Under AsReported a topic's unit is the car's, and changes when the owner switches it; under the others it
// never does.
const (
	AsReported Units = iota
	Metric
	Imperial
)

var unitNames = [...]string{AsReported: "car", Metric: "metric", Imperial: "imperial"}

func (u Units) String() string { return unitNames[u] }

// ParseUnits reads car, metric or imperial; nothing is car.
func ParseUnits(text string) (Units, error) {
	word := strings.ToLower(strings.TrimSpace(text))
	if word == "" {
		return AsReported, nil
	}
	for units, name := range unitNames {
		if name == word {
			return Units(units), nil
		}
	}
	return 0, fmt.Errorf("units %q are not known; one of %s", text, strings.Join(unitNames[:], ", "))
}

// form is how a kind of data point is written.
type form struct {
	value    string // for docs/topics.md
	decimals int    // numbers are rounded to these, which is more than any car knows
	metric   vehicle.Unit
	imperial vehicle.Unit // both NoUnit where cars report one unit only
	bare     bool         // without its unit, as in the service that this one replaces
	others   string       // for docs/topics.md: further units that cars report
}

// forms derives this front's words from the kind.
var forms = [...]form{
	vehicle.KindFlag:        {value: "`true`, `false`"},
	vehicle.KindPercent:     {value: "number", decimals: 1},
	vehicle.KindNumber:      {value: "number", decimals: 3},
	vehicle.KindDistance:    {value: "number", decimals: 1, metric: vehicle.Kilometre, imperial: vehicle.Mile},
	vehicle.KindTemperature: {value: "number", decimals: 1, metric: vehicle.Celsius, imperial: vehicle.Fahrenheit},
	vehicle.KindPressure:    {value: "number", decimals: 2, metric: vehicle.Kilopascal, imperial: vehicle.PSI, others: ", bar"},
	vehicle.KindEnergy:      {value: "number", decimals: 1, metric: vehicle.WattHour, imperial: vehicle.WattHour, others: ", kJ"},
	vehicle.KindConsumption: {value: "number", decimals: 1, metric: vehicle.WattHourPerKilometre, imperial: vehicle.WattHourPerMile},
	vehicle.KindPower:       {value: "number", decimals: 2},
	vehicle.KindVoltage:     {value: "number", decimals: 1},
	vehicle.KindRotation:    {value: "number", decimals: 1},
	vehicle.KindSpeed:       {value: "number", decimals: 1, metric: vehicle.KilometrePerHour, imperial: vehicle.MilePerHour},
	vehicle.KindAngle:       {value: "number", decimals: 6, bare: true},
	vehicle.KindAltitude:    {value: "number", decimals: 1},
	vehicle.KindDuration:    {value: "number"},
	vehicle.KindTime:        {value: "time, `2026-01-05T07:30:00Z`"},
	vehicle.KindTimeOfDay:   {value: "`HH:MM:SS` on the car's clock"},
	vehicle.KindDays:        {value: "list of numbers, 0 is Sunday"},
	vehicle.KindText:        {value: "text"},
	vehicle.KindSeat:        {value: "text"},
	vehicle.KindOpening:     {value: "`CLOSED`, `OPEN`, `VENTILATION`"},
	vehicle.KindPlug:        {value: "`none`, `dc`, `portable`, `ac`"},
	vehicle.KindStats:       {value: "list of days, newest first"},
	vehicle.KindMonth:       {value: "object"},
	vehicle.KindDay:         {value: "object"},
}

// fixed is the unit that a kind of data point always has, or NoUnit where the car decides.
func (u Units) fixed(kind vehicle.Kind) vehicle.Unit {
	switch u {
	case Metric:
		return forms[kind].metric
	case Imperial:
		return forms[kind].imperial
	case AsReported:
	}
	return vehicle.NoUnit
}

// unit is the text of the unit in which a data point is told, empty where it has none or none is known yet.
func (u Units) unit(r vehicle.Reading) string {
	kind := r.Datum.Kind
	if forms[kind].bare {
		return ""
	}
	if fixed := u.fixed(kind); fixed != vehicle.NoUnit {
		return fixed.String()
	}
	return r.Unit().String()
}

// convert gives a quantity in the unit of its topic; ok is false where there is no way to it.
func (u Units) convert(kind vehicle.Kind, q vehicle.Quantity) (vehicle.Quantity, bool) {
	if fixed := u.fixed(kind); fixed != vehicle.NoUnit {
		return q.In(fixed)
	}
	return q, true
}
