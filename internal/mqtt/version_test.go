package mqtt_test

import (
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	old "github.com/eclipse/paho.mqtt.golang/packets"

	"github.com/eclipse/paho.golang/packets"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/linktest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/mqtttest"
)

// aged is a broker on pipes that speaks what it is told to speak, and notes in which version it was asked when.
type aged struct {
	mu     sync.Mutex // guards what follows
	asked  []byte     // protocol levels
	at     []time.Time
	answer func(level byte) []byte // to CONNECT; nil: hang up
	open   net.Conn
}

func (a *aged) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	level, err := connectLevel(conn)
	if err != nil {
		return
	}
	a.mu.Lock()
	a.asked, a.at = append(a.asked, level), append(a.at, time.Now())
	answer := a.answer(level)
	a.open = conn
	a.mu.Unlock()
	if answer == nil {
		return
	}
	if _, err := conn.Write(answer); err != nil {
		return
	}
	for {
		packet, err := old.ReadPacket(conn)
		if err != nil {
			return
		}
		if _, ping := packet.(*old.PingreqPacket); ping {
			_, _ = conn.Write([]byte{0xd0, 0})
		}
	}
}

// connectLevel reads CONNECT and gives its protocol level.
func connectLevel(conn net.Conn) (byte, error) {
	head := make([]byte, 2)
	if _, err := io.ReadFull(conn, head); err != nil {
		return 0, err
	}
	body := make([]byte, head[1]) // shorter than 128 bytes here
	if _, err := io.ReadFull(conn, body); err != nil || len(body) < 7 {
		return 0, errors.New("no CONNECT")
	}
	return body[6], nil
}

func (a *aged) change(answer func(level byte) []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = answer
}

// drop closes the connection.
func (a *aged) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	_ = a.open.Close()
}

// levels are those in which it was asked since the last call.
func (a *aged) levels() []byte {
	a.mu.Lock()
	defer a.mu.Unlock()
	levels := a.asked
	a.asked = nil
	return levels
}

// Answers to CONNECT: of a broker that says that it knows only 3.1.1, of one that hangs up, and of one that speaks both.
func says311(level byte) []byte {
	if level == 5 {
		return []byte{0x20, 2, 0, 1}
	}
	return []byte{0x20, 2, 0, 0}
}

func hangsUp(level byte) []byte {
	if level == 5 {
		return nil
	}
	return []byte{0x20, 2, 0, 0}
}

func both(level byte) []byte {
	if level == 5 {
		return []byte{0x20, 3, 0, 0, 0}
	}
	return []byte{0x20, 2, 0, 0}
}

func TestVersion_IsFoundOutAtOnceAndRemembered(t *testing.T) {
	const day = 24 * time.Hour
	for name, test := range map[string]struct {
		answer           func(byte) []byte
		first, next, day []byte // levels asked at the start, after a lost connection, and after one a day later
		spoken           mqtt.Version
	}{
		"speaks both":         {both, []byte{5}, []byte{5}, []byte{5}, mqtt.Version5},
		"says that it is old": {says311, []byte{5, 4}, []byte{4}, []byte{5, 4}, mqtt.Version311},
		"hangs up":            {hangsUp, []byte{5, 4}, []byte{5, 4}, []byte{5, 4}, mqtt.Version311},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &aged{answer: test.answer}
				ups := make(chan mqtt.Info, 10)
				var book logbook
				began := time.Now()
				_, stop := runVirtually(t, mqtt.Options{Dial: pipeTo(b.serve), OnUp: func(i mqtt.Info) { ups <- i }, Logger: book.logger()})
				if info := <-ups; info.Version != test.spoken || time.Since(began) > 0 {
					t.Errorf("speaks %s after %v", info.Version, time.Since(began))
				}
				if got := b.levels(); !slices.Equal(got, test.first) {
					t.Errorf("asked in %v at the start", got)
				}
				<-time.After(time.Hour) // more than steadyAfter
				b.drop()
				<-ups
				if got := b.levels(); !slices.Equal(got, test.next) {
					t.Errorf("asked in %v after a lost connection", got)
				}
				<-time.After(day)
				b.drop()
				<-ups
				if got := b.levels(); !slices.Equal(got, test.day) {
					t.Errorf("asked in %v a day later", got)
				}
				stop()
				if said := book.containing("cannot connect"); len(said) > 0 {
					t.Errorf("said %q", said)
				}
			})
		})
	}
}

