package broker

import (
	"net"
	"sync"
	"time"
)

// connectTimeout is how long a new connection may take to say CONNECT.
const connectTimeout = 10 * time.Second

// listener remembers its connections. Mochi waits for all of them when it closes but knows only those
// that sent CONNECT, and gives the others no time limit: one idle connection would hold it up for ever.
type listener struct {
	net.Listener

	mu     sync.Mutex // guards conns and closed
	conns  map[net.Conn]struct{}
	closed bool
}

func newListener(l net.Listener) *listener {
	return &listener{Listener: l, conns: make(map[net.Conn]struct{})}
}

// Accept gives the connection connectTimeout; mochi extends that when CONNECT has come.
func (l *listener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	tracked := &trackedConn{Conn: conn, listener: l}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	if err := conn.SetDeadline(time.Now().Add(connectTimeout)); err != nil {
		_ = conn.Close()
	}
	l.conns[tracked] = struct{}{}
	return tracked, nil
}

// closeAll ends the listener and every connection.
func (l *listener) closeAll() {
	_ = l.Close() // may be closed already
	l.mu.Lock()
	l.closed = true
	conns := l.conns
	l.conns = make(map[net.Conn]struct{})
	l.mu.Unlock()
	for conn := range conns {
		_ = conn.(*trackedConn).Conn.Close()
	}
}

// trackedConn leaves its listener's list when it closes.
type trackedConn struct {
	net.Conn
	listener *listener
}

func (c *trackedConn) Close() error {
	c.listener.mu.Lock()
	delete(c.listener.conns, c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}
