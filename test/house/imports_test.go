package house

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// room says what one package may import of ours, and why not more. Tests may import what they need to
// look at their package from outside, except where alone says otherwise.
type room struct {
	may   []string // our packages, by folder
	std   bool     // the standard library and nothing else
	pure  bool     // the standard library, golang.org/x, and what may lists
	alone bool     // the rule holds for tests too
	any   bool     // may import every package of ours
	why   string
}

// rooms is the plan of the house; docs/architecture.md draws it.
var rooms = map[string]room{
	"vehicle": {
		std: true,
		why: "it is the language everybody speaks; a car must be describable without a cloud, a broker or a library coming along",
	},
	"bluelink": {
		may: []string{"vehicle"}, pure: true,
		why: "others import this library: it must not bring the daemon along, nor know its families, which know it",
	},
	"bluelink/internal/leaf": {
		may: []string{"vehicle"}, pure: true,
		why: "it reads leaves of JSON for every family, so it can know none of them, nor what a call is",
	},
	"bluelink/internal/want": {
		may: []string{"bluelink", "vehicle"}, pure: true,
		why: "it reads what all clouds understand the same by a command; what one of them is then sent is its family's",
	},
	"bluelink/internal/answer": {
		may: []string{"bluelink", "vehicle"}, pure: true,
		why: "it reads what all clouds answer alike; what one of them means by it is its family's",
	},
	"bluelink/internal/beside": {
		may: []string{"bluelink", "vehicle"}, pure: true,
		why: "it keeps the parts of a report apart, whatever they are; what is read is its family's",
	},
	"bluelink/ccapi": {
		may: []string{"bluelink", "bluelink/internal/answer", "bluelink/internal/beside", "bluelink/internal/leaf", "bluelink/internal/want", "vehicle"}, pure: true,
		why: "a family knows its cloud and the contract; families that know each other cannot be changed one at a time",
	},
	"bluelink/hyundaius": {
		may: []string{"bluelink", "bluelink/internal/answer", "bluelink/internal/beside", "bluelink/internal/leaf", "bluelink/internal/want", "vehicle"}, pure: true,
		why: "a family knows its cloud and the contract; families that know each other cannot be changed one at a time",
	},
	"bluelink/kiaus": {
		may: []string{"bluelink", "bluelink/internal/answer", "bluelink/internal/beside", "bluelink/internal/leaf", "bluelink/internal/want", "vehicle"}, pure: true,
		why: "a family knows its cloud and the contract; families that know each other cannot be changed one at a time",
	},
	"bluelink/canada": {
		may: []string{"bluelink", "bluelink/internal/answer", "bluelink/internal/beside", "bluelink/internal/leaf", "bluelink/internal/want", "vehicle"}, pure: true,
		why: "a family knows its cloud and the contract; families that know each other cannot be changed one at a time",
	},
	"bluelink/clouds": {
		may: []string{"bluelink", "bluelink/canada", "bluelink/ccapi", "bluelink/hyundaius", "bluelink/kiaus", "vehicle"}, pure: true,
		why: "it is the one table of all families, and nothing else",
	},
	"bluelink/cloudtest": {
		may: []string{"bluelink", "sim", "vehicle"}, pure: true,
		why: "the suite sees a family only through the contract, and the cloud only as the simulator shows it; what it knows of one family it would let pass in another",
	},
	"sim": {
		pure: true, alone: true,
		why: "the simulator is written from docs/protocol; if it shared code with the client, both could be wrong in the same way and agree",
	},
	"internal/redact": {
		why: "anyone may import it, so it must import nobody",
	},
	"internal/mqtt": {
		why: "it carries topics and bytes; what they mean is not its business, so that the client library can be exchanged",
	},
	"internal/broker": {
		why: "it is a broker like any other; the daemon must not work better with this one",
	},
	"internal/store": {
		why: "it knows keys and bytes, no cars; then another engine needs no knowledge of cars either",
	},
	"internal/store/storetest": {
		may: []string{"internal/store"},
		why: "the suite sees a store only through the contract",
	},
	"internal/control": {
		may: []string{"vehicle"},
		why: "it carries questions and answers over a socket; the command line asks and the composition root answers, and neither must pull in the other",
	},
	"internal/topic": {
		may: []string{"vehicle"},
		why: "topics are words about cars; what clouds call things must not leak into them",
	},
	"internal/hass": {
		may: []string{"internal/topic", "vehicle"},
		why: "it writes what a home's controller is told of topics and cars; what clouds are, and when something is published, is not its business",
	},
	"internal/hass/hasstest": {
		std: true, alone: true,
		why: "it reads messages as Home Assistant would; if it shared code with what writes them, both could be wrong in the same way and agree",
	},
	"internal/config": {
		may: []string{"internal/redact", "vehicle"},
		why: "it says what the user wants; turning that into parts is the composition root's work",
	},
	"internal/abrp": {
		may: []string{"vehicle"},
		why: "it tells others what a car reports; how that was learnt is not its business",
	},
	"internal/owntracks": {
		may: []string{"vehicle"}, pure: true,
		why: "it words a position; who publishes it is not its business",
	},
	"internal/guard": {
		may: []string{"bluelink", "internal/redact", "internal/store", "vehicle"},
		why: "its decorators must fit every cloud and every front, so it can know neither a family nor the bridge",
	},
	"internal/bridge": {
		may: []string{"bluelink", "internal/redact", "internal/store", "internal/topic", "vehicle"},
		why: "the heart asks through small ports: never a family (a new region must not touch it), never a client library's types (a new broker must not touch it)",
	},
	"internal/app": {
		may: []string{"bluelink", "bluelink/clouds", "internal/", "vehicle"},
		why: "the composition root joins all parts; families come in through the one table, and the simulator only beside it, in cmd",
	},
	"cmd/bluelink2mqtt": {
		may: []string{
			"bluelink", "bluelink/clouds", "internal/app", "internal/config", "internal/control", "internal/redact", "sim", "vehicle",
		},
		why: "the front door reads flags and hands over; what it joined by itself no test of internal/app would see",
	},
	"test/e2e":   {any: true, why: "it looks at the whole from outside"},
	"test/house": {alone: true, why: "rules about code that depend on that code could not judge it"},
}

