package mqtt

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/eclipse/paho.golang/packets"
	"github.com/eclipse/paho.golang/paho"
	"github.com/eclipse/paho.golang/paho/log"
	pahosession "github.com/eclipse/paho.golang/paho/session"
)

// pahoSession is the session as the library sees it. ConAckReceived, PacketReceived and ConnectionLost
// come from the library's reader, in this order for each connection; AddToSession from whoever
// subscribes.
type pahoSession struct {
	*session
	refused func(e *entry, code byte) // the broker did not accept a publication
}

var _ pahosession.SessionManager = pahoSession{}

// legacyWindow bounds the publications in flight to a broker that speaks 3.1.1 and cannot say what it bears.
const legacyWindow = 100

// ConAckReceived begins a connection.
func (s pahoSession) ConAckReceived(w io.Writer, _ *packets.Connect, answer *packets.Connack) error {
	c, ok := w.(*conn)
	if !ok {
		return fmt.Errorf("connection is a %T, not one that was dialled here", w)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn, s.cause, s.lastID = c, nil, 0
	s.limits = limits{window: s.maxInFlight, qos: 2, retain: true, wildcard: true, size: s.maximumPacket, legacy: c.legacy}
	if c.legacy {
		s.limits.window = min(s.limits.window, legacyWindow)
	}
	if p := answer.Properties; p != nil {
		if p.ReceiveMaximum != nil {
			s.limits.window = min(s.limits.window, int(*p.ReceiveMaximum))
		}
		if p.MaximumQOS != nil {
			s.limits.qos = *p.MaximumQOS
		}
		if p.MaximumPacketSize != nil {
			s.limits.size = int(*p.MaximumPacketSize)
			if s.maximumPacket > 0 {
				s.limits.size = min(s.limits.size, s.maximumPacket)
			}
		}
		s.limits.retain = p.RetainAvailable == nil || *p.RetainAvailable == 1
		s.limits.wildcard = p.WildcardSubAvailable == nil || *p.WildcardSubAvailable == 1
	}
	return nil
}

// ConnectionLost ends it; packet is the broker's DISCONNECT or nil. The library calls it twice after a
// DISCONNECT.
func (s pahoSession) ConnectionLost(packet *packets.Disconnect) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return nil
	}
	if packet != nil && s.cause == nil {
		s.cause = disconnectError("", packet)
	}
	s.lost()
	return nil
}

// AddToSession gives SUBSCRIBE and UNSUBSCRIBE their packet id. Publications take the outbox instead.
func (s pahoSession) AddToSession(_ context.Context, packet pahosession.Packet, answer chan<- packets.ControlPacket) error {
	if packet.Type() == packets.PUBLISH {
		return errors.New("publications pass the outbox")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn == nil {
		return pahosession.ErrNoConnection
	}
	id := s.subscriptionID()
	s.waiting[id] = answer
	packet.SetIdentifier(id)
	return nil
}

// PacketReceived takes a packet with an id from the broker. QoS 2 is never subscribed to, so its
// packets cannot come.
func (s pahoSession) PacketReceived(packet *packets.ControlPacket, messages chan<- *packets.Publish) error {
	id := packet.PacketID()
	switch content := packet.Content.(type) {
	case *packets.Suback, *packets.Unsuback:
		s.mu.Lock()
		answer := s.waiting[id]
		delete(s.waiting, id)
		s.mu.Unlock()
		if answer != nil {
			answer <- *packet // capacity 1, and each id is answered once
		}
	case *packets.Puback:
		if e := s.acknowledged(id, content.ReasonCode); e != nil && content.ReasonCode >= 0x80 {
			s.refused(e, content.ReasonCode)
		}
	case *packets.Publish:
		s.mu.Lock()
		r := &receipt{session: s.session, id: id}
		s.arrived = append(s.arrived, r)
		s.pending = append(s.pending, r)
		s.mu.Unlock()
		messages <- content
	}
	return nil
}

// Ack is where the library would acknowledge a message because its handler returned. Ours is
// acknowledged by Message.Ack.
func (s pahoSession) Ack(*packets.Publish) error { return nil }

// Close has nothing to release.
func (s pahoSession) Close() error { return nil }

// SetErrorLogger and SetDebugLogger are part of the contract; there is nothing to say.
func (s pahoSession) SetErrorLogger(log.Logger) {}
func (s pahoSession) SetDebugLogger(log.Logger) {}

// pinger is the library's, except that its verdict is kept as the cause of the loss.
type pinger struct {
	*paho.DefaultPinger
	silent func(error)
}

// Run ends with an error when the broker does not answer a ping within the keepalive time.
func (p pinger) Run(ctx context.Context, conn net.Conn, keepAlive uint16) error {
	err := p.DefaultPinger.Run(ctx, conn, keepAlive)
	if err != nil {
		p.silent(err)
	}
	return err
}
