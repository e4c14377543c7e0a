package config

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// in writes files into a new working directory and gives sources that see nothing else.
func in(t *testing.T, files map[string]string, environ ...string) Sources {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return Sources{Dir: dir, Environ: environ, System: filepath.Join(dir, "etc", "config.yaml")}
}

// load expects a configuration without problems.
func load(t *testing.T, sources Sources) *Config {
	t.Helper()
	c, _, err := Load(sources)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return c
}

// problems expects a configuration with problems.
func problems(t *testing.T, sources Sources) []Problem {
	t.Helper()
	c, _, err := Load(sources)
	var all *Problems
	if !errors.As(err, &all) || c != nil {
		t.Fatalf("Load gave %v, want problems and no configuration", err)
	}
	return all.List
}

// warnings expects a configuration that loads, and gives its warnings as texts.
func warnings(t *testing.T, sources Sources) []string {
	t.Helper()
	_, all, err := Load(sources)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	var texts []string
	for _, w := range all {
		texts = append(texts, w.String())
	}
	return texts
}

// account is the shortest file that loads.
const account = "accounts:\n  - {region: eu, brand: hyundai, username: me@example.com, password: hunter2hunter2}\n"

func TestLoad_ReadsEveryKindOfKeyFromAFile(t *testing.T) {
	c := load(t, in(t, map[string]string{"bluelink2mqtt.yaml": `
accounts:
  - name: family
    region: Europe
    brand: Kia
    username: me@example.com
    password: "s3cret: with # and 'quotes'"
    pin: 0123
    language: de
    include: [kmhaa81cbnu000001, KMHAA81CBNU000002]
    exclude:
      - KMHAA81CBNU000003
  - {region: us, brand: genesis, username: you@example.com, refresh_token: token-of-a-sign-in}
vehicles:
  - {vin: KMHAA81CBNU000001, name: ioniq5}
mqtt:
  url: mqtts://broker.example:8884
  username: bridge
  password: broker-password
  base_topic: home/cars
  keepalive: 1m30s
  retain_location: yes
broker: external
refresh: {initial: false, interval: 2d}
units: METRIC
stale_after: 12h
limits: {breaker: {reads: 7}, deadline: {force: 5m}}
http: {listen: ":8080"}
log: {level: WARNING, format: json}
`}))
	a := c.Accounts[0]
	for name, got := range map[string]any{
		"a name":             a.Name == "family",
		"a region by name":   a.Region == vehicle.Europe,
		"a brand":            a.Brand == vehicle.Kia,
		"a password":         a.Password.Reveal() == "s3cret: with # and 'quotes'",
		"a PIN's zero":       a.PIN.Reveal() == "0123",
		"a VIN in capitals":  a.Include[0] == "KMHAA81CBNU000001",
		"a list by dashes":   a.Exclude[0] == "KMHAA81CBNU000003",
		"a second account":   c.Accounts[1].RefreshToken.Reveal() == "token-of-a-sign-in",
		"its name":           c.Accounts[1].Name == "genesis-us",
		"its language":       c.Accounts[1].Language == "en",
		"a name for a car":   c.VehicleName("kmhaa81cbnu000001") == "ioniq5",
		"none for another":   c.VehicleName("KMHAA81CBNU000002") == "",
		"the server":         c.MQTT.Server() == "mqtts://broker.example:8884",
		"a duration":         c.MQTT.KeepAlive == 90*time.Second,
		"a switch":           c.MQTT.RetainLocation,
		"a switch to false":  !c.Refresh.Initial,
		"a number of days":   c.Refresh.Interval == 48*time.Hour,
		"a word in capitals": c.Units == MetricUnits,
		"a section's part":   c.Limits.Breaker == Breaker{Reads: 7, Commands: 3, Open: time.Minute},
		"a level":            c.Log.Level == slog.LevelWarn,
	} {
		if got != true {
			t.Errorf("the file does not set %s: %+v", name, c)
		}
	}
	if c.FromDropIn {
		t.Error("a file with accounts passes for the old service's environment")
	}
}

func TestLoad_TakesTheFirstFileThatIsThere(t *testing.T) {
	files := map[string]string{
		"named.yaml":         account + "units: metric\nready_file: named",
		"variable.yaml":      account + "ready_file: variable",
		"bluelink2mqtt.yaml": account + "ready_file: local",
		"etc/config.yaml":    account + "ready_file: system",
	}
	step := func(want string, sources Sources) {
		t.Helper()
		if got := filepath.Base(load(t, sources).ReadyFile); got != want {
			t.Errorf("read the file %s, want %s", got, want)
		}
	}
	sources := in(t, files, "BLUELINK_CONFIG=variable.yaml")
	sources.Path = "named.yaml"
	step("named", sources)
	sources.Path = ""
	step("variable", sources)
	sources.Environ = nil
	step("local", sources)
	if err := os.Remove(filepath.Join(sources.Dir, LocalFile)); err != nil {
		t.Fatal(err)
	}
	step("system", sources)
	if err := os.WriteFile(filepath.Join(sources.Dir, DotEnv), []byte("BLUELINK_CONFIG=variable.yaml"), 0o600); err != nil {
		t.Fatal(err)
	}
	step("variable", sources)
}

