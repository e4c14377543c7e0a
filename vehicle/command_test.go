package vehicle

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDecodeRequest_Refresh(t *testing.T) {
	smart := func(seconds int) Refresh { return Refresh{Smart, time.Duration(seconds) * time.Second} }
	for payload, want := range map[string]Request{
		"cached":                             {Command: Refresh{Mode: Cached}},
		"force":                              {Command: Refresh{Mode: Force}},
		" Force\n":                           {Command: Refresh{Mode: Force}},
		"force:anything":                     {Command: Refresh{Mode: Force}},
		"cached:":                            {Command: Refresh{Mode: Cached}},
		"smart:1":                            {Command: smart(1)},
		"smart:300":                          {Command: smart(300)},
		"SMART: 604800 ":                     {Command: smart(604800)},
		`{"mode": "cached"}`:                 {Command: Refresh{Mode: Cached}},
		`{"mode": "Force", "id": "a_B-9"}`:   {Command: Refresh{Mode: Force}, ID: "a_B-9"},
		`{"mode": "smart", "max_age": 60}`:   {Command: smart(60)},
		"\t{\"mode\":\"cached\"}\r\n":        {Command: Refresh{Mode: Cached}},
		`{"mode":"cached","source":"kitty"}`: {Command: Refresh{Mode: Cached}, Source: "kitty"},
		`{"mode":"cached","expires_at":"2026-01-05T13:00:00+01:00"}`: {
			Command: Refresh{Mode: Cached}, Expires: noon,
		},
	} {
		got, err := DecodeRequest("refresh", []byte(payload))
		if err != nil || !SameCommand(got.Command, want.Command) || got.ID != want.ID || got.Source != want.Source || !got.Expires.Equal(want.Expires) {
			t.Errorf("%q: got %+v, %v; want %+v", payload, got, err, want)
		}
	}
}

func TestDecodeRequest_RefusesAndSaysWhy(t *testing.T) {
	for _, c := range []struct{ payload, says, id string }{
		{"", "empty", ""},
		{" \n", "empty", ""},
		{"later", "later", ""},
		{"smart", "not a number", ""},
		{"smart:", "not a number", ""},
		{"smart:soon", "soon", ""},
		{"smart:1.5", "not a number", ""},
		{"smart:0", "between 1 and 604800", ""},
		{"smart:-5", "between 1 and 604800", ""},
		{"smart:604801", "between 1 and 604800", ""},
		{"smart:99999999999999999999", "not a number", ""},
		{"{}", "mode is missing", ""},
		{`{"mode": 5}`, "must be one of", ""},
		{`{"mode": null}`, "mode is missing", ""},
		{`{"mode": "cached", "max_age": 5}`, "max_age", ""},
		{`{"mode": "smart"}`, "max_age", ""},
		{`{"mode": "smart", "max_age": 1.5}`, "max_age must be", ""},
		{`{"mode": "smart", "max_age": "60"}`, "max_age must be", ""},
		{`{"mode": "smart", "max_age": null}`, "max_age", ""},
		{`{"mode": "cached"`, "not a JSON object", ""},
		{`{"mode": "cached"} {}`, "something follows", ""},
		{`{"mode": "cached"} x`, "something follows", ""},
		{`["cached"]`, "no kind of refresh", ""},
		{`"cached"`, "no kind of refresh", ""},
		{`{"mode": "cached", "id": "with space"}`, "id must be", ""},
		{`{"mode": "cached", "id": ""}`, "id must be", ""},
		{`{"mode": "cached", "id": 7}`, "id must be", ""},
		{`{"mode": "cached", "id": null}`, "id must be", ""},
		{`{"mode": "cached", "id": "` + strings.Repeat("a", 65) + `"}`, "id must be", ""},
		{`{"mode": "cached", "id": "a", "expires_at": "tomorrow"}`, "expires_at", "a"},
		{`{"mode": "cached", "id": "a", "expires_at": null}`, "expires_at", "a"},
		{`{"mode": "cached", "id": "a", "source": 5}`, "source", "a"},
		{`{"mode": "cached", "id": "a", "source": "` + strings.Repeat("s", 257) + `"}`, "source", "a"},
		{`{"mode": "cached", "id": "a", "colour": "red"}`, `"colour" is not known; known are mode, max_age, id, expires_at, source`, "a"},
		{`{"mode": "later", "id": "a"}`, "later", "a"},
		{strings.Repeat("x", 70_000), "too many", ""},
	} {
		got, err := DecodeRequest("refresh", []byte(c.payload))
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%.80q: got %v, want %q in it", c.payload, err, c.says)
		}
		if got.ID != c.id || got.Command != nil {
			t.Errorf("%.80q: got %+v, want id %q", c.payload, got, c.id)
		}
		if err != nil && len(err.Error()) > 400 {
			t.Errorf("%.80q: the refusal has %d bytes", c.payload, len(err.Error()))
		}
	}
}

