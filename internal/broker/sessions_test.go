package broker

import (
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/eclipse/paho.golang/packets"
	mochi "github.com/mochi-mqtt/server/v2"
	mochipackets "github.com/mochi-mqtt/server/v2/packets"
)

// Whoever takes over its own identifier hears what it subscribes to, and its birth comes after the will of the one before.
func TestSessions_OneThatTakesOverItselfIsHeardAndHears(t *testing.T) {
	const rounds = 300
	for name, clean := range map[string]bool{"clean start": true, "session kept": false} {
		t.Run(name, func(t *testing.T) {
			b, _ := start(t, Options{})
			watcher, _ := hello(t, b.Addr(), "watcher", nil)
			watcher.subscribed("state", 1)
			watcher.quiet()
			commander, _ := hello(t, b.Addr(), "commander", nil)
			for round := range rounds {
				w, _ := hello(t, b.Addr(), "bridge", func(c *packets.Connect) {
					c.CleanStart = clean
					if !clean {
						keeps(c)
					}
					c.WillFlag, c.WillTopic, c.WillMessage, c.WillRetain = true, "state", []byte("offline"), true
				})
				for i := range 20 {
					w.subscribed(fmt.Sprint("other/", i), 1)
				}
				w.subscribed("commands/#", 1)
				w.published("state", fmt.Sprint("online ", round), true)
				commander.published("commands/lock", strconv.Itoa(round), false)
				if p := w.message(); string(p.Payload) != strconv.Itoa(round) {
					t.Fatalf("round %d: got %s", round, p.Payload)
				}
				heard := watcher.message()
				if string(heard.Payload) == "offline" {
					heard = watcher.message()
				}
				if string(heard.Payload) != fmt.Sprint("online ", round) {
					t.Fatalf("round %d: the state is %s", round, heard.Payload)
				}
				watcher.quiet()
			}
		})
	}
}

// dawdler takes its time to send wills.
type dawdler struct{ mochi.HookBase }

func (*dawdler) ID() string { return "dawdler" }

func (*dawdler) Provides(call byte) bool { return call == mochi.OnWill }

func (*dawdler) OnWill(_ *mochi.Client, will mochi.Will) (mochi.Will, error) {
	<-time.After(time.Second)
	return will, nil
}

// However long the will of the connection before takes, the new one is let in afterwards, so that its birth is the last word.
func TestSessions_WillComesBeforeTheNextBirth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := mochi.New(serverOptions(quiet()))
		clients := newSessions(server, newTurnstile(), &windows{})
		for _, hook := range []mochi.Hook{&gatekeeper{}, &dawdler{}, clients} {
			if err := server.AddHook(hook, nil); err != nil {
				t.Fatal(err)
			}
		}
		var served sync.WaitGroup
		defer served.Wait()
		come := func() *wire {
			near, far := net.Pipe()
			t.Cleanup(func() { _ = near.Close() })
			served.Go(func() { attendance(quiet(), clients.ended)(server.EstablishConnection, "tcp", far) })
			w := &wire{near, t}
			w.hello("bridge", func(c *packets.Connect) {
				c.WillFlag, c.WillTopic, c.WillMessage, c.WillRetain, c.CleanStart = true, "state", []byte("offline"), true, true
			})
			return w
		}
		first := come()
		go func() { _, _ = io.Copy(io.Discard, first) }() // a pipe holds nothing
		second := come()
		second.published("state", "online", true)
		<-time.After(time.Minute)
		for _, kept := range server.Topics.Messages("state") {
			if string(kept.Payload) != "online" {
				t.Errorf("the state is %s", kept.Payload)
			}
		}
		_ = second.Close()
	})
}

