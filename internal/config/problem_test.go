package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
)

// fine is an account to which a test adds lines; they begin on line 6.
const fine = `accounts:
  - region: eu
    brand: hyundai
    username: me@example.com
    password: hunter2hunter2
`

func TestLoad_SaysWhatIsWrongAndWhere(t *testing.T) {
	const file = "bluelink2mqtt.yaml"
	for _, test := range []struct {
		name string
		text string
		want []string // each problem: place, then what its message must contain
	}{
		{"an unknown key", fine + "mqtt:\n  prot: 1883\n", []string{file + ":7: mqtt.prot: is not a known key; did you mean mqtt.port?"}},
		{"an unknown section", fine + "mqqt:\n  port: 1883\n", []string{file + ":6: mqqt: is not a known key; did you mean mqtt?"}},
		{"a key at the wrong place", fine + "host: broker\n", []string{file + ":6: host: is not a known key; did you mean mqtt.host?"}},
		{"a key like nothing", fine + "xyzzy: 1\n", []string{file + ":6: xyzzy: is not a known key"}},
		{"a key of the other list", fine + "    vin: KMHAA81CBNU000001\n", []string{file + ":6: accounts[0].vin: is not a known key; did you mean vehicles[].vin?"}},
		{"a misspelt key of an account", strings.Replace(fine, "username", "usrname", 1), []string{
			file + ":2: accounts[0].username: is missing", file + ":4: accounts[0].usrname: is not a known key; did you mean accounts[].username?",
		}},
		{"a key twice", fine + "units: car\nunits: metric\n", []string{file + ":7: units: stands here twice, first on line 6"}},
		{"a number out of range", fine + "mqtt: {port: 70000}\n", []string{file + ":6: mqtt.port: 70000 is out of range: 1 to 65535"}},
		{"a text for a number", fine + "mqtt: {port: mqtt}\n", []string{file + `:6: mqtt.port: "mqtt" is not a whole number from 1 to 65535`}},
		{"a duration without unit", fine + "refresh:\n  interval: 30\n", []string{file + `:7: refresh.interval: "30" has no unit: 30s, 30m, 30h or 30d`}},
		{"no duration", fine + "refresh:\n  interval: often\n", []string{file + `:7: refresh.interval: "often" is no duration: such as 90s`}},
		{"a duration out of range", fine + "mqtt: {keepalive: 2d}\n", []string{file + ":6: mqtt.keepalive: 2d is out of range: 1s to 18h"}},
		{"a negative duration", fine + "mqtt: {keepalive: -1s}\n", []string{file + ":6: mqtt.keepalive: -1s is out of range: 1s to 18h"}},
		{"no switch", fine + "refresh: {initial: maybe}\n", []string{file + `:6: refresh.initial: "maybe" is neither true nor false`}},
		{"no such word", fine + "units: furlongs\n", []string{file + `:6: units: "furlongs" is none of car, metric, imperial`}},
		{"no such level", fine + "log: {level: loud}\n", []string{file + `:6: log.level: "loud" is none of debug, info, warn, error`}},
		{"no such region", strings.Replace(fine, "eu", "mars", 1), []string{file + `:2: accounts[0].region: "mars" is no region: eu, ca, us, cn, au, in, nz, br, or the number 1 to 8`}},
		{"no such brand", strings.Replace(fine, "hyundai", "4", 1), []string{file + `:3: accounts[0].brand: "4" is no brand: kia, hyundai, genesis, or the number 1 to 3`}},
		{"a list for a value", fine + "units: [car]\n", []string{file + ":6: units: should be one word, not a list"}},
		{"keys for a value", fine + "mqtt:\n  port:\n    number: 1\n", []string{file + ":8: mqtt.port: should be one number, not keys"}},
		{"a value for keys", fine + "mqtt: broker\n", []string{file + ":6: mqtt: should hold keys, not a text"}},
		{"keys for a list", "accounts: {region: eu}\n", []string{file + ":1: accounts: should be a list, not keys"}},
		{"an entry that is a text", "accounts:\n  - password:hunter2hunter2\n", []string{
			file + ":2: accounts[0].region: is missing: eu, ca", file + ":2: accounts[0].brand: is missing: kia",
			file + ":2: accounts[0].username: is missing: the e-mail", file + ":2: accounts[0].password: is missing: or its file, password_file",
			file + ":2: accounts[0]: should hold keys, not a text; a space must follow the colon",
		}},
		{"a colon without space in braces", fine + "mqtt: {password:hunter2hunter2}\n", []string{file + ":6: mqtt.password: is not a known key: a space must follow the colon"}},
		{"an empty entry", fine + "  -\n", []string{
			file + ":6: accounts[1]: is empty", file + ":6: accounts[1].region: is missing", file + ":6: accounts[1].brand: is missing",
			file + ":6: accounts[1].username: is missing", file + ":6: accounts[1].password: is missing",
		}},
		{"an account without a password", "accounts:\n  - {region: eu, brand: kia, username: me@example.com}\n", []string{file + ":2: accounts[0].password: is missing: or its file, password_file, or a refresh token"}},
		{"an account without anything", "accounts:\n  - {name: x}\n", []string{
			file + ":2: accounts[0].region: is missing", file + ":2: accounts[0].brand: is missing",
			file + ":2: accounts[0].username: is missing", file + ":2: accounts[0].password: is missing",
		}},
		{"a password and its file", fine + "    password_file: x\n", []string{file + ":6: accounts[0].password_file: accounts[0].password is given too: keep one of the two"}},
		{"the mask of a secret", strings.Replace(fine, "hunter2hunter2", `"***"`, 1), []string{file + ":5: accounts[0].password: \"***\" is the mask of a secret"}},
		{"a secret that begins with an asterisk", strings.Replace(fine, "hunter2hunter2", "*hunter2hunter2", 1), []string{file + ":5: a text that begins with * must stand in quotes"}},
		{"a secret that begins with an ampersand", strings.Replace(fine, "hunter2hunter2", "&hunter2hunter2", 1), []string{
			file + ":2: accounts[0].password: is missing", file + ":5: accounts[0].password: a text that begins with & must stand in quotes",
		}},
		{"a secret that begins with an exclamation mark", strings.Replace(fine, "hunter2hunter2", "!hunter2hunter2", 1), []string{
			file + ":2: accounts[0].password: is missing", file + ":5: accounts[0].password: a text that begins with ! must stand in quotes",
		}},
		{"a secret that begins with a per cent sign", strings.Replace(fine, "hunter2hunter2", "%hunter2hunter2", 1), []string{file + ":5: cannot be read: found character that cannot start any token"}},
		{"a file that is not there", fine + "    pin_file: secrets/pin\n", []string{file + ":6: accounts[0].pin_file: cannot read the file that it names"}},
		{"an empty file of a secret", fine + "    pin_file: ./empty\n", []string{file + ":6: accounts[0].pin_file: DIR/empty is empty: it should hold the secret"}},
		{"a name that is none", strings.Replace(fine, "region", "name: My Cars\n    region", 1), []string{file + `:2: accounts[0].name: "My Cars" is no name: up to 64 of a-z, 0-9, _ and -`}},
		{"a reserved name", fine + "    name: bridge\n", []string{file + `:6: accounts[0].name: "bridge" has a meaning of its own in topics`}},
		{"two accounts of one name", fine + strings.TrimPrefix(strings.Replace(fine, "me@", "you@", 1), "accounts:\n"), []string{file + `:6: accounts[1].name: "hyundai-eu" is the name of another one (bluelink2mqtt.yaml:2: accounts[0].name)`}},
		{"one account twice", fine + strings.TrimPrefix(strings.Replace(fine, "me@", "ME@", 1), "accounts:\n") + "    name: other\n", []string{
			file + ":8: accounts[1].username: the same account of the same brand and region stands at bluelink2mqtt.yaml:4: accounts[0].username",
		}},
		{"two tokens that nothing tells apart", "accounts:\n  - {region: eu, brand: kia, refresh_token: one}\n  - {name: b, region: eu, brand: kia, refresh_token: two}\n", []string{
			file + ":3: accounts[1].username: is missing: nothing else tells the account from bluelink2mqtt.yaml:2: accounts[0]",
		}},
		{"no language", fine + "    language: 1\n", []string{file + `:6: accounts[0].language: "1" is no language`}},
		{"a short VIN", fine + "    include: [KMH, KMHAA81CBNU00000O]\n", []string{file + ":6: accounts[0].include[0]: a VIN has 17 characters, not 3"}},
		{"a VIN with an O", fine + "    include:\n      - KMHAA81CBNU00000O\n", []string{file + ":7: accounts[0].include[0]: a VIN never has the letter O"}},
		{"a VIN twice", fine + "    include:\n      - KMHAA81CBNU000001\n      - kmhaa81cbnu000001\n", []string{file + ":8: accounts[0].include[1]: VIN …0001 stands here twice"}},
		{"a VIN wanted and not", fine + "    include: [KMHAA81CBNU000001]\n    exclude: [KMHAA81CBNU000001]\n", []string{file + ":7: accounts[0].exclude: VIN …0001 stands in include too"}},
		{"keys for a VIN", fine + "    include: [{vin: x}]\n", []string{file + ":6: accounts[0].include[0]: should be one VIN, not keys"}},
		{"a car without a name", fine + "vehicles:\n  - {vin: KMHAA81CBNU000001}\n", []string{file + ":7: vehicles[0].name: is missing"}},
		{"a car named account", fine + "vehicles:\n  - {vin: KMHAA81CBNU000001, name: account}\n", []string{file + `:7: vehicles[0].name: "account" has a meaning`}},
		{"a name for two cars", fine + "vehicles:\n  - {vin: KMHAA81CBNU000001, name: a}\n  - {vin: KMHAA81CBNU000002, name: a}\n", []string{file + `:8: vehicles[1].name: "a" is the name of another one`}},
		{"two names for a car", fine + "vehicles:\n  - {vin: KMHAA81CBNU000001, name: a}\n  - {vin: KMHAA81CBNU000001, name: b}\n", []string{file + ":8: vehicles[1].vin: this car has a name already (bluelink2mqtt.yaml:7: vehicles[0].vin)"}},
		{"a wildcard in the base topic", fine + "mqtt: {base_topic: cars/+}\n", []string{file + `:6: mqtt.base_topic: "cars/+" holds a +, # or $`}},
		{"a slash at the end of the base topic", fine + "mqtt: {base_topic: cars/}\n", []string{file + `:6: mqtt.base_topic: "cars/" begins or ends with a slash`}},
		{"an empty level", fine + "mqtt: {base_topic: cars//mine}\n", []string{file + `:6: mqtt.base_topic: "cars//mine" has an empty level`}},
		{"a space in the base topic", fine + "mqtt: {base_topic: my cars}\n", []string{file + `:6: mqtt.base_topic: "my cars" holds a space`}},
		{"an address as host", fine + "mqtt: {host: \"mqtt://x\"}\n", []string{file + ":6: mqtt.host: is a whole address: it goes to mqtt.url"}},
		{"a host with port", fine + "mqtt: {host: \"x:1883\"}\n", []string{file + ":6: mqtt.host: holds a port: it goes to mqtt.port"}},
		{"an address and a host", fine + "mqtt:\n  url: mqtt://x\n  host: y\n", []string{file + ":8: mqtt.host: mqtt.url is given too (bluelink2mqtt.yaml:7): keep one of the two"}},
		{"an address with a password", fine + "mqtt: {url: \"mqtt://me:hunter2hunter2@x\"}\n", []string{file + ":6: mqtt.url: holds a user name or password: they have keys of their own"}},
		{"an address that is none", fine + "mqtt: {url: \"mqtt://me:hunter2%hunter2@x\"}\n", []string{file + ":6: mqtt.url: is no address: such as mqtt://host:port"}},
		{"an address of the web", fine + "mqtt: {url: \"http://x\"}\n", []string{file + ":6: mqtt.url: should begin with one of mqtt://, mqtts://"}},
		{"an address without TLS, with TLS", fine + "mqtt: {url: \"ws://x\", tls: {enabled: true}}\n", []string{file + ":6: mqtt.url: says ws://, without TLS, but mqtt.tls.enabled is true (bluelink2mqtt.yaml:6): write wss://"}},
		{"a password without a user", fine + "mqtt: {password: hunter2hunter2}\n", []string{file + ":6: mqtt.password: belongs to a user name"}},
		{"a certificate without a key", fine + "mqtt: {tls: {cert_file: /nowhere/cert}}\n", []string{
			file + ":6: mqtt.tls.cert_file: belongs to a key", file + ":6: mqtt.tls.cert_file: cannot read /nowhere/cert: no such file or directory",
		}},
		{"an open broker", fine + "broker: {mode: embedded, listen: \":1883\"}\n", []string{file + ":6: broker.listen: lets everybody on the network command the cars"}},
		{"a broker with half of its credentials", fine + "broker:\n  mode: embedded\n  username: x\n", []string{file + ":8: broker.username: belongs to a password"}},
		{"no address to listen on", fine + "http: {listen: 8080}\n", []string{file + `:6: http.listen: "8080" is no address to listen on: host:port`}},
		{"a cloud with a path", fine + "cloud_url: http://127.0.0.1:1/api\n", []string{file + ":6: cloud_url: should end after the port"}},
		{"a cloud without a scheme", fine + "cloud_url: 127.0.0.1:8089\n", []string{file + ":6: cloud_url: is no address: such as http://host:port"}},
		{"a merge key", fine + "mqtt:\n  <<: {port: 1}\n", []string{file + ":7: mqtt: neither << nor composed keys are understood here"}},
		{"two documents", fine + "---\nunits: car\n", []string{file + ":6: a second document begins here"}},
		{"a tab", fine + "mqtt:\n\tport: 1\n", []string{file + ":7: a tab indents this line"}},
		{"a bracket that stays open", fine + "vehicles: [{vin: x\nmqtt:\n  port: 1\n", []string{file + ":6: cannot be read: did not find expected ',' or '}'"}},
		{"an indentation that differs", fine + "mqtt:\n    host: x\n    port: 1\n  username: y\n", []string{file + ":9: cannot be read: did not find expected key"}},
		{"a quote that stays open", fine + "units: \"car\nmqtt: {}\n", []string{file + ":6: cannot be read: found unexpected end of stream"}},
		{"a byte that is no text", fine + "units: \xff\n", []string{file + ":6: this line is not UTF-8"}},
		{"a control character", fine + "units: \x01\n", []string{file + ":6: this line holds the control character U+0001"}},
		{"a list instead of keys", "- 1\n", []string{file + ":1: should hold keys, not a list"}},
		{"everything at once", "units: x\n" + strings.Replace(fine, "eu", "mars", 1) + "mqtt:\n  prot: 1\n  port: x\n", []string{
			file + ":1: units: ", file + ":3: accounts[0].region: ", file + ":8: mqtt.prot: ", file + ":9: mqtt.port: ",
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			sources := in(t, map[string]string{file: test.text, "empty": "\n"})
			var got []string
			for _, p := range problems(t, sources) {
				if p.Message == "" || p.Key == "" && p.Line == 0 {
					t.Errorf("a problem without a place: %+v", p)
				}
				got = append(got, strings.ReplaceAll(p.String(), sources.Dir, "DIR"))
			}
			expectProblems(t, got, test.want)
		})
	}
}