// A broker that hangs up because it still starts is not taken for an old one.
func TestVersion_BrokerThatStartsIsNotTakenForAnOldOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &aged{answer: func(byte) []byte { return nil }}
		ups := make(chan mqtt.Info, 10)
		_, stop := runVirtually(t, mqtt.Options{Dial: pipeTo(b.serve), OnUp: func(i mqtt.Info) { ups <- i }})
		<-time.After(time.Hour)
		asked := b.levels()
		for i, level := range asked {
			if want := byte(5 - i%2); level != want {
				t.Fatalf("asked in %v", asked)
			}
		}
		b.change(both)
		if info := <-ups; info.Version != mqtt.Version5 {
			t.Errorf("speaks %s", info.Version)
		}
		b.levels()
		b.change(func(byte) []byte { return nil }) // it starts again, and has spoken version 5 before
		b.drop()
		<-time.After(time.Hour)
		if asked := b.levels(); slices.Contains(asked, 4) || len(asked) == 0 {
			t.Errorf("asked in %v", asked)
		}
		b.change(says311) // replaced by an old one, which says so
		if info := <-ups; info.Version != mqtt.Version311 {
			t.Errorf("speaks %s", info.Version)
		}
		stop()
	})
}

func TestVersion_ThatIsSetIsNotLeft(t *testing.T) {
	for version, levels := range map[mqtt.Version][]byte{mqtt.Version5: {5}, mqtt.Version311: {4}} {
		synctest.Test(t, func(t *testing.T) {
			b := &aged{answer: func(byte) []byte { return []byte{0x20, 2, 0, 1} }}
			client, stop := runVirtually(t, mqtt.Options{Version: version, Dial: pipeTo(b.serve)})
			<-time.After(time.Minute)
			failure, ok := errors.AsType[*mqtt.Error](client.Stats().LastError)
			if !ok || !errors.Is(failure, mqtt.ErrProtocol) || failure.Hint() == "" {
				t.Errorf("failed with %v", client.Stats().LastError)
			}
			asked := b.levels()
			slices.Sort(asked)
			if !slices.Equal(slices.Compact(asked), levels) {
				t.Errorf("asked in %v", asked)
			}
			stop()
		})
	}
	if _, err := mqtt.New(mqtt.Options{Servers: []string{"mqtt://host"}, Version: "4"}); err == nil {
		t.Error("version 4 was accepted")
	}
}

// What a server takes of a will it tells only by refusing the connection.
func TestClient_WillThatTheBrokerDoesNotTakeIsMadeLess(t *testing.T) {
	m := mqtttest.Start(t, "retain_available false", "max_qos 0")
	link := linktest.New(t, m.Addr())
	will := state("base/bridge/state", "offline")
	var book logbook
	l := startUp(t, link.Addr(), mqtt.Options{Will: &will, Logger: book.logger()})
	o := observe(t, m.Addr(), "base/#")
	link.Refuse(true)
	link.Cut()
	if got := o.expect(t, "base/bridge/state", "offline"); got.Retain || got.QoS != 0 {
		t.Errorf("the will came with QoS %d, retained %v", got.QoS, got.Retain)
	}
	link.Refuse(false)
	next(t, l.ups, "the connection after the cut")
	if said := book.containing("cannot connect"); len(said) > 1 { // the cut itself
		t.Errorf("said %q", said)
	}
}

func TestClient_ConnectsAsTheServerWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keepAlive = 20 * time.Second
		var connect *packets.Connect
		var pings []time.Time
		done := make(chan struct{})
		client, stop := runVirtually(t, mqtt.Options{
			KeepAlive: time.Hour, ReceiveMaximum: 32, Subscriptions: []string{"a/+", "b/c"},
			Dial: pipeTo(func(conn net.Conn) {
				defer close(done)
				packet, err := packets.ReadPacket(conn)
				if err != nil {
					return
				}
				connect = packet.Content.(*packets.Connect)
				short, wildcards := uint16(keepAlive/time.Second), byte(0)
				_, _ = (&packets.Connack{Properties: &packets.Properties{ServerKeepAlive: &short, WildcardSubAvailable: &wildcards}}).WriteTo(conn)
				for {
					packet, err := packets.ReadPacket(conn)
					if err != nil {
						return
					}
					switch content := packet.Content.(type) {
					case *packets.Subscribe:
						if len(content.Subscriptions) != 1 || content.Subscriptions[0].Topic != "b/c" {
							t.Errorf("subscribes to %+v although the server takes no wildcards", content.Subscriptions)
						}
						_, _ = (&packets.Suback{PacketID: content.PacketID, Properties: &packets.Properties{}, Reasons: []byte{1}}).WriteTo(conn)
					case *packets.Pingreq:
						pings = append(pings, time.Now())
						_, _ = (&packets.Pingresp{}).WriteTo(conn)
					}
				}
			}),
			OnUp: func(info mqtt.Info) {
				if info.WildcardsAllowed || !slices.Equal(info.RefusedFilters, []string{"a/+"}) {
					t.Errorf("connected with %+v", info)
				}
			},
		})
		<-time.After(10 * time.Minute)
		if !client.Stats().Connected {
			t.Error("not connected")
		}
		stop()
		<-done
		for i := 1; i < len(pings); i++ {
			if silence := pings[i].Sub(pings[i-1]); silence > keepAlive {
				t.Errorf("silent for %v although the server wants a sign of life every %v", silence, keepAlive)
			}
		}
		if len(pings) < 20 {
			t.Errorf("%d pings", len(pings))
		}
		p := connect.Properties
		if p.TopicAliasMaximum != nil || p.ReceiveMaximum == nil || *p.ReceiveMaximum != 32 || p.SessionExpiryInterval != nil || !connect.CleanStart {
			t.Errorf("CONNECT says %+v", connect)
		}
	})
}

