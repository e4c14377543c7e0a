package app

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// lines takes what is logged.
type lines struct {
	mu   sync.Mutex // guards text
	text strings.Builder
}

func (l *lines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(line)
}

// take gives what was logged since it was last asked.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.text.Reset()
	return l.text.String()
}

// configured is a configuration with the account home and what change makes of it.
func configured(change func(*config.Config)) *config.Config {
	c := config.Default()
	c.Refresh.Interval, c.Log.Format = 0, config.JSONFormat
	c.Accounts = []config.Account{{
		Name: "home", Region: vehicle.Europe, Brand: vehicle.Hyundai, Username: redact.NewSecret(sim.Email),
		Password: redact.NewSecret(sim.Password), PIN: redact.NewSecret(sim.PIN),
	}}
	if change != nil {
		change(c)
	}
	return c
}

// reloading runs the program with a configuration; give gives a command and tells how it ended, said is the log.
func reloading(t *testing.T, c *config.Config, test func(a *App, give func(command, payload string) string, said *lines)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		clouds, err := sim.New(sim.Options{Parked: true})
		if err != nil {
			t.Fatal(err)
		}
		said, level, outbox := &lines{}, new(slog.LevelVar), &records{}
		a, err := New(Options{
			Config: c, Log: NewLoggerAt(c.Log, level, said), Level: level, Forgetful: true, RoundTripper: clouds.RoundTripper(), Outbox: outbox,
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- a.Run(ctx) }()
		<-time.After(time.Minute)
		car := a.bridge.Cars()[0].Name
		give := func(command, payload string) string {
			a.Bridge().Handle(bridge.Message{Topic: "hyundai/" + car + "/commands/" + command, Payload: []byte(payload)})
			<-time.After(3 * time.Minute)
			outbox.mu.Lock()
			defer outbox.mu.Unlock()
			var r vehicle.Record
			if err := json.Unmarshal([]byte(outbox.all[len(outbox.all)-1]), &r); err != nil {
				t.Fatal(err)
			}
			return strings.TrimSuffix(string(r.State)+" "+string(r.Reason), " ")
		}
		test(a, give, said)
		cancel()
		if err := errors.Join(<-ended, a.Close()); err != nil {
			t.Error(err)
		}
	})
}

func TestReload_AppliesPermissionsPresetsAndTheLogLevelAtOnce(t *testing.T) {
	reloading(t, configured(nil), func(a *App, give func(command, payload string) string, said *lines) {
		expect := func(when, command, payload, want string) {
			t.Helper()
			if got := give(command, payload); got != want {
				t.Errorf("%s: %s ended %s, want %s", when, payload, got, want)
			}
		}
		expect("before", "preset", "leave", "rejected unsupported")
		expect("before", "lock", "unlock", "verified")
		a.Reload(configured(func(c *config.Config) {
			c.Presets = []config.Preset{{Name: "leave", Commands: []string{"lock"}}}
			c.Permissions.Allow = []string{"lock"}
			c.Log.Level = slog.LevelDebug
		}))
		expect("with allow", "preset", "leave", "verified")
		expect("with allow", "lock", "unlock", "rejected not_permitted")
		if !a.log.Enabled(t.Context(), slog.LevelDebug) {
			t.Error("the level of the log is the old one")
		}
		a.Reload(configured(func(c *config.Config) { c.Permissions.ReadOnly = true }))
		expect("read-only", "lock", "lock", "rejected read_only")
		a.Reload(configured(nil))
		expect("as in the beginning", "lock", "unlock", "verified")
		if a.log.Enabled(t.Context(), slog.LevelDebug) {
			t.Error("the level of the log is not the first one again")
		}
		if text := said.take(); strings.Contains(text, "need a restart") {
			t.Errorf("the log names what needs a restart: %s", text)
		}
	})
}

func TestReload_NamesInOneLineWhatNeedsARestart(t *testing.T) {
	reloading(t, configured(func(c *config.Config) { c.Permissions.ReadOnly = true }), func(a *App, give func(command, payload string) string, said *lines) {
		change := func(c *config.Config) {
			c.MQTT.Port, c.StaleAfter = 1884, time.Hour
			c.Accounts[0].Password = redact.NewSecret("another password")
			c.Permissions.UnlockPerHour = 3
		}
		for range 2 { // it needs one still when the file is read again
			said.take()
			a.Reload(configured(change))
			text := said.take()
			var waiting []string
			for line := range strings.Lines(text) {
				var entry struct {
					Message string   `json:"msg"`
					Keys    []string `json:"keys"`
				}
				if json.Unmarshal([]byte(line), &entry) == nil && strings.Contains(entry.Message, "need a restart") {
					waiting = append(waiting, entry.Keys...)
				}
			}
			if want := []string{"accounts", "mqtt.port", "permissions.read_only", "stale_after"}; !slices.Equal(waiting, want) {
				t.Errorf("told that %v need a restart, want %v", waiting, want)
			}
			if strings.Contains(text, "another password") {
				t.Error("the password is in the log")
			}
		}
		// Who began read-only stays so: there is no PIN, and nothing but reading is subscribed.
		if got := give("lock", "lock"); got != "rejected read_only" {
			t.Errorf("a command ended %s", got)
		}
	})
}
