// Package broker is an MQTT broker inside the program, for homes without one and for the demo.
//
// Start at [Broker]: New checks the options, Run listens and blocks. The engine is mochi-mqtt; what it
// leaves open is closed here: who may listen where (broker.go) and connect (gatekeeper.go); connections that never say
// CONNECT, that read nothing, over whose packets it panics, and a farewell that can hang (listener.go); who comes while
// the same client is still going, and what is kept for it (sessions.go); what clients ask that it cannot keep to
// (terms.go, window.go); numbers that it confuses (identifiers.go); a race that can end it (turnstile.go); log lines
// that carry payloads (log.go).
//
// It keeps nothing on disk, so retained topics are gone after a restart; the bridge publishes them again. And some
// things only the engine could do: of a will it passes on topic, payload and user properties alone; what is retained
// on "a" is not sent to who subscribes to "a/#", and "a/+/#" does not match "a/b"; of overlapping subscriptions, No
// Local of one holds for all; what a client publishes below $SYS is never acknowledged.
//
// The package imports nothing of ours; internal/app and cmd start it.
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"sync"
	"syscall"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
)

// DefaultListen is the address used when none is given: this machine only, MQTT's own port.
const DefaultListen = "127.0.0.1:1883"

// Options configure a Broker. The zero value listens on DefaultListen without credentials.
type Options struct {
	Listen    string // host:port; port 0 takes a free one
	WebSocket string // host:port for MQTT over WebSocket; empty: none

	// Username and Password are what every client must send; both empty: no credentials.
	Username, Password string

	// AllowAnonymous lets the broker listen beyond this machine without credentials.
	AllowAnonymous bool

	Logger *slog.Logger // nil: silent
}

// Broker is one embedded broker.
type Broker struct {
	opts  Options
	log   *slog.Logger
	ready chan struct{}

	mu             sync.Mutex // guards the addresses
	addr, addrOfWS string
}

// ErrExposed is why New refuses to listen for the network without credentials.
var ErrExposed = errors.New("everybody on the network could command the cars: set user name and password for the embedded broker, or allow anonymous clients explicitly")

// New checks the options; it opens nothing.
func New(opts Options) (*Broker, error) {
	if opts.Listen == "" {
		opts.Listen = DefaultListen
	}
	b := &Broker{opts: opts, log: opts.Logger, ready: make(chan struct{})}
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	if (opts.Username == "") != (opts.Password == "") {
		return nil, errors.New("embedded broker: user name and password belong together, one is missing")
	}
	for _, address := range []string{opts.Listen, opts.WebSocket} {
		if address == "" {
			continue
		}
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("embedded broker: listen address %q: want host:port", address)
		}
		if opts.Username == "" && !opts.AllowAnonymous && !isLoopback(host) {
			return nil, fmt.Errorf("embedded broker: listen on %s: %w", address, ErrExposed)
		}
	}
	return b, nil
}

// isLoopback reports whether only this machine can reach host. An empty host means every interface.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Ready is closed when the broker accepts connections. It stays open when Run fails before.
func (b *Broker) Ready() <-chan struct{} { return b.ready }

// Addr is the address that the broker listens on, with the real port; empty before Ready.
func (b *Broker) Addr() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.addr
}

// WebSocketAddr is the same for MQTT over WebSocket; empty when there is none.
func (b *Broker) WebSocketAddr() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.addrOfWS
}

