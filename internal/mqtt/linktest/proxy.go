// Package linktest puts a bad link between two programs: a TCP proxy that can cut, swallow, refuse and
// delay. Start at [New]. Only tests import it.
package linktest

import (
	"errors"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy forwards TCP connections to a target.
type Proxy struct {
	listener net.Listener
	wait     sync.WaitGroup // every goroutine of the proxy

	mu        sync.Mutex // guards what follows
	target    string
	conns     map[net.Conn]struct{}
	refuse    bool
	delay     time.Duration
	swallowed chan struct{} // not nil: nothing passes until it is closed
	closed    bool
}

// New forwards from a free port of this machine to target until the test ends.
func New(t testing.TB, target string) *Proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{listener: listener, target: target, conns: make(map[net.Conn]struct{})}
	p.wait.Go(p.serve)
	t.Cleanup(p.close)
	return p
}

// Addr is where clients connect.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// SetTarget sends future connections elsewhere.
func (p *Proxy) SetTarget(target string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.target = target
}

// Cut resets all connections, on both sides and without a word.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		reset(conn)
	}
}

// Refuse resets new connections from now on, or no more.
func (p *Proxy) Refuse(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refuse = on
}

// BlackHole stops every byte in both directions, or lets them pass again. Connections stay open and new
// ones are accepted.
func (p *Proxy) BlackHole(on bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case on && p.swallowed == nil:
		p.swallowed = make(chan struct{})
	case !on && p.swallowed != nil:
		close(p.swallowed)
		p.swallowed = nil
	}
}

// Delay holds each piece of data up for d, in both directions, before it is passed on. The next piece is
// read only then, so that it also throttles.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.BlackHole(false)
	p.Delay(0)
	_ = p.listener.Close()
	p.Cut()
	p.wait.Wait()
}

func (p *Proxy) serve() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wait.Go(func() { p.forward(client) })
	}
}

// forward serves one connection until either side ends.
func (p *Proxy) forward(client net.Conn) {
	p.mu.Lock()
	target, refuse := p.target, p.refuse
	p.mu.Unlock()
	if refuse || !p.keep(client) {
		reset(client)
		return
	}
	defer p.drop(client)
	server, err := net.DialTimeout("tcp", target, 10*time.Second)
	if err != nil {
		reset(client)
		return
	}
	if !p.keep(server) {
		reset(server)
		return
	}
	defer p.drop(server)
	var both sync.WaitGroup
	both.Go(func() { p.copy(server, client) })
	both.Go(func() { p.copy(client, server) })
	both.Wait()
}

// copy moves data until either side ends, and then ends both.
func (p *Proxy) copy(to, from net.Conn) {
	defer func() { _, _ = to.Close(), from.Close() }()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !p.pass(to, buffer[:n]) {
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				reset(to)
			}
			return
		}
	}
}

// pass writes data when the link lets it through.
func (p *Proxy) pass(to net.Conn, data []byte) bool {
	p.mu.Lock()
	delay, swallowed := p.delay, p.swallowed
	p.mu.Unlock()
	if swallowed != nil {
		<-swallowed
	}
	if delay > 0 {
		<-time.After(delay)
	}
	_, err := to.Write(data)
	return err == nil
}

// keep notes a connection for Cut; it reports false when the proxy has ended.
func (p *Proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.closed {
		p.conns[conn] = struct{}{}
	}
	return !p.closed
}

func (p *Proxy) drop(conn net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
	_ = conn.Close()
}

// reset closes a connection so that the other end sees "connection reset by peer".
func reset(conn net.Conn) {
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
