package broker

import (
	"fmt"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	mochi "github.com/mochi-mqtt/server/v2"
	mochipackets "github.com/mochi-mqtt/server/v2/packets"
)

// Retained messages come and go, by publishers and by wills, while others subscribe to all of them. The race detector finds
// mochi reading what is being written, unless the turnstile stands between.
func TestBroker_RetainedMessagesComeAndGoWhileOthersSubscribe(t *testing.T) {
	const rounds = 80
	b, _ := start(t, Options{})
	var all sync.WaitGroup
	run := func(work func() error) {
		all.Go(func() {
			if err := work(); err != nil {
				t.Error(err)
			}
		})
	}
	for i := range 3 {
		publisher, _, err := connect(t, b.Addr(), paho.Connect{ClientID: fmt.Sprint("publisher", i)}, paho.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		subscriber, _, err := connect(t, b.Addr(), paho.Connect{ClientID: fmt.Sprint("subscriber", i)}, paho.ClientConfig{})
		if err != nil {
			t.Fatal(err)
		}
		run(func() error {
			for n := range rounds {
				payload := []byte("here")
				if n%2 == 1 {
					payload = nil
				}
				if _, err := publisher.Publish(t.Context(), &paho.Publish{Topic: "a/b", QoS: byte(n % 3), Retain: true, Payload: payload}); err != nil {
					return fmt.Errorf("publish: %w", err)
				}
			}
			return nil
		})
		run(func() error {
			for range rounds {
				if _, err := subscriber.Subscribe(t.Context(), &paho.Subscribe{Subscriptions: []paho.SubscribeOptions{{Topic: "#"}, {Topic: "a/+"}}}); err != nil {
					return fmt.Errorf("subscribe: %w", err)
				}
			}
			return nil
		})
		run(func() error {
			for range rounds / 10 {
				if err := diesWithWill(b.Addr(), fmt.Sprint("dying", i), []byte("gone")); err != nil {
					return err
				}
			}
			return nil
		})
	}
	all.Wait()
}

// One that reads slowly what is retained holds up those that publish for writeTimeout, not until it has read all.
func TestTurnstile_SlowSubscriberDoesNotHoldUpPublishers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := mochi.New(serverOptions(quiet()))
		slow, publisher := server.NewClient(nil, "tcp", "slow", false), server.NewClient(nil, "tcp", "publisher", false)
		gate := newTurnstile()
		retained := mochipackets.Packet{FixedHeader: mochipackets.FixedHeader{Type: mochipackets.Publish, Retain: true}}
		for range 3 {
			gate.OnPacketSent(slow, mochipackets.Packet{FixedHeader: mochipackets.FixedHeader{Type: mochipackets.Suback}}, nil)
			begun := time.Now()
			if _, err := gate.OnPublish(publisher, retained); err != nil {
				t.Fatal(err)
			}
			if waited := time.Since(begun); waited != writeTimeout {
				t.Errorf("waited for %v", waited)
			}
			gate.OnRetainMessage(publisher, retained, 1)
			gate.OnPacketProcessed(slow, mochipackets.Packet{FixedHeader: mochipackets.FixedHeader{Type: mochipackets.Subscribe}}, nil)
		}
	})
}

// diesWithWill connects with a retained will and hangs up.
func diesWithWill(addr, id string, will []byte) error {
	conn, err := net.DialTimeout("tcp", addr, patience)
	if err != nil {
		return err
	}
	hello := packets.NewControlPacket(packets.CONNECT)
	c, _ := hello.Content.(*packets.Connect)
	c.ClientID, c.CleanStart, c.KeepAlive = id, true, 60
	c.WillFlag, c.WillRetain, c.WillTopic, c.WillMessage = true, true, "a/b", will
	_, err = hello.WriteTo(conn)
	if err == nil {
		_, err = packets.ReadPacket(conn)
	}
	if err != nil {
		return fmt.Errorf("connect with a will: %w", err)
	}
	return conn.Close()
}