func FuzzDecodeRequest(f *testing.F) {
	for _, payload := range []string{
		"cached", "smart:300", "smart:", `{"mode":"smart","max_age":60,"id":"x"}`, `{"mode":"force","expires_at":"2026-01-05T12:00:00Z"}`,
		"{", "{}", "[]", "null", "\xff", `{"mode":"cached","mode":"force"}`, `{"ID":"x"}`,
	} {
		f.Add([]byte(payload))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		for _, topic := range CommandTopics() {
			request, err := DecodeRequest(topic, payload)
			if err != nil {
				if !errors.Is(err, ErrInvalid) || request.Command != nil {
					t.Errorf("%q: %+v, %v", payload, request, err)
				}
				continue
			}
			if request.Command == nil || !takes(request.Command.Spec(), topic) || request.ID != "" && !ValidID(request.ID) || len(request.Source) > 256 {
				t.Fatalf("%q: accepted %+v", payload, request)
			}
			if r, ok := request.Command.(Refresh); ok {
				timed := r.MaxAge >= time.Second && r.MaxAge <= MaxRefreshAge && r.MaxAge%time.Second == 0
				if r.Mode == Smart && !timed || r.Mode != Smart && r.MaxAge != 0 || r.Mode != Smart && r.Mode != Cached && r.Mode != Force {
					t.Errorf("%q: accepted %+v", payload, r)
				}
				again, err := DecodeRequest(topic, []byte(r.String()))
				if err != nil || !SameCommand(again.Command, request.Command) {
					t.Errorf("%q: %s reads back as %+v, %v", payload, r, again, err)
				}
			}
		}
	})
}

func TestValidID_FitsIntoATopic(t *testing.T) {
	for id, want := range map[string]bool{
		"a": true, "01J9ZK_x-7": true, strings.Repeat("x", 64): true,
		"": false, strings.Repeat("x", 65): false, "a/b": false, "a+b": false, "#": false, "ä": false, "a b": false, "a\x00": false,
	} {
		if ValidID(id) != want {
			t.Errorf("%q: %v", id, !want)
		}
	}
}

func takes(spec *Spec, topic string) bool {
	return spec.Topic == topic || slices.ContainsFunc(spec.Shortcuts, func(s Shortcut) bool { return s.Topic == topic })
}

func TestCommands_RowsAreWhole(t *testing.T) {
	names := map[string]bool{}
	words := map[string]bool{}
	for _, spec := range Commands() {
		if spec.Name == "" || spec.Topic == "" || spec.Meaning == "" || spec.Wakes == nil || spec.build == nil || !spec.Local && spec.Limit <= 0 {
			t.Errorf("row %s is not whole", spec.Name)
		}
		if names[spec.Name] {
			t.Errorf("the name %s stands twice", spec.Name)
		}
		names[spec.Name] = true
		for _, word := range spec.Words {
			if words[spec.Topic+"/"+word] {
				t.Errorf("%s means two commands on %s", word, spec.Topic)
			}
			words[spec.Topic+"/"+word] = true
		}
		for _, f := range spec.Fields {
			if slices.Contains(requestKeys, f.Key) {
				t.Errorf("%s takes the key %s, which every command takes", spec.Name, f.Key)
			}
			if f.Meaning == "" || f.Kind == FieldNumber && f.Min >= f.Max || f.Kind == FieldWord && len(f.Words) == 0 {
				t.Errorf("field %s of %s is not whole", f.Key, spec.Name)
			}
		}
		if spec.Usage() == "" {
			t.Errorf("%s does not say what it takes", spec.Name)
		}
	}
	if _, err := DecodeRequest("refresh_x", []byte("cached")); !errors.Is(err, ErrUnknownCommand) {
		t.Errorf("refresh_x gave %v", err)
	}
}

