package config

import (
	"slices"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
)

func TestChanged_NamesTheKeysThatDiffer(t *testing.T) {
	with := func(change func(*Config)) *Config {
		c := Default()
		c.Accounts = []Account{{Name: "home", PIN: redact.NewSecret("1234")}}
		change(c)
		return c
	}
	old := with(func(*Config) {})
	if got := old.Changed(with(func(*Config) {})); got != nil {
		t.Errorf("equal ones differ at %v", got)
	}
	got := old.Changed(with(func(c *Config) {
		c.Refresh.Vacation = "2026-08-31"
		c.MQTT.TLS.CAFile = "ca.pem"
		c.Store.Key = redact.NewSecret("key")
		c.Accounts[0].PIN = redact.NewSecret("4321")
		c.Limits.Wakes.Automatic.PerDay = 1
		c.Presets = []Preset{{Name: "leave"}}
	}))
	want := []string{"accounts", "mqtt.tls.ca_file", "refresh.vacation_until", "presets", "limits.wakes.automatic.per_day", "store.key"}
	if !slices.Equal(got, want) {
		t.Errorf("differ at %v, want %v", got, want)
	}
}