// Many connections fight for one identifier. In the end one has it, and hears.
func TestSessions_OneOfManyHasTheIdentifier(t *testing.T) {
	b, _ := start(t, Options{})
	for range 20 {
		var all sync.WaitGroup
		for range 10 {
			all.Go(func() {
				conn, err := net.DialTimeout("tcp", b.Addr(), patience)
				if err != nil {
					t.Error(err)
					return
				}
				defer func() { _ = conn.Close() }()
				packet := packets.NewControlPacket(packets.CONNECT)
				c, _ := packet.Content.(*packets.Connect)
				c.ClientID, c.CleanStart = "same", true
				if _, err := packet.WriteTo(conn); err != nil {
					return // sent away already
				}
				_, _ = packets.ReadPacket(conn)
			})
		}
		last, _ := hello(t, b.Addr(), "last", func(c *packets.Connect) { c.CleanStart = true })
		all.Wait()
		w, _ := hello(t, b.Addr(), "same", func(c *packets.Connect) { c.CleanStart = true })
		w.subscribed("a", 1)
		last.published("a", "x", false)
		w.message()
	}
}

// What was kept comes first and in order, and nothing is lost while connections break and messages go on coming.
func TestSessions_WhatWasKeptComesInOrderAndNothingIsLost(t *testing.T) {
	const total, rounds = 6000, 60
	b, _ := start(t, Options{})
	w, _ := hello(t, b.Addr(), "subscriber", keeps)
	w.subscribed("t", 1)
	publisher, _ := hello(t, b.Addr(), "publisher", nil)
	sent := make(chan int, total)
	var all sync.WaitGroup
	defer all.Wait()
	all.Go(func() {
		for i := range total {
			publisher.published("t", strconv.Itoa(i), false)
			sent <- i
		}
	})
	expected := 0 // the lowest that has not come
	for round := 0; expected < total; round++ {
		if round > 0 {
			var answer *packets.Connack
			w, answer = hello(t, b.Addr(), "subscriber", keeps)
			if !answer.SessionPresent {
				t.Fatal("the session is gone")
			}
		}
		for range total / rounds {
			if expected == total {
				break
			}
			p, ok := w.receive().(*packets.Publish)
			if !ok {
				continue
			}
			n, err := strconv.Atoi(string(p.Payload))
			if err != nil || n > expected {
				t.Fatalf("round %d: got %s, want %d", round, p.Payload, expected)
			}
			if n == expected {
				expected++
			}
			if n%3 > 0 || n < expected-1 || expected == total { // one in three is not acknowledged
				w.acknowledge(packets.PUBACK, p.PacketID)
			}
		}
		if round%2 == 0 {
			_ = w.Close() // else it is taken over
		}
	}
}

// The same at once: all that was published while nobody was there, in one second.
func TestSessions_WhatWasPublishedMeanwhileComesInOrder(t *testing.T) {
	const total = maxAway
	b, _ := start(t, Options{})
	w, _ := hello(t, b.Addr(), "subscriber", keeps)
	w.subscribed("t", 1)
	_ = w.Close()
	publisher, _ := hello(t, b.Addr(), "publisher", nil)
	for i := range total {
		publisher.published("t", strconv.Itoa(i), false)
	}
	w, _ = hello(t, b.Addr(), "subscriber", keeps)
	for i := range total {
		if p := w.message(); string(p.Payload) != strconv.Itoa(i) {
			t.Fatalf("message %d is %s", i, p.Payload)
		}
	}
}

// For one that is away for long, the last messages are kept.
func TestSessions_LastMessagesAreKeptForWhoIsAway(t *testing.T) {
	const total = 3*maxAway + 500
	b, _ := start(t, Options{})
	w, _ := hello(t, b.Addr(), "subscriber", keeps)
	w.subscribed("t", 1)
	w.send(packets.NewControlPacket(packets.DISCONNECT))
	w.cut()
	publisher, _ := hello(t, b.Addr(), "publisher", nil)
	for i := range total {
		publisher.published("t", strconv.Itoa(i), false)
	}
	w, _ = hello(t, b.Addr(), "subscriber", keeps)
	for i := total - maxAway; i < total; i++ {
		if p := w.message(); string(p.Payload) != strconv.Itoa(i) {
			t.Fatalf("got %s, want %d", p.Payload, i)
		}
	}
	w.quiet()
}

