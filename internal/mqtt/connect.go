package mqtt

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/autopaho"
	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// linkState is what the connection manager's goroutine remembers; all callbacks below, except receive
// and publicationRefused, run on it.
type linkState struct {
	server  server    // of the latest attempt
	conn    *conn     // of the latest attempt, nil when dialling failed
	version Version   // in which it is made
	tls     handshake // what was seen of its TLS
	up      bool      // OnUp was called for it
	since   time.Time
	short   int               // connections in a row that did not last
	sudden  int               // and those that ended while the first messages were on their way
	fought  bool              // the last one ended because of another client with our id
	failed  map[string]string // server → its last failure, to say only what is new
	tries   int               // failed attempts since the last connection

	versions versions
	said     map[string]bool       // servers of which it was said that they are spoken to in 3.1.1
	wills    map[string]willLimits // by server
	again    bool                  // the last attempt has told how the next one can succeed: no wait before it
	repeats  int                   // attempts since the last connection that came without a wait
}

// willLimits is what a server does not take of a will; it tells only by refusing the connection.
type willLimits struct{ noRetain, noQoS bool }

// config is the library's view of the options. Ctx ends with Run.
func (c *Client) config(ctx context.Context) autopaho.ClientConfig {
	link := &c.link
	link.failed, link.wills, link.said = make(map[string]string), make(map[string]willLimits), make(map[string]bool)
	link.versions = newVersions(c.opts.Version)
	config := autopaho.ClientConfig{
		KeepAlive:         uint16(c.opts.KeepAlive / time.Second),
		ConnectTimeout:    c.opts.ConnectTimeout,
		ReconnectBackoff:  c.wait,
		ConnectUsername:   c.opts.Username,
		ConnectPassword:   []byte(c.opts.Password),
		AttemptConnection: c.dial,
		OnConnectionUp: func(manager *autopaho.ConnectionManager, answer *paho.Connack) {
			c.up(ctx, manager, answer)
		},
		OnConnectionDown: c.down,
		OnConnectError:   c.connectFailed,
		ConnectPacketBuilder: func(packet *paho.Connect, server *url.URL) (*paho.Connect, error) {
			// The library asks for a clean start only the first time.
			packet.CleanStart = true
			packet.WillMessage = c.will(server.String())
			packet.Properties = &paho.ConnectProperties{RequestProblemInfo: true}
			if c.opts.ReceiveMaximum > 0 {
				packet.Properties.ReceiveMaximum = &c.opts.ReceiveMaximum
			}
			return packet, nil
		},
		ClientConfig: paho.ClientConfig{
			ClientID:          c.opts.ClientID,
			Session:           pahoSession{session: c.session, refused: c.publicationRefused},
			PingHandler:       pinger{DefaultPinger: paho.NewDefaultPinger(), silent: c.session.silent},
			OnPublishReceived: []func(paho.PublishReceived) (bool, error){c.receive},
			PacketTimeout:     c.opts.ConnectTimeout,
		},
	}
	for _, s := range c.servers {
		config.ServerUrls = append(config.ServerUrls, s.url)
	}
	return config
}

// will is the will as far as a server takes it, nil for none.
func (c *Client) will(server string) *paho.WillMessage {
	will, limits := c.opts.Will, c.link.wills[server]
	if will == nil {
		return nil
	}
	message := &paho.WillMessage{Topic: will.Topic, Payload: will.Payload, QoS: will.QoS, Retain: will.Retain && !limits.noRetain}
	if limits.noQoS {
		message.QoS = 0
	}
	return message
}

// wait is the pause before attempt n since the last connection.
func (c *Client) wait(attempt int) time.Duration {
	if c.link.again {
		c.link.again = false
		c.link.repeats++
		return 0
	}
	attempt -= c.link.repeats
	if attempt == 0 && c.link.fought {
		return c.opts.Backoff(patientAttempt)
	}
	return c.opts.Backoff(attempt + c.link.short)
}

