package mqtt

import (
	"bufio"
	"net"
	"sync"
	"time"
)

// writeTimeout is how long one write may take before the connection counts as dead. It bounds what a
// link that swallows everything can hold up; the keepalive would find it later.
const writeTimeout = 10 * time.Second

// conn is the network connection as autopaho sees it. It remembers its first error, because the
// library reports the cause of a lost connection on another goroutine and later than the loss.
type conn struct {
	net.Conn
	in *bufio.Reader // the library reads byte by byte where lengths are concerned

	// The library holds this lock for the writes that make up one packet; it looks for a sync.Locker.
	sync.Mutex

	mu    sync.Mutex // guards what follows
	err   error      // first failure of a read or write
	start []byte     // the first two bytes that came: type and length of the answer to CONNECT
}

func newConn(network net.Conn) *conn {
	return &conn{Conn: network, in: bufio.NewReader(network)}
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.in.Read(b)
	c.mu.Lock()
	if missing := 2 - len(c.start); missing > 0 {
		c.start = append(c.start, b[:min(n, missing)]...)
	}
	c.mu.Unlock()
	if err != nil {
		c.fail(err)
	}
	return n, err
}

// Write writes b; the caller holds the lock. A failure closes the connection, which wakes the reader.
func (c *conn) Write(b []byte) (int, error) {
	if err := c.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		c.fail(err)
		return 0, err
	}
	n, err := c.Conn.Write(b)
	if err != nil {
		c.fail(err)
		_ = c.Close() // the failed write is what counts
	}
	return n, err
}

// writeAll writes the packets in b between those of the library.
func (c *conn) writeAll(b []byte) error {
	c.Lock()
	defer c.Unlock()
	_, err := c.Write(b)
	return err
}

func (c *conn) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
	}
}

// failure is the first error of a read or write, nil when there was none.
func (c *conn) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// answeredOld reports whether CONNECT was answered by a CONNACK of MQTT 3.1.1: two bytes after the
// length, where version 5 has at least three.
func (c *conn) answeredOld() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	const connack = 0x20
	return len(c.start) == 2 && c.start[0] == connack && c.start[1] == 2
}
