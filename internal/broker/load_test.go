package broker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"testing"

	paho311 "github.com/eclipse/paho.mqtt.golang/packets"
	"github.com/gorilla/websocket"
)

// oneWriter lets one at a time write.
type oneWriter struct {
	net.Conn
	mu sync.Mutex
}

func (o *oneWriter) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.Conn.Write(b)
}

// guest is a client of 3.1.1 that comes again and again under few names, subscribes, publishes, and leaves as it likes: in the
// middle of a packet, too.
func guest(ctx context.Context, b *Broker, dice *rand.Rand) error {
	var conn net.Conn
	var err error
	if dice.IntN(2) == 0 {
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", b.Addr())
	} else {
		var socket *websocket.Conn
		dialer := websocket.Dialer{Subprotocols: []string{"mqtt"}}
		socket, _, err = dialer.DialContext(ctx, "ws://"+b.WebSocketAddr(), nil)
		conn = &stream{Conn: socket}
	}
	if err != nil {
		return err
	}
	conn = &oneWriter{Conn: conn}
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	hello, _ := paho311.NewControlPacket(paho311.Connect).(*paho311.ConnectPacket)
	hello.ProtocolName, hello.ProtocolVersion, hello.Keepalive = "MQTT", 4, 60
	hello.ClientIdentifier, hello.CleanSession = fmt.Sprint("guest", dice.IntN(8)), dice.IntN(2) == 0
	hello.WillFlag, hello.WillTopic, hello.WillMessage, hello.WillRetain = true, "load/will", []byte("gone"), true
	ask, _ := paho311.NewControlPacket(paho311.Subscribe).(*paho311.SubscribePacket)
	ask.MessageID, ask.Topics, ask.Qoss = 1, []string{"load/#", "load/+"}, []byte{byte(dice.IntN(3)), 1}
	for _, packet := range []paho311.ControlPacket{hello, ask} {
		if err := packet.Write(conn); err != nil {
			return err
		}
	}
	go func() { // it acknowledges most of what it is given
		for {
			packet, err := paho311.ReadPacket(conn)
			if err != nil {
				return
			}
			if given, ok := packet.(*paho311.PublishPacket); ok && given.Qos == 1 {
				ack, _ := paho311.NewControlPacket(paho311.Puback).(*paho311.PubackPacket)
				ack.MessageID = given.MessageID
				if ack.Write(conn) != nil {
					return
				}
			}
		}
	}()
	for range dice.IntN(30) {
		p, _ := paho311.NewControlPacket(paho311.Publish).(*paho311.PublishPacket)
		p.TopicName, p.Payload, p.Qos, p.Retain = fmt.Sprint("load/", dice.IntN(5)), []byte("x"), byte(dice.IntN(3)), dice.IntN(2) == 0
		p.MessageID = uint16(dice.IntN(5) + 1)
		if err := p.Write(conn); err != nil {
			return err
		}
	}
	switch dice.IntN(3) {
	case 0:
		return paho311.NewControlPacket(paho311.Disconnect).Write(conn)
	case 1:
		_, err = conn.Write([]byte{0x30, 100, 0, 5, 'l'})
	}
	return err
}

// While clients come and go, take over each other's names and leave packets unfinished, the broker serves others, ends when it
// is told to, and leaves nothing behind.
func TestBroker_EndsUnderLoad(t *testing.T) {
	for round := range 3 {
		b, stop := start(t, Options{WebSocket: "127.0.0.1:0"})
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				dice := rand.New(rand.NewPCG(uint64(round), uint64(i)))
				for ctx.Err() == nil {
					_ = guest(ctx, b, dice) // the others take over from it, too
				}
			})
		}
		witness, _ := hello(t, b.Addr(), "witness", nil)
		witness.subscribed("quiet", 1)
		other, _ := hello(t, b.Addr(), "other", nil)
		for i := range 100 {
			other.published("quiet", fmt.Sprint(i), i%2 == 0)
			if p := witness.message(); string(p.Payload) != fmt.Sprint(i) {
				t.Fatalf("got %s, want %d", p.Payload, i)
			}
		}
		stop()
		cancel()
		all.Wait()
	}
}

// One that hangs up while its WebSocket opens is not waited for.
func TestBroker_EndsAfterWebSocketsThatWereGivenUp(t *testing.T) {
	b, stop := start(t, Options{WebSocket: "127.0.0.1:0"})
	for range 500 {
		conn, err := net.DialTimeout("tcp", b.WebSocketAddr(), patience)
		if err != nil {
			t.Fatal(err)
		}
		if tcp, ok := conn.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // hang up at once
		}
		_, err = conn.Write([]byte("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
			"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"))
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.Close()
	}
	stop()
}

// A WebSocket carries MQTT in binary messages, wherever these end; other messages are none.
func TestBroker_WebSocketMessagesNeedNotBePackets(t *testing.T) {
	b, _ := start(t, Options{WebSocket: "127.0.0.1:0"})
	dial := func() *websocket.Conn {
		socket, _, err := (&websocket.Dialer{Subprotocols: []string{"mqtt"}}).Dial("ws://"+b.WebSocketAddr(), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = socket.Close() })
		return socket
	}
	hello := []byte("\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01c")
	split := dial()
	for _, b := range hello {
		if err := split.WriteMessage(websocket.BinaryMessage, []byte{b}); err != nil {
			t.Fatal(err)
		}
	}
	if _, answer, err := split.ReadMessage(); err != nil || string(answer) != "\x20\x02\x00\x00" {
		t.Errorf("answered %q, %v", answer, err)
	}
	joined := dial()
	if err := joined.WriteMessage(websocket.BinaryMessage, append(hello, 0xc0, 0)); err != nil { // with a PINGREQ
		t.Fatal(err)
	}
	for _, want := range []string{"\x20\x02\x00\x00", "\xd0\x00"} {
		if _, answer, err := joined.ReadMessage(); err != nil || string(answer) != want {
			t.Errorf("answered %q, %v", answer, err)
		}
	}
	text := dial()
	if err := text.WriteMessage(websocket.TextMessage, hello); err != nil {
		t.Fatal(err)
	}
	if _, answer, err := text.ReadMessage(); err == nil {
		t.Errorf("answered %q", answer)
	} else if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		t.Error("not cut")
	}
}
