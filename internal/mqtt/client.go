package mqtt

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
)

// Options configure a Client. Only Servers is required.
type Options struct {
	// Servers are the broker's URLs (mqtt, mqtts, ws, wss; also tcp, ssl, tls), tried in turn. User
	// information in the first is used when Username is empty.
	Servers            []string
	Username, Password string
	ClientID           string // empty: a random one, new with each New
	TLS                TLS

	// Version of MQTT; AnyVersion asks the broker.
	Version Version

	// KeepAlive is the longest silence on the wire, in whole seconds from 1 s to 18 h; 0 means 30 s. A
	// dead link is noticed within two of them.
	KeepAlive time.Duration

	// Will is what the broker publishes when the connection ends without farewell: Topic, Payload, QoS
	// and Retain count, and there is no delay. Nil: none.
	Will *Publication

	// Farewell are the last publications, sent when Run's context ends and after everything that waits.
	// If they cannot be delivered within FarewellTimeout (0 means 5 s), the connection is cut instead, so
	// that the broker publishes the will.
	Farewell        []Publication
	FarewellTimeout time.Duration

	// Subscriptions are the topic filters from the start; Subscribe adds more. One that another covers is
	// left out where the broker takes wildcards: it may deliver once for each. All with QoS 1, Retain
	// Handling 0 and Retain As Published, so that retained commands arrive and are recognised.
	Subscriptions []string

	// Moments are those of the filters whose messages count when they are sent, also when they are sent
	// to be kept: without Retain As Published, so that only what the broker had kept arrives as retained.
	// A broker that speaks 3.1.1 does so for all.
	Moments []string

	// ReceiveMaximum bounds the messages that the broker may send before earlier ones are acknowledged;
	// 0 announces no bound. The embedded broker takes no notice of it, and mochi elsewhere stops when the
	// bound is reached: it is for large brokers that do it right.
	ReceiveMaximum uint16

	// MaximumPacket bounds what is published, in bytes a packet; 0 is what the broker says. Brokers that
	// speak 3.1.1 cannot say it and close the connection instead.
	MaximumPacket int

	MaxInFlight int // publications sent and not yet acknowledged, also bounded by the broker; 0 means 1000
	EventLimit  int // events kept while they cannot be sent; 0 means 1024

	// OnMessage gets each message, in order, on the goroutine that serves the connection. It must only
	// enqueue and return: while it runs nothing is received. It may be called before OnUp.
	OnMessage func(Message)

	// OnUp is called when a connection stands and its subscriptions are made; the owner then publishes
	// its birth message and all states. OnDown is called when such a connection is lost, not when Run
	// ends. Both are called in turn by one goroutine, must not wait for the network, and may publish.
	OnUp   func(Info)
	OnDown func(error)

	Logger *slog.Logger // nil: silent

	// For tests. Dial opens a network connection, Backoff is the wait before attempt n (DefaultBackoff).
	Dial           func(ctx context.Context, network, address string) (net.Conn, error)
	Backoff        func(attempt int) time.Duration
	ConnectTimeout time.Duration // for dialling and handshakes, 0 means 10 s
}

// Info is what the broker said when the connection was made.
type Info struct {
	Server           string // URL without user information
	ClientID         string // the broker may assign another one
	Version          Version
	Connection       int // 1 for the first, counted up with each
	MaximumQoS       byte
	RetainAvailable  bool // false: nothing is retained, whatever Publication.Retain says
	MaximumPacket    int  // bytes, 0 means any
	MaxInFlight      int
	RefusedFilters   []string // subscriptions that the broker did not accept
	WildcardsAllowed bool
}

