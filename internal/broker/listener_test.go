package broker

import (
	"bytes"
	"errors"
	"log/slog"
	"net"
	"strings"
	"syscall"
	"testing"

	"github.com/mochi-mqtt/server/v2/listeners"
)

// A SUBSCRIBE of version 5 that ends before its options makes mochi panic. That ends its connection, and nothing else.
func TestBroker_OutlivesAPacketThatMochiPanicsOver(t *testing.T) {
	var log bytes.Buffer
	b, stop := start(t, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))})
	other, _ := hello(t, b.Addr(), "other", nil)
	w, _ := hello(t, b.Addr(), "c", nil)
	if _, err := w.Write([]byte("\x82\x06\x00\x01\x00\x00\x01a")); err != nil {
		t.Fatal(err)
	}
	w.cut()
	other.quiet()
	again, _ := hello(t, b.Addr(), "c", nil)
	again.quiet()
	stop()
	if !strings.Contains(log.String(), "could not be understood") {
		t.Errorf("logged %s", &log)
	}
}

// clogged is a listener that has failures before it has connections.
type clogged struct {
	net.Listener
	failures []error
}

func (c *clogged) Accept() (net.Conn, error) {
	if len(c.failures) > 0 {
		err := c.failures[0]
		c.failures = c.failures[1:]
		return nil, err
	}
	return c.Listener.Accept()
}

// Too many open files, or a connection that ends before it is taken, are no reason to take none any more.
func TestListener_TakesConnectionsAfterAFailure(t *testing.T) {
	door, err := listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := door.Address()
	door.Listener = &clogged{door.Listener, []error{syscall.EMFILE, errors.New("odd")}}
	served := make(chan struct{})
	l := tcpListener{tracker: door, attend: func(_ listeners.EstablishFn, _ string, conn net.Conn) {
		_ = conn.Close()
		close(served)
	}}
	go l.Serve(nil)
	dial(t, address).cut()
	<-served
	door.closeAll()
	door.open.Wait()
}
