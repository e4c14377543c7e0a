package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
)

// Whichever sources speak of a key, the strongest one counts, and the configuration knows which it was.
func TestLoad_TheStrongestSourceCounts(t *testing.T) {
	sources := in(t, nil)
	rapid.Check(t, func(rt *rapid.T) {
		// Two keys at once: one with an old name, one without.
		var file, dotEnv strings.Builder
		file.WriteString(account)
		var environ []string
		var flags []Override
		type want struct {
			value string
			layer layer
		}
		wanted := map[string]want{"mqtt.host": {"localhost", defaults}, "mqtt.server_name": {"", defaults}}
		says := func(source string) bool { return rapid.Bool().Draw(rt, source) }

		file.WriteString("mqtt:\n  port: 1\n")
		if says("file") {
			file.WriteString("  host: file\n")
			wanted["mqtt.host"] = want{"file", fromFile}
		}
		if says("file, tls") {
			file.WriteString("  tls: {server_name: file}\n")
			wanted["mqtt.server_name"] = want{"file", fromFile}
		}
		for _, outside := range []struct {
			layer layer
			set   func(name, value string)
		}{
			{fromDotEnv, func(name, value string) { fmt.Fprintf(&dotEnv, "%s=%s\n", name, value) }},
			{fromEnvironment, func(name, value string) { environ = append(environ, name+"="+value) }},
		} {
			for _, name := range rapid.Permutation([]string{"BLUELINK_MQTT_HOST", "MQTT_BROKER_HOST", "BLUELINK_MQTT_TLS_SERVER_NAME"}).Draw(rt, "order") {
				if !says(fmt.Sprint(outside.layer, name)) {
					continue
				}
				value := strings.ToLower(strings.ReplaceAll(name, "_", "-")) + strconv.Itoa(int(outside.layer))
				outside.set(name, value)
				key := "mqtt.host"
				if strings.HasSuffix(name, "NAME") {
					key = "mqtt.server_name"
				}
				if before := wanted[key]; before.layer < outside.layer || name == "MQTT_BROKER_HOST" {
					wanted[key] = want{value, outside.layer}
				}
			}
		}
		if says("flag") {
			flags = append(flags, Override{"mqtt.host", "flag", "--host"})
			wanted["mqtt.host"] = want{"flag", fromFlags}
		}
		write(rt, sources.Dir, LocalFile, file.String())
		write(rt, sources.Dir, DotEnv, dotEnv.String())
		sources.Environ, sources.Overrides = environ, flags

		c, _, err := Load(sources)
		if err != nil {
			rt.Fatal(err)
		}
		if w := wanted["mqtt.host"]; c.MQTT.Host != w.value || c.Origin("mqtt.host").layer != w.layer {
			rt.Errorf("host is %s from %s, want %+v", c.MQTT.Host, c.Origin("mqtt.host"), w)
		}
		if w := wanted["mqtt.server_name"]; c.MQTT.TLS.ServerName != w.value || c.Origin("mqtt.tls.server_name").layer != w.layer {
			rt.Errorf("server name is %s from %s, want %+v", c.MQTT.TLS.ServerName, c.Origin("mqtt.tls.server_name"), w)
		}
	})
}

type fataler interface{ Fatal(args ...any) }

