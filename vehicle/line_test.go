package vehicle

import (
	"errors"
	"strings"
	"testing"
	"time"
)

func TestParseLine_ReadsCommandsAsPeopleTypeThem(t *testing.T) {
	for line, want := range map[string]Command{
		"lock":                          Lock{},
		"unlock":                        Unlock{},
		"lock lock":                     Lock{},
		"refresh smart:300":             Refresh{Smart, 5 * time.Minute},
		"refresh mode=smart max_age=60": Refresh{Smart, time.Minute},
		"climate-start":                 ClimateStart{},
		"climate-start set_temp=21.5 defrost=true unit=C": ClimateStart{Temperature: Some(Quantity{21.5, Celsius}), Defrost: Some(true)},
		"climate-target 20":         ClimateTarget{Quantity{20, Celsius}},
		"charge-limits ac=80 dc=90": ChargeLimits{Some(80), Some(90)},
		"charging-current 90":       SetChargingCurrent{2},
		"windows vent":              Windows{Some(Ventilated), Some(Ventilated), Some(Ventilated), Some(Ventilated)},
		"preset name=7":             Preset{"7"},
		"hazard lights_and_horn":    Hazard{true},
		`destination points=[{"name":"Home","lat":1,"lon":2}]`: Destination{[]PointOfInterest{{Name: "Home", Latitude: 1, Longitude: 2}}},
	} {
		got, err := ParseLine(strings.Fields(line)...)
		if err != nil || !SameCommand(got.Command, want) {
			t.Errorf("%s: got %+v, %v", line, got.Command, err)
			continue
		}
		again, err := DecodeRequest(got.Topic, got.Payload)
		if err != nil || !SameCommand(again.Command, want) {
			t.Errorf("%s: its payload %s reads as %+v, %v", line, got.Payload, again.Command, err)
		}
	}
	if got, err := ParseLine("lock", "id=007"); err != nil || got.ID != "007" {
		t.Errorf("id: %+v, %v", got, err)
	}
}

func TestParseLine_RefusesWhatIsAmbiguous(t *testing.T) {
	for line, says := range map[string]string{
		"":                               "no command",
		"fly":                            "none of refresh, lock",
		"lock unlock":                    `lock takes no "unlock"`,
		"climate-start action=stop":      "given twice",
		"climate-start set_temp":         "takes no",
		"climate-start defrost=true hot": "not key=value",
		"charge-limits ac=81":            "steps of 10",
	} {
		got, err := ParseLine(strings.Fields(line)...)
		if err == nil || !strings.Contains(err.Error(), says) || got.Command != nil {
			t.Errorf("%q: got %+v, %v", line, got.Command, err)
		}
		if !errors.Is(err, ErrInvalid) && !errors.Is(err, ErrUnknownCommand) {
			t.Errorf("%q: %v is no refusal of a payload", line, err)
		}
	}
}

func TestOvertake_KeepsOfAnOlderCommandWhatTheNewerOneLeavesOpen(t *testing.T) {
	for _, c := range []struct {
		older, newer, want Command
		whole              bool
	}{
		{ChargeLimits{AC: Some(80)}, ChargeLimits{AC: Some(90)}, ChargeLimits{AC: Some(90)}, true},
		{ChargeLimits{AC: Some(80)}, ChargeLimits{DC: Some(90)}, ChargeLimits{Some(80), Some(90)}, false},
		{ChargeLimits{Some(80), Some(80)}, ChargeLimits{DC: Some(90)}, ChargeLimits{Some(80), Some(90)}, false},
		{ChargeLimits{AC: Some(80)}, ChargeLimits{Some(80), Some(90)}, ChargeLimits{Some(80), Some(90)}, true},
		{SetV2LLimit{20}, SetV2LLimit{30}, SetV2LLimit{30}, true},
		{SetChargingCurrent{1}, SetChargingCurrent{3}, SetChargingCurrent{3}, true},
	} {
		if got, whole := Overtake(c.older, c.newer); !SameCommand(got, c.want) || whole != c.whole {
			t.Errorf("%+v before %+v: %+v, %v", c.older, c.newer, got, whole)
		}
	}
}

func TestObstacle_SaysWhatStandsInTheWay(t *testing.T) {
	var r Report
	DoorBackLeft.Set(&r, true, "")
	Trunk.Set(&r, true, "")
	PluggedIn.Set(&r, false, "")
	EngineRunning.Set(&r, false, "")
	s, _, _ := State{}.Apply(r, noon)
	for _, c := range []struct {
		command Command
		want    string
	}{
		{Lock{}, "back left door is open, trunk is open"},
		{ChargeStart{}, "no plug is in"},
		{Unlock{}, ""},
		{Schedule{}, ""},
	} {
		if got := Obstacle(c.command, s); got != c.want {
			t.Errorf("%T: %q, want %q", c.command, got, c.want)
		}
	}
}
