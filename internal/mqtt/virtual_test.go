package mqtt_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/hooks/auth"

	"github.com/eclipse/paho.golang/packets"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt"
)

// Hours pass here in milliseconds: connections are pipes, and the clock is testing/synctest's.

// runVirtually runs a client inside a bubble and returns the function that ends it.
func runVirtually(t *testing.T, opts mqtt.Options) (client *mqtt.Client, stop func()) {
	t.Helper()
	opts.Servers = []string{"mqtt://broker"}
	client, err := mqtt.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() {
		if err := client.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	return client, func() { cancel(); running.Wait() }
}

// pipeTo dials a pipe whose other end is served by serve.
func pipeTo(serve func(net.Conn)) func(context.Context, string, string) (net.Conn, error) {
	return func(context.Context, string, string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		go serve(theirs)
		return ours, nil
	}
}

// accept answers CONNECT.
func accept(conn net.Conn) error {
	if _, err := packets.ReadPacket(conn); err != nil {
		return err
	}
	_, err := (&packets.Connack{Properties: &packets.Properties{}}).WriteTo(conn)
	return err
}

func TestClient_StaysConnectedForTenQuietHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := mochi.New(&mochi.Options{Logger: slog.New(slog.DiscardHandler), SysTopicResendInterval: 3600})
		if err := errors.Join(server.AddHook(new(auth.AllowHook), nil), server.Serve()); err != nil {
			t.Fatal(err)
		}
		downs := make(chan error, 10)
		client, stop := runVirtually(t, mqtt.Options{
			Dial:   pipeTo(func(conn net.Conn) { _ = server.EstablishConnection("pipe", conn) }),
			OnDown: func(err error) { downs <- err },
		})
		<-time.After(10 * time.Hour)
		if stats := client.Stats(); !stats.Connected || stats.Connections != 1 || len(downs) != 0 {
			t.Errorf("after ten hours: %+v, %d losses", stats, len(downs))
		}
		stop()
		_ = server.Close()
	})
}

func TestClient_SilentBrokerIsNoticedWithinTwoKeepalives(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const keepAlive = 20 * time.Second
		var since time.Time
		downs := make(chan error, 10)
		_, stop := runVirtually(t, mqtt.Options{
			KeepAlive: keepAlive,
			Dial: pipeTo(func(conn net.Conn) {
				if accept(conn) == nil {
					_, _ = io.Copy(io.Discard, conn) // takes everything, says nothing
				}
			}),
			OnUp:   func(mqtt.Info) { since = time.Now() },
			OnDown: func(err error) { downs <- err },
		})
		err := <-downs
		if took := time.Since(since); took > 2*keepAlive {
			t.Errorf("noticed after %v", took)
		}
		if !errors.Is(err, mqtt.ErrSilent) {
			t.Errorf("lost with %v", err)
		}
		stop()
	})
}

func TestClient_WriteThatIsNeverTakenEndsTheConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		downs := make(chan error, 10)
		client, stop := runVirtually(t, mqtt.Options{
			KeepAlive: time.Hour,
			Dial: pipeTo(func(conn net.Conn) {
				if accept(conn) == nil {
					_, _ = packets.ReadPacket(conn) // the ping that begins each connection, and nothing after
				}
			}),
			OnDown: func(err error) { downs <- err },
		})
		synctest.Wait()
		if err := client.Publish(context.Background(), event("car/event", "x")); err != nil {
			t.Fatal(err)
		}
		if err := <-downs; !errors.Is(err, mqtt.ErrLost) {
			t.Errorf("lost with %v", err)
		}
		stop()
	})
}

func TestClient_DeadBrokerIsAskedOnceAMinute(t *testing.T) {
	for name, dial := range map[string]func(context.Context, string, string) (net.Conn, error){
		"refuses": func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED },
		"accepts and drops": pipeTo(func(conn net.Conn) {
			_ = accept(conn)
			<-time.After(time.Millisecond) // a loss before Connect returns lets paho 0.23 race with itself
			_ = conn.Close()
		}),
		"drops":         pipeTo(func(conn net.Conn) { _ = conn.Close() }),
		"never answers": pipeTo(func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				attempts := 0
				_, stop := runVirtually(t, mqtt.Options{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
					mu.Lock()
					attempts++
					mu.Unlock()
					return dial(ctx, network, address)
				}})
				<-time.After(time.Hour)
				stop()
				if attempts < 40 || attempts > 140 {
					t.Errorf("%d attempts in an hour", attempts)
				}
			})
		})
	}
}

