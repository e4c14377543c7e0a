package ccapi

import (
	"encoding/base64"
	"slices"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestStamp_MatchesTheVectorsOfThePage(t *testing.T) {
	for brand, want := range map[vehicle.Brand]string{ // docs/protocol/europe.md §1.4
		vehicle.Kia:     "oYa3/zyroR0vT6ZgagTzPJcFq9FRkgRPjU5ih3eFC/Og5gc/7ggOgH3KR8bB1ME=",
		vehicle.Hyundai: "dGpcIp3dP0dLfkNRUItk/sCdmouaEMW4JAlLv76lGxrWLqMbn3rSYiqWOyDGh9A=",
		vehicle.Genesis: "ImpZIJ2NNURLI0cNUotk8b8G05h70TJzbvXLirZ/QKkhptv+KoiKqdxfjhBUzpo=",
	} {
		if got := profileOf(vehicle.Europe, brand).stamp(time.Unix(1700000000, 0)); got != want {
			t.Errorf("%s: %s, want %s", brand, got, want)
		}
	}
}

func TestProfiles_AreWhole(t *testing.T) {
	basic := map[string]string{ // id and secret as the pages give them together; the two constants are theirs too
		"kia-eu":     "ZmRjODVjMDAtMGEyZi00YzY0LWJjYjQtMmNmYjE1MDA3MzBhOnNlY3JldA==",
		"hyundai-eu": "NmQ0NzdjMzgtM2NhNC00Y2YzLTk1NTctMmExOTI5YTk0NjU0OktVeTQ5WHhQekxwTHVvSzB4aEJDNzdXNlZYaG10UVI5aVFobUlGampvWTRJcHhzVg==",
		"genesis-eu": "MzAyMGFmYTItMzBmZi00MTJhLWFhNTEtZDI4ZmJlOTAxZTEwOkZLRGRsZWYyZmZkbGVGRXdlRUxGS0VSaUxFUjJGRUQyMXNEZHdkZ1F6NmhGRVNFMw==",
		"hyundai-au": "ODU1YzcyZGYtZGZkNy00MjMwLWFiMDMtNjdjYmY5MDJiYjFjOmU2ZmJ3SE0zMllOYmhRbDBwdmlhUHAzcmY0dDNTNms5MWVjZUEzTUpMZGJkVGhDTw==",
		"kia-au":     "OGFjYjc3OGEtYjkxOC00YThkLTg2MjQtNzNhMGJlYjY0Mjg5OjdTY01NbTZmRVlYZGlFUEN4YVBhUW1nZVlkbFVyZndvaDRBZlhHT3pZSVMyQ3U5VA==",
		"kia-nz":     "NGFiNjA2YTctY2VhNC00OGEwLWEyMTYtZWQ5YzE0YTRhMzhjOjBoYUZxWFRrS2t0Tktmemt4aFowYWt1MzFpNzRnMHlRRm01b2QybXo0TGRJNW1MWQ==",
		"hyundai-in": "ZTViM2Y2ZDAtN2Y4My00M2M5LWFmZjMtYTI1NGRiN2FmMzY4OjVKRk9DcjZDMjRPZk96bERxWnA3RXdxcmtMMFd3MDRVYXhjRGlFNlVkM3FJNVNFNA==",
		"kia-in":     "ZDBmZTQ4NTUtNzUyNy00YmUwLWFiNmUtYTQ4MTIxNmM3MDVkOlNIb1R0WHB5ZmJZbVAzWGpOQTZCcnRsRGdseXBQV2o5MjBQdEtCSlBmbGVIRVlwVQ==",
		"hyundai-br": "MDNmN2RmOWItNzYyNi00ODUzLWI3YmQtYWQxZThkNzIyYmQ1OnlRejJiYzZDbjhPb3ZWT1I3UkRXd3hUcVZ3V0czeUtCWUZEZzBIc09Yc3l4eVBsSA==",
	}
	for _, p := range profiles {
		name := p.brand.String() + "-" + p.region.String()
		if len(p.appID) != 36 || len(p.service) != 36 || p.api == "" || p.push == "" {
			t.Errorf("%s: an id has not its length, or something is missing", name)
		}
		if got := base64.StdEncoding.EncodeToString([]byte(p.service + ":" + p.secret)); p.secret != "" && got != basic[name] {
			t.Errorf("%s: id and secret make %s, want %s", name, got, basic[name])
		}
		if stamped := p.stamps != unstamped; stamped != (len(p.cfb) >= 50) {
			t.Errorf("%s: a key of %d bytes for its stamps", name, len(p.cfb))
		}
		if p.dialect != dialects[p.region] {
			t.Errorf("%s speaks another region's dialect", name)
		}
		if p.zone == nil || p.way == nil || p.device == nil || p.agent == "" || p.pageAgent == "" || p.pinPath == "" || p.recordDelay == 0 || p.life == 0 ||
			len(p.forms) == 0 || len(p.languages) == 0 || !p.tree && p.rules == nil {
			t.Errorf("%s: its dialect has gaps", name)
		}
	}
}

// TestStamp_IsTheAppAndTheSecondsUnderTheKey holds docs/protocol/australia-newzealand.md §1 for every row with stamps.
func TestStamp_IsTheAppAndTheSecondsUnderTheKey(t *testing.T) {
	for _, p := range profiles {
		if p.stamps == unstamped {
			continue
		}
		bare, err := base64.StdEncoding.DecodeString(p.stamp(time.Unix(1700000000, 0)))
		if err != nil {
			t.Fatal(err)
		}
		for i := range bare {
			bare[i] ^= p.cfb[i]
		}
		if want := p.appID + ":1700000000"; string(bare) != want {
			t.Errorf("%s-%s: %q, want %q", p.brand, p.region, bare, want)
		}
	}
}

func TestLanguage_IsOneThatTheCloudKnows(t *testing.T) {
	p := profileOf(vehicle.Europe, vehicle.Kia)
	for wanted, want := range map[string]string{"": "en", "de": "de", "DE": "de", "de-AT": "de", " pt ": "pt", "xx": "en", "deutsch": "de", "é": "en"} {
		if got := p.language(wanted); got != want {
			t.Errorf("%q becomes %q, want %q", wanted, got, want)
		}
	}
}

func TestOpen_RefusesWhatCannotWork(t *testing.T) {
	settings, err := bluelink.NewSettings()
	if err != nil {
		t.Fatal(err)
	}
	for name, account := range map[string]bluelink.Account{
		"region":      {Region: vehicle.USA, Brand: vehicle.Kia, Username: "a", Password: "b"},
		"no password": {Region: vehicle.Europe, Brand: vehicle.Kia, Username: "a"},
		"no e-mail":   {Region: vehicle.Europe, Brand: vehicle.Kia, Password: "b"},
	} {
		if _, err := Open(account, settings); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func TestRefreshTokenOf_TellsATokenByItsShape(t *testing.T) {
	const token = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789ABCDEFGHIJKL"
	for name, test := range map[string]struct {
		account bluelink.Account
		want    string
	}{
		"own field":    {bluelink.Account{RefreshToken: "x", Password: token}, "x"},
		"password":     {bluelink.Account{Password: token}, token},
		"too short":    {bluelink.Account{Password: token[1:]}, ""},
		"too long":     {bluelink.Account{Password: token + "A"}, ""},
		"small letter": {bluelink.Account{Password: "a" + token[1:]}, ""},
	} {
		if got := refreshTokenOf(test.account); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

// TestRegion_IsADialectAndARow adds a region that nobody serves: a dialect, made of those that are there, and a row. All the
// rest follows: it can be opened, signed in to, read and commanded.
func TestRegion_IsADialectAndARow(t *testing.T) {
	const elsewhere vehicle.Region = 200
	korean := australia
	korean.zone, korean.driver, korean.lowestAir = zone("Asia/Seoul"), leftHand, 14
	korean.anyClock, korean.forms = false, indianForms
	before := profiles
	dialects[elsewhere] = &korean
	profiles = append(slices.Clone(profiles), profile{
		region: elsewhere, brand: vehicle.Genesis, dialect: &korean, api: "kr.example:8443", service: "11111111-2222-4333-8444-555555555555",
		secret: "s", appID: "99999999-2222-4333-8444-555555555555", cfb: before[0].cfb, push: "GCM",
	})
	t.Cleanup(func() { profiles = before; delete(dialects, elsewhere) })
	if !Serves(elsewhere, vehicle.Genesis) || Serves(elsewhere, vehicle.Kia) {
		t.Fatal("the row is not seen")
	}
	w, s := playing(t, elsewhere, vehicle.Genesis, bluelink.Tokens{})
	const host = "https://kr.example:8443"
	s.expect(signInAU(host, "11111111-2222-4333-8444-555555555555", "99999999-2222-4333-8444-555555555555", "Basic …")...)
	s.expect(
		exchange{call: "GET " + host + "/api/v1/spa/vehicles", answer: envelope(listAU)},
		exchange{call: "GET " + host + "/api/v1/spa/vehicles/" + carAU + "/status/latest", answer: envelope(statusAU)},
		exchange{call: "POST " + host + "/api/v1/spa/vehicles/" + carAU + "/control/engine", answer: accepted, body: `{"action":"start","hvacType":1,"options":{"defrost":false,"heating1":0,"igniOnDuration":5},"tempCode":"0EH","unit":"C"}`},
	)
	s.expect(readsBeside(host, carAU, nil)...)
	v := w.cars()[0]
	if v.Region != elsewhere || !slices.Contains(v.Capabilities.Commands, "valet-on") {
		t.Errorf("car %+v", v)
	}
	shows(t, w.cached(v, vehicle.State{}, false), map[string]any{
		"last_updated_at": time.Date(2026, 8, 3, 11, 15, 2, 0, time.UTC), "air_temperature": vehicle.Quantity{Value: 18, Unit: vehicle.Celsius},
	})
	w.send(v, vehicle.State{}, vehicle.ClimateStart{})
	s.over()
}