// Run serves until ctx ends and returns when all connections are closed. It may be called once.
func (b *Broker) Run(ctx context.Context) error {
	tcp, err := listen(ctx, b.opts.Listen)
	if err != nil {
		return err
	}
	doors := []*tracker{tcp}
	defer func() {
		for _, door := range doors {
			door.closeAll()
		}
	}()
	if b.opts.WebSocket != "" {
		web, err := listen(ctx, b.opts.WebSocket)
		if err != nil {
			return err
		}
		doors = append(doors, web)
	}

	server := mochi.New(serverOptions(b.log))
	gate, open := newTurnstile(), &windows{}
	clients := newSessions(server, gate, open)
	hooks := []mochi.Hook{&gatekeeper{username: b.opts.Username, password: b.opts.Password}, &terms{}, open, clients, gate, newIdentifiers()}
	for _, hook := range hooks {
		if err := server.AddHook(hook, nil); err != nil {
			return fmt.Errorf("embedded broker: %w", err)
		}
	}
	dismiss, attend := dismissal(server), attendance(b.log, clients.ended)
	err = server.AddListener(tcpListener{tcp, dismiss, attend})
	if len(doors) > 1 {
		err = errors.Join(err, server.AddListener(&webSocketListener{tracker: doors[1], dismiss: dismiss, attend: attend}))
	}
	if err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	// Mochi waits for its clients with a WaitGroup to which late ones are still being added. It must
	// not be zero before the last has come.
	server.Listeners.ClientsWg.Add(1)
	if err := server.Serve(); err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	b.mu.Lock()
	b.addr = tcp.Address()
	if len(doors) > 1 {
		b.addrOfWS = doors[1].Address()
	}
	b.mu.Unlock()
	b.log.Info("embedded broker listens", "address", b.Addr(), "websocket", b.WebSocketAddr(),
		"credentials", b.opts.Username != "")
	close(b.ready)

	<-ctx.Done()
	stopped := make(chan error, 1)
	go func() { stopped <- server.Close() }()
	gone := make(chan struct{})
	go func() {
		for _, door := range doors {
			door.open.Wait()
		}
		close(gone)
	}()
	select {
	case <-gone:
	case <-time.After(farewellTime):
		for _, door := range doors {
			door.closeAll()
		}
		select {
		case <-gone:
		case <-time.After(endTime):
			return fmt.Errorf("embedded broker: connections are still being served %v after they were cut", endTime)
		}
	}
	server.Listeners.ClientsWg.Done()
	if err := <-stopped; err != nil {
		return fmt.Errorf("stop the embedded broker: %w", err)
	}
	return nil
}

const (
	// farewellTime is how long clients have to take the DISCONNECT before they are cut.
	farewellTime = time.Second

	// endTime is how long the engine has to notice that. More means that it hangs, and then the program
	// must be able to end without it.
	endTime = 5 * time.Second
)

// listen opens address; a port in use gets an error that says what to do.
func listen(ctx context.Context, address string) (*tracker, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("embedded broker: another program listens on %s already, perhaps Mosquitto: "+
			"use that broker instead, stop it, or give the embedded one another address: %w", address, err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("embedded broker: no permission to listen on %s: choose a port above 1023: %w", address, err)
	case err != nil:
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	return newTracker(l), nil
}

// serverOptions are mochi's, with the limits at which it would lose messages moved out of the way.
func serverOptions(log *slog.Logger) *mochi.Options {
	capabilities := mochi.NewDefaultServerCapabilities()
	// 0 is no maximum; mochi's default makes retained topics vanish after a day. A large number would do
	// too, but would be sent to subscribers as the expiry of each message, and one so large that the sum
	// with the present time overflows makes mochi 2.7.9 send messages twice.
	capabilities.MaximumMessageExpiryInterval = 0
	// Beyond these, messages of QoS 1 are dropped: for a slow client, and for one that subscribes to
	// more retained topics at once. The queue costs 8 bytes a place and client.
	capabilities.MaximumClientWritesPending = math.MaxUint16 + 1
	capabilities.MaximumInflight = math.MaxUint16
	capabilities.MaximumPacketSize = maxPacketSize
	// Else mochi sends the user properties of a message back with its acknowledgement.
	capabilities.Compatibilities.NoInheritedPropertiesOnAck = true
	return &mochi.Options{
		Capabilities: capabilities,
		// What mochi gathers before it writes, it forgets to write when the last of it is more than the client takes; and
		// whoever waits for an acknowledgement must have sent what it is for. So each packet is written by itself.
		ClientNetWriteBufferSize: 1,
		// $SYS cannot be switched off; each round stops the world to read the memory statistics.
		SysTopicResendInterval: int64(time.Minute / time.Second),
		Logger:                 slog.New(quietHandler{log.Handler()}),
	}
}
