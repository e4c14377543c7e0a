package mqtt

import (
	"bytes"
	"io"
	"net"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// pieces is a connection on which bytes come, at most so many at a time.
type pieces struct {
	net.Conn
	in   io.Reader
	most int
}

func (p *pieces) Read(b []byte) (int, error) { return p.in.Read(b[:min(len(b), p.most)]) }

// deaf is a connection that takes deadlines and knows none.
type deaf struct{ net.Conn }

func (deaf) SetWriteDeadline(time.Time) error { return nil }

func TestConn_TakesOutPlainAcknowledgementsAndNothingElse(t *testing.T) {
	long := append([]byte{0x30, 0x80 | 9, 2}, make([]byte, 9+2*128)...)
	for packet, plain := range map[string]bool{
		"\x40\x02\x12\x34": true, "\x40\x03\x12\x34\x00": true, "\x40\x03\x12\x34\x10": true, "\x40\x04\x12\x34\x00\x00": true,
		"\x40\x82\x00\x12\x34": true, // its length is written longer than need be
		// Refusals, with a reason in words, too short.
		"\x40\x03\x12\x34\x87": false, "\x40\x04\x12\x34\x97\x00": false, "\x40\x08\x12\x34\x00\x04\x1f\x00\x01x": false, "\x40\x01\x12": false,
		// Other packets, and one whose length is none.
		"\x20\x03\x00\x00\x00": false, "\xd0\x00": false, "\x90\x04\x12\x34\x00\x01": false, string(long): false, "\x30\xff\xff\xff\xff": false,
	} {
		var acknowledged []uint16
		c := newConn(&pieces{in: bytes.NewReader([]byte(packet)), most: 1}, false, func(id uint16, _ byte) { acknowledged = append(acknowledged, id) })
		read, _ := io.ReadAll(c)
		if plain && (len(read) > 0 || !slices.Equal(acknowledged, []uint16{0x1234})) {
			t.Errorf("% x: the library got % x, acknowledged are %x", packet, read, acknowledged)
		}
		if !plain && (string(read) != packet || acknowledged != nil) {
			t.Errorf("% x: the library got % x, acknowledged are %x", packet, read, acknowledged)
		}
	}
}

func TestConn_KeepsTheOrderAndBoundsOfPackets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var wire, library []byte
		var acknowledged []uint16
		for range rapid.IntRange(0, 30).Draw(t, "packets") {
			if rapid.Bool().Draw(t, "plain") {
				id := rapid.Uint16().Draw(t, "id")
				wire = append(wire, 0x40, 2, byte(id>>8), byte(id))
				acknowledged = append(acknowledged, id)
				continue
			}
			body := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "body")
			packet := append(appendVarint([]byte{0x30}, len(body)), body...)
			wire, library = append(wire, packet...), append(library, packet...)
		}
		var got []uint16
		c := newConn(&pieces{in: bytes.NewReader(wire), most: rapid.IntRange(1, 500).Draw(t, "piece")}, false, func(id uint16, _ byte) { got = append(got, id) })
		var read []byte
		for buffer, err := make([]byte, 64), error(nil); err == nil; {
			var n int
			n, err = c.Read(buffer[:rapid.IntRange(1, 64).Draw(t, "read")])
			read = append(read, buffer[:n]...)
		}
		if !bytes.Equal(read, library) || !slices.Equal(got, acknowledged) {
			t.Fatalf("the library got % x and %v were acknowledged, want % x and %v", read, got, library, acknowledged)
		}
	})
}