func TestClient_AcknowledgementsKeepTheOrderOfArrival(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acked := make(chan uint16, 10)
		var messages []mqtt.Message
		arrived := make(chan struct{})
		_, stop := runVirtually(t, mqtt.Options{
			Dial: pipeTo(func(conn net.Conn) {
				if accept(conn) != nil {
					return
				}
				go func() {
					for _, id := range []uint16{7, 3, 9} {
						_, _ = (&packets.Publish{Topic: "cmd", QoS: 1, PacketID: id, Properties: &packets.Properties{}}).WriteTo(conn)
					}
				}()
				for {
					packet, err := packets.ReadPacket(conn)
					if err != nil {
						return
					}
					if packet.Type == packets.PUBACK {
						acked <- packet.PacketID()
					}
				}
			}),
			OnMessage: func(m mqtt.Message) {
				if messages = append(messages, m); len(messages) == 3 {
					close(arrived)
				}
			},
		})
		<-arrived
		messages[2].Ack()
		messages[1].Ack()
		synctest.Wait()
		if len(acked) != 0 {
			t.Errorf("%d acknowledgements before the first message's", len(acked))
		}
		messages[0].Ack()
		messages[0].Ack()
		synctest.Wait()
		stop()
		if len(acked) != 3 {
			t.Fatalf("%d acknowledgements", len(acked))
		}
		for _, want := range []uint16{7, 3, 9} {
			if got := <-acked; got != want {
				t.Errorf("acknowledged %d, want %d", got, want)
			}
		}
	})
}

func TestClient_EventsExpireWhileTheyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		published := make(chan *packets.Publish, 10)
		var mu sync.Mutex
		reachable := false
		serve := pipeTo(func(conn net.Conn) {
			if accept(conn) != nil {
				return
			}
			for {
				packet, err := packets.ReadPacket(conn)
				if err != nil {
					return
				}
				if p, ok := packet.Content.(*packets.Publish); ok {
					published <- p
					_, _ = (&packets.Puback{PacketID: p.PacketID}).WriteTo(conn)
				}
			}
		})
		client, stop := runVirtually(t, mqtt.Options{Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			mu.Lock()
			defer mu.Unlock()
			if !reachable {
				return nil, syscall.EHOSTUNREACH
			}
			return serve(ctx, network, address)
		}})
		for _, expiry := range []time.Duration{time.Minute, time.Hour, 0} {
			pub := event("car/result", expiry.String())
			pub.Expiry = expiry
			if err := client.Publish(context.Background(), pub); err != nil {
				t.Fatal(err)
			}
		}
		<-time.After(10 * time.Minute)
		mu.Lock()
		reachable = true
		mu.Unlock()
		if err := client.Flush(context.Background()); err != nil {
			t.Fatal(err)
		}
		stop()
		if len(published) != 2 {
			t.Fatalf("%d events were sent", len(published))
		}
		first, second := <-published, <-published
		if e := first.Properties.MessageExpiry; string(first.Payload) != "1h0m0s" || e == nil || *e < 48*60 || *e > 50*60 {
			t.Errorf("first is %s with expiry %v", first.Payload, e)
		}
		if string(second.Payload) != "0s" || second.Properties.MessageExpiry != nil {
			t.Errorf("second is %s", second.Payload)
		}
		if dropped := client.Stats().Dropped; dropped != 1 {
			t.Errorf("%d dropped", dropped)
		}
	})
}

func TestClient_OldBrokerIsNamed(t *testing.T) {
	for name, answer := range map[string][]byte{
		"3.1.1 refusal":            {0x20, 2, 0, 1},
		"3.1.1 acceptance":         {0x20, 2, 0, 0},
		"unsupported version 0x84": {0x20, 3, 0, 0x84, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, stop := runVirtually(t, mqtt.Options{Version: mqtt.Version5, Dial: pipeTo(func(conn net.Conn) {
					_, _ = packets.ReadPacket(conn)
					_, _ = conn.Write(answer)
					_, _ = io.Copy(io.Discard, conn)
				})})
				<-time.After(time.Second)
				if err := client.Stats().LastError; !errors.Is(err, mqtt.ErrProtocol) {
					t.Errorf("failed with %v", err)
				}
				stop()
			})
		})
	}
}
