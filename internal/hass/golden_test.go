package hass_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/hass"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/hass/hasstest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

var update = flag.Bool("update", false, "write golden files and docs/home-assistant-parity.md anew")

// compare holds a text against a file, or writes the file with -update.
func compare(t *testing.T, file string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(file), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	gotLines, wantLines := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range max(len(gotLines), len(wantLines)) {
		var g, w []byte
		if i < len(gotLines) {
			g = gotLines[i]
		}
		if i < len(wantLines) {
			w = wantLines[i]
		}
		if !bytes.Equal(g, w) {
			t.Fatalf("%s, line %d\n got %s\nwant %s\n(go test ./internal/hass -update writes it)", file, i+1, g, w)
		}
	}
}

// indented makes messages readable.
func indented(t *testing.T, messages []hass.Message) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, m := range messages {
		fmt.Fprintf(&out, "%s\n", m.Topic)
		if err := json.Indent(&out, m.Payload, "", "  "); err != nil {
			t.Fatalf("%s: %v", m.Topic, err)
		}
		out.WriteByte('\n')
	}
	return out.Bytes()
}

func TestGolden_Messages(t *testing.T) {
	h := newHome(t, options(t, topic.AsReported))
	c := car(ioniq(), full(t, vehicle.EV, 0), everything())
	c.Presets = []hass.Preset{{Name: "warm", Climate: true}}
	compare(t, "testdata/golden/ev_all_commands.json", indented(t, h.Car(c, 0)))
	petrol := ioniq()
	petrol.Engine, petrol.Name, petrol.Model = vehicle.ICE, "", "i20"
	german := options(t, topic.AsReported, func(o *hass.Options) { o.Language, o.Node, o.VIN = "de", "cottage", true })
	compare(t, "testdata/golden/ice_read_only_german.json", indented(t, newHome(t, german).Car(car(petrol, full(t, vehicle.ICE, 0), reading()), 0)))
	compare(t, "testdata/golden/house.json", indented(t, append(h.Bridge(0), h.Account("hyundai-eu", true, 0)...)))
}

// TestIDs_NeverChange holds the ids by which Home Assistant knows entities and devices. Another one would make an owner's
// history, dashboards and automations lose what they are about: a line here may come, but never change or go.
func TestIDs_NeverChange(t *testing.T) {
	h := newHome(t, options(t, topic.AsReported))
	ids := map[string]bool{}
	note := func(messages []hass.Message) {
		for _, m := range messages {
			read, err := hasstest.Read(m.Topic, m.Payload)
			if err != nil {
				t.Error(err)
			}
			device, _ := read.Root["device"].(map[string]any)
			ids[fmt.Sprint("device ", device["identifiers"])] = true
			for _, c := range read.Components {
				ids[fmt.Sprint(c.Platform(), " ", c.UniqueID(), " ", c.Config["default_entity_id"])] = true
			}
		}
	}
	for _, engine := range []vehicle.Engine{vehicle.EV, vehicle.PHEV, vehicle.ICE} {
		v := ioniq()
		v.Engine = engine
		for _, commands := range [][]string{everything(), reading()} {
			c := car(v, full(t, engine, 0), commands)
			c.Presets = []hass.Preset{{Name: "warm", Climate: true}, {Name: "Leave home"}}
			note(h.Car(c, 0))
		}
	}
	note(h.Bridge(0))
	note(h.Account("hyundai-eu", true, 0))
	var lines []string
	for line := range ids {
		lines = append(lines, line)
	}
	slices.Sort(lines)
	compare(t, "testdata/golden/ids.txt", []byte(strings.Join(lines, "\n")+"\n"))
}
