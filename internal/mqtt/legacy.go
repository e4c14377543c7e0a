package mqtt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/eclipse/paho.golang/packets"
)

// A broker that speaks only MQTT 3.1.1 is served by the same client: connections to it translate. Version 5 is 3.1.1 with
// properties and more codes, so that going down is leaving out and coming up is putting in nothing. What 3.1.1 cannot say
// is missing then, and everything else (order, acknowledgements, bounds, what a lost connection leaves behind) stays what
// it is, because it is the same code.
//
// Publications and their acknowledgements do not pass here: the sender writes them in the version of the connection.

// Bits of CONNECT's flags [MQTT-3.1.2].
const (
	willFlag     = 0x04
	passwordFlag = 0x40
	userFlag     = 0x80
)

// levelOf311 is the protocol level of MQTT 3.1.1 in CONNECT.
const levelOf311 = 4

// connectCodes are the return codes of a 3.1.1 CONNACK in words of version 5.
var connectCodes = [...]byte{
	0: packets.ConnackSuccess,
	1: packets.ConnackUnsupportedProtocolVersion,
	2: packets.ConnackInvalidClientID,
	3: packets.ConnackServerUnavailable,
	4: packets.ConnackBadUsernameOrPassword,
	5: packets.ConnackNotAuthorized,
}

// errMalformed is a packet that ends before its parts do.
var errMalformed = errors.New("malformed MQTT packet")

// downgrade appends a packet of version 5 as one of 3.1.1. Body is what follows the length.
func downgrade(dst []byte, kind byte, body []byte) ([]byte, error) {
	var translated []byte
	r := reader{rest: body}
	switch kind >> 4 {
	case packets.PINGREQ:
	case packets.DISCONNECT:
		// The reason stays out. One that asks for the will cannot be expressed, and is not used here.
	case packets.CONNECT:
		translated = downgradeConnect(&r)
	case packets.SUBSCRIBE:
		translated = append(translated, r.take(2)...) // packet id
		r.properties()
		for len(r.rest) > 0 && !r.failed {
			translated = appendString(translated, r.text())
			options := r.take(1)
			translated = append(translated, options[0]&0x03) // the QoS alone
		}
	case packets.UNSUBSCRIBE:
		translated = append(translated, r.take(2)...)
		r.properties()
		translated = append(translated, r.rest...)
	default:
		return dst, fmt.Errorf("packet type %d has no place in MQTT 3.1.1", kind>>4)
	}
	if r.failed {
		return dst, errMalformed
	}
	return append(appendVarint(append(dst, kind), len(translated)), translated...), nil
}

func downgradeConnect(r *reader) (translated []byte) {
	head := r.take(10) // "MQTT" with its length, level, flags, keepalive
	translated = append(translated, head...)
	flags := head[7]
	translated[6] = levelOf311
	r.properties()
	translated = appendString(translated, r.text()) // client id
	if flags&willFlag != 0 {
		r.properties()
		translated = appendString(translated, r.text()) // topic
		translated = appendString(translated, r.text()) // payload
	}
	if flags&passwordFlag != 0 && flags&userFlag == 0 {
		// A password alone is new in version 5.
		translated[7] |= userFlag
		translated = appendString(translated, "")
	}
	return append(translated, r.rest...)
}

// upgrade reads the beginning of a packet of 3.1.1 and gives that of the same packet in version 5. What is left of the
// body follows as it is. A packet that is the same in both is given back whole.
func upgrade(in io.Reader, kind byte, length int) (beginning []byte, left int, err error) {
	var prefix, inserted []byte
	switch kind >> 4 {
	case packets.CONNACK:
		if prefix, err = readFull(in, length, 2); err == nil {
			if code := int(prefix[1]); code < len(connectCodes) {
				prefix[1] = connectCodes[code]
			}
			inserted = noProperties
		}
	case packets.SUBACK, packets.UNSUBACK:
		prefix, err = readFull(in, length, 2)
		inserted = noProperties
	case packets.PUBLISH:
		inserted = noProperties
		if prefix, err = readFull(in, length, 2); err != nil {
			break
		}
		rest := int(binary.BigEndian.Uint16(prefix)) // topic
		if kind&0x06 != 0 {
			rest += 2 // packet id
		}
		var topic []byte
		topic, err = readFull(in, length-2, rest)
		prefix = append(prefix, topic...)
	}
	if err != nil {
		return nil, 0, err
	}
	beginning = appendVarint([]byte{kind}, length+len(inserted))
	return append(append(beginning, prefix...), inserted...), length - len(prefix), nil
}

// noProperties is the length of properties that there are none of.
var noProperties = []byte{0}

// readFull reads n bytes of a packet that has so many left.
func readFull(in io.Reader, left, n int) ([]byte, error) {
	if n > left {
		return nil, errMalformed
	}
	b := make([]byte, n)
	_, err := io.ReadFull(in, b)
	return b, err
}

// reader takes a packet apart. When it ends too early, what is taken is zeroes, and failed says so.
type reader struct {
	rest   []byte
	failed bool
}

func (r *reader) take(n int) []byte {
	if n > len(r.rest) {
		r.rest, r.failed = nil, true
		return make([]byte, n)
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

// text takes a text or bytes with their length before them.
func (r *reader) text() []byte { return r.take(int(binary.BigEndian.Uint16(r.take(2)))) }

// properties passes over the properties of version 5.
func (r *reader) properties() {
	length, n, complete := varint(r.rest)
	if !complete {
		r.rest, r.failed = nil, true
		return
	}
	r.take(n)
	r.take(length)
}

// varint reads an MQTT variable byte integer of at most four bytes and how many they were; complete is false when b ends
// before it does.
func varint(b []byte) (value, n int, complete bool) {
	for n < min(len(b), maxHead-1) {
		value |= int(b[n]&0x7f) << (7 * n)
		n++
		if b[n-1]&0x80 == 0 {
			return value, n, true
		}
	}
	return value, n, n == maxHead-1
}