func TestClient_OwnLimitHoldsWhereTheBrokerCannotSayOne(t *testing.T) {
	m := mqtttest.Start(t)
	for version, limit := range map[mqtt.Version]int{mqtt.Version5: 100, mqtt.Version311: 100} {
		l := start(t, m.Addr(), mqtt.Options{Version: version, MaximumPacket: limit})
		if info := next(t, l.ups, "the connection"); info.MaximumPacket != limit || info.Version != version {
			t.Errorf("connected with %+v", info)
		}
		if err := l.Publish(context.Background(), state("car/big", string(make([]byte, limit)))); !errors.Is(err, mqtt.ErrTooLarge) {
			t.Errorf("in %s: %v", version, err)
		}
	}
}

func TestClient_LearnsHowLargeAMessageMayBeWhereTheBrokerHangsUp(t *testing.T) {
	m := mqtttest.Start(t, "max_packet_size 3000")
	var l *line
	ready := make(chan struct{})
	var book logbook
	refused := make(chan int, 100)
	l = start(t, m.Addr(), mqtt.Options{Version: mqtt.Version311, Logger: book.logger(), OnUp: func(info mqtt.Info) {
		<-ready
		if err := l.Publish(context.Background(), state("car/all", string(make([]byte, 10_000)))); errors.Is(err, mqtt.ErrTooLarge) {
			refused <- info.MaximumPacket
		}
		_ = l.Publish(context.Background(), state("car/soc", "74"))
	}})
	close(ready)
	if limit := next(t, refused, "a connection on which the large message is not sent"); limit < 1024 || limit > 10_000 {
		t.Errorf("learned a limit of %d", limit)
	}
	observe311(t, m.Addr(), "car/+").expect(t, "car/soc", "74")
	l.flush(t)
	if stats := l.Stats(); !stats.Connected {
		t.Errorf("stats %+v", stats)
	}
	if said := book.containing("large messages"); len(said) != 1 {
		t.Errorf("said %q", said)
	}
}

// What one server does not speak says nothing of another, and to ask again in the other version costs no wait.
func TestVersion_OfEachServerIsItsOwn(t *testing.T) {
	m := mqtttest.Start(t)
	door := mqtttest.Door(t, m.Addr(), false)
	gone := mqtttest.FreeAddr(t)
	var waits []int
	l := start(t, "", mqtt.Options{
		Servers: []string{"mqtt://" + door, "mqtt://" + gone},
		Backoff: func(n int) time.Duration { waits = append(waits, n); return quickly(n) },
	})
	if info := next(t, l.ups, "the connection"); info.Version != mqtt.Version311 || info.Server != "mqtt://"+door {
		t.Errorf("connected with %+v", info)
	}
	l.stop()
	if !slices.Equal(waits, []int{0}) {
		t.Errorf("waited as for attempts %v", waits)
	}

	l = start(t, "", mqtt.Options{Servers: []string{"mqtt://" + door, "mqtt://" + m.Addr()}})
	if info := next(t, l.ups, "the connection"); info.Version != mqtt.Version5 || info.Server != "mqtt://"+m.Addr() {
		t.Errorf("connected with %+v", info)
	}
	m.Restart()
	next(t, l.downs, "the loss")
	// Either of them, as the broker may be back between the two attempts.
	spoken := map[string]mqtt.Version{"mqtt://" + door: mqtt.Version311, "mqtt://" + m.Addr(): mqtt.Version5}
	if info := next(t, l.ups, "the connection"); info.Version != spoken[info.Server] {
		t.Errorf("connected again with %+v", info)
	}
}
