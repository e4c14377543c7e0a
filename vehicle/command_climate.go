package vehicle

import (
	"errors"
	"time"
)

// ClimateStart starts the climate control, with whatever is given; the rest is the cloud's or the car's choice.
type ClimateStart struct {
	Temperature   Optional[Quantity] // 14–30 °C or 57–86 °F
	Duration      Optional[time.Duration]
	Defrost       Optional[bool]
	Climate       Optional[bool] // false heats seats and windows only, where the region knows the difference
	Heating       Optional[int]  // 0–4, docs/protocol/vehicle-model.md §4.2
	SteeringWheel Optional[int]  // 0 off, 1 low, 2 high
	FrontLeft     Optional[Seat]
	FrontRight    Optional[Seat]
	RearLeft      Optional[Seat]
	RearRight     Optional[Seat]
}

// ClimateStop stops it.
type ClimateStop struct{}

// ClimateTarget is kept for the next start; it reaches neither cloud nor car.
type ClimateTarget struct{ Temperature Quantity }

// Spec is the command's row in the catalogue.
func (ClimateStart) Spec() *Spec { return climateStartSpec }
func (ClimateStart) command()    {}

// Spec is the command's row in the catalogue.
func (ClimateStop) Spec() *Spec { return climateStopSpec }
func (ClimateStop) command()    {}

// Spec is the command's row in the catalogue.
func (ClimateTarget) Spec() *Spec { return climateTargetSpec }
func (ClimateTarget) command()    {}

// Bounds are what a number may be: from Min to Max, both inclusive, in steps.
type Bounds struct{ Min, Max, Step float64 }

// The temperatures that climate commands take, in each unit.
var (
	ClimateCelsius    = Bounds{14, 30, 0.5}
	ClimateFahrenheit = Bounds{57, 86, 1}
)

func seatField(key, seat string) Field {
	return Field{
		Key: key, Meaning: seat + " seat: 0 or 2 off, 1 on, 3–5 cool, 6–8 heat, low to high", Kind: FieldNumber, Min: 0, Max: 8, Step: 1,
	}
}

var (
	setTempField = Field{Key: "set_temp", Meaning: "temperature, in °C unless unit says F", Kind: FieldNumber, Min: 14, Max: 90}
	unitField    = Field{Key: "unit", Meaning: "C or F", Kind: FieldWord, Words: []string{"c", "f"}}
)

var climateStartSpec = &Spec{
	Name: "climate-start", Topic: "climate", Meaning: "start the climate control", Words: []string{"start", "start_climate"},
	Fields: []Field{
		setTempField, unitField,
		{Key: "duration", Meaning: "how long", Kind: FieldNumber, Min: 1, Max: 30, Step: 1, Unit: Minute},
		{Key: "defrost", Meaning: "front defrost", Kind: FieldFlag},
		{Key: "climate", Meaning: "the air conditioning itself", Kind: FieldFlag},
		{Key: "heating", Meaning: "0 off, 1 steering wheel and rear window, 2 rear window, 3 steering wheel, 4 all", Kind: FieldNumber, Min: 0, Max: 4, Step: 1},
		{Key: "steering_wheel", Meaning: "steering wheel: 0 off, 1 low, 2 high", Kind: FieldNumber, Min: 0, Max: 2, Step: 1},
		seatField("front_left_seat", "front left"), seatField("front_right_seat", "front right"),
		seatField("rear_left_seat", "rear left"), seatField("rear_right_seat", "rear right"),
	},
	Limit: usualLimit, Wakes: wakes, Effect: shows(AirControl, true),
	build: buildClimateStart,
}

func buildClimateStart(v Values) (Command, error) {
	temperature, err := temperatureOf(v)
	if err != nil {
		return nil, err
	}
	c := ClimateStart{
		Temperature: temperature, Defrost: v.flag("defrost"), Climate: v.flag("climate"),
		Heating: v.whole("heating"), SteeringWheel: v.whole("steering_wheel"),
		FrontLeft: seatOf(v, "front_left_seat"), FrontRight: seatOf(v, "front_right_seat"),
		RearLeft: seatOf(v, "rear_left_seat"), RearRight: seatOf(v, "rear_right_seat"),
	}
	if minutes := v.whole("duration"); minutes.Given {
		c.Duration = Some(time.Duration(minutes.Value) * time.Minute)
	}
	return c, nil
}

// temperatureOf reads set_temp and unit together: each unit has bounds of its own.
func temperatureOf(v Values) (Optional[Quantity], error) {
	number := v.number("set_temp")
	if !number.Given {
		return Optional[Quantity]{}, nil
	}
	q, bounds := Quantity{number.Value, Celsius}, ClimateCelsius
	if v.text("unit") == "f" {
		q.Unit, bounds = Fahrenheit, ClimateFahrenheit
	}
	if q.Value < bounds.Min || q.Value > bounds.Max {
		return Optional[Quantity]{}, errors.New("set_temp must be 14 to 30 °C, or 57 to 86 °F with unit F")
	}
	return Some(q), nil
}

func seatOf(v Values, key string) Optional[Seat] {
	code := v.whole(key)
	if !code.Given {
		return Optional[Seat]{}
	}
	seat, _ := SeatOf(code.Value) // the field's bounds are those of the codes
	return Some(seat)
}

var climateStopSpec = idles(toggle("climate-stop", "climate", "stop the climate control", usualLimit, []string{"stop", "stop_climate"},
	func() Command { return ClimateStop{} }, shows(AirControl, false)))

var climateTargetSpec = &Spec{
	Name: "climate-target", Topic: "climate_target", Meaning: "temperature for the next start; never wakes the car", Plain: "set_temp",
	Fields: []Field{{Key: "set_temp", Meaning: setTempField.Meaning, Kind: FieldNumber, Min: 14, Max: 90, Required: true}, unitField},
	Local:  true, Wakes: lets, Slider: true,
	build: func(v Values) (Command, error) {
		temperature, err := temperatureOf(v)
		return ClimateTarget{temperature.Value}, err
	},
}
