package mqtt

import (
	"context"
	"encoding/binary"
	"time"
)

// send writes what the session has ready until ctx ends. It is the only goroutine that publishes and
// acknowledges, so both keep their order, and one write carries all that is ready: over TLS and
// WebSocket that is one record instead of several a packet.
func (c *Client) send(ctx context.Context) {
	var (
		b   batch
		buf []byte
	)
	for {
		if !c.session.take(&b, time.Now()) {
			select {
			case <-c.session.wake:
			case <-ctx.Done():
				return
			}
			continue
		}
		buf = b.encode(buf[:0], time.Now())
		// A failure closes the connection; the library's reader then reports it lost, and the events in
		// flight return to the outbox.
		c.session.written(&b, b.conn.writeAll(buf))
		if cap(buf) > maxKeptBuffer {
			buf = nil
		}
	}
}

// maxKeptBuffer bounds what an exceptionally large batch leaves behind.
const maxKeptBuffer = 1 << 20

// encode appends the packets of b.
func (b *batch) encode(dst []byte, now time.Time) []byte {
	for _, id := range b.acks {
		dst = binary.BigEndian.AppendUint16(append(dst, puback, 2), id)
	}
	for i, e := range b.entries {
		qos := min(e.pub.QoS, b.limits.qos)
		dst = e.pub.encode(dst, b.ids[i], qos, e.pub.Retain && b.limits.retain, e.expires.Sub(now), b.limits.legacy)
	}
	return dst
}
