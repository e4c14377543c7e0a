// Package app is the composition root: it builds everything that a configuration asks for, in one place and one order,
// and runs it. Start with [New] and [App.Run]; lifecycle.go says in which order parts start and stop.
//
// It may import all of internal and bluelink/clouds; only the commands import it.
package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/clouds"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/abrp"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/broker"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/guard"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Options are what an App is built from.
type Options struct {
	Config  *config.Config // checked
	Version string
	Log     *slog.Logger
	Level   *slog.LevelVar // of Log, where that can change; nil where it cannot
	// Forgetful keeps the store in memory: for the demo and tests.
	Forgetful bool
	// Offline leaves out everything that faces outward (MQTT, web server, control socket): for a command that works by
	// itself.
	Offline bool
	// RoundTripper replaces the network to the clouds, for tests; nil for the network.
	RoundTripper http.RoundTripper
	// Outbox replaces MQTT, for tests: it gets what is published, and what a broker would deliver goes to [App.Bridge].
	Outbox bridge.Outbox
	// Store replaces the store that the configuration asks for, for tests; whoever opened it closes it.
	Store store.Store
}

// App is a built program.
type App struct {
	options  Options
	config   *config.Config // of the start
	applied  *config.Config // read last
	log      *slog.Logger
	registry *prometheus.Registry
	started  time.Time

	storeDir string // empty when the store is in memory
	clean    cleanups

	bridge   *bridge.Bridge
	clouds   map[string]bluelink.Cloud    // by account, with their guards
	sessions map[string]*bluelink.Session // by account
	store    store.Store
	mqtt     *mqtt.Client // nil when offline
	plainly  *plainly     // nil when offline
	spoken   atomic.Pointer[mqtt.Version]
	broker   *broker.Broker // nil unless embedded
	ready    *readyFile
	abrp     *abrp.Feed   // nil when nothing is sent there
	packet   atomic.Int64 // bytes that the broker takes in one packet; 0 for any
	tooLarge atomic.Bool  // the log says that something is larger
}

// New builds the program. What it opened is closed by Close.
func New(o Options) (_ *App, err error) {
	a := &App{
		options: o, config: o.Config, applied: o.Config, log: o.Log, registry: prometheus.NewRegistry(), started: time.Now(),
		clouds: map[string]bluelink.Cloud{}, sessions: map[string]*bluelink.Session{}, ready: &readyFile{path: o.Config.ReadyFile, log: o.Log},
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	hideSecrets(o.Config)
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	st, err := a.openStore()
	if err != nil {
		return nil, err
	}
	a.store = st
	tree, err := topic.NewTree(a.config.MQTT.BaseTopic)
	if err != nil {
		return nil, fmt.Errorf("mqtt.base_topic: %w", err)
	}
	accounts, err := a.openAccounts(st)
	if err != nil {
		return nil, err
	}
	if err := a.openMQTT(tree); err != nil {
		return nil, err
	}
	names, senders := map[vehicle.VIN]string{}, map[vehicle.VIN]string{}
	for _, v := range a.config.Vehicles {
		if v.Name != "" {
			names[v.VIN] = v.Name
		}
		if v.Account != "" {
			senders[v.VIN] = v.Account
		}
	}
	table := topic.NewTable(a.topics())
	announcer, err := a.announcer(tree, table)
	if err != nil {
		return nil, err
	}
	followers, err := a.followers()
	if err != nil {
		return nil, err
	}
	if a.mqtt != nil {
		a.plainly.cars = func() []bridge.Car { return a.bridge.Cars() }
		followers = append(followers, a.plainly.reported)
	}
	var tracker bridge.Tracker
	if a.config.OwnTracks.User != "" {
		tracker = ownTracks{a.config.OwnTracks}
	}
	initial, pace := a.config.Refresh.Initial, PaceOf(a.config.Refresh)
	if o.Offline {
		initial, pace = false, bridge.Pace{}
	}
	a.bridge, err = bridge.New(bridge.Options{
		Accounts: accounts, Outbox: a.outbox(), Store: st, Tree: tree, Table: table, Announcer: announcer, Log: a.log,
		Metrics: bridge.NewMetrics(a.registry), Names: names, Senders: senders, Followers: followers, Tracker: tracker, Info: a.info,
		Permissions: permissions(a.config), Presets: presets(a.config),
		Mirror: a.config.MQTT.Mirror, KeepVIN: a.config.FromDropIn, Guest: o.Offline, Initial: initial, Pace: pace,
		StaleAfter: a.config.StaleAfter, Inbox: a.config.Limits.Lane.Inbox,
		ReadWithin: a.config.Limits.Deadline.Cached, WakeWithin: a.config.Limits.Deadline.Force,
	})
	if err != nil {
		return nil, err
	}
	return a, nil
}

// Close gives back what New opened. Run must have ended.
func (a *App) Close() error { return a.clean.run() }

// openAccounts opens each account's cloud with its guards.
func (a *App) openAccounts(st store.Store) (accounts []bridge.Account, err error) {
	limits := a.config.Limits
	metrics := guard.NewMetrics(a.registry)
	books, ahead, err := a.careMetrics()
	if err != nil {
		return nil, err
	}
	bulkhead := guard.NewBulkhead(guard.BulkheadOptions{PerAccount: uint(limits.Bulkhead.Account), PerProcess: uint(limits.Bulkhead.Process)})
	for _, ac := range a.config.Accounts {
		account := bluelink.Account{
			Name: ac.Name, Region: ac.Region, Brand: ac.Brand, Username: ac.Username.Reveal(), Password: ac.Password.Reveal(),
			PIN: a.pin(ac), RefreshToken: ac.RefreshToken.Reveal(), Language: ac.Language,
		}
		key := accountKey(account, a.config.CloudURL)
		care, err := a.openCare(st, account, key, books, ahead)
		if err != nil {
			return nil, err
		}
		options := []bluelink.Option{
			bluelink.WithTokenStore(&tokens{st, "account/" + key + "/tokens"}),
			bluelink.WithHook(care.hook(metrics)),
			bluelink.WithWatcher(care.watcher()),
			bluelink.WithLogger(a.log.With("account", ac.Name)),
			bluelink.WithSession(func(s *bluelink.Session) { a.sessions[ac.Name] = s }),
		}
		if a.config.CloudURL != "" {
			options = append(options, bluelink.WithCloudURL(a.config.CloudURL))
		}
		if a.options.RoundTripper != nil {
			options = append(options, bluelink.WithRoundTripper(a.options.RoundTripper))
		}
		cloud, err := clouds.Open(account, options...)
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", ac.Name, err)
		}
		cloud = guard.Wrap(cloud, guard.Options{
			Account: ac.Name, Gate: guard.NewKeeper(care.rules, care.ledger), Bulkhead: bulkhead, Metrics: metrics,
			Breaker: guard.BreakerOptions{
				Reads: uint(limits.Breaker.Reads), Commands: uint(limits.Breaker.Commands), Open: limits.Breaker.Open,
				Changed: care.breakerChanged, Wanted: ac.Wants,
			},
			Deadline: guard.Deadlines{
				Login: limits.Deadline.Login, List: limits.Deadline.List, Cached: limits.Deadline.Cached, Force: limits.Deadline.Force,
			},
		})
		client, err := bluelink.New(cloud)
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", ac.Name, err)
		}
		a.clouds[ac.Name] = cloud
		opened := bridge.Account{Name: ac.Name, Key: key, Client: client, Wanted: ac.Wants, Mute: mute(ac), Books: care, News: care.news, Zone: care.rules.Zone}
		if session := a.sessions[ac.Name]; session != nil && session.SendsCodes() {
			opened.Codes = session
		}
		accounts = append(accounts, opened)
	}
	return accounts, nil
}

