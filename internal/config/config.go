package config

import (
	"log/slog"
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Config is what the user wants. It starts from [Default], so that zero stays a choice.
//
// Tags of a field: yaml is the key's name; doc its meaning, in one or two sentences without a full stop at the end;
// min, max and oneof bound it; off says that "off" is a value, which sets the zero; example stands in lists, which have
// no default; holds says what the texts of a list are; path says that it is a file name, relative in a file to that
// file; short names the key of a section that its short form sets.
type Config struct {
	Accounts []Account `yaml:"accounts" doc:"Accounts at the makers' clouds, as in their apps"`
	Vehicles []Vehicle `yaml:"vehicles" doc:"Names of your own for cars. A car that is not listed is called by its id in the cloud"`
	MQTT     MQTT      `yaml:"mqtt" doc:"The broker that the cars are joined to"`
	Broker   Broker    `yaml:"broker" short:"mode" doc:"A broker inside this program, for homes without one. The short form broker: embedded will do. It holds everything in memory, keeps the last 1000 messages for a client that is away, and takes packets of up to 16 MiB"`
	Refresh  Refresh   `yaml:"refresh" doc:"Reading of the clouds. A read never wakes a car"`

	Zones []Zone `yaml:"zones" doc:"Places with names; the topic of the zone says in which one a car is"`

	HomeAssistant HomeAssistant `yaml:"homeassistant" doc:"Home Assistant finds cars, accounts and this program by MQTT discovery"`

	Permissions Permissions `yaml:"permissions" doc:"What may be done with the cars. Reading is always allowed"`
	Presets     []Preset    `yaml:"presets" doc:"Commands with parameters under names of your own, for commands/preset and the command line"`

	Units      Units         `yaml:"units" oneof:"car metric imperial" doc:"Units on MQTT: each car's own, or the same for all"`
	StaleAfter time.Duration `yaml:"stale_after" min:"1m" max:"30d" doc:"A car without a successful read for so long is offline"`

	Limits    Limits    `yaml:"limits" doc:"Bounds that protect account, car and this program"`
	OwnTracks OwnTracks `yaml:"owntracks" doc:"Positions for OwnTracks, beside those on the cars' own topics"`
	ABRP      ABRP      `yaml:"abrp" doc:"Telemetry for A Better Route Planner"`

	HTTP  HTTP  `yaml:"http" doc:"Web server: /metrics, /healthz, /readyz"`
	Store Store `yaml:"store" doc:"Where tokens and last states are kept"`
	Log   Log   `yaml:"log" doc:"What is logged, on standard error"`

	ReadyFile string `yaml:"ready_file" off:"true" path:"true" doc:"A file that exists while the broker is connected, for health checks. With the old service's environment alone /tmp/service-ready, else none"`
	CloudURL  string `yaml:"cloud_url" doc:"Send all calls for the clouds to this address instead, such as http://127.0.0.1:8089 of a simulator"`

	// FromDropIn is set when there is no file and the account comes from the old service's environment (HYUNDAI_…). Some
	// defaults then follow that service: no scheduled reads, its ready file.
	FromDropIn bool `yaml:"-"`
	// File is the configuration file that was read, "" for none.
	File string `yaml:"-"`

	origins map[string]Origin // of all keys that are not at their default, by concrete path: accounts[0].username
}

// Refresh is when clouds are read without being asked.
type Refresh struct {
	Initial  bool          `yaml:"initial" doc:"Read all cars once at the start"`
	Interval time.Duration `yaml:"interval" off:"true" min:"1s" max:"30d" doc:"Time between two reads of a car; off for reads on command only, the default with the old service's environment alone"`

	Moving    time.Duration `yaml:"moving_interval" off:"true" min:"1s" max:"30d" doc:"Instead of interval while a car drives or charges, when that is shorter; off for no difference"`
	Parked    time.Duration `yaml:"parked_interval" off:"true" min:"1s" max:"30d" doc:"For a car that has not reported for a day, when that is longer; off for no difference"`
	Resting   time.Duration `yaml:"resting_interval" off:"true" min:"1s" max:"30d" doc:"For a car that has not reported for a week, and one of which the cloud has no data; off for no difference"`
	NightFrom int           `yaml:"night_from" min:"0" max:"23" doc:"Hour, on the clock of the account's region, from which intervals shorter than the night are doubled"`
	NightTo   int           `yaml:"night_to" min:"0" max:"23" doc:"Hour until which they are; the same hour for no night"`
	Vacation  string        `yaml:"vacation_until" doc:"Date until which nothing is read by itself, such as 2026-08-31; empty for no vacation"`
}

// Units are those of published values.
type Units string

// The choices of units: the car's own, or one kind for all cars.
const (
	CarUnits      Units = "car"
	MetricUnits   Units = "metric"
	ImperialUnits Units = "imperial"
)

// HTTP is the web server.
type HTTP struct {
	Listen string `yaml:"listen" off:"true" doc:"host:port to listen on, such as 127.0.0.1:8080; empty or off for no web server"`
}

// Store is what survives a restart.
type Store struct {
	// Dir is "" for the place that fits this machine; see store.DefaultDir.
	Dir string `yaml:"dir" path:"true" doc:"Directory of the store. Empty for the first that applies: /data when that is a mount, /var/lib/bluelink2mqtt as root, $XDG_STATE_HOME/bluelink2mqtt, ~/.local/state/bluelink2mqtt"`
	// Key is empty for a store that is not encrypted.
	Key redact.Secret `yaml:"key" doc:"Text that encrypts what is kept, tokens and positions among it; empty for no encryption. Without it a store that it has encrypted cannot be read any more"`
}

// Log is what is said about the work.
type Log struct {
	Level  slog.Level `yaml:"level" oneof:"debug info warn error" doc:"The least important lines that are logged"`
	Format LogFormat  `yaml:"format" oneof:"auto text json" doc:"Lines for people or for programs; auto is text on a terminal, else json"`
}

// LogFormat is how log lines look.
type LogFormat string

// The formats of log lines; auto is text on a terminal and JSON otherwise.
const (
	AutoFormat LogFormat = "auto"
	TextFormat LogFormat = "text"
	JSONFormat LogFormat = "json"
)

// Default is the configuration of which nothing was said. It lacks an account.
func Default() *Config {
	return &Config{
		MQTT: MQTT{
			Host:      "localhost",
			Port:      1883,
			Version:   AutoMQTT,
			BaseTopic: "hyundai",
			KeepAlive: 30 * time.Second,
			Location:  TellPosition,
		},
		Broker: Broker{Mode: ExternalBroker, Listen: "127.0.0.1:1883"},
		Refresh: Refresh{
			Initial: true, Interval: 30 * time.Minute, Moving: 10 * time.Minute, Parked: 4 * time.Hour, Resting: 24 * time.Hour,
			NightFrom: 23, NightTo: 6,
		},
		OwnTracks:     OwnTracks{Prefix: "owntracks"},
		HomeAssistant: HomeAssistant{Enabled: true, Prefix: "homeassistant", Language: "en", Times: true},
		Permissions:   Permissions{UnlockPerHour: 12},
		Units:         CarUnits,
		StaleAfter:    24 * time.Hour,
		Limits: Limits{
			Enabled: true,
			Reserve: 25,
			Wakes: Wakes{
				PerDay: safeWakes, Spacing: 5 * time.Minute,
				Automatic: AutomaticWakes{Spacing: 4 * time.Hour, QuietFrom: 22, QuietTo: 7, Min12V: 60, MaxParked: 5 * 24 * time.Hour},
			},
			Breaker:  Breaker{Reads: 5, Commands: 3, Open: time.Minute},
			Bulkhead: Bulkhead{Account: 8, Process: 256},
			Deadline: Deadline{Login: 2 * time.Minute, List: 90 * time.Second, Cached: 2 * time.Minute, Force: 4 * time.Minute},
			Lane:     Lane{Inbox: 64},
		},
		Log: Log{Level: slog.LevelInfo, Format: AutoFormat},
	}
}

// VehicleName is the user's own name for a car, "" when there is none.
func (c *Config) VehicleName(vin vehicle.VIN) string {
	for _, v := range c.Vehicles {
		if sameVIN(v.VIN, vin) {
			return v.Name
		}
	}
	return ""
}

// Origin tells where the value of a key comes from, by its full name: mqtt.host, accounts[0].username. It is the zero
// Origin when the value is the default.
func (c *Config) Origin(key string) Origin { return c.origins[key] }

// Secrets are the texts that must never be seen, for redact.Register: passwords, PINs, tokens, e-mail addresses.
func (c *Config) Secrets() []string {
	var all []string
	for _, secret := range []redact.Secret{c.MQTT.Password, c.Broker.Password, c.Store.Key, c.ABRP.Key} {
		all = append(all, secret.Reveal())
	}
	for _, a := range c.Accounts {
		all = append(all, a.Username.Reveal(), a.Password.Reveal(), a.PIN.Reveal(), a.RefreshToken.Reveal())
	}
	for _, v := range c.Vehicles {
		all = append(all, v.ABRPToken.Reveal())
	}
	return slices.DeleteFunc(all, func(text string) bool { return text == "" })
}
