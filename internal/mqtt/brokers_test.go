package mqtt_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/broker"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/linktest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
)

// kind is a kind of broker in a configuration, with a user "guest" whose password is "guest".
type kind struct {
	name    string
	start   func(t *testing.T) (b testBroker, addr string) // addr is where the client connects
	version mqtt.Version                                   // what both speak; AnyVersion where that depends on its own version
	refusal error                                          // of a wrong password
}

func kinds() []kind {
	mosquitto := func(t *testing.T, more ...string) *mqtttest.Mosquitto {
		return mqtttest.Start(t, append(mqtttest.PasswordFile(t, mqtttest.RabbitUser, mqtttest.RabbitUser), more...)...)
	}
	behind := func(rude bool, more ...string) func(t *testing.T) (testBroker, string) {
		return func(t *testing.T) (testBroker, string) {
			b := mosquitto(t, more...)
			return b, mqtttest.Door(t, b.Addr(), rude)
		}
	}
	return []kind{
		{"embedded", func(t *testing.T) (testBroker, string) {
			b := startEmbedded(t, broker.Options{Username: mqtttest.RabbitUser, Password: mqtttest.RabbitUser})
			return b, b.Addr()
		}, mqtt.Version5, mqtt.ErrCredentials},
		{"mosquitto", func(t *testing.T) (testBroker, string) { b := mosquitto(t); return b, b.Addr() }, mqtt.Version5, mqtt.ErrNotAuthorized},
		{"mosquitto for 3.1.1 with small packets", behind(false, "max_packet_size 2000"), mqtt.Version311, mqtt.ErrNotAuthorized},
		{"mosquitto for 3.1.1 that hangs up", behind(true), mqtt.Version311, mqtt.ErrNotAuthorized},
		{"nats-server", func(t *testing.T) (testBroker, string) {
			b := mqtttest.StartNATS(t, mqtttest.RabbitUser, mqtttest.RabbitUser)
			return b, b.Addr()
		}, mqtt.Version311, mqtt.ErrNotAuthorized},
		{"rabbitmq", func(t *testing.T) (testBroker, string) { b := mqtttest.StartRabbitMQ(t); return b, b.Addr() }, mqtt.AnyVersion, mqtt.ErrCredentials},
	}
}

func TestClient_EveryKindOfBrokerServesAlike(t *testing.T) {
	for _, kind := range kinds() {
		t.Run(kind.name, func(t *testing.T) {
			t.Parallel()
			b, addr := kind.start(t)
			link := linktest.New(t, addr)
			o := observe311(t, b.Addr(), "base/#")
			o.send(t, "base/car/commands/lock", "stored", true)
			o.expect(t, "base/car/commands/lock", "stored")

			will := state("base/bridge/state", "offline")
			var l *line
			ready := make(chan struct{})
			l = start(t, "", mqtt.Options{
				Servers: []string{"mqtt://guest:guest@" + link.Addr()}, Will: &will, Subscriptions: []string{"base/car/commands/lock", "base/car/commands/climate"},
				OnUp: func(mqtt.Info) {
					<-ready
					_ = l.Publish(t.Context(), state("base/bridge/state", "online"))
					_ = l.Publish(t.Context(), state("base/car/soc", "74"))
				},
			})
			close(ready)

			// Connected in the version that both speak, birth and states are retained, a stored command is recognised.
			if info := next(t, l.ups, "the connection"); kind.version != mqtt.AnyVersion && info.Version != kind.version {
				t.Errorf("speaks %s", info.Version)
			}
			o.expect(t, "base/bridge/state", "online")
			o.expect(t, "base/car/soc", "74")
			if got := observe311(t, b.Addr(), "base/car/soc").expect(t, "base/car/soc", "74"); !got.Retained() {
				t.Error("the state is not retained")
			}
			stored := next(t, l.messages, "the stored command")
			if !stored.Retained || string(stored.Payload) != "stored" {
				t.Errorf("stored command arrived as %+v", stored)
			}
			stored.Ack()

			// Commands in order, each acknowledged, and their results.
			const commands = 50
			for i := range commands {
				o.send(t, "base/car/commands/climate", fmt.Sprint(i), false)
			}
			for i := range commands {
				m := next(t, l.messages, "a command")
				if m.Topic != "base/car/commands/climate" || string(m.Payload) != fmt.Sprint(i) || m.Retained {
					t.Fatalf("command %d arrived as %+v", i, m)
				}
				m.Ack()
				l.publish(t, mqtt.Publication{Topic: "base/car/result/" + fmt.Sprint(i), Payload: m.Payload, QoS: 1, ContentType: "text/plain", Expiry: time.Hour})
			}
			for i := range 2 * commands {
				m := next(t, o.messages, "a command or result")
				if i == 2*commands-1 && !strings.HasPrefix(m.Topic(), "base/car/result/") {
					t.Errorf("the last is %s", m.Topic())
				}
			}

			l.flush(t) // what is not acknowledged would be sent again

			// The link is cut: the broker publishes the will, the client comes back.
			link.Refuse(true)
			link.Cut()
			o.expect(t, "base/bridge/state", "offline")
			link.Refuse(false)
			next(t, l.ups, "the connection after the cut")
			o.expect(t, "base/bridge/state", "online")

			// The broker starts again, whatever it keeps.
			b.Restart()
			next(t, l.ups, "the connection after the restart")
			l.flush(t)
			if got := observe311(t, b.Addr(), "base/car/soc").expect(t, "base/car/soc", "74"); !got.Retained() {
				t.Error("the state is not retained after the restart")
			}

			refusedLogin(t, addr, kind)
		})
	}
}

// refusedLogin is what a wrong password comes to.
func refusedLogin(t *testing.T, addr string, kind kind) {
	attempts := make(chan int, 10_000)
	var book logbook
	l := start(t, "", mqtt.Options{
		Servers: []string{"mqtt://guest:wrong-password@" + addr}, Logger: book.logger(),
		Backoff: func(n int) time.Duration { attempts <- n; return quickly(n) },
	})
	for n := 0; n < 5; n = next(t, attempts, "an attempt") {
	}
	l.stop()
	err := l.Stats().LastError
	failure, ok := errors.AsType[*mqtt.Error](err)
	if !ok || !errors.Is(err, kind.refusal) || !strings.Contains(failure.Hint(), "password") {
		t.Errorf("failed with %v", err)
	}
	if said := book.containing("cannot connect"); len(said) != 1 || strings.Contains(said[0], "wrong-password") {
		t.Errorf("said %q", said)
	}
}