// expectProblems compares problems with how each must begin. The order across sources does not matter.
func expectProblems(t *testing.T, got, want []string) {
	t.Helper()
	left := slices.Clone(got)
	for _, begin := range want {
		i := slices.IndexFunc(left, func(text string) bool { return strings.Contains(text, begin) })
		if i < 0 {
			t.Errorf("no problem says\n\t%s\nbut\n\t%s", begin, strings.Join(got, "\n\t"))
			return
		}
		left = slices.Delete(left, i, i+1)
	}
	if len(left) > 0 {
		t.Errorf("also reported:\n\t%s", strings.Join(left, "\n\t"))
	}
	for _, text := range got {
		if strings.Contains(text, "hunter2") || strings.Contains(text, "me@example.com") {
			t.Errorf("a secret stands in %q", text)
		}
		if masked := redact.Text(text); masked != text {
			t.Errorf("the log's mask spoils\n\t%s\nto\n\t%s", text, masked)
		}
	}
}

func TestLoad_SaysWhatIsWrongInTheEnvironment(t *testing.T) {
	credentials := []string{"HYUNDAI_USERNAME=me@example.com", "HYUNDAI_PASSWORD=hunter2hunter2"}
	for _, test := range []struct {
		name    string
		environ []string
		want    []string
	}{
		{"nothing", nil, []string{"accounts: no account is configured"}},
		{"an unknown variable", append(credentials, "BLUELINK_MQTT_BASETOPIC=x"), []string{"environment: BLUELINK_MQTT_BASETOPIC: is not a known variable; did you mean BLUELINK_MQTT_BASE_TOPIC?"}},
		{"an unknown variable of a list", append(credentials, "BLUELINK_ACCOUNTS_1_PASWORD=x"), []string{"environment: BLUELINK_ACCOUNTS_1_PASWORD: is not a known variable; did you mean BLUELINK_ACCOUNTS_1_PASSWORD?"}},
		{"a variable in small letters", append(credentials, "BLUELINK_ACCOUNTS_0_name=x"), []string{"environment: BLUELINK_ACCOUNTS_0_name: is not a known variable; did you mean BLUELINK_ACCOUNTS_0_NAME?"}},
		{"a bad number", append(credentials, "MQTT_BROKER_PORT=x"), []string{`environment: MQTT_BROKER_PORT: "x" is not a whole number from 1 to 65535`}},
		{"a port from Kubernetes", append(credentials, "MQTT_BROKER_PORT=tcp://10.0.0.1:1883"), []string{"environment: MQTT_BROKER_PORT: is not a number, but what Kubernetes sets for a service of this name"}},
		{"a bad region", append(credentials, "HYUNDAI_REGION=9"), []string{`environment: HYUNDAI_REGION: "9" is no region`}},
		{"no password", []string{"HYUNDAI_USERNAME=me@example.com"}, []string{"environment: HYUNDAI_PASSWORD: is missing"}},
		{"neither name nor password", []string{"HYUNDAI_PIN=1234"}, []string{"environment: HYUNDAI_USERNAME: is missing", "environment: HYUNDAI_PASSWORD: is missing"}},
		{"half an account", []string{"BLUELINK_ACCOUNTS_0_USERNAME=me@example.com"}, []string{
			"environment: BLUELINK_ACCOUNTS_0_REGION: is missing", "environment: BLUELINK_ACCOUNTS_0_BRAND: is missing", "environment: BLUELINK_ACCOUNTS_0_PASSWORD: is missing: or its file, BLUELINK_ACCOUNTS_0_PASSWORD_FILE",
		}},
		{"a gap in a list", append(credentials, "BLUELINK_VEHICLES_1_NAME=x"), []string{"environment: BLUELINK_VEHICLES_1_NAME: there is no entry 0 before it"}},
		{"a list beside the old account", append(credentials, "BLUELINK_ACCOUNTS_0_REGION=eu"), []string{
			"environment: HYUNDAI_USERNAME, HYUNDAI_PASSWORD: describe the only account, but accounts are listed (environment: accounts[0]): keep one of the two",
			"BLUELINK_ACCOUNTS_0_BRAND: is missing", "BLUELINK_ACCOUNTS_0_USERNAME: is missing", "BLUELINK_ACCOUNTS_0_PASSWORD: is missing",
		}},
		{"a secret in place of its file", []string{"HYUNDAI_USERNAME=me@example.com", "HYUNDAI_PASSWORD_FILE=hunter2hunter2"}, []string{"environment: HYUNDAI_PASSWORD_FILE: cannot read the file that it names (the secret itself goes to the key without _file): no such file"}},
		{"a secret and its file", append(credentials, "HYUNDAI_PASSWORD_FILE=x"), []string{"environment: HYUNDAI_PASSWORD_FILE: HYUNDAI_PASSWORD is given too"}},
		{"a file that is not there", append(credentials, "BLUELINK_CONFIG=nowhere.yaml"), []string{"environment: BLUELINK_CONFIG: cannot read nowhere.yaml: no such file"}},
		{"an address at the wrong key", append(credentials, "BLUELINK_UNITS=me@example.com"), []string{"environment: BLUELINK_UNITS: the value is none of car"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var got []string
			for _, p := range problems(t, in(t, nil, test.environ...)) {
				got = append(got, p.String())
			}
			expectProblems(t, got, test.want)
		})
	}
}

