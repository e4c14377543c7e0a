package strain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/broker"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/linktest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// service is a broker of some kind that asks for a password.
type service interface {
	Addr() string
	Stop()
	Restart()
}

// guest is the user of all of them, and the password too.
const guest = mqtttest.RabbitUser

// embedded is our own broker on a port of its own.
type embedded struct {
	t    *testing.T
	addr string
	end  func()
}

func startEmbedded(t *testing.T) *embedded {
	e := &embedded{t: t, addr: mqtttest.FreeAddr(t), end: func() {}}
	e.Restart()
	t.Cleanup(e.Stop)
	return e
}

func (e *embedded) Addr() string { return e.addr }

func (e *embedded) Stop() {
	e.end()
	e.end = func() {}
}

func (e *embedded) Restart() {
	e.t.Helper()
	e.Stop()
	b, err := broker.New(broker.Options{Listen: e.addr, Username: guest, Password: guest})
	if err != nil {
		e.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	e.end = func() {
		cancel()
		if err := <-ended; err != nil {
			e.t.Error(err)
		}
	}
	<-b.Ready()
}

// kind is a kind of broker in a configuration, where guest is known.
type kind struct {
	start   func(t *testing.T) (at service, entrance string) // the program connects to the entrance
	version mqtt.Version                                     // what is spoken; empty where that depends on its own version
	packets int                                              // largest, in bytes, which it cannot say; 0 for any
	deaf    bool                                             // matches no wildcards with what is retained
}

// kinds are the brokers that the program must be at home with.
func kinds() map[string]kind {
	mosquitto := func(t *testing.T, more ...string) *mqtttest.Mosquitto {
		return mqtttest.Start(t, append(mqtttest.PasswordFile(t, guest, guest), more...)...)
	}
	plain := func(b service) (service, string) { return b, b.Addr() }
	return map[string]kind{
		"embedded":  {start: func(t *testing.T) (service, string) { return plain(startEmbedded(t)) }, version: mqtt.Version5},
		"mosquitto": {start: func(t *testing.T) (service, string) { return plain(mosquitto(t)) }, version: mqtt.Version5},
		"mosquitto with persistence": {start: func(t *testing.T) (service, string) {
			return plain(mosquitto(t, "persistence true", "persistence_location "+t.TempDir()+"/", "autosave_interval 1"))
		}, version: mqtt.Version5},
		"mosquitto for 3.1.1 with small packets": {start: func(t *testing.T) (service, string) {
			b := mosquitto(t, "max_packet_size 8000")
			return b, mqtttest.Door(t, b.Addr(), false)
		}, version: mqtt.Version311, packets: 8000},
		"nats-server": {start: func(t *testing.T) (service, string) { return plain(mqtttest.StartNATS(t, guest, guest)) }, version: mqtt.Version311},
		"rabbitmq":    {start: func(t *testing.T) (service, string) { return plain(mqtttest.StartRabbitMQ(t)) }, deaf: true},
	}
}

// Whatever broker it is: birth, retained states, commands and their results, refused retained commands, the will, a
// restart of the broker and a wrong password come to the same.
func TestBrokers_ServeTheProgramAlike(t *testing.T) {
	for name, kind := range kinds() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			at, entrance := kind.start(t)
			url := "mqtt://" + guest + ":" + guest + "@" + at.Addr()
			proxy := linktest.New(t, entrance)
			clouds := simulate(t, sim.Options{Cars: 2, Parked: true})
			o := observe(t, url)
			car := (&linked{sim: clouds}).first()
			o.retain("hyundai/"+car.ID+"/commands/refresh", `{"id":"stored","mode":"force"}`)
			as := func(password string) func(*config.Config) {
				return func(c *config.Config) {
					c.MQTT.MaxPacketSize = kind.packets
					c.MQTT.Username, c.MQTT.Password = guest, redact.NewSecret(password)
					c.MQTT.KeepAlive = 5 * time.Second // with one second the embedded broker is too strict
					c.Accounts[0].PIN = redact.NewSecret(sim.PIN)
				}
			}
			l := run(t, clouds, proxy.Addr(), "", as(guest))

			o.see("hyundai/bridge/state", "online")
			o.see("hyundai/bridge/info", "{")
			if info := string(o.payload("hyundai/bridge/info")); !strings.Contains(info, fmt.Sprintf(`"mqtt_protocol":"%s`, kind.version)) {
				t.Errorf("the bridge's info is %s", info)
			}
			for _, v := range clouds.Vehicles()[:2] {
				o.see("hyundai/"+v.ID+"/battery/level", `{"value":`)
			}
			if !kind.deaf {
				if r := o.end("stored"); r.end() != "rejected/retained" {
					t.Errorf("the stored command ended %s", r.end())
				}
			}
			o.drop("hyundai/" + car.ID + "/commands/refresh")
			if r := o.refresh(car, "asked", "cached"); r.State != "verified" {
				t.Errorf("a refresh ended %s", r.end())
			}
			o.send("hyundai/"+car.ID+"/commands/climate", `{"id":"moved","action":"start","set_temp":21}`)
			if r := o.end("moved"); r.State != "verified" {
				t.Errorf("a command ended %s", r.end())
			}
			if len(o.twice) > 0 {
				t.Errorf("ended twice: %v", o.twice)
			}

			// What the broker has not acknowledged yet is sent again afterwards, and may come twice.
			proxy.Refuse(true)
			proxy.Cut()
			o.see("hyundai/bridge/state", "offline")
			proxy.Refuse(false)
			o.see("hyundai/bridge/state", "online")
			o.stop()

			var before map[string]string
			eventually(t, "it is retained that the program is online", func() bool { // nats-server keeps it a while after it tells it
				before = kept(t, url, kind.deaf, car)
				return before["hyundai/bridge/state"] == "online"
			})
			made := l.times(connectedLine)
			at.Restart()
			eventually(t, "the program is connected again", func() bool { return l.times(connectedLine) > made })
			var differences []string
			defer func() {
				if len(differences) > 0 {
					t.Error(differences)
				}
			}()
			eventually(t, "everything is retained again", func() bool {
				differences = sameRetained(before, kept(t, url, kind.deaf, car))
				return len(differences) == 0
			})
			again := observe(t, url)
			number := 0
			eventually(t, "a refresh after the restart ends well", func() bool {
				// Brokers that have just started may drop a connection once more, and commands with it.
				number++
				id := fmt.Sprint("after-", number)
				again.send("hyundai/"+car.ID+"/commands/refresh", fmt.Sprintf(`{"id":%q,"mode":"cached"}`, id))
				var r record
				again.await(5*time.Second, func() (done bool) { r, done = again.ends[id]; return done })
				return r.State == "verified"
			})
			if len(again.twice) > 0 {
				t.Errorf("ended twice: %v", again.twice)
			}
			// Where packets are small, an announcement that takes parts back can be too large; it follows without them.
			if n := l.times("cannot be published"); n > 0 && kind.packets == 0 {
				t.Errorf("%d messages could not be published", n)
			}

			stranger := run(t, clouds, entrance, "", as("wrong-password"))
			stranger.said("cannot connect to the broker, will keep trying")
			stranger.said("check the broker's user name and password")
			if status, body := stranger.ready(); status != http.StatusServiceUnavailable || !strings.Contains(body, "broker is not connected") {
				t.Errorf("/readyz answers %d %s", status, body)
			}
			if n := stranger.times("cannot connect"); n != 1 || stranger.times("wrong-password") > 0 {
				t.Errorf("the log says it %d times", n)
			}
		})
	}
}

