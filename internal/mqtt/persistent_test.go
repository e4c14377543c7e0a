package mqtt_test

import (
	"context"
	"net"
	"strconv"
	"testing"
	"time"

	"github.com/eclipse/paho.golang/paho"
	kept "github.com/eclipse/paho.golang/paho/session/state"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/linktest"
)

// commander gives commands over a link that breaks, in a session that it and the broker keep, and repeats each that was not
// acknowledged.
type commander struct {
	*paho.Client
	alive   context.Context // ends with the connection
	link    *linktest.Proxy
	session *kept.State
	records chan string
}

// dial connects, and reports whether the broker has kept the session.
func (c *commander) dial(t *testing.T) bool {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); {
		conn, err := net.DialTimeout("tcp", c.link.Addr(), patience)
		if err != nil {
			t.Fatal(err)
		}
		alive, lost := context.WithCancel(t.Context())
		c.alive = alive //nolint:fatcontext // each connection has its own, none is made of another
		c.Client = paho.NewClient(paho.ClientConfig{Conn: conn, Session: c.session, OnClientError: func(error) { lost() }, OnPublishReceived: []func(paho.PublishReceived) (bool, error){
			func(p paho.PublishReceived) (bool, error) { c.records <- string(p.Packet.Payload); return true, nil },
		}})
		answer, err := c.Connect(t.Context(), &paho.Connect{ClientID: "commander", KeepAlive: 60, Properties: &paho.ConnectProperties{
			SessionExpiryInterval: paho.Uint32(3600), RequestProblemInfo: true,
		}})
		if err == nil {
			return answer.SessionPresent
		}
		lost()
	}
	t.Fatal("the commander cannot connect")
	return false
}

// give repeats a command until the broker has it.
func (c *commander) give(t *testing.T, command string, cut bool) {
	t.Helper()
	for {
		if cut {
			go c.link.Cut()
			cut = false
		}
		ctx, cancel := context.WithTimeout(c.alive, patience)
		_, err := c.Publish(ctx, &paho.Publish{Topic: "base/car/commands/lock", QoS: 1, Payload: []byte(command)})
		cancel()
		if err == nil {
			return
		}
		if !c.dial(t) {
			t.Fatal("the session is gone")
		}
	}
}

// Somebody gives commands over a bad link, in a session that is kept. Each reaches the client, whose own sessions never last,
// and its record, published while the link is broken or not, comes back.
func TestClient_CommandsOverABadLinkAndTheirRecordsArriveAll(t *testing.T) {
	onBothBrokers(t, func(t *testing.T, b testBroker) {
		const total = 200
		l := startUp(t, b.Addr(), mqtt.Options{Subscriptions: []string{"base/car/commands/lock"}})
		c := &commander{link: linktest.New(t, b.Addr()), session: kept.NewInMemory(), records: make(chan string, 100_000)}
		c.dial(t)
		t.Cleanup(func() { _ = c.Disconnect(&paho.Disconnect{}) })
		if _, err := c.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "base/car/result/+", QoS: 1}}}); err != nil {
			t.Fatal(err)
		}
		arrived := 0
		for i := range total {
			c.give(t, strconv.Itoa(i), i%10 == 5)
			for arrived <= i { // others may come twice
				m := next(t, l.messages, "command number "+strconv.Itoa(i))
				m.Ack()
				switch number, err := strconv.Atoi(string(m.Payload)); {
				case err != nil || number > arrived:
					t.Fatalf("got %s, want %d", m.Payload, arrived)
				case number == arrived:
					arrived++
					l.publish(t, mqtt.Publication{Topic: "base/car/result/" + string(m.Payload), Payload: m.Payload, QoS: 1})
				}
			}
		}
		l.flush(t)
		c.give(t, "last", false) // also connects, if need be
		for expected := 0; expected < total; {
			number, err := strconv.Atoi(next(t, c.records, "record number "+strconv.Itoa(expected)))
			if err != nil || number > expected {
				t.Fatalf("got record %d, want %d", number, expected)
			}
			if number == expected {
				expected++
			}
		}
	})
}
