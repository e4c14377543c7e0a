package sim

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
)

// Recordings of American cars come back as the cloud of their name tells them, and after
// a forced read at the present time.
func TestReplay_AmericanRecordings(t *testing.T) {
	for pattern, tc := range map[string]struct {
		account        string
		cached, forced func(*player) any // what the status parser is handed
		part           []string          // of the recording
		times          [][]string        // in what was answered
	}{
		"us_hyundai_*": {
			account: "us-hyundai", part: []string{"vehicleStatus"}, times: [][]string{{"dateTime"}},
			cached: func(p *player) any {
				return p.get("GET https://api.telematics.hyundaiusa.com/ac/v2/rcs/rvs/vehicleStatus\n+ us-hyundai car2", "vehicleStatus")
			},
			forced: func(p *player) any {
				return p.get("GET https://api.telematics.hyundaiusa.com/ac/v2/rcs/rvs/vehicleStatus\n+ us-hyundai car2\nREFRESH: true", "vehicleStatus")
			},
		},
		"us_kia_*": {
			account: "us-kia", times: [][]string{{"lastVehicleInfo", "vehicleStatusRpt", "vehicleStatus", "syncDate", "utc"}, {"lastVehicleInfo", "location", "syncDate", "utc"}},
			cached: func(p *player) any {
				answer := p.get(kiaUSInfoCall, "payload", "vehicleInfoList")
				info := answer.([]any)[0].(map[string]any)
				delete(info, "vinKey") // of the session, as no recording can have it
				return any(info)
			},
			forced: func(p *player) any {
				p.get("POST https://api.owners.kia.com/apigw/v1/rems/rvs\n+ us-kia car2\n| {\"requestType\":0}")
				return nil
			},
		},
		"ca_kia_*": {
			account: "ca-kia", part: []string{"status"}, times: [][]string{{"lastStatusDate"}},
			cached: func(p *player) any {
				return p.get("POST https://kiaconnect.ca/tods/api/lstvhclsts\n+ ca-kia car2", "result", "status")
			},
			forced: func(p *player) any {
				return p.get("POST https://kiaconnect.ca/tods/api/rltmvhclsts\n+ ca-kia car2", "result", "status")
			},
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
					p.signIn(tc.account)
					raw, err := os.ReadFile(file)
					must(t, err)
					recorded := parse(t, raw)
					delete(recorded, "_fixture_meta")
					want := dig(any(recorded), tc.part...)
					if got := tc.cached(p); !reflect.DeepEqual(got, want) {
						t.Errorf("answers with something else than was recorded:\n got %v\nwant %v", got, want)
					}
					for what, got := range map[string]any{"forced": tc.forced(p), "cached": tc.cached(p)} {
						object, given := got.(map[string]any)
						if !given {
							continue // the forced read of this cloud does not give it all
						}
						for _, path := range tc.times {
							text, _ := dig(object, path...).(string)
							if !strings.HasPrefix(strings.ReplaceAll(text, "-", ""), "20000101") {
								t.Errorf("%s: the time after the wake is %q", what, text)
							}
							object = withPath(object, dig(want, path...), path)
						}
						if !reflect.DeepEqual(any(object), want) {
							t.Errorf("%s: the wake changed more than the time:\n got %v\nwant %v", what, object, want)
						}
					}
				})
			})
		}
	}
}

// kiaUSInfoCall is the cached read of the second car (docs/protocol/usa-kia.md §4.1).
const kiaUSInfoCall = `POST https://api.owners.kia.com/apigw/v1/cmm/gvi
+ us-kia car2
| {"vehicleConfigReq":{"airTempRange":"0","maintenance":"1","seatHeatCoolOption":"0","vehicle":"1","vehicleFeature":"0"},
|  "vehicleInfoReq":{"drivingActivty":"0","dtc":"1","enrollment":"1","functionalCards":"0","location":"1","vehicleStatus":"1","weather":"0"},
|  "vinKey":["${key2}"]}`

// get makes a call, given as in the scripts, and returns a part of its answer.
func (p *player) get(script string, keys ...string) any {
	p.play(script + "\n< 200")
	if p.status != http.StatusOK {
		p.fail("status %d", p.status)
	}
	var tree any
	if err := json.Unmarshal(p.answer, &tree); err != nil {
		p.fail("%v", err)
	}
	return dig(tree, keys...)
}
