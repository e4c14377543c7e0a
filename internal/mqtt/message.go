package mqtt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
)

// Property is one MQTT user property.
type Property struct {
	Key, Value string
}

// Publication is one message to the broker. The client keeps Payload and CorrelationData until they are
// acknowledged; the caller must not change them after Publish.
type Publication struct {
	Topic   string
	Payload []byte // empty and retained: the broker forgets the topic
	QoS     byte   // 0 or 1
	Retain  bool   // true: a state, the newest payload of a topic counts; false: an event, each counts

	ContentType     string // of text; when set, the payload is announced as UTF-8
	ResponseTopic   string
	CorrelationData []byte
	User            []Property

	// Expiry is how long the message is worth delivering, counted from Publish and rounded up to whole
	// seconds; 0 means for ever. The time in the outbox counts.
	Expiry time.Duration
}

// check reports why p can never be sent.
func (p *Publication) check() error {
	switch {
	case p.Topic == "":
		return fmt.Errorf("%w: no topic", ErrInvalid)
	case strings.ContainsAny(p.Topic, "+#\x00"):
		return fmt.Errorf("%w: topic %q contains a wildcard or NUL", ErrInvalid, p.Topic)
	case len(p.Topic) > math.MaxUint16 || !utf8.ValidString(p.Topic):
		return fmt.Errorf("%w: topic is too long or not UTF-8", ErrInvalid)
	case p.QoS > 1:
		return fmt.Errorf("%w: QoS %d on %s, only 0 and 1 are used", ErrInvalid, p.QoS, p.Topic)
	case len(p.CorrelationData) > math.MaxUint16:
		return fmt.Errorf("%w: correlation data on %s is longer than 65535 bytes", ErrInvalid, p.Topic)
	case p.Expiry < 0:
		return fmt.Errorf("%w: negative expiry on %s", ErrInvalid, p.Topic)
	}
	return nil
}

// encode appends p as a PUBLISH packet, a legacy one in the form of MQTT 3.1.1, which has no properties. Expiry is what is
// left of the message's life. It writes the packet itself because the library makes a dozen small pieces of each.
func (p *Publication) encode(dst []byte, id uint16, qos byte, retain bool, expiry time.Duration, legacy bool) []byte {
	const publish, retained = 0x30, 0x01
	head := publish | qos<<1
	if retain {
		head |= retained
	}
	dst = appendVarint(append(dst, head), p.remaining(qos, legacy))
	dst = appendString(dst, p.Topic)
	if qos > 0 {
		dst = binary.BigEndian.AppendUint16(dst, id)
	}
	if legacy {
		return append(dst, p.Payload...)
	}
	dst = appendVarint(dst, p.properties())
	if p.ContentType != "" {
		dst = append(dst, packets.PropPayloadFormat, 1)
		dst = appendString(append(dst, packets.PropContentType), p.ContentType)
	}
	if p.Expiry > 0 {
		seconds := min((expiry+time.Second-1)/time.Second, math.MaxUint32)
		dst = binary.BigEndian.AppendUint32(append(dst, packets.PropMessageExpiry), uint32(max(seconds, 1)))
	}
	if p.ResponseTopic != "" {
		dst = appendString(append(dst, packets.PropResponseTopic), p.ResponseTopic)
	}
	if len(p.CorrelationData) > 0 {
		dst = appendString(append(dst, packets.PropCorrelationData), p.CorrelationData)
	}
	for _, user := range p.User {
		dst = appendString(append(dst, packets.PropUser), user.Key)
		dst = appendString(dst, user.Value)
	}
	return append(dst, p.Payload...)
}

// size is the length in bytes of p as a PUBLISH packet, which brokers may limit.
func (p *Publication) size(legacy bool) int {
	remaining := p.remaining(p.QoS, legacy)
	return 1 + varintLen(remaining) + remaining
}

// remaining is the length of what follows the length itself.
func (p *Publication) remaining(qos byte, legacy bool) int {
	n := 2 + len(p.Topic) + len(p.Payload)
	if !legacy {
		properties := p.properties()
		n += varintLen(properties) + properties
	}
	if qos > 0 {
		n += 2
	}
	return n
}