// doors names the libraries that come in at one place, so that they can be exchanged at one place.
var doors = map[string]struct{ room, why string }{
	"github.com/eclipse/paho.golang":     {"internal/mqtt", "the MQTT client stays behind internal/mqtt"},
	"github.com/mochi-mqtt/server":       {"internal/broker", "the embedded broker stays behind internal/broker"},
	"go.etcd.io/bbolt":                   {"internal/store", "the database stays behind internal/store"},
	"github.com/failsafe-go/failsafe-go": {"internal/guard", "breaker and bulkhead stay behind internal/guard"},
	"github.com/spf13/cobra":             {"cmd/bluelink2mqtt", "only the command line knows about flags"},
}

// onlyInTests are libraries that never reach the binary.
var onlyInTests = map[string]string{
	"pgregory.net/rapid":                  "its licence is for tests here",
	"go.uber.org/goleak":                  "it looks for leaks in tests",
	"github.com/eclipse/paho.mqtt.golang": "it judges our 3.1.1 from outside; the client translates, see internal/mqtt",
	"github.com/rogpeppe/go-internal":     "it drives the command line in tests",
	"testing":                             "a binary that imports it carries its flags",
}

// suite says whether a folder holds code that only tests import: its name ends in test, as in httptest.
func suite(dir string) bool { return strings.HasSuffix(dir, "test") || strings.HasPrefix(dir, "test/") }

func TestImports_StayWithinTheirRoom(t *testing.T) {
	for _, f := range tree(t) {
		name := f.dir()
		rule, known := rooms[name]
		if !known && !suite(name) {
			t.Errorf("%s: the room %s has no row in test/house/imports_test.go: say what it may import, and why not more", f.path, name)
			continue
		}
		if !known || rule.any || f.test && !rule.alone {
			continue
		}
		for _, imported := range f.ast.Imports {
			path, err := strconv.Unquote(imported.Path.Value)
			if err != nil {
				t.Fatalf("%s: %v", f.path, err)
			}
			if !rule.allows(name, path, f.test) {
				t.Errorf("%s:%d: %s may not import %s: %s", f.path, f.line(imported), name, short(path), rule.why)
			}
		}
	}
}