// dial opens the network connection of one attempt.
func (c *Client) dial(ctx context.Context, _ autopaho.ClientConfig, u *url.URL) (net.Conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.ConnectTimeout,
		fmt.Errorf("no connection within %v: %w", c.opts.ConnectTimeout, context.DeadlineExceeded))
	defer cancel()
	index := slices.IndexFunc(c.servers, func(s server) bool { return s.url == u })
	link := &c.link
	link.server, link.conn, link.tls = c.servers[index], nil, handshake{}
	link.version = link.versions.of(u.String())
	network, err := c.dialer.dial(ctx, link.server, &link.tls)
	if err != nil {
		return nil, err
	}
	link.conn = newConn(network, link.version == Version311, func(id uint16, code byte) { c.session.acknowledged(id, code) })
	return link.conn, nil
}

// connectFailed notes a failed attempt. It speaks only when a server fails in a new way.
func (c *Client) connectFailed(err error) {
	link := &c.link
	server := link.server.url.String()
	if inner := errors.Unwrap(err); inner != nil && !isConnack(err) {
		err = inner // the library's own words only repeat the address
	}
	seen := clues{encrypted: link.server.tls, tls: link.tls}
	if link.conn != nil {
		seen.answer = link.conn.answer()
	}
	failure := connectError(server, err, seen)
	if link.conn != nil && link.versions.failed(server, link.version, failure, seen.answer) || c.lessWill(server, failure) {
		link.again = true
		c.log.Debug("the broker refuses what it was asked, will ask for less", "server", server, "error", failure)
		return
	}
	c.remember(failure)
	link.tries++
	// The rest of the text may vary from attempt to attempt.
	said := fmt.Sprint(failure.Kind, failure.Code, failure.Reason)
	if link.failed[server] == said {
		return
	}
	link.failed[server] = said
	attributes := []any{"server", server, "error", failure}
	if hint := failure.Hint(); hint != "" {
		attributes = append(attributes, "hint", hint)
	}
	c.log.Error("cannot connect to the broker, will keep trying", attributes...)
}

// lessWill notes that a server does not take the will as it is, and reports whether that is new.
func (c *Client) lessWill(server string, failure *Error) bool {
	known := c.link.wills[server]
	limits := known
	switch failure.Code {
	case packets.ConnackRetainNotSupported:
		limits.noRetain = true
	case packets.ConnackQoSNotSupported:
		limits.noQoS = true
	}
	c.link.wills[server] = limits
	return limits != known
}

// up completes a new connection: subscriptions first, so that no command is missed after the birth
// message, then the owner.
func (c *Client) up(ctx context.Context, manager *autopaho.ConnectionManager, answer *paho.Connack) {
	link := &c.link
	link.up, link.fought, link.since = false, false, time.Now()
	link.again, link.repeats = false, 0 // another server may have answered since
	c.mu.Lock()
	c.manager = manager
	filters := slices.Clone(c.filters)
	c.mu.Unlock()

	refused, err := c.subscribe(ctx, manager, filters)
	if err != nil {
		c.session.blame(fmt.Errorf("subscribe: %w", err))
		c.session.cut() // down follows
		return
	}
	info := c.session.info()
	info.Server, info.ClientID, info.Version = link.server.url.String(), c.opts.ClientID, link.version
	info.RefusedFilters = refused
	if answer.Properties != nil && answer.Properties.AssignedClientID != "" {
		info.ClientID = answer.Properties.AssignedClientID
	}
	info.Connection = int(c.connections.Add(1))
	c.log.Info("connected to the broker", "server", info.Server, "client_id", info.ClientID, "mqtt", info.Version,
		"connection", info.Connection, "failed_attempts", link.tries)
	guessed := link.versions.connected(info.Server, link.version)
	if link.version == Version311 && c.opts.Version == AnyVersion {
		c.saySpeech(info.Server, guessed)
	}
	switch {
	case len(refused) > 0 && !info.WildcardsAllowed:
		c.log.Warn("the broker takes no wildcards in subscriptions", "filters", refused)
	case len(refused) > 0:
		c.log.Error("the broker refused subscriptions: messages on them will not arrive", "filters", refused,
			"hint", "check the broker's access rules")
	}
	if !info.RetainAvailable {
		c.log.Warn("the broker does not retain messages: subscribers see values only when they change")
	}
	clear(link.failed)
	link.tries, link.up = 0, true
	c.lastError.Store(nil)
	c.connected.Store(true)
	c.refusals.reset()
	c.overflow.reset()
	c.session.setOpen()
	c.opts.OnUp(info)
}

