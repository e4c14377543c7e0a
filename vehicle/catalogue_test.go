package vehicle

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const modelPage = "../docs/protocol/vehicle-model.md"

// ours are the rows that the page does not have (cars that tell more than the reference library reads), and notOurs what
// we leave out of it: secrets, the raw answer, and pairs that are rows of their own.
var (
	ours = []string{
		"ev_plug_type", "location_heading", "location_altitude", "location_speed", "front_left_window_level",
		"front_right_window_level", "back_left_window_level", "back_right_window_level", "front_left_seat_heater_is_on",
		"front_right_seat_heater_is_on", "rear_left_seat_heater_is_on", "rear_right_seat_heater_is_on",
	}
	notOurs = []string{"key", "data", "location"}
)

// modelKeys reads the attribute names of sections 2.1 to 2.11.
func modelKeys(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(modelPage)
	if err != nil {
		t.Fatal(err)
	}
	keys := map[string]string{}
	section := ""
	heading := regexp.MustCompile(`^### (2\.\d+) `)
	name := regexp.MustCompile("`([^`]+)`")
	for line := range strings.Lines(string(text)) {
		if m := heading.FindStringSubmatch(line); m != nil {
			section = m[1]
			continue
		}
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "Structures") || section == "2.12" {
			section = ""
		}
		table := strings.HasPrefix(line, "|")
		prose := section == "2.6" || section == "2.10" // these name their attributes in a sentence
		if section == "" || !table && !prose {
			continue
		}
		cell := line
		if table {
			cell = strings.Split(line, "|")[1]
		}
		var written []string
		for _, m := range name.FindAllStringSubmatch(cell, -1) {
			written = append(written, m[1])
		}
		for _, key := range spellOut(written) {
			keys[key] = section
		}
	}
	return keys
}

// spellOut turns the page's a_{b,c}_d into names. Its other shorthand, beginnings (ev_first_), endings (_days) and middles
// (_portable_), stays as it is.
func spellOut(written []string) []string {
	var all []string
	for _, w := range written {
		if open := strings.IndexByte(w, '{'); open >= 0 {
			inner, tail, _ := strings.Cut(w[open+1:], "}")
			var expanded []string
			for option := range strings.SplitSeq(inner, ",") {
				expanded = append(expanded, w[:open]+option+tail)
			}
			all = append(all, spellOut(expanded)...)
			continue
		}
		all = append(all, w)
	}
	return all
}

// withShorthand tells whether the page means key by a piece such as ev_first_ or _climate_defrost.
func withShorthand(pieces map[string]string, key string) bool {
	for piece := range pieces {
		switch {
		case piece == key:
			return true
		case strings.HasSuffix(piece, "_") && strings.HasPrefix(key, piece):
			return true
		case strings.HasPrefix(piece, "_") && (strings.HasSuffix(key, piece) || strings.HasSuffix(piece, "_") && strings.Contains(key, piece)):
			return true
		}
	}
	return false
}

func TestCatalogue_HasEveryAttributeOfTheModelPage(t *testing.T) {
	keys := modelKeys(t)
	if len(keys) < 100 {
		t.Fatalf("only %d names were read from %s", len(keys), modelPage)
	}
	for key, section := range keys {
		if strings.HasPrefix(key, "_") || strings.HasSuffix(key, "_") || strings.Contains(key, "<") || slices.Contains(notOurs, key) {
			continue // a piece of shorthand, checked from the other side; the pairs' units; or left out on purpose
		}
		if _, ok := ByKey(key); !ok {
			t.Errorf("§%s: %s has no row", section, key)
		}
	}
	for _, key := range []string{ // those of the page's shorthand
		"front_left_seat_status", "front_right_seat_status", "rear_left_seat_status", "rear_right_seat_status",
		"front_left_door_is_locked", "front_right_door_is_locked", "back_left_door_is_locked", "back_right_door_is_locked",
		"front_left_door_is_open", "front_right_door_is_open", "back_left_door_is_open", "back_right_door_is_open",
		"front_left_window_is_open", "front_right_window_is_open", "back_left_window_is_open", "back_right_window_is_open",
		"ev_target_range_charge_AC", "ev_target_range_charge_DC", "ev_estimated_fast_charge_duration",
		"ev_estimated_portable_charge_duration", "ev_estimated_station_charge_duration", "ev_power_consumption_battery_heater",
		"ev_power_consumption_air_conditioning", "ev_first_departure_enabled", "ev_second_departure_enabled",
		"ev_first_departure_days", "ev_second_departure_days", "ev_first_departure_time", "ev_second_departure_time",
		"ev_first_departure_climate_enabled", "ev_second_departure_climate_enabled", "ev_first_departure_climate_temperature",
		"ev_second_departure_climate_temperature", "ev_first_departure_climate_defrost", "ev_second_departure_climate_defrost",
	} {
		if _, ok := ByKey(key); !ok {
			t.Errorf("%s has no row", key)
		}
	}
}

