package sim

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
)

// Recordings of the regions that share Europe's vehicle API come back where their cloud
// has them, and after a forced read at the present time (docs/protocol/
// australia-newzealand.md §4, china.md §4, brazil.md §4).
func TestReplay_RecordingsOfTheOtherRegions(t *testing.T) {
	for pattern, tc := range map[string]struct {
		account string
		cached  string   // the call, below the car
		answer  []string // where the state stands in the answer
		forced  string
		forcedA []string // and in the forced one; nil where that is only acknowledged
		part    []string // where it stands in the recording
		time    string   // its leaf of the report time
		place   string   // a call for the position; empty for none
	}{
		"au_*": {
			account: "au-hyundai", cached: "/status/latest", answer: []string{"resMsg"}, forced: "/status", forcedA: []string{"resMsg"},
			part: []string{"status"}, time: "time", place: "/location/park",
		},
		"cn_*": {
			account: "cn-kia", cached: "/status/latest", answer: []string{"resMsg", "status"}, forced: "/status", forcedA: []string{"resMsg", "status"},
			part: []string{"status"}, time: "time", place: "/location",
		},
		"br_*": {
			account: "br-hyundai", cached: "/ccs2/carstatus/latest", answer: []string{"resMsg", "state", "Vehicle"}, forced: "/ccs2/carstatus",
			part: []string{"resMsg", "state", "Vehicle"}, time: "Date",
		},
	} {
		files, err := filepath.Glob("../../shared/fixtures/status/" + pattern + ".json")
		must(t, err)
		if len(files) == 0 {
			t.Skip("no recorded payloads in ../../shared/fixtures/status: replaying them is not tested")
		}
		for _, file := range files {
			t.Run(filepath.Base(file), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p := &player{t: t, vars: map[string]string{}}
					p.world(Options{Cars: 1, Replay: []string{file}})
					p.login(tc.account)
					get := func(path string, keys ...string) any {
						return p.get("GET "+pageClients[tc.account][2]+"/api/v1/spa/vehicles/${"+tc.account+".car2}"+path+"\n+ "+tc.account+" access", keys...)
					}
					raw, err := os.ReadFile(file)
					must(t, err)
					recorded := parse(t, raw)
					want := dig(any(recorded), tc.part...)
					if got := get(tc.cached, tc.answer...); !reflect.DeepEqual(got, want) {
						t.Errorf("answers with something else than was recorded:\n got %v\nwant %v", got, want)
					}
					if tc.account == "br-hyundai" {
						if got := get(tc.cached, "resMsg", "lastUpdateTime"); got != dig(any(recorded), "resMsg", "lastUpdateTime") {
							t.Errorf("lastUpdateTime is %v", got)
						}
					}
					renewed := func(what string, got any) {
						t.Helper()
						object, _ := got.(map[string]any)
						text, _ := object[tc.time].(string)
						if !strings.HasPrefix(text, "20000101") {
							t.Errorf("%s: the time after the wake is %q", what, text)
						}
						if same := withKey(object, tc.time, dig(want, tc.time)); !reflect.DeepEqual(any(same), want) {
							t.Errorf("%s: the wake changed more than the time:\n got %v\nwant %v", what, same, want)
						}
					}
					if forced := get(tc.forced, tc.forcedA...); tc.forcedA != nil {
						renewed("forced", forced)
					}
					p.direct("wait 25s")
					renewed("cached", get(tc.cached, tc.answer...))
					if tc.place == "" {
						return
					}
					for _, keys := range [][]string{{"resMsg", "coord"}, {"resMsg", "gpsDetail", "coord"}} {
						coord := get(tc.place, keys...)
						for _, key := range []string{"lat", "lon"} {
							if got := dig(coord, key); got != dig(any(recorded), "vehicleLocation", "coord", key) {
								t.Errorf("stands at %v", coord)
							}
						}
					}
				})
			})
		}
	}
}
