package config

import (
	"log/slog"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// old is the least that the service before needed, but for its PIN.
var old = []string{"HYUNDAI_USERNAME=me@example.com", "HYUNDAI_PASSWORD=hunter2hunter2"}

func withOld(more ...string) []string { return append(slices.Clone(old), more...) }

func TestDropIn_EveryVariableOfTheServiceBeforeKeepsItsMeaning(t *testing.T) {
	for _, test := range []struct {
		variables []string
		set       func(want *Config)
	}{
		{[]string{"HYUNDAI_REGION=3"}, func(c *Config) { c.Accounts[0].Region = vehicle.USA }},
		{[]string{"HYUNDAI_REGION=EU"}, func(*Config) {}}, // compose's default, which crashed the service before
		{[]string{"HYUNDAI_BRAND=1"}, func(c *Config) { c.Accounts[0].Brand = vehicle.Kia }},
		{[]string{"HYUNDAI_BRAND=2"}, func(c *Config) { c.Accounts[0].Brand = vehicle.Hyundai }},
		{[]string{"HYUNDAI_BRAND=hyundai"}, func(c *Config) { c.Accounts[0].Brand = vehicle.Hyundai }},
		{[]string{"HYUNDAI_VEHICLE_ID=x", "MQTT_QOS=2"}, func(*Config) {}},
		{[]string{"MQTT_BROKER_HOST=broker"}, func(c *Config) { c.MQTT.Host = "broker" }},
		{[]string{"MQTT_BROKER_PORT=1884"}, func(c *Config) { c.MQTT.Port = 1884 }},
		{[]string{"MQTT_USERNAME=bridge"}, func(*Config) {}},
		{[]string{"MQTT_PASSWORD=broker-password"}, func(*Config) {}},
		{[]string{"MQTT_USE_TLS=YES"}, func(c *Config) { c.MQTT.TLS.Enabled = true }}, // and the port stays
		{[]string{"MQTT_CLIENT_ID=x"}, func(c *Config) { c.MQTT.ClientID = "x" }},
		{[]string{"MQTT_BASE_TOPIC=home/cars"}, func(c *Config) { c.MQTT.BaseTopic = "home/cars" }},
		{[]string{"LOG_LEVEL=WARNING"}, func(c *Config) { c.Log.Level = slog.LevelWarn }},
		{[]string{"LOG_LEVEL=debug"}, func(c *Config) { c.Log.Level = slog.LevelDebug }},
		{[]string{"INITIAL_REFRESH=false"}, func(c *Config) { c.Refresh.Initial = false }},
		{[]string{"REFRESH_INTERVAL=45"}, func(c *Config) { c.Refresh.Interval = 45 * time.Minute }},
		{[]string{"REFRESH_INTERVAL=0"}, func(*Config) {}},
		{[]string{"BLUELINK_REFRESH_INTERVAL=2h"}, func(c *Config) { c.Refresh.Interval = 2 * time.Hour }},
	} {
		t.Run(strings.Join(test.variables, ","), func(t *testing.T) {
			got := load(t, in(t, nil, withOld(test.variables...)...))
			want := Default()
			a := newAccount()
			a.Name, a.Region, a.Brand = "default", vehicle.Europe, vehicle.Kia
			a.Username, a.Password = got.Accounts[0].Username, got.Accounts[0].Password
			want.Accounts = []Account{a}
			want.FromDropIn, want.Refresh.Interval, want.ReadyFile = true, 0, "/tmp/service-ready"
			test.set(want)
			expectEqual(t, got, want)
			if a.Username.Reveal() != "me@example.com" || a.Password.Reveal() != "hunter2hunter2" {
				t.Error("the account has other credentials")
			}
		})
	}
}

func TestDropIn_EachVariableIsTested(t *testing.T) {
	// The page of the service before lists 17 variables; one without a row in dropIn would be ignored silently.
	if len(dropIn) != 17 {
		t.Errorf("%d variables, want 17", len(dropIn))
	}
	for _, o := range dropIn {
		if o.path != "" && keys().byPath[o.path] == nil {
			t.Errorf("%s sets %s, which is no key", o.name, o.path)
		}
	}
}

func TestDropIn_CredentialsOfTheBrokerCountOnlyTogether(t *testing.T) {
	c := load(t, in(t, nil, withOld("MQTT_USERNAME=bridge", "MQTT_PASSWORD=broker-password")...))
	if c.MQTT.Username != "bridge" || c.MQTT.Password.Reveal() != "broker-password" {
		t.Errorf("broker credentials are %+v", c.MQTT)
	}
	for _, alone := range []string{"MQTT_USERNAME", "MQTT_PASSWORD"} {
		expectWarning(t, in(t, nil, withOld(alone+"=something")...), "environment: "+alone+": is not used")
	}
	// Our own keys may say a user name without a password.
	c = load(t, in(t, nil, withOld("BLUELINK_MQTT_USERNAME=bridge")...))
	if c.MQTT.Username != "bridge" {
		t.Error("a user name alone is lost")
	}
}

func expectWarning(t *testing.T, sources Sources, begin string) {
	t.Helper()
	var found []string
	all := warnings(t, sources)
	for _, w := range all {
		if strings.HasPrefix(w, begin) {
			found = append(found, w)
		}
	}
	if len(found) != 1 {
		t.Errorf("%d warnings begin with %q, want one; all are\n%s", len(found), begin, strings.Join(all, "\n"))
	}
}

func TestDropIn_SaysOnceWhatMaySurprise(t *testing.T) {
	for variable, begin := range map[string]string{
		"HYUNDAI_BRAND=2":               "environment: HYUNDAI_BRAND: 2 means hyundai: 1 is kia, 2 hyundai, 3 genesis",
		"HYUNDAI_PIN=1":                 "environment: HYUNDAI_BRAND: is not set: signing in as kia",
		"HYUNDAI_VEHICLE_ID=x":          "environment: HYUNDAI_VEHICLE_ID: is accepted without effect",
		"MQTT_QOS=1":                    "environment: MQTT_QOS: is accepted without effect",
		"LOG_LEVEL=info":                "environment: REFRESH_INTERVAL: is not set: cars are read at the start and on command only",
		"REFRESH_INTERVAL=1":            "environment: REFRESH_INTERVAL: is short",
		"HYUNDAI_PASWORD=x":             "environment: HYUNDAI_PASWORD: is not a known variable; did you mean HYUNDAI_PASSWORD?",
		"BLUELINK_MQTT_HOST=x":          "environment: HYUNDAI_BRAND: is not set",
		"BLUELINK_CLOUD_URL=http://x:1": "environment: BLUELINK_CLOUD_URL: sends everything for the clouds to http://x:1",
	} {
		expectWarning(t, in(t, nil, withOld(variable)...), begin)
	}
	sources := in(t, nil, withOld("MQTT_BROKER_HOST=a", "BLUELINK_MQTT_HOST=b")...)
	expectWarning(t, sources, "environment: MQTT_BROKER_HOST: wins over BLUELINK_MQTT_HOST")
	if got := load(t, sources).MQTT.Host; got != "a" {
		t.Errorf("host is %s: the old name wins for its key", got)
	}
}

func TestDropIn_OthersMayUseTheSamePrefixes(t *testing.T) {
	for _, w := range warnings(t, in(t, nil, withOld("HYUNDAI_BRAND=kia", "REFRESH_INTERVAL=30", "MQTT_EXPLORER=1", "MQTT_PORT=x",
		"BLUELINK_SERVICE_HOST=10.0.0.1", "BLUELINK_PORT=tcp://10.0.0.1:80", "BLUELINK_PORT_80_TCP_ADDR=10.0.0.1")...)) {
		t.Errorf("warning: %s", w)
	}
}

func TestDropIn_AFileMakesItAnOrdinaryConfiguration(t *testing.T) {
	c := load(t, in(t, map[string]string{"bluelink2mqtt.yaml": "units: metric\n"}, old...))
	if c.FromDropIn || c.Refresh.Interval != 30*time.Minute || c.ReadyFile != "" || c.Accounts[0].Name != "default" {
		t.Errorf("configuration is\n%s", printed(t, c))
	}
}

func TestDropIn_VariablesOfOursDoNotEndIt(t *testing.T) {
	c := load(t, in(t, nil, withOld("BLUELINK_HTTP_LISTEN=127.0.0.1:1", "BLUELINK_STATE_DIR=/state")...))
	if !c.FromDropIn || c.Refresh.Interval != 0 || c.Store.Dir != "/state" {
		t.Errorf("configuration is\n%s", printed(t, c))
	}
	c = load(t, in(t, nil, withOld("BLUELINK_STATE_DIR=/state", "BLUELINK_STORE_DIR=/store")...))
	if c.Store.Dir != "/store" {
		t.Errorf("store.dir is %s: its own name wins over the other one", c.Store.Dir)
	}
}

func TestLoad_LimitsAreOffWithASimulatorUnlessAsked(t *testing.T) {
	for _, test := range []struct {
		environ []string
		want    bool
	}{
		{nil, true},
		{[]string{"BLUELINK_CLOUD_URL=http://127.0.0.1:8089/"}, false},
		{[]string{"BLUELINK_CLOUD_URL=http://127.0.0.1:8089/", "BLUELINK_LIMITS_ENABLED=true"}, true},
	} {
		c := load(t, in(t, nil, withOld(test.environ...)...))
		if c.Limits.Enabled != test.want {
			t.Errorf("%v: limits are %t", test.environ, c.Limits.Enabled)
		}
		if test.environ != nil && c.CloudURL != "http://127.0.0.1:8089" {
			t.Errorf("cloud_url is %s", c.CloudURL)
		}
	}
}

func TestDotEnv_ReadsWhatTheServiceBeforeRead(t *testing.T) {
	text := strings.ReplaceAll(`# a comment
  export HYUNDAI_USERNAME = me@example.com  # the account
HYUNDAI_PASSWORD='single # "quoted" \' \\ \n $x'
PLAIN=with#hash and space   # comment
HASH=#first
QUOTED="a \"b\" \\ \n\tc" # comment
LINES="one
two"
EMPTY=
SPACES=   
EQUALS=a=b
AFTER=yes`, "\n", "\r\n")
	want := []variable{
		{name: "HYUNDAI_USERNAME", value: "me@example.com"},
		{name: "HYUNDAI_PASSWORD", value: `single # "quoted" ' \ \n $x`},
		{name: "PLAIN", value: "with#hash and space"},
		{name: "HASH", value: "#first"},
		{name: "QUOTED", value: "a \"b\" \\ \n\tc"},
		{name: "LINES", value: "one\ntwo"},
		{name: "EMPTY"},
		{name: "SPACES"},
		{name: "EQUALS", value: "a=b"},
		{name: "AFTER", value: "yes"},
	}
	lines := []int{2, 3, 4, 5, 6, 7, 9, 10, 11, 12}
	for i := range want {
		want[i].origin = Origin{Source: DotEnv, Line: lines[i], Name: want[i].name, layer: fromDotEnv}
	}
	var f findings
	if got := parseDotEnv(&f, DotEnv, "\ufeff"+text); !reflect.DeepEqual(got, want) {
		t.Errorf("read\n%+v\nwant\n%+v", got, want)
	}
	if f.err() != nil || f.warnings != nil {
		t.Errorf("findings: %+v", f)
	}
}

func TestDotEnv_SaysWhatIsWrongAndWhere(t *testing.T) {
	sources := in(t, map[string]string{".env": `HYUNDAI_USERNAME=me@example.com
HYUNDAI_PASSWORD: hunter2hunter2
hunter2 hunter2=x
MQTT_PASSWORD="hunter2" hunter2
MQTT_BROKER_PORT=x
HYUNDAI_PIN='hunter2
BLUELINK_UNIT=car
`})
	var got []string
	for _, p := range problems(t, sources) {
		got = append(got, p.String())
	}
	expectProblems(t, got, []string{
		".env: HYUNDAI_PASSWORD: is missing", ".env:2: should be NAME=value", ".env:3: should be NAME=value",
		".env:4: MQTT_PASSWORD: something follows the closing quote", `.env:5: MQTT_BROKER_PORT: "x" is not a whole number`,
		".env:6: HYUNDAI_PIN: the closing quote is missing", ".env:7: BLUELINK_UNIT: is not a known variable; did you mean BLUELINK_UNITS?",
	})
}

func TestDotEnv_WarnsOfWhatIsReadOtherwiseElsewhere(t *testing.T) {
	sources := in(t, map[string]string{".env": "MQTT_BASE_TOPIC=a\nMQTT_BASE_TOPIC=b\nMQTT_CLIENT_ID=${HOST}\n"}, old...)
	expectWarning(t, sources, ".env:2: MQTT_BASE_TOPIC: stands here twice, first on line 1; this one counts")
	expectWarning(t, sources, ".env:3: MQTT_CLIENT_ID: ${…} is taken as it stands")
	if got := load(t, sources).MQTT.BaseTopic; got != "b" {
		t.Errorf("base topic is %s", got)
	}
}