func TestImports_LibrariesComeInThroughOneDoor(t *testing.T) {
	for _, f := range tree(t) {
		if f.test || suite(f.dir()) {
			continue
		}
		for _, imported := range f.ast.Imports {
			path, _ := strconv.Unquote(imported.Path.Value)
			for library, door := range doors {
				if within(path, library) && f.dir() != door.room {
					t.Errorf("%s:%d: %s: %s", f.path, f.line(imported), path, door.why)
				}
			}
			for library, why := range onlyInTests {
				if within(path, library) {
					t.Errorf("%s:%d: %s is for tests: %s", f.path, f.line(imported), path, why)
				}
			}
			if below, ours := strings.CutPrefix(path, module+"/"); ours && suite(below) {
				t.Errorf("%s:%d: %s is there for tests", f.path, f.line(imported), below)
			}
		}
	}
}

// TestImports_LintHoldsTheSameRules keeps .golangci.yml, which shows a wrong import while it is being
// typed, from drifting away from the table above.
func TestImports_LintHoldsTheSameRules(t *testing.T) {
	var lint struct {
		Linters struct {
			Settings struct {
				Depguard struct {
					Rules map[string]struct {
						Files []string `yaml:"files"`
						Mode  string   `yaml:"list-mode"`
						Allow []string `yaml:"allow"`
						Deny  []struct {
							Pkg string `yaml:"pkg"`
						} `yaml:"deny"`
					} `yaml:"rules"`
				} `yaml:"depguard"`
			} `yaml:"settings"`
		} `yaml:"linters"`
	}
	text, err := os.ReadFile(filepath.Join(root, ".golangci.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &lint); err != nil {
		t.Fatalf("read .golangci.yml: %v", err)
	}
	rules := lint.Linters.Settings.Depguard.Rules

	for name, rule := range rooms {
		if rule.any || name == "test/house" {
			continue
		}
		held, found := rules[name]
		if !found {
			t.Errorf(".golangci.yml has no depguard rule %q", name)
			continue
		}
		if want := "${base-path}/" + name + "/*.go"; !slices.Contains(held.Files, want) {
			t.Errorf("depguard rule %q looks at %q, want %q", name, held.Files, want)
		}
		var ours []string
		for _, allowed := range held.Allow {
			if below, ok := strings.CutPrefix(allowed, module+"/"); ok {
				ours = append(ours, strings.TrimSuffix(below, "$"))
			}
		}
		slices.Sort(ours)
		if want := slices.Sorted(slices.Values(rule.may)); !slices.Equal(ours, want) {
			t.Errorf("depguard rule %q allows %q, the table %q", name, ours, want)
		}
		strict := rule.std || rule.pure
		if strict != (held.Mode == "strict") || strict != slices.Contains(held.Allow, "$gostd") {
			t.Errorf("depguard rule %q has mode %q and allows %q, which says something else than the table", name, held.Mode, held.Allow)
		}
		if !strict && (len(held.Deny) != 1 || held.Deny[0].Pkg != module) {
			t.Errorf("depguard rule %q does not deny the rest of %s", name, module)
		}
	}
	for library, door := range doors {
		found := false
		for _, rule := range rules {
			found = found || len(rule.Deny) == 1 && rule.Deny[0].Pkg == library &&
				slices.Contains(rule.Files, "!${base-path}/"+door.room+"/*.go")
		}
		if !found {
			t.Errorf(".golangci.yml does not keep %s behind %s", library, door.room)
		}
	}
}

// allows says whether a file of the room may import path.
func (r room) allows(name, path string, test bool) bool {
	below, ours := strings.CutPrefix(path, module+"/")
	if ours {
		return test && below == name || slices.ContainsFunc(r.may, func(allowed string) bool {
			return below == allowed || strings.HasSuffix(allowed, "/") && strings.HasPrefix(below, allowed)
		})
	}
	standard := !strings.Contains(strings.Split(path, "/")[0], ".")
	switch {
	case test || standard:
		return true
	case r.std:
		return false
	case r.pure:
		return strings.HasPrefix(path, "golang.org/x/")
	default:
		return true
	}
}

// within says whether path is the library or a package of it.
func within(path, library string) bool {
	return path == library || strings.HasPrefix(path, library+"/")
}

// short names our own packages by their folder.
func short(path string) string { return strings.TrimPrefix(path, module+"/") }
