package vehicle

import (
	"errors"
	"time"
)

// ChargeStart starts charging.
type ChargeStart struct{}

// ChargeStop stops it.
type ChargeStop struct{}

// ChargeLimits sets up to which charge the car charges; what is not given stays.
type ChargeLimits struct{ AC, DC Optional[int] } // percent, 50–100 in steps of 10

// SetChargingCurrent sets how much of the AC current is used.
type SetChargingCurrent struct{ Level int } // 1 all, 2 90 %, 3 60 %

// OpenChargePort opens the charge port.
type OpenChargePort struct{}

// CloseChargePort closes it.
type CloseChargePort struct{}

// SetV2LLimit sets the charge at which discharging to a load ends.
type SetV2LLimit struct{ Limit int } // percent, 20–80 in steps of 10

// Spec is the command's row in the catalogue.
func (ChargeStart) Spec() *Spec { return chargeStartSpec }
func (ChargeStart) command()    {}

// Spec is the command's row in the catalogue.
func (ChargeStop) Spec() *Spec { return chargeStopSpec }
func (ChargeStop) command()    {}

// Spec is the command's row in the catalogue.
func (ChargeLimits) Spec() *Spec { return chargeLimitsSpec }
func (ChargeLimits) command()    {}

// Spec is the command's row in the catalogue.
func (SetChargingCurrent) Spec() *Spec { return chargingCurrentSpec }
func (SetChargingCurrent) command()    {}

// Spec is the command's row in the catalogue.
func (OpenChargePort) Spec() *Spec { return chargePortOpenSpec }
func (OpenChargePort) command()    {}

// Spec is the command's row in the catalogue.
func (CloseChargePort) Spec() *Spec { return chargePortCloseSpec }
func (CloseChargePort) command()    {}

// Spec is the command's row in the catalogue.
func (SetV2LLimit) Spec() *Spec { return v2lLimitSpec }
func (SetV2LLimit) command()    {}

var (
	chargeStartSpec = charges(toggle("charge-start", "charge", "start charging", usualLimit, []string{"start"},
		func() Command { return ChargeStart{} }, shows(Charging, true)))
	chargeStopSpec = charges(toggle("charge-stop", "charge", "stop charging", usualLimit, []string{"stop"},
		func() Command { return ChargeStop{} }, shows(Charging, false)))
	chargePortOpenSpec = toggle("charge-port-open", "charge_port", "open the charge port", portLimit, []string{"open"},
		func() Command { return OpenChargePort{} }, shows(ChargePortOpen, true))
	chargePortCloseSpec = toggle("charge-port-close", "charge_port", "close the charge port", portLimit, []string{"close"},
		func() Command { return CloseChargePort{} }, shows(ChargePortOpen, false))
)

// charges completes the rows of starting and stopping: a schedule in the car may decide otherwise a moment later
// (kia_uvo#342).
func charges(row *Spec) *Spec {
	row.Again, row.Lasts = AgainUndoes, time.Minute
	return row
}

var chargeLimitsSpec = &Spec{
	Name: "charge-limits", Topic: "charge_limit", Meaning: "set the charge limits",
	Shortcuts: []Shortcut{{"charge_limit_ac", "ac"}, {"charge_limit_dc", "dc"}},
	Fields: []Field{
		{Key: "ac", Meaning: "limit on AC", Kind: FieldNumber, Min: 50, Max: 100, Step: 10, Unit: Percentage},
		{Key: "dc", Meaning: "limit on DC", Kind: FieldNumber, Min: 50, Max: 100, Step: 10, Unit: Percentage},
	},
	Limit: usualLimit, Wakes: wakes, Slider: true, Again: AgainIdles,
	Effect: func(c Command, s State) Effect {
		limits, _ := c.(ChargeLimits)
		return both(limitEffect(limits.AC, LimitAC, s), limitEffect(limits.DC, LimitDC, s))
	},
	build: func(v Values) (Command, error) {
		c := ChargeLimits{AC: v.whole("ac"), DC: v.whole("dc")}
		if !c.AC.Given && !c.DC.Given {
			return nil, errors.New("neither ac nor dc is given")
		}
		return c, nil
	},
}

func limitEffect(want Optional[int], p Point[Percent], s State) Effect {
	if !want.Given {
		return EffectSeen
	}
	is, known := p.Of(s)
	return effect(known, is == Percent(want.Value))
}

// both is the effect of a command that two data points show.
func both(a, b Effect) Effect {
	switch {
	case a == EffectMissing || b == EffectMissing:
		return EffectMissing
	case a == EffectUnknown || b == EffectUnknown:
		return EffectUnknown
	}
	return EffectSeen
}

var chargingCurrentSpec = &Spec{
	Name: "charging-current", Topic: "charging_current", Meaning: "set the AC charging current",
	Fields: []Field{{Key: "level", Meaning: "1 all, 2 90 %, 3 60 %", Kind: FieldNumber, Min: 1, Max: 3, Step: 1, Required: true}},
	Limit:  usualLimit, Wakes: wakes, Slider: true, Again: AgainIdles,
	Effect: func(c Command, s State) Effect {
		current, _ := c.(SetChargingCurrent)
		is, known := ChargingCurrent.Of(s)
		return effect(known, is == Number(current.Level))
	},
	plainForm: "100, 90 or 60",
	plain: func(word string) (Values, error) {
		level, ok := map[string]float64{"100": 1, "90": 2, "60": 3}[word]
		if !ok {
			return nil, errors.New("the current can be 100, 90 or 60")
		}
		return Values{"level": level}, nil
	},
	build: func(v Values) (Command, error) { return SetChargingCurrent{v.whole("level").Value}, nil },
}

var v2lLimitSpec = &Spec{
	Name: "v2l-limit", Topic: "v2l_limit", Meaning: "set the charge at which discharging to a load ends", Plain: "limit",
	Fields: []Field{{Key: "limit", Meaning: "charge", Kind: FieldNumber, Min: 20, Max: 80, Step: 10, Unit: Percentage, Required: true}},
	Limit:  usualLimit, Wakes: wakes, Slider: true, Again: AgainIdles,
	Effect: func(c Command, s State) Effect {
		limit, _ := c.(SetV2LLimit)
		return limitEffect(Some(limit.Limit), V2LLimit, s)
	},
	build: func(v Values) (Command, error) { return SetV2LLimit{v.whole("limit").Value}, nil },
}