// tame is a mochi hook that lets nobody subscribe with wildcards and says so at each connection. Mochi by itself knows the
// setting and minds it nowhere.
type tame struct{ mochi.HookBase }

func (tame) Provides(call byte) bool {
	return call == mochi.OnConnectAuthenticate || call == mochi.OnACLCheck || call == mochi.OnPacketEncode
}

func (tame) OnConnectAuthenticate(*mochi.Client, packets.Packet) bool { return true }

func (tame) OnACLCheck(_ *mochi.Client, topic string, _ bool) bool {
	return !strings.ContainsAny(topic, "+#")
}

func (tame) OnPacketEncode(_ *mochi.Client, p packets.Packet) packets.Packet {
	if p.FixedHeader.Type == packets.Connack {
		p.Properties.WildcardSubAvailable, p.Properties.WildcardSubAvailableFlag = 0, true
	}
	return p
}

// A broker that takes no wildcards is asked for the topics of each car, also of those that are found later.
func TestBrokers_WithoutWildcardsAreAskedForEachTopic(t *testing.T) {
	t.Parallel()
	server := mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler)})
	listener := listeners.NewTCP(listeners.Config{ID: "tcp", Address: "127.0.0.1:0"})
	if err := errors.Join(server.AddHook(new(tame), nil), server.AddListener(listener), server.Serve()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	clouds := simulate(t, sim.Options{Cars: 2, Parked: true})
	topics := []string{"hyundai/bridge/state", "hyundai/account/" + home + "/state"}
	for _, car := range clouds.Vehicles()[:2] {
		topics = append(topics, "hyundai/"+car.ID+"/battery/level", "hyundai/"+car.ID+"/result/asked-"+car.ID)
	}
	o := observe(t, "mqtt://"+listener.Address(), topics...)
	l := run(t, clouds, listener.Address(), "", func(c *config.Config) { c.MQTT.KeepAlive = 5 * time.Second })
	o.see("hyundai/bridge/state", "online")
	for _, car := range clouds.Vehicles()[:2] {
		o.see("hyundai/"+car.ID+"/battery/level", `{"value":`)
		// It is heard as soon as the car is known and subscribed to.
		eventually(t, "a command for "+car.ID+" ends", func() bool {
			o.send("hyundai/"+car.ID+"/commands/refresh", fmt.Sprintf(`{"id":"asked-%s","mode":"cached"}`, car.ID))
			o.mu.Lock()
			defer o.mu.Unlock()
			return o.ends["asked-"+car.ID].State == "verified"
		})
	}
	if n := l.times("will not arrive"); n > 0 {
		t.Errorf("the log says %d times that commands will not arrive", n)
	}
}

const connectedLine = `"msg":"connected to the broker`

// kept is what the broker keeps: everything, or with one that is deaf a sample, asked for by name.
func kept(t *testing.T, url string, deaf bool, car sim.Vehicle) map[string]string {
	t.Helper()
	if !deaf {
		return retained(t, url)
	}
	return retained(t, url, "hyundai/bridge/state", "hyundai/"+car.ID+"/availability", "hyundai/"+car.ID+"/battery/level",
		"hyundai/"+car.ID+"/status/doors/locked", "hyundai/account/"+home+"/state")
}
