package ccapi

import (
	"encoding/base64"
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
	basic := map[vehicle.Brand]string{ // docs/protocol/europe.md §1.1
		vehicle.Kia:     "ZmRjODVjMDAtMGEyZi00YzY0LWJjYjQtMmNmYjE1MDA3MzBhOnNlY3JldA==",
		vehicle.Hyundai: "NmQ0NzdjMzgtM2NhNC00Y2YzLTk1NTctMmExOTI5YTk0NjU0OktVeTQ5WHhQekxwTHVvSzB4aEJDNzdXNlZYaG10UVI5aVFobUlGampvWTRJcHhzVg==",
		vehicle.Genesis: "MzAyMGFmYTItMzBmZi00MTJhLWFhNTEtZDI4ZmJlOTAxZTEwOkZLRGRsZWYyZmZkbGVGRXdlRUxGS0VSaUxFUjJGRUQyMXNEZHdkZ1F6NmhGRVNFMw==",
	}
	for _, p := range profiles {
		if len(p.cfb) != 50 || len(p.appID) != 36 || len(p.service) != 36 || len(p.oneApp) != 36 {
			t.Errorf("%s: a key or id has not its length", p.brand)
		}
		if got := base64.StdEncoding.EncodeToString([]byte(p.service + ":" + p.secret)); got != basic[p.brand] {
			t.Errorf("%s: id and secret make %s, want %s", p.brand, got, basic[p.brand])
		}
		if p.format == nil || p.format.flatStatus == "" {
			t.Errorf("%s: no format", p.brand)
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
