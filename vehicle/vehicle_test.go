package vehicle

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

const fullVIN = "KMHKR81CPNU005366"

func TestID_IsTheBeginningOfTheHashOfTheVIN(t *testing.T) {
	// printf KMHKR81CPNU005366 | sha256sum
	const want = ID("1ec26c817084")
	for _, vin := range []VIN{fullVIN, VIN(strings.ToLower(fullVIN))} {
		if got := NewID(vin, Europe, Kia, "x"); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
	if other := NewID(fullVIN, USA, Genesis, "y"); other != want {
		t.Error("the ID of a car with a VIN depends on its account")
	}
}

func TestID_OfACarWithoutVINIsItsOwn(t *testing.T) {
	seen := map[ID]string{}
	form := regexp.MustCompile(`^[0-9a-f]{12}$`)
	for _, region := range []Region{Europe, USA} {
		for _, brand := range []Brand{Kia, Hyundai} {
			for _, id := range []string{"a", "b"} {
				got := NewID("", region, brand, id)
				if what := fmt.Sprint(region, brand, id); seen[got] != "" || !form.MatchString(string(got)) {
					t.Errorf("%s of %s: already that of %q", got, what, seen[got])
				}
				seen[got] = id
			}
		}
	}
}

func TestVIN_MasksItselfUnderEveryVerb(t *testing.T) {
	vin := VIN(fullVIN)
	car := Vehicle{VIN: vin, Model: "IONIQ 5"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%10s", "%T is %[1]v"} {
		for _, what := range []any{vin, &vin, car, &car, []VIN{vin}, map[string]VIN{"k": vin}, struct{ V VIN }{vin}} {
			text := fmt.Sprintf(verb, what)
			if strings.Contains(text, fullVIN) || strings.Contains(text, fullVIN[:9]) || strings.Contains(strings.ToLower(text), fmt.Sprintf("%x", fullVIN[:9])) {
				t.Errorf("%s shows %s", verb, text)
			}
		}
	}
	if got := fmt.Sprint(vin); got != "…5366" {
		t.Errorf("got %q", got)
	}
	if vin.Full() != fullVIN || vin.Last4() != "5366" || VIN("12").Last4() != "12" || VIN("").String() != "" {
		t.Error("full or last four are wrong")
	}
}

func TestVIN_MasksItselfInLogs(t *testing.T) {
	vin := VIN(fullVIN)
	car := Vehicle{ID: "0123456789ab", CloudID: "secret", VIN: vin, Name: "Sparky", Model: "IONIQ 5"}
	for name, handler := range map[string]func(*bytes.Buffer) slog.Handler{
		"text": func(b *bytes.Buffer) slog.Handler { return slog.NewTextHandler(b, nil) },
		"json": func(b *bytes.Buffer) slog.Handler { return slog.NewJSONHandler(b, nil) },
	} {
		var out bytes.Buffer
		slog.New(handler(&out)).With("early", vin).Info("car", "vin", vin, "vehicle", car, "pointer", &car, slog.Group("g", "vin", vin))
		if strings.Contains(out.String(), fullVIN) || strings.Contains(out.String(), "secret") {
			t.Errorf("%s log shows %s", name, out.String())
		}
		if !strings.Contains(out.String(), "5366") || !strings.Contains(out.String(), "IONIQ 5") {
			t.Errorf("%s log says nothing: %s", name, out.String())
		}
	}
}

func TestParseBrandAndRegion_TakeNamesAndNumbers(t *testing.T) {
	for text, want := range map[string]Brand{"1": Kia, "2": Hyundai, "3": Genesis, "kia": Kia, " Hyundai ": Hyundai, "GENESIS": Genesis} {
		if got, err := ParseBrand(text); err != nil || got != want {
			t.Errorf("brand %q: %v, %v", text, got, err)
		}
	}
	for text, want := range map[string]Region{
		"1": Europe, "2": Canada, "3": USA, "4": China, "5": Australia, "6": India, "7": NewZealand, "8": Brazil,
		"eu": Europe, "CA": Canada, "us": USA, "cn": China, "au": Australia, "in": India, "nz": NewZealand, "br": Brazil,
		"Europe": Europe, "usa": USA, " new-zealand ": NewZealand, "NewZealand": NewZealand,
	} {
		if got, err := ParseRegion(text); err != nil || got != want {
			t.Errorf("region %q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "4", "-1", "257", "1.0", "toyota", "h yundai"} {
		if got, err := ParseBrand(text); err == nil || !strings.Contains(err.Error(), "kia (1), hyundai (2), genesis (3)") {
			t.Errorf("brand %q: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "0", "9", "korea", "e u"} {
		if got, err := ParseRegion(text); err == nil || !strings.Contains(err.Error(), "eu (1)") {
			t.Errorf("region %q: %v, %v", text, got, err)
		}
	}
}

func TestNames_ReadBack(t *testing.T) {
	for _, b := range []Brand{Kia, Hyundai, Genesis} {
		if got, err := ParseBrand(b.String()); got != b || err != nil {
			t.Errorf("%v reads back as %v, %v", b, got, err)
		}
	}
	for r := Europe; r <= Brazil; r++ {
		if got, err := ParseRegion(r.String()); got != r || err != nil {
			t.Errorf("%v reads back as %v, %v", r, got, err)
		}
	}
	for e := EngineUnknown; e <= HEV; e++ {
		if got, err := ParseEngine(e.String()); got != e || err != nil {
			t.Errorf("%v reads back as %v, %v", e, got, err)
		}
	}
	if text := Brand(9).String(); text != "9" {
		t.Errorf("an unknown brand prints as %q", text)
	}
}

func TestVehicle_StoreFormReadsBack(t *testing.T) {
	car := Vehicle{
		ID: "0123456789ab", CloudID: "c", VIN: fullVIN, Name: "n", Model: "m", Year: 2023, Brand: Genesis, Region: Brazil,
		Engine: PHEV, CCS2: 2, Registered: "20230101", Capabilities: Capabilities{Commands: []string{"refresh"}},
	}
	text, err := json.Marshal(car)
	if err != nil {
		t.Fatal(err)
	}
	var back Vehicle
	if err := json.Unmarshal(text, &back); err != nil || back.VIN.Full() != fullVIN || back.Region != Brazil || back.Engine != PHEV {
		t.Errorf("%v: %s", err, text)
	}
	if car.Protocol() != "ccs2" || (Vehicle{}).Protocol() != "flat" {
		t.Error("protocol is wrong")
	}
	if err := json.Unmarshal([]byte(`{"brand": "toyota"}`), &back); err == nil {
		t.Error("a brand that does not exist was read")
	}
}

func TestEngine_Plugs(t *testing.T) {
	for engine, want := range map[Engine]bool{EngineUnknown: true, EV: true, PHEV: true, ICE: false, HEV: false} {
		if engine.Plugs() != want {
			t.Errorf("%v plugs: %v", engine, !want)
		}
	}
}

func TestNeedsForce_Edges(t *testing.T) {
	for _, c := range []struct {
		name     string
		reported time.Time
		maxAge   time.Duration
		want     bool
	}{
		{"unknown", time.Time{}, time.Second, false},
		{"just now", noon, time.Second, false},
		{"exactly as old as asked", noon.Add(-300 * time.Second), 300 * time.Second, false},
		{"a moment older", noon.Add(-300*time.Second - time.Nanosecond), 300 * time.Second, true},
		{"much older", noon.AddDate(-1, 0, 0), MaxRefreshAge, true},
		{"from the future", noon.Add(time.Hour), time.Second, false},
		{"other zone", noon.Add(-time.Hour).In(time.FixedZone("", 7200)), 30 * time.Minute, true},
	} {
		if got := NeedsForce(c.reported, noon, c.maxAge); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestQuantity_Converts(t *testing.T) {
	for _, c := range []struct {
		from Quantity
		to   Unit
		want float64
	}{
		{Quantity{100, Mile}, Kilometre, 160.9344},
		{Quantity{160.9344, Kilometre}, Mile, 100},
		{Quantity{-40, Fahrenheit}, Celsius, -40},
		{Quantity{21.5, Celsius}, Fahrenheit, 70.7},
		{Quantity{2.5, Bar}, Kilopascal, 250},
		{Quantity{36, PSI}, Bar, 2.482112625},
		{Quantity{180720, Kilojoule}, WattHour, 50200},
		{Quantity{300, WattHourPerMile}, WattHourPerKilometre, 186.411358},
		{Quantity{62.13711922, MilePerHour}, KilometrePerHour, 100},
		{Quantity{12, Volt}, Volt, 12},
		{Quantity{5, NoUnit}, NoUnit, 5},
	} {
		got, ok := c.from.In(c.to)
		if !ok || got.Unit != c.to || got.Value-c.want > 1e-6 || c.want-got.Value > 1e-6 {
			t.Errorf("%v in %v: %v, %v", c.from, c.to, got, ok)
		}
	}
	for _, c := range []struct {
		from Quantity
		to   Unit
	}{
		{Quantity{1, Kilometre}, Celsius},
		{Quantity{1, NoUnit}, Kilometre},
		{Quantity{1, Kilometre}, NoUnit},
		{Quantity{1, Kilowatt}, WattHour},
		{Quantity{1, Unit(200)}, Kilometre},
	} {
		if got, ok := c.from.In(c.to); ok {
			t.Errorf("%v in %v: %v", c.from, c.to, got)
		}
	}
}

func TestQuantity_ThereAndBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]Kind{KindDistance, KindTemperature, KindPressure, KindEnergy, KindConsumption, KindSpeed}).Draw(t, "kind")
		from := Quantity{rapid.Float64Range(-1e6, 1e6).Draw(t, "value"), rapid.SampledFrom(units[kind]).Draw(t, "from")}
		there, ok := from.In(rapid.SampledFrom(units[kind]).Draw(t, "to"))
		back, okBack := there.In(from.Unit)
		if difference := back.Value - from.Value; !ok || !okBack || difference > 1e-6 || difference < -1e-6 {
			t.Fatalf("%v → %v → %v", from, there, back)
		}
	})
}

func TestUnits_ReadBack(t *testing.T) {
	for u := NoUnit; u <= MilePerHour; u++ {
		text, err := u.MarshalText()
		var back Unit
		if err != nil || back.UnmarshalText(text) != nil || back != u || u != NoUnit && len(text) == 0 {
			t.Errorf("%d is written %q and read as %v", u, text, back)
		}
	}
	var u Unit
	if err := u.UnmarshalText([]byte("furlong")); err == nil || Unit(200).String() != "" {
		t.Error("a unit that does not exist was read or named")
	}
	if got := km(5).String() + ", " + (Quantity{Value: 5}).String(); got != "5 km, 5" {
		t.Errorf("got %s", got)
	}
}

func TestSeat_CodesTextsAndLevels(t *testing.T) {
	for code, want := range map[int][2]string{
		0: {"Off", "OFF"}, 1: {"On", "LOW"}, 2: {"Off", "OFF"}, 3: {"Low Cool", "LOW"}, 4: {"Medium Cool", "MED"},
		5: {"High Cool", "HIGH"}, 6: {"Low Heat", "LOW"}, 7: {"Medium Heat", "MED"}, 8: {"High Heat", "HIGH"},
	} {
		seat, ok := SeatOf(code)
		if !ok || seat.String() != want[0] || seat.Level() != want[1] {
			t.Errorf("code %d: %q, %q, %v", code, seat, seat.Level(), ok)
		}
		var back Seat
		if err := back.UnmarshalText([]byte(strings.ToLower(want[0]))); err != nil || back != seat {
			t.Errorf("%q reads back as %v, %v", want[0], back, err)
		}
	}
	for _, code := range []int{-1, 9, 15, 256, 257, 1 << 20} {
		if seat, ok := SeatOf(code); ok {
			t.Errorf("code %d is %v", code, seat)
		}
	}
	var s Seat
	if err := s.UnmarshalText([]byte("Glowing")); err == nil || Seat(99).String() != "" {
		t.Error("a seat that does not exist was read or named")
	}
	if err := s.UnmarshalText(nil); err == nil {
		t.Error("nothing was read as a seat")
	}
}

func TestOpeningAndPlug_ReadBack(t *testing.T) {
	for o, want := range map[Opening]string{Closed: "CLOSED", Open: "OPEN", Ventilated: "VENTILATION"} {
		var back Opening
		if err := back.UnmarshalText([]byte(o.String())); err != nil || back != o || o.String() != want {
			t.Errorf("%d: %s, %v", o, o, err)
		}
	}
	for p, want := range map[Plug]string{PlugNone: "none", PlugDC: "dc", PlugPortable: "portable", PlugAC: "ac"} {
		var back Plug
		if err := back.UnmarshalText([]byte(p.String())); err != nil || back != p || p.String() != want {
			t.Errorf("%d: %s, %v", p, p, err)
		}
	}
}

func TestTimeOfDay_ReadsBackAndRefusesTheUnsetSentinel(t *testing.T) {
	at, ok := NewTimeOfDay(7, 5)
	if !ok || at.String() != "07:05:00" {
		t.Errorf("got %v, %v", at, ok)
	}
	for _, c := range [][2]int{{24, 0}, {31, 70}, {-1, 0}, {0, 60}, {0, -1}} {
		if at, ok := NewTimeOfDay(c[0], c[1]); ok {
			t.Errorf("%v is %v", c, at)
		}
	}
	for text, want := range map[string]TimeOfDay{"07:05:00": {7, 5}, "23:59": {23, 59}, "00:00:30": {0, 0}} {
		var got TimeOfDay
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
	var got TimeOfDay
	if err := got.UnmarshalText([]byte("24:00")); err == nil {
		t.Error("24:00 was read")
	}
}

func TestCommandState_TerminalOnesEndACommand(t *testing.T) {
	for state, want := range map[CommandState]bool{
		Accepted: false, Queued: false, Sent: false, Confirmed: false, Verified: true, Rejected: true, Failed: true,
		TimedOut: true, Unknown: true, Expired: true, Cancelled: true, Superseded: true, "melted": false,
	} {
		if state.Terminal() != want {
			t.Errorf("%s is terminal: %v", state, !want)
		}
	}
}

func TestCause_AutomaticWhereNobodyWaits(t *testing.T) {
	for cause, want := range map[Cause]bool{
		ByTimer: true, ByRetry: true, ByStart: true, ByHint: true, ByMQTT: false, ByHTTP: false, ByCLI: false, "moon": true,
	} {
		if cause.Automatic() != want {
			t.Errorf("%s is automatic: %v", cause, !want)
		}
	}
}