// Stats is a snapshot of the client's life; the counters only grow.
type Stats struct {
	Connected   bool
	Connections uint64 // established ones; reconnects are one less
	Queued      int    // publications that wait
	InFlight    int    // sent and not yet acknowledged
	Published   uint64 // acknowledged by the broker, or sent with QoS 0
	Dropped     uint64 // events lost: pushed out by newer ones, or expired
	Skipped     uint64 // states not sent because there was no connection; the owner publishes them anew
	Refused     uint64 // too large, or not accepted by the broker
	Received    uint64 // messages handed to OnMessage
	LastError   error  // why the last attempt failed or the last connection ended; nil while connected
}

// Client is one line to a broker. Its methods may be called from any goroutine, also before Run.
type Client struct {
	opts    Options
	log     *slog.Logger
	servers []server
	dialer  dialer
	session *session
	done    chan struct{} // closed when Run has ended

	started     atomic.Bool
	closing     atomic.Bool // Run ends: do not connect again
	connected   atomic.Bool
	connections atomic.Uint64
	lastError   atomic.Pointer[error]

	mu      sync.Mutex // guards filters and manager
	filters []string
	manager *autopaho.ConnectionManager // nil unless connected

	link     linkState    // used on the goroutine of the connection manager only
	overflow onceInAWhile // events are being dropped
	refusals onceInAWhile // the broker refuses publications
}

// New checks the options; it opens nothing but the TLS files.
func New(opts Options) (*Client, error) {
	c := &Client{opts: opts, log: opts.Logger, done: make(chan struct{})}
	if err := c.complete(); err != nil {
		return nil, fmt.Errorf("MQTT client: %w", err)
	}
	c.filters = slices.Clone(opts.Subscriptions)
	c.session = newSession(c.opts.MaxInFlight, c.opts.EventLimit, c.opts.MaximumPacket)
	c.dialer = dialer{network: c.opts.Dial, tls: opts.TLS}
	return c, nil
}

// complete fills in defaults and reports everything that is wrong at once.
func (c *Client) complete() error {
	o := &c.opts
	var problems []error
	if len(o.Servers) == 0 {
		problems = append(problems, errors.New("no broker URL"))
	}
	encrypted := false
	for i, text := range o.Servers {
		s, user, err := parseServer(text)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if i == 0 && user != nil && o.Username == "" {
			o.Username = user.Username()
			o.Password, _ = user.Password()
		}
		encrypted = encrypted || s.tls
		c.servers = append(c.servers, s)
	}
	if encrypted {
		if _, err := o.TLS.config(new(handshake)); err != nil {
			problems = append(problems, err)
		}
	}
	if o.KeepAlive == 0 {
		o.KeepAlive = 30 * time.Second
	}
	if o.KeepAlive < time.Second || o.KeepAlive > math.MaxUint16*time.Second {
		problems = append(problems, fmt.Errorf("keepalive %v is not between 1 s and 18 h", o.KeepAlive))
	}
	publications := slices.Clone(o.Farewell)
	if o.Will != nil {
		publications = append(publications, *o.Will)
	}
	for _, pub := range publications {
		if err := pub.check(); err != nil {
			problems = append(problems, fmt.Errorf("will or farewell: %w", err))
		}
	}
	for _, filter := range o.Subscriptions {
		if err := checkFilter(filter); err != nil {
			problems = append(problems, err)
		}
	}
	if o.ClientID == "" {
		o.ClientID = randomClientID()
	}
	setDefault(&o.FarewellTimeout, 5*time.Second)
	setDefault(&o.ConnectTimeout, 10*time.Second)
	setDefault(&o.MaxInFlight, 1000)
	setDefault(&o.EventLimit, 1024)
	if o.MaxInFlight < 1 || o.MaxInFlight > 60_000 || o.EventLimit < 1 || o.MaximumPacket < 0 {
		problems = append(problems, errors.New("bounds of the outbox: in flight 1 to 60000, events at least 1, packets of no negative size"))
	}
	switch o.Version {
	case AnyVersion, Version5, Version311:
	default:
		problems = append(problems, fmt.Errorf("MQTT version %q is neither 5 nor 3.1.1", string(o.Version)))
	}
	if o.OnMessage == nil {
		o.OnMessage = func(m Message) { m.Ack() }
	}
	if o.OnUp == nil {
		o.OnUp = func(Info) {}
	}
	if o.OnDown == nil {
		o.OnDown = func(error) {}
	}
	if o.Dial == nil {
		o.Dial = (&net.Dialer{}).DialContext
	}
	if o.Backoff == nil {
		o.Backoff = DefaultBackoff
	}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	return errors.Join(problems...)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// randomClientID is at most 23 characters of [0-9a-zA-Z-]: what every broker takes [MQTT-3.1.3-5],
// apart from the hyphen, which all known ones do.
func randomClientID() string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return "bluelink-" + hex.EncodeToString(b[:])
}

