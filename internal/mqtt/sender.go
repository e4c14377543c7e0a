package mqtt

import (
	"bytes"
	"context"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// send writes what the session has ready until ctx ends. It is the only goroutine that publishes and
// acknowledges, so both keep their order, and one write carries all that is ready: over TLS and
// WebSocket that is one record instead of several a packet.
func (c *Client) send(ctx context.Context) {
	var (
		b   batch
		buf bytes.Buffer
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
		buf.Reset()
		b.encode(&buf, time.Now())
		// A failure closes the connection; the library's reader then reports it lost, and the events in
		// flight return to the outbox.
		c.session.written(&b, b.conn.writeAll(buf.Bytes()))
		if buf.Cap() > maxKeptBuffer {
			buf = bytes.Buffer{}
		}
	}
}

// maxKeptBuffer bounds what an exceptionally large batch leaves behind.
const maxKeptBuffer = 1 << 20

// encode appends the packets of b to buf. Writing to a bytes.Buffer cannot fail.
func (b *batch) encode(buf *bytes.Buffer, now time.Time) {
	for _, id := range b.acks {
		_, _ = (&packets.Puback{PacketID: id}).WriteTo(buf)
	}
	for i, e := range b.entries {
		qos := min(e.pub.QoS, b.limits.qos)
		_, _ = e.pub.packet(b.ids[i], qos, e.pub.Retain && b.limits.retain, e.expires.Sub(now)).WriteTo(buf)
	}
}
