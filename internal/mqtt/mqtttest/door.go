package mqtttest

import (
	"bufio"
	"io"
	"net"
	"sync"
	"testing"
)

// Door stands before a broker and lets in only those who speak MQTT 3.1.1: with it, any broker is an old one. It tells
// others so, or hangs up when it is to be a rude one, as old brokers do either. It gives its address, which serves until
// the test ends.
func Door(t testing.TB, broker string, rude bool) (addr string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &door{broker: broker, rude: rude, open: make(map[net.Conn]struct{})}
	d.all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			d.all.Go(func() { d.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		d.closeAll()
		d.all.Wait()
	})
	return listener.Addr().String()
}

type door struct {
	broker string
	rude   bool
	all    sync.WaitGroup // every goroutine

	mu     sync.Mutex // guards what follows
	open   map[net.Conn]struct{}
	closed bool
}

func (d *door) serve(client net.Conn) {
	defer d.close(client)
	if !d.keep(client) {
		return
	}
	in := bufio.NewReader(client)
	// Type, length (of one or two bytes), "MQTT" with its length, level.
	head, err := in.Peek(10)
	if err != nil {
		return
	}
	at := 8
	if head[1]&0x80 != 0 {
		at++
	}
	if head[at] != 4 {
		if !d.rude {
			_, _ = client.Write([]byte{0x20, 2, 0, 1})
		}
		return
	}
	server, err := net.Dial("tcp", d.broker)
	if err != nil {
		return
	}
	defer d.close(server)
	if !d.keep(server) {
		return
	}
	var back sync.WaitGroup
	back.Go(func() {
		_, _ = io.Copy(client, server)
		d.close(client)
	})
	_, _ = io.Copy(server, in)
	d.close(server)
	back.Wait()
}

// keep notes a connection for the end; it reports false when that has come.
func (d *door) keep(conn net.Conn) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.open[conn] = struct{}{}
	}
	return !d.closed
}

func (d *door) close(conn net.Conn) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.open, conn)
	_ = conn.Close()
}

func (d *door) closeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.closed = true
	for conn := range d.open {
		_ = conn.Close()
	}
}