func TestLoad_FileNamesInAFileBeginAtThatFile(t *testing.T) {
	sources := in(t, map[string]string{
		"etc/config.yaml":      "accounts:\n  - {region: eu, brand: kia, username: me@example.com, password_file: secrets/password}\nstore: {dir: state}\n",
		"etc/secrets/password": "from-the-file\n",
		"pin":                  "1234\r\n",
	}, "BLUELINK_ACCOUNTS_0_PIN_FILE=pin")
	c := load(t, sources)
	if got := c.Accounts[0].Password.Reveal(); got != "from-the-file" {
		t.Errorf("password is %q", got)
	}
	if got := c.Accounts[0].PIN.Reveal(); got != "1234" {
		t.Errorf("PIN is %q: names in variables begin at the working directory", got)
	}
	if want := filepath.Join(sources.Dir, "etc", "state"); c.Store.Dir != want {
		t.Errorf("store.dir is %s, want %s", c.Store.Dir, want)
	}
}

func TestLoad_AnEmptyValueCountsAsNotSet(t *testing.T) {
	c := load(t, in(t, map[string]string{
		"bluelink2mqtt.yaml": account + "mqtt:\n  host: \"\"\n  port:\nbroker:\nvehicles:\nlog: ~\n",
		".env":               "MQTT_BASE_TOPIC=cars\nLOG_LEVEL=\n",
	}, "MQTT_BASE_TOPIC=", "BLUELINK_UNITS= ", "HYUNDAI_VEHICLE_ID="))
	want := Default()
	want.MQTT.BaseTopic = "cars"
	c.Accounts = nil
	expectEqual(t, c, want)
}

// expectEqual compares what configurations say, not where from.
func expectEqual(t *testing.T, got, want *Config) {
	t.Helper()
	plain := func(c *Config) Config {
		copied := *c
		copied.origins, copied.File = nil, ""
		return copied
	}
	if !reflect.DeepEqual(plain(got), plain(want)) {
		t.Errorf("configuration is\n%s\nwant\n%s", printed(t, got), printed(t, want))
	}
}