func TestCatalogue_HasNothingThatThePageDoesNotKnow(t *testing.T) {
	keys := modelKeys(t)
	for _, d := range Catalogue() {
		if !withShorthand(keys, d.Key) && !slices.Contains(ours, d.Key) {
			t.Errorf("%s is not on %s", d.Key, modelPage)
		}
	}
	for _, key := range ours {
		if _, ok := ByKey(key); !ok {
			t.Errorf("%s has no row", key)
		}
	}
	for _, key := range append(notOurs, "access_token", "refresh_token", "pin", "control_token", "device_id") {
		if _, ok := ByKey(key); ok {
			t.Errorf("%s has a row", key)
		}
	}
}

func TestCatalogue_GroupsFollowTheSectionsOfThePage(t *testing.T) {
	groups := map[string][]Group{
		"2.1": {GroupIdentity}, "2.2": {GroupGeneral, GroupBattery, GroupEngine}, "2.3": {GroupClimate},
		"2.4": {GroupDoors, GroupWindows}, "2.5": {GroupTires}, "2.6": {GroupLights}, "2.7": {GroupService, GroupLocation},
		"2.8": {GroupBattery, GroupEV}, "2.9": {GroupSchedule}, "2.10": {GroupEngine}, "2.11": {GroupTrip},
	}
	keys := modelKeys(t)
	for _, d := range Catalogue() {
		if section, ok := keys[d.Key]; ok && !slices.Contains(groups[section], d.Group) {
			t.Errorf("%s of §%s is in group %s", d.Key, section, d.Group)
		}
		if battery := strings.HasPrefix(d.Key, "ev_battery_") || d == Battery12V.Datum; battery != (d.Group == GroupBattery) {
			t.Errorf("%s is in group %s", d.Key, d.Group)
		}
	}
}

func TestCatalogue_RowsAreWhole(t *testing.T) {
	key := regexp.MustCompile(`^[a-z][a-z0-9_]*(_AC|_DC)?$|^VIN$`)
	lower := map[string]string{}
	for _, d := range Catalogue() {
		if !key.MatchString(d.Key) || d.Meaning == "" || d.Kind == 0 || d.Group == "" || d.Min > d.Max {
			t.Errorf("row %+v", d)
		}
		if other, twice := lower[strings.ToLower(d.Key)]; twice {
			t.Errorf("%s and %s differ by case alone; topics are lower case", d.Key, other)
		}
		lower[strings.ToLower(d.Key)] = d.Key
		if found, ok := ByKey(d.Key); !ok || found != d {
			t.Errorf("ByKey(%q) is %v", d.Key, found)
		}
		if d.String() != d.Key {
			t.Errorf("%s prints as %s", d.Key, d)
		}
		if d.Rising && !d.Counter {
			t.Errorf("%s rises but is no counter", d.Key)
		}
		if plugged := strings.HasPrefix(d.Key, "ev_"); plugged && !d.Plugs {
			t.Errorf("%s does not need a plug", d.Key)
		}
	}
	if _, ok := ByKey("odometer "); ok {
		t.Error("a key that does not exist was found")
	}
}

func TestDatum_FitsTheEnginesThatHaveIt(t *testing.T) {
	for _, c := range []struct {
		datum *Datum
		fits  []Engine
	}{
		{SoC.Datum, []Engine{EngineUnknown, EV, PHEV}},
		{FuelLevel.Datum, []Engine{EngineUnknown, ICE, PHEV, HEV}},
		{Odometer.Datum, []Engine{EngineUnknown, ICE, EV, PHEV, HEV}},
		{&Datum{Plugs: true, Burns: true}, []Engine{EngineUnknown, PHEV}},
	} {
		for _, engine := range []Engine{EngineUnknown, ICE, EV, PHEV, HEV} {
			if got, want := c.datum.Fits(engine), slices.Contains(c.fits, engine); got != want {
				t.Errorf("%s fits %v: %v, want %v", c.datum, engine, got, want)
			}
		}
	}
}

func TestReport_DropsWhatTheEngineCannotHave(t *testing.T) {
	r := Report{Engine: EV, Reported: noon, Source: "status"}
	FuelLevel.Set(&r, 50, "50")
	r.Refuse(FuelLow, RefusedType, "x")
	SoC.Set(&r, 60, "60")
	if len(r.Observations) != 1 || r.Observations[0] != (Observation{Datum: SoC.Datum, Value: Percent(60), Raw: "60", Reported: noon, Source: "status"}) {
		t.Errorf("got %+v", r.Observations)
	}
}

func TestReport_HasMergeAndDrop(t *testing.T) {
	r, other := Report{}, Report{}
	SoC.Set(&r, 60, "")
	r.Refuse(Locked, RefusedCode, "")
	Odometer.Set(&other, km(5), "")
	r.Merge(other)
	for d, want := range map[Row]bool{SoC: true, Locked: false, Odometer: true, Hood: false} {
		if r.Has(d) != want {
			t.Errorf("has %v: %v", d, !want)
		}
	}
	r.Drop(SoC, Hood)
	if r.Has(SoC) || !r.Has(Odometer) || len(r.Observations) != 2 {
		t.Errorf("after the drop: %+v", r.Observations)
	}
}
