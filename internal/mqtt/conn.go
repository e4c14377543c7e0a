package mqtt

import (
	"bufio"
	"encoding/binary"
	"net"
	"sync"
	"time"
)

// writeTimeout is how long one write may take before the connection counts as dead. It bounds what a
// link that swallows everything can hold up; the keepalive would find it later.
const writeTimeout = 10 * time.Second

// conn is the network connection as autopaho sees it, which speaks MQTT 5 whatever the broker speaks. It
// remembers its first error, because the library reports the cause of a lost connection on another
// goroutine and later than the loss.
type conn struct {
	net.Conn
	legacy bool          // the broker is spoken to in MQTT 3.1.1
	in     *bufio.Reader // the library reads byte by byte where lengths are concerned

	// Used by the reader only.
	acknowledged func(id uint16, code byte) // learns that the broker has a publication
	ahead        []byte                     // of the packet that the library has begun to read: translated already
	left         int                        // and what follows of it on the network

	// The library holds this lock for the writes that make up one packet; it looks for a sync.Locker.
	sync.Mutex
	out []byte // of a packet of the library's that is to be translated; guarded by the lock

	mu    sync.Mutex // guards what follows
	err   error      // first failure of a read or write
	start []byte     // the first two bytes that came: type and length of the answer to CONNECT
}

func newConn(network net.Conn, legacy bool, acknowledged func(id uint16, code byte)) *conn {
	c := &conn{Conn: network, legacy: legacy, acknowledged: acknowledged}
	c.in = bufio.NewReader(network)
	return c
}

func (c *conn) Read(b []byte) (int, error) {
	n, err := c.read(b)
	if missing := 2 - len(c.start); missing > 0 { // nobody else writes it
		c.mu.Lock()
		c.start = append(c.start, b[:min(n, missing)]...)
		c.mu.Unlock()
	}
	if err != nil {
		c.fail(err)
	}
	return n, err
}

// read gives the library the packets that are meant for it, one after the other.
func (c *conn) read(b []byte) (int, error) {
	if len(c.ahead)+c.left == 0 {
		if err := c.next(); err != nil {
			return 0, err
		}
	}
	if len(c.ahead) > 0 {
		n := copy(b, c.ahead)
		c.ahead = c.ahead[n:]
		return n, nil
	}
	n, err := c.in.Read(b[:min(len(b), c.left)])
	c.left -= n
	return n, err
}

// Packets by their first byte, and the length of the longest head.
const (
	puback  = 0x40
	maxHead = 1 + 4
)

// next steps to the next packet for the library. Plain acknowledgements of publications, by far the most packets that
// come, are taken out: the library reads and allocates as much for each as for a long message.
func (c *conn) next() error {
	for {
		var kind byte
		length, size := 0, 0
		for complete := false; !complete; {
			head, err := c.in.Peek(size + 2)
			if err != nil {
				return err
			}
			kind = head[0]
			length, size, complete = varint(head[1:])
		}
		size++
		if kind == puback && length >= 2 && length <= 4 {
			packet, err := c.in.Peek(size + length)
			if err != nil {
				return err
			}
			// After the id may stand a code, and after that the length of properties.
			body, code := packet[size:], byte(0)
			if length > 2 {
				code = body[2]
			}
			if code < 0x80 && (length < 4 || body[3] == 0) {
				c.acknowledged(binary.BigEndian.Uint16(body), code)
				if _, err := c.in.Discard(len(packet)); err != nil {
					return err
				}
				continue
			}
		}
		if !c.legacy {
			c.left = size + length
			return nil
		}
		if _, err := c.in.Discard(size); err != nil {
			return err
		}
		var err error
		c.ahead, c.left, err = upgrade(c.in, kind, length)
		return err
	}
}

// Write takes what the library writes of a packet; the caller holds the lock.
func (c *conn) Write(b []byte) (int, error) {
	if !c.legacy {
		return c.write(b)
	}
	c.out = append(c.out, b...)
	if len(c.out) == 0 {
		return len(b), nil
	}
	length, n, complete := varint(c.out[1:])
	if size := 1 + n + length; !complete || len(c.out) < size {
		return len(b), nil
	}
	packet, err := downgrade(nil, c.out[0], c.out[1+n:])
	c.out = nil // it may hold a password, and a packet is rare
	if err != nil {
		return 0, err
	}
	if _, err := c.write(packet); err != nil {
		return 0, err
	}
	return len(b), nil
}

// write writes b; the caller holds the lock. A failure closes the connection, which wakes the reader.
func (c *conn) write(b []byte) (int, error) {
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
	_, err := c.write(b)
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

// answer is the beginning of what the broker answered to CONNECT; empty when it said nothing.
func (c *conn) answer() []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.start
}