func TestLoad_AListInTheFileForbidsTheOldAccount(t *testing.T) {
	sources := in(t, map[string]string{"bluelink2mqtt.yaml": fine, ".env": "HYUNDAI_PIN=1234"}, "HYUNDAI_USERNAME=me@example.com")
	got := problems(t, sources)
	want := ".env:1: HYUNDAI_PIN, HYUNDAI_USERNAME: describe the only account, but accounts are listed (bluelink2mqtt.yaml:2: accounts[0]): keep one of the two"
	if len(got) != 1 || got[0].String() != want {
		t.Errorf("problems are %v, want %s", got, want)
	}
}

func TestLoad_ShowsTheShortestWayWhenThereIsNoAccount(t *testing.T) {
	got := problems(t, in(t, map[string]string{"bluelink2mqtt.yaml": "units: car"}))
	for _, word := range []string{"HYUNDAI_USERNAME ", "- {region: eu", "config example", "demo", LocalFile} {
		if !strings.Contains(got[0].Message, word) {
			t.Errorf("%q does not stand in:\n%s", word, got[0].Message)
		}
	}
}

func TestLoad_RefusesAFlagThatSetsNothing(t *testing.T) {
	sources := in(t, map[string]string{"bluelink2mqtt.yaml": account})
	sources.Path = "nowhere.yaml"
	sources.Overrides = []Override{{"http.lisen", "x", "--http-listen"}, {"mqtt.port", "0", "--port"}}
	var got []string
	for _, p := range problems(t, sources) {
		got = append(got, p.String())
	}
	expectProblems(t, got, []string{
		"command line: --config: cannot read nowhere.yaml: no such file", "command line: --http-listen: sets http.lisen, which is not a known key",
		"command line: --port: 0 is out of range: 1 to 65535",
	})
}

func TestLoad_TellsOfAFileThatMayNotBeRead(t *testing.T) {
	sources := in(t, nil)
	if err := os.Mkdir(filepath.Join(sources.Dir, LocalFile), 0o750); err != nil {
		t.Fatal(err)
	}
	if got := problems(t, sources); !strings.HasPrefix(got[0].String(), "bluelink2mqtt.yaml: file: cannot be read: is a directory") {
		t.Errorf("problems are %v", got)
	}
}

func TestProblems_ListThemselvesOneALine(t *testing.T) {
	err := &Problems{[]Problem{{"a.yaml", 3, "mqtt.port", "is wrong"}, {"", 0, "accounts", "two\nlines"}}}
	want := "configuration: 2 problems\n  a.yaml:3: mqtt.port: is wrong\n  accounts: two\n  lines"
	if err.Error() != want {
		t.Errorf("got\n%s\nwant\n%s", err, want)
	}
}
