package linktest_test

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/mqtt/linktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// echo is a server that returns what it gets.
func echo(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); _ = conn.Close() }()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-done })
	return l.Addr().String()
}

func dial(t *testing.T, p *linktest.Proxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ask sends a word and returns when it came back, or the error.
func ask(conn net.Conn) error {
	if _, err := conn.Write([]byte("word")); err != nil {
		return err
	}
	_, err := io.ReadFull(conn, make([]byte, 4))
	return err
}

// askAnew does so over a new connection, which may be reset before it stands.
func askAnew(p *linktest.Proxy) error {
	conn, err := net.Dial("tcp", p.Addr())
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	return ask(conn)
}

func TestProxy_CutResetsBothSides(t *testing.T) {
	p := linktest.New(t, echo(t))
	conn := dial(t, p)
	if err := ask(conn); err != nil {
		t.Fatal(err)
	}
	p.Cut()
	if err := ask(conn); !errors.Is(err, syscall.ECONNRESET) && !errors.Is(err, syscall.EPIPE) {
		t.Errorf("after the cut: %v", err)
	}
	if err := askAnew(p); err != nil {
		t.Errorf("a new connection: %v", err)
	}
}

func TestProxy_RefusesUntilTold(t *testing.T) {
	p := linktest.New(t, echo(t))
	p.Refuse(true)
	if err := askAnew(p); err == nil {
		t.Error("served although it refuses")
	}
	p.Refuse(false)
	if err := askAnew(p); err != nil {
		t.Error(err)
	}
}

func TestProxy_BlackHoleKeepsWhatItSwallowed(t *testing.T) {
	p := linktest.New(t, echo(t))
	conn := dial(t, p)
	p.BlackHole(true)
	answered := make(chan error, 1)
	go func() { answered <- ask(conn) }()
	if err := conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	var timeout net.Error
	if err := <-answered; !errors.As(err, &timeout) || !timeout.Timeout() {
		t.Errorf("in the black hole: %v", err)
	}
	p.BlackHole(false)
	if err := conn.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 4)); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

func TestProxy_DelaysBothDirections(t *testing.T) {
	p := linktest.New(t, echo(t))
	conn := dial(t, p)
	const delay = 20 * time.Millisecond
	p.Delay(delay)
	started := time.Now()
	if err := ask(conn); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(started); took < 2*delay { // a lower bound does not depend on the machine
		t.Errorf("there and back in %v", took)
	}
}

func TestProxy_TargetCanMove(t *testing.T) {
	p := linktest.New(t, "127.0.0.1:1")
	if err := askAnew(p); err == nil {
		t.Error("nobody answered")
	}
	p.SetTarget(echo(t))
	if err := askAnew(p); err != nil {
		t.Error(err)
	}
}
