package vehicle

import (
	"fmt"
	"math"
)

// Unit is a unit of measurement. Values keep the unit in which the car reported them; [Quantity.In] converts on demand.
type Unit uint8

// The units that clouds report.
const (
	NoUnit Unit = iota
	Percentage
	Kilometre
	Mile
	Celsius
	Fahrenheit
	PSI
	Kilopascal
	Bar
	Minute
	Kilowatt
	WattHour
	WattHourPerKilometre
	WattHourPerMile
	Kilojoule
	Volt
	RPM
	Degree // of arc
	Metre
	KilometrePerHour
	MilePerHour
)

var unitTexts = [...]string{
	NoUnit: "", Percentage: "%", Kilometre: "km", Mile: "mi", Celsius: "°C", Fahrenheit: "°F", PSI: "psi", Kilopascal: "kPa",
	Bar: "bar", Minute: "min", Kilowatt: "kW", WattHour: "Wh", WattHourPerKilometre: "Wh/km", WattHourPerMile: "Wh/mi",
	Kilojoule: "kJ", Volt: "V", RPM: "rpm", Degree: "°", Metre: "m", KilometrePerHour: "km/h", MilePerHour: "mph",
}

func (u Unit) String() string {
	if int(u) < len(unitTexts) {
		return unitTexts[u]
	}
	return ""
}

// MarshalText writes the symbol.
func (u Unit) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads a symbol.
func (u *Unit) UnmarshalText(text []byte) error {
	for unit, symbol := range unitTexts {
		if symbol == string(text) {
			*u = Unit(unit)
			return nil
		}
	}
	return fmt.Errorf("unit %q is not known", text)
}

// Quantity is a number with its unit.
type Quantity struct {
	Value float64 `json:"value"`
	Unit  Unit    `json:"unit,omitempty"`
}

// In converts to another unit of the same dimension; ok is false where there is no way, or the unit is unknown.
func (q Quantity) In(unit Unit) (converted Quantity, ok bool) {
	if q.Unit == unit {
		return q, true
	}
	from, known := conversions[q.Unit]
	to, wanted := conversions[unit]
	if !known || !wanted || from.base != to.base {
		return Quantity{}, false
	}
	return Quantity{(q.Value*from.scale + from.offset - to.offset) / to.scale, unit}, true
}

func (q Quantity) String() string {
	if q.Unit == NoUnit {
		return fmt.Sprint(q.Value)
	}
	return fmt.Sprint(q.Value, " ", q.Unit)
}

// finite reports whether the number is one that JSON can carry.
func finite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }

// conversions leads each unit to the base unit of its dimension: base = value·scale + offset.
var conversions = map[Unit]struct {
	base          Unit
	scale, offset float64
}{
	Kilometre:            {Kilometre, 1, 0},
	Mile:                 {Kilometre, 1.609344, 0},
	Celsius:              {Celsius, 1, 0},
	Fahrenheit:           {Celsius, 5.0 / 9, -32 * 5.0 / 9},
	Kilopascal:           {Kilopascal, 1, 0},
	PSI:                  {Kilopascal, 6.894757293, 0},
	Bar:                  {Kilopascal, 100, 0},
	WattHour:             {WattHour, 1, 0},
	Kilojoule:            {WattHour, 1.0 / 3.6, 0},
	WattHourPerKilometre: {WattHourPerKilometre, 1, 0},
	WattHourPerMile:      {WattHourPerKilometre, 1 / 1.609344, 0},
	KilometrePerHour:     {KilometrePerHour, 1, 0},
	MilePerHour:          {KilometrePerHour, 1.609344, 0},
}
