package config

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write docs/configuration.md anew")

// uncommented sets all keys of the example, as its head says: remove the # that touches a key.
func uncommented(example string) string {
	return regexp.MustCompile(`(?m)^( *)#([^\s#]|  )`).ReplaceAllString(example, "$1$2")
}

func TestExample_ChangesNothingAsItStands(t *testing.T) {
	c := load(t, in(t, map[string]string{"bluelink2mqtt.yaml": Example()}, old...))
	c.Accounts = nil
	expectEqual(t, c, Default())
}

func TestExample_IsTheDefaultsWithEveryKeySet(t *testing.T) {
	c := load(t, in(t, map[string]string{"bluelink2mqtt.yaml": uncommented(Example())}))
	if len(c.Accounts) != 1 || c.Accounts[0].Name != "hyundai-eu" || len(c.Vehicles) != 1 {
		t.Errorf("the entries of its lists are\n%s", printed(t, c))
	}
	c.Accounts, c.Vehicles, c.Presets, c.Zones = nil, nil, nil, nil
	expectEqual(t, c, Default())
}

func TestExample_HasEveryKeyAndVariable(t *testing.T) {
	for _, key := range Keys() {
		for _, name := range append(key.Variables(), key.name()) {
			if !key.File && !strings.Contains(Example(), name) {
				t.Errorf("%s does not stand in the example", name)
			}
		}
		if key.Doc == "" || strings.HasSuffix(key.Doc, ".") {
			t.Errorf("%s: %q is no meaning: one or two sentences without a full stop at the end", key.Path, key.Doc)
		}
	}
}

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("config.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("config.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// fits asks the schema about a file as an editor does.
func fits(t *testing.T, schema *jsonschema.Schema, text string) error {
	t.Helper()
	var value any
	if err := yaml.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err)
	}
	plain, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(plain))
	if err != nil {
		t.Fatal(err)
	}
	return schema.Validate(instance)
}

func TestSchema_AcceptsTheExampleAndWhatLoads(t *testing.T) {
	schema := compiled(t)
	for name, text := range map[string]string{
		"the example":                Example(),
		"the example, uncommented":   uncommented(Example()),
		"an account":                 account,
		"numbers of the old service": "accounts: [{region: 1, brand: 2, pin: 1234, include: [KMHAA81CBNU000001]}]",
		"the broker's short form":    "broker: embedded",
		"the broker's long form":     "broker: {mode: embedded, listen: \"127.0.0.1:1\"}",
		"off":                        "refresh: {interval: off}\nhttp: {listen: off}",
		"durations":                  "refresh: {interval: 1h30m}\nstale_after: 2d",
	} {
		if err := fits(t, schema, text); err != nil {
			t.Errorf("%s does not fit: %v", name, err)
		}
	}
}

func TestSchema_RefusesWhatDoesNotLoad(t *testing.T) {
	schema := compiled(t)
	for _, text := range []string{
		"prot: 1", "mqtt: {prot: 1}", "mqtt: {port: 70000}", "mqtt: {port: x}", "accounts: {}", "accounts: [{nme: x}]", "units: furlongs",
		"refresh: {interval: 30}", "refresh: {initial: 1}", "broker: inside", "vehicles: [{vin: x}]", "mqtt: {tls: {ca: x}}",
	} {
		if fits(t, schema, text) == nil {
			t.Errorf("%q fits", text)
		}
	}
}

const (
	page  = "../../docs/configuration.md"
	begin = "<!-- written by go test ./internal/config -update: begin -->\n"
	end   = "<!-- end -->\n"
)

func TestPage_HasTheTableOfKeys(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s lacks the marks of its table", page)
	}
	want := before + begin + "\n" + Table() + "\n" + end + after
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatalf("%s is stale: go test ./internal/config -update", page)
	}
	if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
		t.Fatal(err)
	}
}
