package sim

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// recordings are the European ones of the shared folder; a checkout without it skips.
func recordings(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../shared/fixtures/status/eu_*.json")
	must(t, err)
	if len(files) == 0 {
		t.Skip("no recorded payloads in ../../shared/fixtures/status: replaying them is not tested")
	}
	return files
}

func parse(t testing.TB, raw []byte) map[string]any {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		t.Fatalf("%v: %.200s", err, raw)
	}
	return tree
}

func TestReplay_AnswersWithTheRecording(t *testing.T) {
	for _, file := range recordings(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newSim(t, Options{Cars: 1, Replay: []string{file}})
				g := newGuest(t, s)
				raw, err := os.ReadFile(file)
				must(t, err)
				want := parse(t, raw)
				delete(want, "_fixture_meta")
				car := len(g.ids) - 1
				ccs2 := strings.Contains(file, "ccs2")
				read := func() map[string]any {
					t.Helper()
					if ccs2 {
						answer := parse(t, []byte(g.do("GET", g.car(car, cachedPath), "").body))
						return dig(answer, "resMsg", "state", "Vehicle").(map[string]any)
					}
					answer := parse(t, []byte(g.do("GET", g.car(car, "/status/latest"), "").body))
					return dig(answer, "resMsg", "vehicleStatusInfo").(map[string]any)
				}
				if got := read(); !reflect.DeepEqual(got, want) {
					t.Errorf("answers with something else than was recorded:\n got %v\nwant %v", got, want)
				}

				// Woken, it says the same at the present time.
				if ccs2 {
					g.do("GET", g.car(car, wakePath), "")
				} else if status := parse(t, []byte(g.do("GET", g.car(car, "/status"), "").body)); dig(status, "resMsg", "evStatus") == nil {
					t.Errorf("the forced read has no evStatus: %v", status)
				}
				<-time.After(25 * time.Second)
				got := read()
				if ccs2 {
					if !strings.HasPrefix(got["Date"].(string), "20000101") {
						t.Errorf("Date after the wake is %v", got["Date"])
					}
					got["Date"] = want["Date"]
				} else {
					status := got["vehicleStatus"].(map[string]any)
					if !strings.HasPrefix(status["time"].(string), "20000101") {
						t.Errorf("time after the wake is %v", status["time"])
					}
					status["time"] = dig(want, "vehicleStatus", "time")
				}
				if !reflect.DeepEqual(got, want) {
					t.Error("the wake changed more than the time")
				}

				place := g.do("GET", g.car(car, "/location/park"), "")
				recorded := dig(want, "Location", "GeoCoord", "Latitude")
				if !ccs2 {
					recorded = dig(want, "vehicleLocation", "coord", "lat")
				}
				if recorded == nil {
					if place.status != 592 {
						t.Errorf("without a position: %+v", place)
					}
				} else if got := dig(parse(t, []byte(place.body)), "resMsg", "coord", "lat"); got != recorded {
					t.Errorf("parked at %v, recorded %v", got, recorded)
				}
			})
		})
	}
}

func TestReplay_AllTogether(t *testing.T) {
	files := recordings(t)
	s := newSim(t, Options{Cars: 1, Replay: files})
	if got := len(s.Vehicles()); got != len(faces)+len(files) {
		t.Errorf("%d cars", got)
	}
	must(t, s.Advance(48*time.Hour))
	for _, view := range s.VehicleViews() {
		if view.Replay != "" && view.Reports != 1 {
			t.Errorf("%s told the cloud %d times without being asked", view.Replay, view.Reports)
		}
	}
}

func TestReplay_RefusesWhatItCannotServe(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for path, want := range map[string]string{
		write("jp_hyundai_creta_2025_ccs2.json", `{"Date":"20260101000000"}`): `region "jp" is not served; served: eu`,
		write("eu_dacia_spring.json", `{}`):                                   `brand "dacia" is not served in region "eu"; there are hyundai, kia, genesis`,
		write("ev6.json", `{}`):                                               "{region}_{brand}",
		write("eu_kia_ev6_2024_ccs2.json", `{"vehicleStatus":{}}`):            "found none of Date",
		write("eu_kia_ev6_2024.json", `{"Vehicle":{}}`):                       "found none of vehicleStatus",
		write("eu_kia_ev6_broken.json", `{"vehicleStatus":`):                  "read JSON",
		write("eu_kia_ev6_two.json", `{"vehicleStatus":{}}{}`):                "read JSON",
		filepath.Join(dir, "eu_kia_nothing.json"):                             "no such file",
	} {
		if _, err := New(Options{Replay: []string{path}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", filepath.Base(path), err, want)
		}
	}
	twice := write("eu_kia_ev6_2023.json", `{"vehicleStatus":{"doorLock":true}}`)
	if _, err := New(Options{Replay: []string{twice, twice}}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("the same file twice: %v", err)
	}
}

// Recordings come with and without the cloud's envelope.
func TestReplay_FindsThePartThatParsersAreHanded(t *testing.T) {
	for text, ccs2 := range map[string]bool{
		`{"resMsg":{"state":{"Vehicle":{"Date":"20260101000000","Drivetrain":{"Odometer":1}}}}}`: true,
		`{"_fixture_meta":{},"Date":"20260101000000"}`:                                           true,
		`{"resMsg":{"vehicleStatusInfo":{"vehicleStatus":{"doorLock":true}}}}`:                   false,
		`{"doorLock":true,"engine":false}`:                                                       false,
	} {
		tree, err := readRecording([]byte(text), ccs2)
		if err != nil || !has(tree, "Date", "vehicleStatus") {
			t.Errorf("%s: %v, %v", text, tree, err)
		}
	}
}