// properties is the length of all properties.
func (p *Publication) properties() (n int) {
	for _, length := range [...]int{len(p.ContentType), len(p.ResponseTopic), len(p.CorrelationData)} {
		if length > 0 {
			n += 1 + 2 + length
		}
	}
	if p.ContentType != "" {
		n += 1 + 1
	}
	if p.Expiry > 0 {
		n += 1 + 4
	}
	for _, user := range p.User {
		n += 1 + 2 + len(user.Key) + 2 + len(user.Value)
	}
	return n
}

// appendString writes a text or bytes with their length before them.
func appendString[T string | []byte](dst []byte, s T) []byte {
	return append(binary.BigEndian.AppendUint16(dst, uint16(len(s))), s...)
}

// appendVarint writes an MQTT variable byte integer.
func appendVarint(dst []byte, n int) []byte {
	for ; n >= 0x80; n >>= 7 {
		dst = append(dst, byte(n)|0x80)
	}
	return append(dst, byte(n))
}

// varintLen is the length of n as an MQTT variable byte integer.
func varintLen(n int) int {
	switch {
	case n < 1<<7:
		return 1
	case n < 1<<14:
		return 2
	case n < 1<<21:
		return 3
	}
	return 4
}

// Message is one message from the broker.
type Message struct {
	Topic      string
	Payload    []byte
	QoS        byte
	Retained   bool // the RETAIN bit as published: a stored message, or one that asks to be stored
	Duplicate  bool // the broker says it may have sent this before
	ReceivedAt time.Time

	ContentType     string
	ResponseTopic   string
	CorrelationData []byte
	User            []Property

	// Expiry is what is left of the message's life, as the broker forwards it; it counts only when
	// HasExpiry is set.
	Expiry    time.Duration
	HasExpiry bool

	receipt *receipt // nil: nothing to acknowledge
}

// Ack tells the broker that the message is safe with us. It returns at once; calling it again, on a
// message of QoS 0, or after the connection was lost does nothing.
//
// MQTT wants acknowledgements in the order in which the messages came [MQTT-4.6.0-2], so an
// acknowledgement waits inside the client for those of all earlier messages. Every message of QoS 1
// must therefore be acknowledged some time, also a refused one; otherwise the broker stops sending
// once as many are open as it allows (Mosquitto: 20).
func (m *Message) Ack() {
	if m.receipt != nil {
		m.receipt.acknowledge()
	}
}

// newMessage translates a received packet.
func newMessage(p *paho.Publish, receipt *receipt, now time.Time) Message {
	m := Message{
		Topic: p.Topic, Payload: p.Payload, QoS: p.QoS, Retained: p.Retain, Duplicate: p.Duplicate(),
		ReceivedAt: now, receipt: receipt,
	}
	if p.Properties == nil {
		return m
	}
	m.ContentType = p.Properties.ContentType
	m.ResponseTopic = p.Properties.ResponseTopic
	m.CorrelationData = p.Properties.CorrelationData
	for _, user := range p.Properties.User {
		m.User = append(m.User, Property{Key: user.Key, Value: user.Value})
	}
	if p.Properties.MessageExpiry != nil {
		m.Expiry, m.HasExpiry = time.Duration(*p.Properties.MessageExpiry)*time.Second, true
	}
	return m
}

// checkFilter reports why a topic filter can never be subscribed to.
func checkFilter(filter string) error {
	if filter == "" || strings.ContainsRune(filter, 0) || len(filter) > math.MaxUint16 || !utf8.ValidString(filter) {
		return fmt.Errorf("topic filter %q is empty, too long or not UTF-8", filter)
	}
	levels := strings.Split(filter, "/")
	for i, level := range levels {
		if strings.Contains(level, "#") && (level != "#" || i != len(levels)-1) {
			return fmt.Errorf("topic filter %q: # must be the whole last level", filter)
		}
		if strings.Contains(level, "+") && level != "+" {
			return fmt.Errorf("topic filter %q: + must be a whole level", filter)
		}
	}
	if strings.HasPrefix(filter, "$share/") {
		return errors.New("shared subscriptions break the order of commands and are not used")
	}
	return nil
}
