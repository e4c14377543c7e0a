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
					americanLogins[tc.account](p, tc.account)
					raw, err := os.ReadFile(file)
					must(t, err)
					recorded := parse(t, raw)
					delete(recorded, "_fixture_meta")
					want := dig(recorded, tc.part...)
					if got := tc.cached(p); !reflect.DeepEqual(got, want) {
						t.Errorf("answers with something else than was recorded:\n got %v\nwant %v", got, want)
					}
					for what, got := range map[string]any{"forced": tc.forced(p), "cached": tc.cached(p)} {
						object, _ := got.(map[string]any)
						for _, path := range tc.times {
							text, _ := dig(object, path...).(string)
							if !strings.HasPrefix(strings.ReplaceAll(text, "-", ""), "20000101") {
								t.Errorf("%s: the time after the wake is %q", what, text)
							}
							object = withPath(object, dig(want, path...), path)
						}
						if len(object) > 0 && !reflect.DeepEqual(any(object), want) {
							t.Errorf("%s: the wake changed more than the time:\n got %v\nwant %v", what, object, want)
						}
					}
				})
			})
		}
	}
}

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
