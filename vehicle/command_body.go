package vehicle

import "errors"

// Windows moves windows; what is not given stays.
type Windows struct{ FrontLeft, FrontRight, BackLeft, BackRight Optional[Opening] }

// Hazard flashes the hazard lights for about 30 s, with the horn when asked.
type Hazard struct{ Horn bool }

// ValetOn switches valet mode on.
type ValetOn struct{}

// ValetOff switches it off.
type ValetOff struct{}

// Spec is the command's row in the catalogue.
func (Windows) Spec() *Spec { return windowsSpec }
func (Windows) command()    {}

// Spec is the command's row in the catalogue.
func (Hazard) Spec() *Spec { return hazardSpec }
func (Hazard) command()    {}

// Spec is the command's row in the catalogue.
func (ValetOn) Spec() *Spec { return valetOnSpec }
func (ValetOn) command()    {}

// Spec is the command's row in the catalogue.
func (ValetOff) Spec() *Spec { return valetOffSpec }
func (ValetOff) command()    {}

func windowField(key, window string) Field {
	return Field{Key: key, Meaning: window + " window: 0 close, 1 open, 2 vent", Kind: FieldNumber, Min: 0, Max: 2, Step: 1}
}

var windowsSpec = &Spec{
	Name: "windows", Topic: "windows", Meaning: "move the windows",
	Fields: []Field{
		windowField("front_left", "front left"), windowField("front_right", "front right"),
		windowField("back_left", "rear left"), windowField("back_right", "rear right"),
	},
	Limit: windowsLimit, Wakes: wakes, Effect: windowsEffect,
	plainForm: "open, close or vent",
	plain: func(word string) (Values, error) {
		to, ok := map[string]float64{"close": 0, "open": 1, "vent": 2}[word]
		if !ok {
			return nil, errors.New("windows can open, close or vent")
		}
		return Values{"front_left": to, "front_right": to, "back_left": to, "back_right": to}, nil
	},
	build: func(v Values) (Command, error) {
		c := Windows{windowOf(v, "front_left"), windowOf(v, "front_right"), windowOf(v, "back_left"), windowOf(v, "back_right")}
		if c == (Windows{}) {
			return nil, errors.New("no window is given")
		}
		return c, nil
	},
}

func windowOf(v Values, key string) Optional[Opening] {
	code := v.whole(key)
	return Optional[Opening]{Opening(code.Value), code.Given}
}

// windowsEffect compares what was asked with what is reported. Many cars cannot tell a vented window from an open one.
func windowsEffect(c Command, s State) Effect {
	w, _ := c.(Windows)
	seen := EffectSeen
	for _, one := range []struct {
		want  Optional[Opening]
		open  Point[bool]
		level Point[Opening]
	}{
		{w.FrontLeft, WindowFrontLeft, LevelFrontLeft},
		{w.FrontRight, WindowFrontRight, LevelFrontRight},
		{w.BackLeft, WindowBackLeft, LevelBackLeft},
		{w.BackRight, WindowBackRight, LevelBackRight},
	} {
		if !one.want.Given {
			continue
		}
		if level, known := one.level.Of(s); known {
			seen = both(seen, effect(true, level == one.want.Value))
			continue
		}
		open, known := one.open.Of(s)
		seen = both(seen, effect(known, open == (one.want.Value != Closed)))
	}
	return seen
}

var hazardSpec = &Spec{
	Name: "hazard", Topic: "hazard", Meaning: "flash the hazard lights, with the horn when asked", Plain: "action",
	Fields: []Field{{Key: "action", Meaning: "lights or lights_and_horn", Kind: FieldWord, Words: []string{"lights", "lights_and_horn"}, Required: true}},
	Limit:  usualLimit, Wakes: wakes,
	build: func(v Values) (Command, error) { return Hazard{Horn: v.text("action") == "lights_and_horn"}, nil },
}

var (
	valetOnSpec = idles(toggle("valet-on", "valet", "switch valet mode on", usualLimit, []string{"on"},
		func() Command { return ValetOn{} }, shows(ValetMode, true)))
	valetOffSpec = idles(toggle("valet-off", "valet", "switch valet mode off", usualLimit, []string{"off"},
		func() Command { return ValetOff{} }, shows(ValetMode, false)))
)