func printed(t *testing.T, c *Config) string {
	t.Helper()
	var out strings.Builder
	if err := c.Write(&out, true); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestLoad_AddsEntriesOfListsFromTheEnvironment(t *testing.T) {
	c := load(t, in(t, map[string]string{"bluelink2mqtt.yaml": account},
		"BLUELINK_ACCOUNTS_1_REGION=eu", "BLUELINK_ACCOUNTS_1_BRAND=kia", "BLUELINK_ACCOUNTS_1_USERNAME=you@example.com",
		"BLUELINK_ACCOUNTS_1_PASSWORD=second-password", "BLUELINK_ACCOUNTS_0_PASSWORD=other-password",
		"BLUELINK_ACCOUNTS_0_INCLUDE=KMHAA81CBNU000001, KMHAA81CBNU000002",
		"BLUELINK_VEHICLES_0_VIN=KMHAA81CBNU000001", "BLUELINK_VEHICLES_0_NAME=ioniq5"))
	if len(c.Accounts) != 2 || c.Accounts[0].Password.Reveal() != "other-password" || c.Accounts[1].Name != "kia-eu" {
		t.Errorf("accounts are %+v", c.Accounts)
	}
	if got := c.Accounts[0].Include; !reflect.DeepEqual(got, []vehicle.VIN{"KMHAA81CBNU000001", "KMHAA81CBNU000002"}) {
		t.Errorf("include is %v", got)
	}
	if c.VehicleName("KMHAA81CBNU000001") != "ioniq5" {
		t.Errorf("vehicles are %+v", c.Vehicles)
	}
}

func TestLoad_EachVariableSetsItsKey(t *testing.T) {
	for i := range keys().list {
		key := &keys().list[i]
		if key.Section || key.File || key.inList() {
			continue
		}
		text := map[string]string{
			"mqtt.url": "ws://example:9001/mqtt", "mqtt.base_topic": "some/where", "http.listen": "127.0.0.1:9",
			"broker.listen": "127.0.0.1:9", "broker.websocket": "127.0.0.1:10", "cloud_url": "http://127.0.0.1:9",
			"mqtt.tls.ca_file": "file", "mqtt.tls.cert_file": "file", "mqtt.tls.key_file": "file", "log.level": "error",
			"limits.wakes.automatic.per_day": "3", "refresh.vacation_until": "2026-08-31", "limits.wakes.automatic.max_parked": "17h",
			"permissions.allow": "lock, climate-start",
		}[key.Path]
		switch {
		case text != "":
		case key.typ == durationType:
			text = "17m"
		case key.typ.Kind() == reflect.Bool:
			text = map[string]string{"true": "false", "false": "true"}[key.Default()]
		case key.typ.Kind() == reflect.Int:
			text = "17"
		case len(key.OneOf) > 0:
			text = key.OneOf[len(key.OneOf)-1]
		default:
			text = "something"
		}
		t.Run(key.Variable(), func(t *testing.T) {
			environ := []string{key.Variable() + "=" + text}
			switch key.Path { // what belongs together
			case "mqtt.password":
				environ = append(environ, "BLUELINK_MQTT_USERNAME=someone")
			case "mqtt.tls.cert_file", "mqtt.tls.key_file":
				environ = append(environ, "BLUELINK_MQTT_TLS_CERT_FILE=file", "BLUELINK_MQTT_TLS_KEY_FILE=file")
			}
			c := load(t, in(t, map[string]string{"bluelink2mqtt.yaml": account, "file": "PEM"}, environ...))
			got, ok := key.field(c, 0).Interface().(redact.Secret)
			if ok && got.Reveal() != text {
				t.Errorf("%s is another secret", key.Path)
			}
			if value := key.text(key.field(c, 0)); value == key.Default() {
				t.Errorf("%s is still %s", key.Path, value)
			}
			if at := c.Origin(key.Path); at.Source != FromEnvironment || at.Name != key.Variable() {
				t.Errorf("%s comes from %s", key.Path, at)
			}
		})
	}
}

func TestLoad_FlagsWinOverEverything(t *testing.T) {
	sources := in(t, map[string]string{"bluelink2mqtt.yaml": account + "http: {listen: \":1\"}"}, "BLUELINK_HTTP_LISTEN=:2")
	sources.Overrides = []Override{{"http.listen", ":3", "--http-listen"}, {"log.level", "", "--log-level"}}
	c := load(t, sources)
	if c.HTTP.Listen != ":3" || c.Origin("http.listen").String() != "command line: --http-listen" {
		t.Errorf("http.listen is %s from %s", c.HTTP.Listen, c.Origin("http.listen"))
	}
	sources.Overrides[0].Value = "off"
	if c := load(t, sources); c.HTTP.Listen != "" {
		t.Errorf("http.listen is %q after off", c.HTTP.Listen)
	}
}

func TestLoad_TheStrongerOfURLAndHostCounts(t *testing.T) {
	file := map[string]string{"bluelink2mqtt.yaml": account + "mqtt: {url: mqtts://secure.example:8883}"}
	if got := load(t, in(t, file)).MQTT.Server(); got != "mqtts://secure.example:8883" {
		t.Errorf("server is %s", got)
	}
	if got := load(t, in(t, file, "MQTT_BROKER_HOST=other")).MQTT.Server(); got != "mqtt://other:1883" {
		t.Errorf("server is %s, although the environment names a host", got)
	}
	host := map[string]string{"bluelink2mqtt.yaml": account + "mqtt: {host: \"[::1]\", tls: {enabled: true}}"}
	if got := load(t, in(t, host)).MQTT.Server(); got != "mqtts://[::1]:1883" {
		t.Errorf("server is %s", got)
	}
	if got := load(t, in(t, host, "BLUELINK_MQTT_URL=wss://x/mqtt")).MQTT.Server(); got != "wss://x/mqtt" {
		t.Errorf("server is %s, although the environment gives an address", got)
	}
}

func TestLoad_VersionOfMQTTNeedsNoQuotes(t *testing.T) {
	for text, want := range map[string]MQTTVersion{"": AutoMQTT, "version: 5": MQTT5, "version: 3.1.1": MQTT311, `version: "5"`: MQTT5} {
		if got := load(t, in(t, map[string]string{"bluelink2mqtt.yaml": account + "mqtt: {" + text + "}"})).MQTT.Version; got != want {
			t.Errorf("%q is version %q", text, got)
		}
	}
	all := problems(t, in(t, map[string]string{"bluelink2mqtt.yaml": account + "mqtt: {version: 4}"}))
	if len(all) != 1 || !strings.Contains(all[0].Message, "3.1.1") {
		t.Errorf("version 4: %v", all)
	}
}

func TestAccount_WantsWhatIsIncludedAndNotExcluded(t *testing.T) {
	const one, two = vehicle.VIN("KMHAA81CBNU000001"), vehicle.VIN("KMHAA81CBNU000002")
	for _, test := range []struct {
		account  Account
		one, two bool
	}{
		{Account{}, true, true},
		{Account{Include: []vehicle.VIN{one}}, true, false},
		{Account{Exclude: []vehicle.VIN{one}}, false, true},
		{Account{Include: []vehicle.VIN{one, two}, Exclude: []vehicle.VIN{two}}, true, false},
	} {
		if test.account.Wants(one) != test.one || test.account.Wants(two) != test.two {
			t.Errorf("%+v wants %t, %t", test.account, test.account.Wants(one), test.account.Wants(two))
		}
	}
}