// Publish hands pub to the outbox and returns at once.
//
// A state (Retain) replaces a waiting older one of its topic and keeps that one's place. While there is
// no connection it is dropped, also when it is empty and meant to clear its topic: the owner publishes
// everything that counts when OnUp is called. Any other publication is an event: it waits for a
// connection, is sent in order and at least once; when too many wait, the oldest go.
//
// The error says that pub can never be sent: ErrInvalid, ErrTooLarge, ErrClosed, or that ctx has ended.
func (c *Client) Publish(ctx context.Context, pub Publication) error {
	if err := context.Cause(ctx); err != nil {
		return fmt.Errorf("publish on %s: %w", pub.Topic, err)
	}
	if err := pub.check(); err != nil {
		return err
	}
	dropped, err := c.session.push(pub, time.Now())
	if err != nil {
		return fmt.Errorf("publish on %s: %w", pub.Topic, err)
	}
	if dropped > 0 && c.overflow.first() {
		c.log.Warn("events are being dropped: more wait for the broker than are kept",
			"kept", c.opts.EventLimit, "topic", pub.Topic)
	}
	return nil
}

// Flush waits until nothing waits and everything sent is acknowledged, or ctx ends. Without a
// connection it waits for one if there are events.
func (c *Client) Flush(ctx context.Context) error {
	if err := c.session.flush(ctx); err != nil {
		return fmt.Errorf("flush to the broker: %w", err)
	}
	return nil
}

// Stats reports how the client is doing.
func (c *Client) Stats() Stats {
	stats := Stats{Connected: c.connected.Load(), Connections: c.connections.Load()}
	if err := c.lastError.Load(); err != nil {
		stats.LastError = *err
	}
	c.session.fill(&stats)
	return stats
}

// Run connects and serves until ctx ends, says farewell, and returns nil when everything it started
// has ended. It may be called once.
func (c *Client) Run(ctx context.Context) error {
	if !c.started.CompareAndSwap(false, true) {
		return errors.New("MQTT client: Run was called before")
	}
	defer close(c.done)
	for _, s := range c.servers {
		if s.tls && c.opts.TLS.InsecureSkipVerify {
			c.log.Warn("the broker's certificate is not checked: anybody in between can read and command", "server", s.url.String())
		}
	}

	// The library ends by Disconnect, not with ctx: the farewell needs the connection.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	manager, err := autopaho.NewConnection(life, c.config(life))
	if err != nil {
		return fmt.Errorf("MQTT client: %w", err)
	}
	var sender sync.WaitGroup
	sender.Go(func() { c.send(life) })

	<-ctx.Done()
	c.closing.Store(true)
	c.session.close(c.opts.Farewell, time.Now())
	farewell, cancel := context.WithTimeout(life, c.opts.FarewellTimeout)
	defer cancel()
	if c.connected.Load() && c.session.flush(farewell) != nil {
		c.log.Warn("could not deliver everything before the end, the broker will publish the will")
		c.session.cut()
	}
	end()
	<-manager.Done()
	sender.Wait()
	c.connected.Store(false)
	c.log.Info("disconnected from the broker")
	return nil
}