// Of those that share a subscription, one that is there gets the message.
func TestSessions_WhoIsAwayGetsNothingThatOthersCouldTake(t *testing.T) {
	const total = 40
	b, _ := start(t, Options{})
	publisher, _ := hello(t, b.Addr(), "publisher", nil)
	there, _ := hello(t, b.Addr(), "there", keeps)
	there.subscribed("$share/group/commands", 1)
	for i := range 3 {
		away, _ := hello(t, b.Addr(), fmt.Sprint("away", i), keeps)
		away.subscribed("$share/group/commands", 1)
		away.send(packets.NewControlPacket(packets.DISCONNECT))
		away.cut()
	}
	<-time.After(200 * time.Millisecond) // mochi closes a connection a moment before it holds its client to be away
	for i := range total {
		publisher.published("commands", strconv.Itoa(i), false)
	}
	for i := range total {
		if p := there.message(); string(p.Payload) != strconv.Itoa(i) {
			t.Fatalf("got %s, want %d", p.Payload, i)
		}
	}
	there.send(packets.NewControlPacket(packets.DISCONNECT))
	there.cut()
	publisher.published("commands", "kept", false)
	publisher.quiet() // it is acknowledged before it is passed on
	got := 0
	for _, id := range []string{"there", "away0", "away1", "away2"} {
		w, _ := hello(t, b.Addr(), id, keeps)
		w.send(packets.NewControlPacket(packets.PINGREQ))
		for answered := false; !answered; {
			switch w.receive().(type) {
			case *packets.Publish:
				got++
			case *packets.Pingresp:
				answered = true
			}
		}
	}
	if got != 1 {
		t.Errorf("when all are away, a message is kept for %d of them", got)
	}
}

// What a client does not take is not sent to it, and does not keep it from coming back.
func TestSessions_MessageThatIsTooLargeDoesNotEndConnections(t *testing.T) {
	b, _ := start(t, Options{})
	small := func(c *packets.Connect) { keeps(c); c.Properties.MaximumPacketSize = pointer(uint32(1000)) }
	publisher, _ := hello(t, b.Addr(), "publisher", nil)
	w, _ := hello(t, b.Addr(), "subscriber", small)
	w.subscribed("#", 1)
	publisher.published("here", strings.Repeat("x", 2000), false)
	publisher.published("here", "small", false)
	if p := w.message(); string(p.Payload) != "small" {
		t.Errorf("got %d bytes", len(p.Payload))
	}
	_ = w.Close()
	publisher.published("away", strings.Repeat("x", 2000), false)
	publisher.published("away", strings.Repeat("x", 500), false)
	w, _ = hello(t, b.Addr(), "subscriber", func(c *packets.Connect) { keeps(c); c.Properties.MaximumPacketSize = pointer(uint32(400)) })
	w.quiet()
	publisher.published("back", "small", false)
	if p := w.message(); string(p.Payload) != "small" {
		t.Errorf("got %d bytes", len(p.Payload))
	}
}

func TestSessions_ExpiredSessionLeavesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := mochi.New(serverOptions(quiet()))
		s := newSessions(server, newTurnstile(), &windows{})
		if err := server.AddHook(s, nil); err != nil {
			t.Fatal(err)
		}
		if err := server.Serve(); err != nil {
			t.Fatal(err)
		}
		client := server.NewClient(nil, "tcp", "away", false)
		client.Properties.ProtocolVersion, client.Properties.Props.SessionExpiryInterval, client.Properties.Props.SessionExpiryIntervalFlag = 5, 60, true
		filter := mochipackets.Subscription{Filter: "car/#", Qos: 1}
		server.Topics.Subscribe(client.ID, filter)
		client.State.Subscriptions.Add(filter.Filter, filter)
		server.Clients.Add(client)
		client.Stop(nil)
		<-time.After(2 * time.Minute)
		if _, there := server.Clients.Get("away"); there {
			t.Error("the session has not expired")
		}
		if left := server.Topics.Subscribers("car/soc").Subscriptions; len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
		_ = server.Close()
	})
}
