package broker

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/listeners"
	"github.com/mochi-mqtt/server/v2/packets"
)

// connectTimeout is how long a new connection may take to say CONNECT.
const connectTimeout = 10 * time.Second

// writeTimeout is how long a client may take nothing of what it is sent. Meanwhile whoever publishes what it has subscribed
// to waits: mochi holds the client's lock while it writes.
const writeTimeout = 5 * time.Second

// acceptPause lies between two attempts to take a connection.
const acceptPause = 100 * time.Millisecond

// tracker takes connections and remembers them. Mochi, when it closes, waits for all of them but sends
// only those away that sent CONNECT, and gives the others no time limit: one idle connection would hold
// it up for ever.
type tracker struct {
	net.Listener
	open sync.WaitGroup // one for the loop that accepts, and one for each connection until it is served

	mu     sync.Mutex // guards conns and closed
	conns  map[*trackedConn]struct{}
	closed bool
}

// newTracker expects that one loop accepts from it and calls open.Done at its end.
func newTracker(l net.Listener) *tracker {
	t := &tracker{Listener: l, conns: make(map[*trackedConn]struct{})}
	t.open.Add(1)
	return t
}

// Address is for mochi's log.
func (t *tracker) Address() string { return t.Addr().String() }

// Init has nothing left to open.
func (t *tracker) Init(*slog.Logger) error { return nil }

// Accept takes the next connection, gives it connectTimeout (which mochi extends when CONNECT has come)
// and counts it as open.
func (t *tracker) Accept() (net.Conn, error) {
	conn, err := t.Listener.Accept()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	if err := conn.SetReadDeadline(time.Now().Add(connectTimeout)); err != nil {
		_ = conn.Close() // whoever serves it will notice
	}
	t.open.Add(1)
	tracked := &trackedConn{Conn: conn, tracker: t}
	t.conns[tracked] = struct{}{}
	return tracked, nil
}

// closeAll stops accepting and cuts every connection.
func (t *tracker) closeAll() {
	_ = t.Listener.Close() // an error says that it was closed before
	t.mu.Lock()
	t.closed = true
	conns := t.conns
	t.conns = make(map[*trackedConn]struct{})
	t.mu.Unlock()
	for conn := range conns {
		_ = conn.Conn.Close()
	}
}

// attendFn serves a connection until it ends.
type attendFn func(establish listeners.EstablishFn, listener string, conn net.Conn)

// attendance returns how connections are served. A packet over which mochi panics, like a SUBSCRIBE that ends before its
// options (issue 501 of mochi-mqtt/server), ends its connection, not the program.
func attendance(log *slog.Logger, ended func(net.Conn)) attendFn {
	return func(establish listeners.EstablishFn, listener string, conn net.Conn) {
		defer ended(conn)
		defer func() {
			if cause := recover(); cause != nil {
				log.Error("embedded broker: a packet could not be understood, its connection is ended", "panic", cause)
			}
		}()
		_ = establish(listener, conn) // how a client ended is its own affair
	}
}

// dismissal tells the clients that came in through a listener that the broker shuts down. Mochi 2.7.9 has
// a function for that too, but it takes a read lock twice: with a client that leaves in between, it waits
// for ever (issue 488 of mochi-mqtt/server).
func dismissal(server *mochi.Server) listeners.CloseFn {
	return func(listener string) {
		for _, client := range server.Clients.GetAll() {
			if client.Net.Listener == listener && !client.Closed() {
				_ = server.DisconnectClient(client, packets.ErrServerShuttingDown) // or it is gone already
			}
		}
	}
}

// tcpListener is MQTT without anything around it.
type tcpListener struct {
	*tracker
	dismiss listeners.CloseFn
	attend  attendFn
}

var _ listeners.Listener = tcpListener{}

// ID and Protocol are for mochi's bookkeeping.
func (l tcpListener) ID() string       { return "tcp" }
func (l tcpListener) Protocol() string { return "tcp" }

// Serve hands connections to the broker until Close.
func (l tcpListener) Serve(establish listeners.EstablishFn) {
	defer l.open.Done()
	for {
		conn, err := l.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // too many files are open, or the connection has ended already
			<-time.After(acceptPause)
			continue
		}
		go func() {
			defer l.open.Done()
			l.attend(establish, l.ID(), conn)
		}()
	}
}

// Close stops accepting and sends the known clients away.
func (l tcpListener) Close(listeners.CloseFn) {
	_ = l.Listener.Close()
	l.dismiss(l.ID())
}

// trackedConn leaves its tracker's list when it closes, and cuts a client that takes nothing.
type trackedConn struct {
	net.Conn
	tracker *tracker
}

func (c *trackedConn) Close() error {
	c.tracker.mu.Lock()
	delete(c.tracker.conns, c)
	c.tracker.mu.Unlock()
	return c.Conn.Close()
}

// Write closes the connection when it fails, since mochi would go on with the next packet.
func (c *trackedConn) Write(b []byte) (int, error) {
	err := c.Conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	n := 0
	if err == nil {
		n, err = c.Conn.Write(b)
	}
	if err != nil {
		_ = c.Close()
	}
	return n, err
}

// SetDeadline is mochi's keep alive, which a client that only sends would prolong for what is being written as well.
func (c *trackedConn) SetDeadline(t time.Time) error { return c.SetReadDeadline(t) }

// SetWriteDeadline is left to Write.
func (c *trackedConn) SetWriteDeadline(time.Time) error { return nil }