func write(t fataler, dir, name, text string) {
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// Wherever secrets stand, and whatever else is wrong: nothing that is printed holds one.
func TestLoad_NeverPrintsASecret(t *testing.T) {
	sources := in(t, nil)
	rapid.Check(t, func(rt *rapid.T) {
		secret := rapid.StringMatching(`[a-z*&!%@#'"{\[|>:-]?zq[a-zA-Z0-9 :#'"%&*!]{6,12}qz`).Draw(rt, "secret")
		quoted, err := yaml.Marshal(secret)
		if err != nil {
			rt.Fatal(err)
		}
		text := strings.TrimSpace(string(quoted))
		if rapid.Bool().Draw(rt, "unquoted") {
			text = secret
		}
		keys := []string{"username", "password", "pin", "refresh_token", "passwort", "pin_file", "password_file", "password_fil"}
		var file strings.Builder
		file.WriteString("accounts:\n  - region: eu\n    brand: kia\n")
		for _, key := range keys {
			if rapid.Bool().Draw(rt, key) {
				file.WriteString("    " + key + rapid.SampledFrom([]string{": ", ": ", ": ", ":", "=", ": - "}).Draw(rt, "colon") + text + "\n")
			}
		}
		file.WriteString("mqtt:\n  password: " + text + "\n" + rapid.SampledFrom([]string{"", "  username: x\n", " bad: x\n", "prot: 1\n"}).Draw(rt, "end"))
		var environ []string
		var dotEnv strings.Builder
		for _, name := range []string{"HYUNDAI_PASSWORD", "HYUNDAI_PIN", "HYUNDAI_PASSWORD_FILE", "BLUELINK_BROKER_PASSWORD", "BLUELINK_BROKER_PASWORD", "BLUELINK_MQTT_PASSWORD_FILE"} {
			switch rapid.IntRange(0, 5).Draw(rt, name) {
			case 0:
				environ = append(environ, name+"="+secret)
			case 1:
				fmt.Fprintf(&dotEnv, "%s=%s\n", name, secret)
			case 2:
				fmt.Fprintf(&dotEnv, "%s %q\n", name, secret)
			}
		}
		write(rt, sources.Dir, LocalFile, file.String())
		write(rt, sources.Dir, DotEnv, dotEnv.String())
		sources.Environ = environ

		c, warned, err := Load(sources)
		printed := fmt.Sprint(warned, err)
		if c != nil {
			var out strings.Builder
			if err := c.Write(&out, true); err != nil {
				rt.Fatal(err)
			}
			printed += out.String() + fmt.Sprintf("%v %+v %#v", c, *c, c.Accounts)
		}
		// Each secret holds one of these, however it was cut.
		for _, part := range []string{"zq", "qz"} {
			if strings.Contains(printed, part) {
				rt.Fatalf("%q stands in\n%s\nof the file\n%s\nand\n%s", secret, printed, file.String(), dotEnv.String())
			}
		}
	})
}

func TestConfig_KnowsAllItsSecrets(t *testing.T) {
	c := load(t, in(t, map[string]string{"bluelink2mqtt.yaml": `
accounts:
  - {region: eu, brand: kia, username: one@example.com, password: two, pin: 3333, refresh_token: four}
mqtt: {username: x, password: five}
broker: {password: six, username: y}
store: {key: seven}
abrp: {api_key: eight}
vehicles: [{vin: KMHAA81CBNU000001, abrp_token: nine}]
`}))
	want := []string{"five", "six", "seven", "eight", "one@example.com", "two", "3333", "four", "nine"}
	if got := c.Secrets(); !slices.Equal(got, want) {
		t.Errorf("secrets are %v, want %v", got, want)
	}
	secrets := 0
	for i := range keys().list {
		if keys().list[i].Secret {
			secrets++
		}
	}
	if secrets != len(want) {
		t.Errorf("%d keys are secrets, but Secrets gives %d of them", secrets, len(want))
	}
	if out := printed(t, c); strings.Count(out, redact.Mask) != len(want) {
		t.Errorf("not %d masks in\n%s", len(want), out)
	}
}

// Whatever a file holds, reading it ends, and each problem has a place.
func FuzzLoad_File(f *testing.F) {
	f.Add(account)
	f.Add(Example())
	f.Add(uncommented(Example()))
	f.Add("accounts: &a\n  - *a\n")
	f.Add("a: &a [*a, *a]\nmqtt: *a\n")
	f.Add("{mqtt: {tls: {enabled: [}}}")
	f.Add("? [a]\n: b\n<<: {x: 1}\n")
	f.Add("--- !!binary |\n  x\n---\nb")
	f.Fuzz(func(t *testing.T, text string) { expectPlaces(t, text, "") })
}

func FuzzLoad_DotEnv(f *testing.F) {
	f.Add("HYUNDAI_USERNAME=a\nexport HYUNDAI_PASSWORD='b'\n")
	f.Add("A=\"\\\"\nB='\n")
	f.Add("BLUELINK_ACCOUNTS_0_NAME=x\nBLUELINK_ACCOUNTS_99999_NAME=y\nBLUELINK_ACCOUNTS_-1_NAME=z")
	f.Add("=\n# \n\x00=\xff\r\n")
	f.Fuzz(func(t *testing.T, text string) { expectPlaces(t, "", text) })
}

func expectPlaces(t *testing.T, file, dotEnv string) {
	dir := t.TempDir()
	write(t, dir, LocalFile, file)
	write(t, dir, DotEnv, dotEnv)
	c, warned, err := Load(Sources{Dir: dir, System: filepath.Join(dir, "none")})
	var all *Problems
	switch {
	case err == nil && c == nil, err != nil && !errors.As(err, &all):
		t.Fatalf("Load gave %v, %v", c, err)
	case err == nil:
		for _, w := range warned {
			if w.Key == "" && w.Line == 0 {
				t.Errorf("a warning without a place: %+v", w)
			}
		}
		return
	}
	lines := 1 // YAML ends them in many ways
	for _, end := range []string{"\n", "\r", "\u0085", "\u2028", "\u2029"} {
		lines += strings.Count(file+dotEnv, end)
	}
	for _, p := range all.List {
		if p.Key == "" && p.Line == 0 || p.Line < 0 || p.Message == "" {
			t.Errorf("a problem without a place: %+v", p)
		}
		if p.Line > lines+1 {
			t.Errorf("line %d of %d: %+v", p.Line, lines, p)
		}
	}
}

// A line that parseDotEnv reads can be written again and reads the same.
func TestDotEnv_ReadsBackWhatIsQuoted(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		want := rapid.String().Filter(func(s string) bool { return !strings.Contains(s, "\r") }).Draw(rt, "value")
		text := "NAME='" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(want) + "'\nNEXT=1\n"
		var f findings
		got := parseDotEnv(&f, DotEnv, text)
		if len(got) != 2 || got[0].value != want || got[1].value != "1" {
			rt.Errorf("%q reads as %+v (%+v)", text, got, f)
		}
	})
}