// accountKey names an account in the store: by region, brand and e-mail, and by the address of a simulator, so that
// simulated tokens never meet real ones.
func accountKey(a bluelink.Account, cloudURL string) string {
	words := strings.Join([]string{a.Region.String(), a.Brand.String(), strings.ToLower(a.Username), cloudURL}, "\x00")
	sum := sha256.Sum256([]byte(words))
	return hex.EncodeToString(sum[:12])
}

func (a *App) units() topic.Units {
	switch a.config.Units {
	case config.MetricUnits:
		return topic.Metric
	case config.ImperialUnits:
		return topic.Imperial
	case config.CarUnits:
	}
	return topic.AsReported
}

// openMQTT builds the embedded broker, when there is to be one, and the client.
func (a *App) openMQTT(tree topic.Tree) (err error) {
	if a.options.Offline || a.options.Outbox != nil {
		return nil
	}
	if a.config.Broker.Mode == config.EmbeddedBroker {
		b := a.config.Broker
		a.broker, err = broker.New(broker.Options{
			Listen: b.Listen, WebSocket: b.WebSocket, Username: b.Username, Password: b.Password.Reveal(),
			AllowAnonymous: b.AllowAnonymous, Logger: a.log,
		})
		if err != nil {
			return fmt.Errorf("embedded broker: %w", err)
		}
	}
	m := a.config.MQTT
	options := mqtt.Options{
		Servers: []string{m.Server()}, Username: m.Username, Password: m.Password.Reveal(), ClientID: m.ClientID,
		TLS:     mqtt.TLS{CAFile: m.TLS.CAFile, CertFile: m.TLS.CertFile, KeyFile: m.TLS.KeyFile, ServerName: m.TLS.ServerName, InsecureSkipVerify: m.TLS.Insecure},
		Version: mqttVersion(m.Version), MaximumPacket: m.MaxPacketSize,
		KeepAlive: m.KeepAlive, Logger: a.log, EventLimit: eventLimit, Subscriptions: a.subscriptions(tree),
		Moments:   []string{a.config.HomeAssistant.Status()},
		Will:      &mqtt.Publication{Topic: tree.BridgeState(), Payload: []byte(topic.Offline), QoS: 1, Retain: true},
		Farewell:  []mqtt.Publication{{Topic: tree.BridgeState(), Payload: []byte(topic.Offline), QoS: 1, Retain: true}},
		OnMessage: func(m mqtt.Message) { a.bridge.Handle(incoming(m)) },
		OnUp: func(info mqtt.Info) {
			if !info.WildcardsAllowed {
				a.plainly.refused(info.RefusedFilters)
			}
			a.spoken.Store(&info.Version)
			if most := int64(info.MaximumPacket); a.packet.Swap(most) != most {
				a.tooLarge.Store(false)
			}
			a.bridge.Connected()
			a.ready.create()
		},
		OnDown: func(error) {
			a.bridge.Disconnected()
			a.ready.remove()
		},
	}
	if a.broker != nil {
		// Its address is known only when it listens; see Run.
		options.Servers = []string{"mqtt://" + embeddedHost}
		options.Dial = a.dialEmbedded
		options.Username, options.Password = a.config.Broker.Username, a.config.Broker.Password.Reveal()
	} else {
		options.ReceiveMaximum = receiveWindow
	}
	if a.mqtt, err = mqtt.New(options); err != nil {
		return err
	}
	a.registry.MustRegister(mqttCollector{a.mqtt})
	a.plainly = &plainly{tree: tree, subscribe: a.mqtt.Subscribe, log: a.log, wake: make(chan struct{}, 1)}
	for _, ac := range a.config.Accounts {
		a.plainly.accounts = append(a.plainly.accounts, ac.Name)
	}
	return nil
}