func TestDecodeRequest_EveryFormOfTheTopicsPage(t *testing.T) {
	vent := Some(Ventilated)
	for _, c := range []struct {
		topic, payload string
		want           Command
	}{
		{"lock", "lock", Lock{}},
		{"lock", " UNLOCK ", Unlock{}},
		{"lock", `{"action":"unlock"}`, Unlock{}},
		{"climate", "start", ClimateStart{}},
		{"climate", `{"action":"start_climate","set_temp":21.5,"duration":10,"defrost":true,"climate":true,"steering_wheel":2,"heating":4,"front_left_seat":8,"rear_right_seat":0}`, ClimateStart{
			Temperature: Some(Quantity{21.5, Celsius}), Duration: Some(10 * time.Minute), Defrost: Some(true), Climate: Some(true),
			SteeringWheel: Some(2), Heating: Some(4), FrontLeft: Some(SeatHighHeat), RearRight: Some(SeatOff),
		}},
		{"climate", `{"action":"start","set_temp":72,"unit":"F"}`, ClimateStart{Temperature: Some(Quantity{72, Fahrenheit})}},
		{"climate", `{"action":"start","defrost":null}`, ClimateStart{}},
		{"climate", "stop", ClimateStop{}},
		{"climate", `{"action":"stop_climate"}`, ClimateStop{}},
		{"climate_target", "20", ClimateTarget{Quantity{20, Celsius}}},
		{"charge", "start", ChargeStart{}},
		{"charge", `{"action":"stop"}`, ChargeStop{}},
		{"charge_limit", `{"ac":80,"dc":90}`, ChargeLimits{Some(80), Some(90)}},
		{"charge_limit", `{"dc":50}`, ChargeLimits{DC: Some(50)}},
		{"charge_limit_ac", "70", ChargeLimits{AC: Some(70)}},
		{"charge_limit_dc", "100", ChargeLimits{DC: Some(100)}},
		{"charging_current", "60", SetChargingCurrent{3}},
		{"charging_current", `{"level":2}`, SetChargingCurrent{2}},
		{"charge_port", "open", OpenChargePort{}},
		{"charge_port", `{"action":"close"}`, CloseChargePort{}},
		{"windows", "vent", Windows{vent, vent, vent, vent}},
		{"windows", `{"front_left":1,"back_right":0}`, Windows{FrontLeft: Some(Open), BackRight: Some(Closed)}},
		{"hazard", "lights", Hazard{}},
		{"hazard", "lights_and_horn", Hazard{Horn: true}},
		{"hazard", `{"action":"lights_and_horn"}`, Hazard{Horn: true}},
		{"valet", "on", ValetOn{}},
		{"valet", `{"action":"off"}`, ValetOff{}},
		{"v2l_limit", "30", SetV2LLimit{30}},
		{"v2l_limit", `{"limit":80}`, SetV2LLimit{80}},
		{"schedule", `{"first_departure":{"enabled":true,"days":[1,2],"time":"07:10"},"charging_enabled":true,"off_peak_start_time":"23:30","climate_enabled":true,"temperature":22}`, Schedule{
			Departures: [2]Departure{{true, Days{time.Monday, time.Tuesday}, TimeOfDay{7, 10}}, {Days: Days{time.Sunday}}},
			Charging:   true, OffPeak: [2]TimeOfDay{{23, 30}, {23, 30}}, Climate: true, Temperature: Quantity{22, Celsius},
		}},
		{"destination", `{"points":[{"name":"Home","lat":52.52,"lon":13.405,"zip":"10115"}]}`, Destination{[]PointOfInterest{{Name: "Home", Latitude: 52.52, Longitude: 13.405, Zip: "10115"}}}},
		{"preset", "Morning", Preset{"Morning"}},
		{"preset", `{"name":"7"}`, Preset{"7"}},
		{"cancel", "01J9", Cancel{"01J9"}},
		{"cancel", `{"id":"77"}`, Cancel{"77"}},
		{"hint", "Plugged", Hint{"plugged"}},
		{"hint", `{"what":"left"}`, Hint{"left"}},
	} {
		got, err := DecodeRequest(c.topic, []byte(c.payload))
		if err != nil || !SameCommand(got.Command, c.want) {
			t.Errorf("%s %s: got %+v, %v; want %+v", c.topic, c.payload, got.Command, err, c.want)
		}
	}
}

