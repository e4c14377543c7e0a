package cloudtest

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// fixtures is where recorded answers lie, beside the checkout, as seen from a family's folder.
var fixtures = filepath.Join("..", "..", "..", "shared", "fixtures")

// Recordings are the recorded answers of real cars whose files begin with one of the prefixes, such as eu or us_kia, by file
// name. Without them the test is skipped: they are kept beside the repository.
func Recordings(t testing.TB, prefixes ...string) map[string][]byte {
	t.Helper()
	found := map[string][]byte{}
	for _, prefix := range prefixes {
		files, _ := filepath.Glob(filepath.Join(fixtures, "status", prefix+"_*.json"))
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			found[filepath.Base(file)] = text
		}
	}
	if len(found) == 0 {
		t.Skipf("no recorded answers in %s: they are kept beside the repository, in shared/fixtures", filepath.Join(fixtures, "status"))
	}
	return found
}

// Parity is how a family reads recorded answers, and what it reads otherwise than the reference.
type Parity struct {
	Recordings []string // prefixes of their files
	Decode     func(file string, answer []byte) (vehicle.Report, error)
	Least      int      // keys that are compared in each answer, at least
	Skip       []string // keys that are not compared, besides those that no status fills
	// Rejects are the keys of what the recordings hold and we do not believe, with the reason.
	Rejects map[string]vehicle.Refused
	// Units are those of some keys, where the reference's word for them is skipped.
	Units map[string]vehicle.Unit
	// BareUnits allows the reference to name the unit of what is not reported.
	BareUnits bool
}

// unfilled are keys that the vehicle list or other calls fill, and those that only the reference has.
var unfilled = []string{
	"geocode", "last_scanned_at", "location", "data", "key", "VIN", "id", "name", "model", "registration_date", "year", "generation", "enabled",
	"engine_type", "timezone", "daily_stats",
}

// Run compares each recording, as shared/fixtures/README.md says.
func (p Parity) Run(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(fixtures, "expected.json"))
	if err != nil {
		t.Skipf("no expectations beside the repository: %v", err)
	}
	var expected map[string]map[string]any
	if err := json.Unmarshal(text, &expected); err != nil {
		t.Fatal(err)
	}
	for file, answer := range Recordings(t, p.Recordings...) {
		t.Run(file, func(t *testing.T) {
			report, err := p.Decode(file, answer)
			if err != nil {
				t.Fatal(err)
			}
			state, _, refusals := vehicle.State{}.Apply(report, time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
			compared := 0
			for key, want := range expected[file] {
				if want == nil || slices.Contains(unfilled, key) || slices.Contains(p.Skip, key) {
					continue
				}
				compared++
				p.compare(t, state, refusals, key, want)
			}
			if compared < p.Least {
				t.Errorf("only %d keys compared", compared)
			}
			for key, unit := range p.Units {
				if got := state.Read(datumOf(t, key)).Unit(); got != unit {
					t.Errorf("%s in %s, want %s", key, got, unit)
				}
			}
		})
	}
}

func (p Parity) compare(t *testing.T, state vehicle.State, refusals []vehicle.Refusal, key string, want any) {
	t.Helper()
	_, known := vehicle.ByKey(key)
	if of, isUnit := strings.CutSuffix(key, "_unit"); isUnit && !known {
		reading := state.Read(datumOf(t, of))
		if reading.Unit().String() != want && !(p.BareUnits && reading.Value == nil) {
			t.Errorf("%s: unit %v, want %v", key, reading.Unit(), want)
		}
		return
	}
	if got := state.Read(datumOf(t, key)).Value; !agree(got, want) && !p.rejected(refusals, key) {
		t.Errorf("%s: %v, want %v", key, got, want)
	}
}

func (p Parity) rejected(refusals []vehicle.Refusal, key string) bool {
	reason, may := p.Rejects[key]
	return may && slices.ContainsFunc(refusals, func(r vehicle.Refusal) bool {
		return r.Datum.Key == key && (r.Reason == reason || r.Reason == vehicle.RefusedSentinel)
	})
}

func datumOf(t *testing.T, key string) *vehicle.Datum {
	t.Helper()
	d, ok := vehicle.ByKey(key)
	if !ok {
		t.Fatalf("the catalogue has no row %s", key)
	}
	return d
}

// agree compares a value with that of the reference, whose flags may be numbers and the other way round.
func agree(got, want any) bool {
	switch w := want.(type) {
	case bool:
		switch g := got.(type) {
		case nil:
			return !w // false may be left out where the leaf is missing
		case vehicle.Number:
			return (g != 0) == w
		}
		return got == w
	case float64:
		switch g := got.(type) {
		case bool:
			return g == (w != 0)
		case vehicle.Percent:
			return math.Abs(float64(g)-w) < 0.05
		case vehicle.Number:
			return math.Abs(float64(g)-w) < 0.05
		case vehicle.Quantity:
			return math.Abs(g.Value-w) < 0.05
		case time.Duration:
			return math.Abs(g.Minutes()-w) < 0.05
		}
	case string:
		if at, err := time.Parse(time.RFC3339, w); err == nil {
			g, ok := got.(time.Time)
			return ok && g.Equal(at)
		}
		return strings.EqualFold(fmt.Sprint(got), w)
	case []any:
		days, isDays := got.(vehicle.Days)
		if !isDays {
			return len(w) == 0 && (got == nil || got == "")
		}
		var wanted vehicle.Days
		for _, day := range w {
			if n, ok := day.(float64); ok && n != 9 {
				wanted = append(wanted, time.Weekday(n))
			}
		}
		return slices.Equal(days, wanted)
	}
	return false
}