// saySpeech says once for each server that and why it is spoken to in MQTT 3.1.1.
func (c *Client) saySpeech(server string, guessed bool) {
	if c.link.said[server] {
		return
	}
	c.link.said[server] = true
	why := "it says that it does not know MQTT 5"
	if guessed {
		why = "it closed the connection when it was asked in MQTT 5, and will be asked again at the next one"
	}
	c.log.Info("the broker is spoken to in MQTT 3.1.1", "server", server, "why", why,
		"missing", "response topics, user properties, expiry of messages, the retain flag of live messages")
}

// down notes a lost connection and reports whether to connect again.
func (c *Client) down() bool {
	link := &c.link
	c.mu.Lock()
	c.manager = nil
	c.mu.Unlock()
	c.connected.Store(false)
	if c.closing.Load() {
		return false
	}
	failure := c.lostError(link.server.url.String())
	c.remember(failure)
	link.fought = errors.Is(failure, ErrTakenOver)
	lasted := time.Since(link.since)
	link.short, link.sudden = streak(link.short, lasted < steadyAfter), streak(link.sudden, lasted < sudden)
	attributes := []any{"error", failure}
	if hint := failure.Hint(); hint != "" {
		attributes = append(attributes, "hint", hint)
	}
	if link.version == Version311 && link.sudden >= suspiciouslyShort && c.opts.MaximumPacket == 0 {
		// It may be the size of a message: in 3.1.1 a broker cannot say what it takes, and hangs up.
		if bound := c.session.lighten(); bound > 0 {
			c.log.Warn("the broker closes the connection when large messages are on their way, no larger ones are sent from now on",
				"bytes", bound, "hint", "set mqtt.max_packet_size to what the broker takes, if it is more")
		}
	}
	switch {
	case link.fought:
		c.log.Error("another client took over this client id, will wait before connecting again", attributes...)
	case link.short == suspiciouslyShort && failure.Code == 0:
		// Mosquitto 2.0.11 closes without a reason when another client takes over.
		c.log.Error("the broker keeps closing the connection soon after it was made, will wait longer each time",
			"error", failure, "client_id", c.opts.ClientID, "hint", "perhaps another program uses the same client id")
	default:
		c.log.Warn("lost the broker, will reconnect", attributes...)
	}
	if link.up {
		link.up = false
		c.opts.OnDown(failure)
	}
	return true
}

// streak counts what happens in a row.
func streak(before int, again bool) int {
	if again {
		return before + 1
	}
	return 0
}

// lostError says why the connection ended.
func (c *Client) lostError(server string) *Error {
	cause := c.session.lastCause()
	if failure, ok := errors.AsType[*Error](cause); ok {
		failure.Server = server
		return failure
	}
	return &Error{Op: "connection to", Server: server, Kind: ErrLost, Err: cause}
}

func (c *Client) remember(err error) { c.lastError.Store(&err) }

// receive hands a message on; it runs on the goroutine that serves the connection.
func (c *Client) receive(received paho.PublishReceived) (bool, error) {
	c.opts.OnMessage(newMessage(received.Packet, c.session.received(received.Packet.QoS), time.Now()))
	return true, nil
}

// publicationRefused says once a connection that the broker does not take everything.
func (c *Client) publicationRefused(e *entry, code byte) {
	if c.refusals.first() {
		c.log.Error("the broker refused a publication, more may follow", "topic", e.pub.Topic,
			"reason_code", fmt.Sprintf("0x%02X", code), "hint", "check the broker's access rules and quotas")
	}
}

// onceInAWhile lets the first of a series of equal events through.
type onceInAWhile struct {
	mu   sync.Mutex
	seen bool
}

func (o *onceInAWhile) first() bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	first := !o.seen
	o.seen = true
	return first
}

func (o *onceInAWhile) reset() {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.seen = false
}
