package strangers

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// The steps of bluelinky.cjs that an account goes through after signing in. What a command must have changed in the car is
// looked at by the script itself.
var ccapiSteps = []string{
	"cached", "forced", "location", "full", "odometer", "unlock", "lock", "start climate", "stop climate",
	"stop charge", "start charge", "set limits", "get limits",
}

var (
	americanSteps = []string{"cached", "forced", "location", "odometer", "unlock", "lock", "start climate", "stop climate"}
	canadianSteps = []string{
		"cached", "forced", "location", "odometer", "unlock", "lock", "start climate", "stop climate",
		"stop charge", "start charge", "set limits", "lights",
	}
)

// TestBluelinky_WorksAsWithTheRealCloud runs bluelinky 8.4.0 against each cloud that it knows.
func TestBluelinky_WorksAsWithTheRealCloud(t *testing.T) {
	for _, tc := range []struct {
		account string
		fault   string   // switched on before it signs in
		login   string   // part of the path that only this way of signing in takes
		steps   []string // after login and list
	}{
		// Europe's two old sign-ins; the second is where it goes when the first is not offered.
		{"eu-hyundai", "", "/auth/realms/euhyundaiidm/", ccapiSteps},
		{"eu-kia", "", "/auth/realms/eukiaidm/", ccapiSteps},
		{"eu-hyundai", "status=404,path=*/integrationinfo", "/api/v1/user/signin", ccapiSteps},
		{"eu-kia", "status=404,path=*/integrationinfo", "/api/v1/user/signin", ccapiSteps},
		{"au-hyundai", "", "/api/v1/user/signin", ccapiSteps},
		{"au-kia", "", "/api/v1/user/signin", ccapiSteps},
		{"us-hyundai", "", "/v2/ac/oauth/token", americanSteps},
		{"ca-hyundai", "", "/tods/api/lgn", canadianSteps},
		{"ca-kia", "", "/tods/api/lgn", canadianSteps},
		{"cn-hyundai", "", "/api/v1/user/signin", ccapiSteps},
		{"cn-kia", "", "/api/v1/user/signin", ccapiSteps},
	} {
		name := tc.account
		if tc.fault != "" {
			name += " with " + tc.fault
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			region, brand, _ := strings.Cut(tc.account, "-")
			w := newWorld(t, sim.Options{
				Regions: []string{region}, Parked: true, LatencyForce: 20 * time.Millisecond, LatencyCommand: 20 * time.Millisecond,
				OldClients: true,
			})
			if tc.fault != "" {
				if _, err := w.AddFault(tc.fault); err != nil {
					t.Fatal(err)
				}
			}
			for _, v := range w.cars(region, brand) {
				if v.Engine != "EV" && v.Engine != "PHEV" {
					continue
				}
				if err := w.SetVehicle(v.ID, map[string]any{"soc_percent": 64, "latitude": 12.5, "longitude": 34.25, "report": true}); err != nil {
					t.Fatal(err)
				}
			}
			steps := w.node(t, "bluelinky.cjs", tc.account)
			var done []string
			for _, s := range steps {
				if !s.OK {
					t.Errorf("%s: %s", s.Step, s.Error)
				}
				done = append(done, s.Step)
				switch s.Step {
				case "list":
					w.lists(t, region, brand, s.Answer)
				case "cached", "forced":
					reads(t, s.Answer)
				case "location":
					locates(t, s.Answer)
				}
			}
			if want := append([]string{"login", "list"}, tc.steps...); !slices.Equal(done, want) {
				t.Errorf("went through %q, want %q", done, want)
			}
			if !slices.ContainsFunc(w.Calls(), func(c sim.CallCount) bool { return strings.Contains(c.Path, tc.login) }) {
				t.Errorf("did not sign in by %s", tc.login)
			}
			devices := 1
			if region == "us" || region == "ca" {
				devices = 0 // those clouds know none
			}
			for _, a := range w.AccountViews() {
				if a.Region == region && a.Brand == brand && (a.Logins != 1 || a.FailedLogins != 0 || a.DeviceRegistrations != devices) {
					t.Errorf("the account counted %+v", a.AccountCounts)
				}
			}
		})
	}
}