// eventLimit bounds the records and positions that wait for the broker. It must not be reached while there is a
// connection, since each command is promised the record of its end: a thousand cars whose refreshes end together have
// three thousand records and six thousand positions to tell.
const eventLimit = 1 << 16

// receiveWindow bounds what a broker may send before it is acknowledged; it is well below the bridge's inbox.
const receiveWindow = 1024

// embeddedHost stands for the embedded broker, whatever its port.
const embeddedHost = "embedded.invalid:1883"

func (a *App) dialEmbedded(ctx context.Context, network, _ string) (net.Conn, error) {
	return new(net.Dialer).DialContext(ctx, network, a.broker.Addr())
}

// outbox is the way from the bridge to MQTT.
func (a *App) outbox() bridge.Outbox {
	switch {
	case a.options.Outbox != nil:
		return a.options.Outbox
	case a.mqtt == nil:
		return nowhere{}
	}
	return outbox{a.mqtt, a.log, &a.tooLarge}
}

// Served tells of which accounts there is no cloud. [New] refuses them too, but only after it has opened the store.
func Served(c *config.Config) error {
	var missing []error
	for i, ac := range c.Accounts {
		if all := clouds.Supported(); !slices.Contains(all, clouds.Service{Region: ac.Region, Brand: ac.Brand}) {
			missing = append(missing, fmt.Errorf("accounts[%d]: %s has no cloud in this region; served are %v", i, ac.Brand, all))
		}
	}
	return errors.Join(missing...)
}

// mqttVersion is the version of MQTT in the client's words.
func mqttVersion(v config.MQTTVersion) mqtt.Version {
	switch v {
	case config.MQTT5:
		return mqtt.Version5
	case config.MQTT311:
		return mqtt.Version311
	case config.AutoMQTT:
	}
	return mqtt.AnyVersion
}

func (a *App) info() topic.Bridge {
	info := topic.Bridge{Version: cmp.Or(a.options.Version, "unknown"), Started: a.started, Features: a.features()}
	if spoken := a.spoken.Load(); spoken != nil {
		info.Protocol = string(*spoken)
	}
	return info
}

// Bridge is the heart.
func (a *App) Bridge() *bridge.Bridge { return a.bridge }

// Registry is where the program's metrics are registered.
func (a *App) Registry() *prometheus.Registry { return a.registry }

// Run works until ctx ends or a part fails; when it returns, everything that it started has ended.
func (a *App) Run(ctx context.Context) error {
	var parts []part
	if a.broker != nil {
		parts = append(parts, part{name: "embedded broker", run: a.broker.Run, ready: a.broker.Ready()})
	}
	if a.mqtt != nil {
		parts = append(parts, part{name: "MQTT client", run: a.mqtt.Run}, part{name: "subscriptions without wildcards", run: a.plainly.run})
	}
	if a.config.HTTP.Listen != "" && !a.options.Offline {
		parts = append(parts, part{name: "web server", run: a.serveHTTP})
	}
	if a.storeDir != "" && !a.options.Offline {
		parts = append(parts, part{name: "control socket", run: func(ctx context.Context) error {
			return control.Serve(ctx, control.SocketPath(a.storeDir), a)
		}})
	}
	if a.abrp != nil {
		parts = append(parts, part{name: "telemetry to ABRP", run: a.abrp.Run})
	}
	parts = append(parts, part{name: "bridge", run: a.bridge.Run}, part{name: "memory", run: a.thrift})
	defer a.ready.remove()
	return runParts(ctx, parts)
}
