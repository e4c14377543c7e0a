package hyundaius

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func parsed(t testing.TB, text string) leaf.Value {
	t.Helper()
	root, ok := leaf.Parse([]byte(text))
	if !ok {
		t.Fatalf("%s is no JSON", text)
	}
	return root
}

// TestVehicles_ReadsTheEnrollment holds §3; the path keeps @ and + as they are.
func TestVehicles_ReadsTheEnrollment(t *testing.T) {
	w := newWorld(t)
	cars, err := w.cloud.Vehicles(t.Context())
	if err != nil || len(cars) != 1 {
		t.Fatalf("%d cars, %v", len(cars), err)
	}
	v := cars[0]
	if v.CloudID != regid || v.VIN.Full() != vin || v.Name != "My Car" || v.Model != "IONIQ 5" || v.Year != 2024 || v.Engine != vehicle.EV ||
		v.Registered != "20240105" || v.Region != vehicle.USA || v.Brand != vehicle.Hyundai || strings.Contains(string(v.ID), vin) {
		t.Errorf("%+v", v)
	}
	r := w.last()
	if r.method != "GET" || r.path != listPath || r.header.Get("username") != email || r.header.Get("accessToken") != "AbCd" || r.header.Get("blueLinkServicePin") != "" {
		t.Errorf("%s %s %v", r.method, r.path, r.header)
	}
}

// TestVehicles_CapabilitiesAreThoseOfTheEngine holds the columns of §6.
func TestVehicles_CapabilitiesAreThoseOfTheEngine(t *testing.T) {
	const all = "refresh lock unlock climate-start climate-stop hazard"
	for word, want := range map[string]struct {
		engine   vehicle.Engine
		commands string
	}{
		"E": {vehicle.EV, all + " charge-start charge-stop charge-limits"}, "N": {vehicle.ICE, all}, "P": {vehicle.PHEV, all}, "X": {vehicle.EngineUnknown, all},
	} {
		v := newWorld(t).with("evStatus", word)
		names := strings.Fields(want.commands)
		got := slices.Clone(v.Capabilities.Commands)
		slices.Sort(names)
		if slices.Sort(got); v.Engine != want.engine || !slices.Equal(got, names) {
			t.Errorf("%s: a %s with %v", word, v.Engine, got)
		}
	}
}

// TestVehicles_DamageCostsItsOwnCar leaves out what cannot be a car, and cars that are no longer enrolled.
func TestVehicles_DamageCostsItsOwnCar(t *testing.T) {
	w := newWorld(t)
	good := strings.TrimSuffix(strings.TrimPrefix(list, `{"enrolledVehicleDetails":[`), `]}`)
	cancelled := strings.NewReplacer("ACTIVE", "CANCELLED", vin, "2HGBH41JXMN109186").Replace(good)
	odd := strings.NewReplacer(`"2024"`, `{}`, `"vehicleGeneration":"2"`, `"vehicleGeneration":null`, `"12345"`, `"none"`, vin, "3HGBH41JXMN109186", `"evStatus":"E"`, `"evStatus":7`).Replace(good)
	w.put(listPath, ok(`{"enrolledVehicleDetails":[17,{},{"vehicleDetails":{"vin":"x"}},`+cancelled+`,`+good+`,`+good+`,`+odd+`]}`))
	cars, err := w.cloud.Vehicles(t.Context())
	if err != nil || len(cars) != 2 || cars[0].VIN.Full() != vin || cars[1].Engine != vehicle.EngineUnknown || cars[1].Year != 0 {
		t.Errorf("%+v, %v", cars, err)
	}
	for _, secret := range []string{vin, "2HGBH41JXMN109186", email} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log holds %s", secret)
		}
	}
	for body, want := range map[string]error{`{}`: bluelink.ErrNoData, `{"enrolledVehicleDetails":{}}`: bluelink.ErrBadResponse, `[]`: bluelink.ErrBadResponse} {
		w.put(listPath, ok(body))
		if _, err := w.cloud.Vehicles(t.Context()); !errors.Is(err, want) {
			t.Errorf("%s: %v", body, err)
		}
	}
	w.put(listPath, ok(`{"enrolledVehicleDetails":[]}`))
	if cars, err := w.cloud.Vehicles(t.Context()); err != nil || len(cars) != 0 {
		t.Errorf("an account without cars: %v, %v", cars, err)
	}
}

// TestDetails_TakeWhatMakesSense reads what calls depend on.
func TestDetails_TakeWhatMakesSense(t *testing.T) {
	for text, want := range map[string]int{`"3"`: 3, `2`: 2, `""`: 2, `null`: 2, `"2.5"`: 2, `"x"`: 2, `{}`: 2} {
		if got := readDetails(parsed(t, `{"vehicleGeneration":`+text+`}`)).generation; got != want {
			t.Errorf("generation %s is %d", text, got)
		}
	}
	d := readDetails(parsed(t, `{"brandIndicator":"G","odometer":"12345","additionalVehicleDetails":{"minTemp":"60","maxTemp":84},"seatConfigurations":{"seatConfigs":[{"seatLocationID":"1","supportedLevels":"2,6, 7,x"},{"seatLocationID":"9"},{"seatLocationID":"4"}]}}`))
	if d.indicator != "G" || d.odometer != 12345 || d.coldest != 60 || d.hottest != 84 || !slices.Equal(d.seats[1], []int{2, 6, 7}) || d.seats[4] == nil || len(d.seats) != 2 {
		t.Errorf("%+v", d)
	}
	for _, text := range []string{`{"additionalVehicleDetails":{"minTemp":90,"maxTemp":60}}`, `{"additionalVehicleDetails":7,"brandIndicator":"Z"}`, `{}`} {
		if d := readDetails(parsed(t, text)); d.coldest != 62 || d.hottest != 82 || d.indicator != "H" || d.seats != nil {
			t.Errorf("%s: %+v", text, d)
		}
	}
}

// TestCalls_ShowTheBrandOfTheCar sends the entry's brandIndicator, of a Genesis too (§1.3).
func TestCalls_ShowTheBrandOfTheCar(t *testing.T) {
	w := newWorld(t)
	w.account.Brand = vehicle.Genesis
	w.open()
	v := w.with("brandIndicator", "G")
	if _, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v, Sparing: true}); err != nil {
		t.Fatal(err)
	}
	if got := w.requests[0].header.Get("brandIndicator"); got != "G" || v.Brand != vehicle.Genesis {
		t.Errorf("brandIndicator %q of a %s", got, v.Brand)
	}
}