// TestBluelinky_IsRefusedWhereTheRealCloudsRefuseIt holds that a refusal looks like one: what the clouds of today no longer
// take from this client is only served when it is asked for.
func TestBluelinky_IsRefusedWhereTheRealCloudsRefuseIt(t *testing.T) {
	for _, tc := range []struct {
		account string
		options sim.Options
		says    string // part of the client's error
	}{
		{"cn-hyundai", sim.Options{}, "400"},
		{"cn-kia", sim.Options{}, "400"},
		{"au-hyundai", sim.Options{StrictStamps: true}, "401"},
		{"au-kia", sim.Options{StrictStamps: true}, "401"},
		{"eu-kia", sim.Options{Faults: []string{"credentials"}}, "400"},
		{"au-kia", sim.Options{Faults: []string{"credentials"}}, "401"},
		{"au-kia", sim.Options{Faults: []string{"step"}}, "auth code"},
	} {
		t.Run(tc.account+" "+strings.Join(tc.options.Faults, ""), func(t *testing.T) {
			t.Parallel()
			tc.options.Parked = true
			w := newWorld(t, tc.options)
			steps := w.tries(t, "bluelinky.cjs", tc.account)
			if len(steps) != 1 || steps[0].OK || !strings.Contains(steps[0].Error, tc.says) {
				t.Errorf("went through %+v, want to be refused with %q", steps, tc.says)
			}
		})
	}
}

// lists holds the client's list against the cars of the account.
func (w *world) lists(t *testing.T, region, brand string, answer json.RawMessage) {
	t.Helper()
	var list []struct{ ID, VIN, Name string }
	if err := json.Unmarshal(answer, &list); err != nil {
		t.Fatalf("list: %v: %s", err, answer)
	}
	cars := w.cars(region, brand)
	if len(list) != len(cars) {
		t.Fatalf("lists %d cars, want %d", len(list), len(cars))
	}
	for i, v := range cars {
		id := v.ID
		if region == "us" {
			id = "" // the client has none there
		}
		if list[i].ID != id || list[i].VIN != v.VIN {
			t.Errorf("car %d is %+v, want %s %s", i, list[i], v.ID, v.VIN)
		}
	}
}

func (w *world) cars(region, brand string) []sim.VehicleView {
	return slices.DeleteFunc(w.VehicleViews(), func(v sim.VehicleView) bool { return v.Region != region || v.Brand != brand })
}

// reads holds what the client makes of a state against what was set before.
func reads(t *testing.T, answer json.RawMessage) {
	t.Helper()
	var got struct {
		Chassis struct{ Locked bool }
		Engine  struct {
			BatteryChargeHV int `json:"batteryChargeHV"`
			Range           int
		}
		LastUpdate time.Time
	}
	if err := json.Unmarshal(answer, &got); err != nil || !got.Chassis.Locked || got.Engine.BatteryChargeHV != 64 || got.Engine.Range <= 0 || got.LastUpdate.IsZero() {
		t.Errorf("reads %+v (%v)", got, err)
	}
}

func locates(t *testing.T, answer json.RawMessage) {
	t.Helper()
	var got struct{ Latitude, Longitude float64 }
	if err := json.Unmarshal(answer, &got); err != nil || got.Latitude != 12.5 || got.Longitude != 34.25 {
		t.Errorf("finds the car at %+v (%v)", got, err)
	}
}

// In the USA the client renews its token before each call when that has little time left.
func TestBluelinky_RenewsItsTokenInTheUSA(t *testing.T) {
	t.Parallel()
	w := newWorld(t, sim.Options{
		Regions: []string{"us"}, Parked: true, TokenLife: 9 * time.Second, LatencyForce: 20 * time.Millisecond, LatencyCommand: 20 * time.Millisecond,
	})
	for _, s := range w.node(t, "bluelinky.cjs", "us-hyundai") {
		if !s.OK {
			t.Errorf("%s: %s", s.Step, s.Error)
		}
	}
	for _, a := range w.AccountViews() {
		if a.Brand == "hyundai" && (a.Logins != 1 || a.FailedLogins != 0 || a.Renewals < len(americanSteps) || a.FailedRenewals != 0) {
			t.Errorf("the account counted %+v", a.AccountCounts)
		}
	}
}
