package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// controls notes the requests that could move a car, and those for the PIN's token.
type controls struct {
	next http.RoundTripper

	mu    sync.Mutex // guards paths
	paths []string
}

func (c *controls) RoundTrip(r *http.Request) (*http.Response, error) {
	history := strings.HasSuffix(r.URL.Path, "/drvhistory") || strings.HasSuffix(r.URL.Path, "/tripinfo") // reads by POST
	if strings.HasSuffix(r.URL.Path, "/user/pin") || r.Method == http.MethodPost && strings.Contains(r.URL.Path, "/vehicles/") && !history {
		c.mu.Lock()
		c.paths = append(c.paths, r.Method+" "+r.URL.Path)
		c.mu.Unlock()
	}
	return c.next.RoundTrip(r)
}

// records notes the terminal records that are published.
type records struct {
	mu  sync.Mutex // guards all
	all []string
}

func (r *records) Publish(p bridge.Publication) {
	if strings.Contains(p.Topic, "/result/") && strings.Contains(string(p.Payload), `"terminal":true`) {
		r.mu.Lock()
		r.all = append(r.all, string(p.Payload))
		r.mu.Unlock()
	}
}

func (*records) Drained(context.Context) error { return nil }

// everything is each command of the catalogue once, by topic.
var everything = [][2]string{
	{"lock", "lock"},
	{"lock", "unlock"},
	{"climate", "start"},
	{"climate", "stop"},
	{"climate_target", "20"},
	{"charge", "start"},
	{"charge", "stop"},
	{"charge_limit", `{"ac":80,"dc":80}`},
	{"charging_current", "90"},
	{"charge_port", "open"},
	{"charge_port", "close"},
	{"windows", "vent"},
	{"hazard", "lights"},
	{"hazard", "lights_and_horn"},
	{"valet", "on"},
	{"valet", "off"},
	{"v2l_limit", "30"},
	{"schedule", `{"defrost":true}`},
	{"destination", `{"points":[{"name":"Home","lat":1,"lon":2}]}`},
	{"preset", "leave"},
}

// In read-only mode, and without the PIN where commands need one, nothing is subscribed but reading, and no request that
// could move a car can be built: not by a command on MQTT, not on the command line, and not by the client itself.
func TestMuteBridge_NoControlRequestCanBeBuilt(t *testing.T) {
	for reason, change := range map[string]func(*config.Config){
		"read_only":    func(c *config.Config) { c.Permissions.ReadOnly = true },
		"pin_required": func(c *config.Config) { c.Accounts[0].PIN = redact.Secret{} },
	} {
		t.Run(reason, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				clouds, err := sim.New(sim.Options{Parked: true})
				if err != nil {
					t.Fatal(err)
				}
				seen, said := &controls{next: clouds.RoundTripper()}, &records{}
				c := config.Default()
				c.Refresh.Interval = 0
				c.Presets = []config.Preset{{Name: "leave", Commands: []string{"lock"}}}
				c.Accounts = []config.Account{{
					Name: "home", Region: vehicle.Europe, Brand: vehicle.Hyundai, Username: redact.NewSecret(sim.Email),
					Password: redact.NewSecret(sim.Password), PIN: redact.NewSecret(sim.PIN),
				}}
				change(c)
				a, err := New(Options{Config: c, Log: slog.New(slog.DiscardHandler), Forgetful: true, RoundTripper: seen, Outbox: said})
				if err != nil {
					t.Fatal(err)
				}
				ctx, cancel := context.WithCancel(t.Context())
				ended := make(chan error, 1)
				go func() { ended <- a.Run(ctx) }()
				<-time.After(time.Minute)

				tree, err := topic.NewTree("hyundai")
				if err != nil {
					t.Fatal(err)
				}
				if got, want := a.subscriptions(tree), []string{"hyundai/+/commands/refresh", "hyundai/+/commands/hint", "hyundai/account/+/retry", "homeassistant/status"}; !slices.Equal(got, want) {
					t.Errorf("subscribes to %v, want %v", got, want)
				}
				cars := a.bridge.Cars()
				for n, command := range everything {
					a.bridge.Handle(bridge.Message{
						Topic: tree.Car(cars[n%len(cars)].Name).Command(command[0]), Payload: []byte(command[1]), Received: time.Now(),
					})
				}
				<-time.After(5 * time.Minute)
				said.mu.Lock()
				if len(said.all) != len(everything) {
					t.Errorf("%d of %d commands ended", len(said.all), len(everything))
				}
				for _, r := range said.all {
					if !strings.Contains(r, fmt.Sprintf(`"state":"rejected","terminal":true,"reason":%q`, reason)) {
						t.Errorf("ended %s", r)
					}
				}
				said.mu.Unlock()
				for r, err := range a.Send(ctx, cars[0].Name, "lock", []byte("unlock")) {
					if err != nil || string(r.Reason) != reason {
						t.Errorf("the command line got %+v, %v", r, err)
					}
				}
				for _, car := range cars {
					for _, command := range everything {
						request, err := vehicle.DecodeRequest(command[0], []byte(command[1]))
						if err != nil {
							t.Fatal(err)
						}
						_, err = a.clouds["home"].Send(ctx, bluelink.Ask{Vehicle: car.Vehicle, Known: car.State}, request.Command)
						if !errors.Is(err, bluelink.ErrPINRequired) && !errors.Is(err, bluelink.ErrUnsupported) && !errors.Is(err, bluelink.ErrInvalidCommand) {
							t.Errorf("the client itself: %s: %v", command, err)
						}
					}
				}
				if len(seen.paths) != 0 {
					t.Errorf("requests that could move a car: %v", seen.paths)
				}
				cancel()
				if err := errors.Join(<-ended, a.Close()); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestSubscriptions_CommandsWhereOneAccountTakesThem(t *testing.T) {
	tree, err := topic.NewTree("hyundai")
	if err != nil {
		t.Fatal(err)
	}
	with := config.Account{Region: vehicle.Europe, Brand: vehicle.Hyundai, PIN: redact.NewSecret("1234")}
	without := config.Account{Region: vehicle.Europe, Brand: vehicle.Kia}
	a := &App{config: &config.Config{Accounts: []config.Account{without, with}}}
	if got := a.subscriptions(tree); got[0] != "hyundai/+/commands/+" {
		t.Errorf("subscribes to %v", got)
	}
	if mute(with) != "" || mute(without) != vehicle.PINRequired {
		t.Errorf("mute: %q and %q", mute(with), mute(without))
	}
}
