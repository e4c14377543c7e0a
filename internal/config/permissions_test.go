package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestPermissions_ByDefaultEverythingIsAllowed(t *testing.T) {
	p := Default().Permissions
	if p.ReadOnly || len(p.Allow) > 0 || p.UnlockPerHour == 0 {
		t.Errorf("%+v", p)
	}
}

func TestPermissions_NamesAreThoseOfCommands(t *testing.T) {
	for text, wrong := range map[string]string{
		"allow: [lock, climate-start]": "",
		"allow: lock":                  "",
		"allow: []":                    "",
		"read_only: true":              "",
		"allow: [lock, lokc]":          "did you mean lock?",
		"allow: [lock, lock]":          "twice",
		"allow: [refresh]":             "is no command",
		"allow: [preset]":              "is no command",
		"allow: [[lock]]":              "should be one name of a command, not",
		"unlock_per_hour: -1":          "0 to 1000",
		"allow: [lock, unlock, hazard]\n  read_only: yes": "",
	} {
		c, _, err := Load(in(t, map[string]string{LocalFile: account + "permissions:\n  " + text + "\n"}))
		switch {
		case wrong == "" && err != nil:
			t.Errorf("%s: %v", text, err)
		case wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong) || !strings.Contains(err.Error(), LocalFile+":")):
			t.Errorf("%s: %v, want %q and its place", text, err, wrong)
		case c != nil && strings.Contains(text, "climate-start") && !slices.Equal(c.Permissions.Allow, []string{"lock", "climate-start"}):
			t.Errorf("%s: %v", text, c.Permissions.Allow)
		}
	}
}

func TestPresets_AreCommandsAsTheCommandLineTakesThem(t *testing.T) {
	c := load(t, in(t, map[string]string{LocalFile: account + `
presets:
  - name: leave
    commands: [lock, climate-start set_temp=22 duration=10]
  - {name: Work, commands: charge-limits ac=80}
`}, "BLUELINK_PRESETS_2_NAME=home", `BLUELINK_PRESETS_2_COMMANDS=unlock; destination points=[{"name":"Home","lat":1,"lon":2}]`))
	got := map[string]string{}
	for _, p := range c.Presets {
		for _, step := range p.Steps() {
			got[p.Name] += fmt.Sprintf("%T ", step)
		}
	}
	want := map[string]string{
		"leave": "vehicle.Lock vehicle.ClimateStart ", "Work": "vehicle.ChargeLimits ", "home": "vehicle.Unlock vehicle.Destination ",
	}
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s is %q, want %q", name, got[name], want[name])
		}
	}
	if !vehicle.SameCommand(c.Presets[1].Steps()[0], vehicle.ChargeLimits{AC: vehicle.Some(80)}) {
		t.Errorf("Work is %+v", c.Presets[1].Steps())
	}
	// What is printed reads back the same.
	again := load(t, in(t, map[string]string{LocalFile: account + "presets:\n" + strings.SplitN(printed(t, c), "\npresets:\n", 2)[1]}))
	if fmt.Sprint(again.Presets) != fmt.Sprint(c.Presets) {
		t.Errorf("%v reads back as %v", c.Presets, again.Presets)
	}
}

func TestPresets_RefuseWhatCannotBeSent(t *testing.T) {
	for text, wrong := range map[string]string{
		"{name: x}":                                                  "commands: is missing",
		"{commands: [lock]}":                                         "name: is missing",
		"{name: x, commands: [fly]}":                                 "is no command",
		"{name: x, commands: [climate-sart]}":                        "did you mean climate-start?",
		"{name: x, commands: [charge-limits ac=81]}":                 "steps of 10",
		"{name: x, commands: [refresh force]}":                       "cannot stand in a preset",
		"{name: x, commands: [preset x]}":                            "cannot stand in a preset",
		"{name: x, commands: [climate-target 20]}":                   "cannot stand in a preset",
		"{name: x, commands: [lock id=7]}":                           "belong to one command",
		"{name: x, commands: [lock]}, {name: x, commands: [unlock]}": "unique",
		"{name: none, commands: [lock]}":                             "choose another one",
		"{name: None, commands: [lock]}":                             "choose another one",
	} {
		_, _, err := Load(in(t, map[string]string{LocalFile: account + "presets: [" + text + "]\n"}))
		if err == nil || !strings.Contains(err.Error(), wrong) {
			t.Errorf("%s: %v, want %q", text, err, wrong)
		}
	}
}