func TestDecodeRequest_RefusesWhatNoCarCanDo(t *testing.T) {
	for _, c := range []struct{ topic, payload, says string }{
		{"lock", "open", "lock, unlock"},
		{"lock", "{}", "action is missing"},
		{"lock", `{"action":"melt"}`, "melt"},
		{"lock", `{"action":"lock","force":true}`, "known are action"},
		{"climate", `{"action":"start","set_temp":13}`, "set_temp"},
		{"climate", `{"action":"start","set_temp":72}`, "unit F"},
		{"climate", `{"action":"start","duration":0}`, "duration"},
		{"climate", `{"action":"start","duration":2.5}`, "duration"},
		{"climate", `{"action":"start","heating":5}`, "heating"},
		{"climate", `{"action":"start","front_left_seat":9}`, "front_left_seat"},
		{"climate", `{"action":"stop","set_temp":21}`, "set_temp"},
		{"charge_limit", `{}`, "neither"},
		{"charge_limit", `{"ac":85}`, "steps of 10"},
		{"charge_limit", "80", "ac, dc"},
		{"charge_limit_ac", "45", "50 to 100"},
		{"charge_limit_ac", "eighty", "50 to 100"},
		{"charging_current", "80", "100, 90 or 60"},
		{"charging_current", `{"level":4}`, "level"},
		{"windows", "{}", "no window"},
		{"windows", `{"front_left":3}`, "front_left"},
		{"v2l_limit", "25", "steps of 10"},
		{"hazard", "horn", "lights_and_horn"},
		{"schedule", `{"first_departure":{"days":[9]}}`, "first_departure"},
		{"schedule", `{"off_peak_start_time":"25:00"}`, "HH:MM"},
		{"destination", `{"points":[]}`, "1 to 10"},
		{"destination", `{"points":[{"name":"North","lat":91,"lon":0}]}`, "point 1"},
		{"destination", `{"points":[{"name":"x","lat":1,"lon":1,"planet":"Mars"}]}`, "points"},
		{"cancel", `{}`, "missing"},
		{"cancel", "a/b", "missing"},
		{"hint", "eaten", "plugged"},
	} {
		got, err := DecodeRequest(c.topic, []byte(c.payload))
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), c.says) || got.Command != nil {
			t.Errorf("%s %s: got %+v, %v; want %q in it", c.topic, c.payload, got.Command, err, c.says)
		}
	}
}

func TestEffect_ComparesWhatWasWantedWithWhatIsReported(t *testing.T) {
	var r Report
	Locked.Set(&r, false, "")
	LimitAC.Set(&r, 80, "")
	WindowFrontLeft.Set(&r, true, "")
	LevelFrontLeft.Set(&r, Ventilated, "")
	s, _, _ := State{}.Apply(r, noon)
	for _, c := range []struct {
		command Command
		want    Effect
	}{
		{Unlock{}, EffectSeen},
		{Lock{}, EffectMissing},
		{ChargeStart{}, EffectUnknown},
		{ChargeLimits{AC: Some(80)}, EffectSeen},
		{ChargeLimits{AC: Some(70)}, EffectMissing},
		{ChargeLimits{AC: Some(80), DC: Some(80)}, EffectUnknown},
		{Windows{FrontLeft: Some(Ventilated)}, EffectSeen},
		{Windows{FrontLeft: Some(Open)}, EffectMissing},
		{Windows{FrontLeft: Some(Ventilated), BackLeft: Some(Closed)}, EffectUnknown},
	} {
		if got := c.command.Spec().Effect(c.command, s); got != c.want {
			t.Errorf("%+v: effect %d, want %d", c.command, got, c.want)
		}
	}
}

func TestRefresh_WakesUnlessCached(t *testing.T) {
	wakes := refreshSpec.Wakes
	for mode, want := range map[RefreshMode]bool{Cached: false, Force: true, Smart: true} {
		if wakes(Refresh{Mode: mode, MaxAge: time.Second}) != want {
			t.Errorf("%s wakes: %v", mode, !want)
		}
	}
}
