package broker

import (
	"bytes"
	"cmp"
	"math"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	mochi "github.com/mochi-mqtt/server/v2"
	"github.com/mochi-mqtt/server/v2/packets"
)

// sessions lets one connection after the other have a client's identifier, and what was kept for it be sent first and in order.
//
// Mochi 2.7.9 lets a new connection in while the one before is still being cleared away (issues 173 and 483 of
// mochi-mqtt/server). What that clears can be the new one's, which then hears nothing until it connects again; its will comes
// after the birth of the new one; and a message that is published at this moment is lost. What was kept it sends in the order
// of seconds, of which it compares 16 bits, and what is published meanwhile before that. A session that expires leaves its
// subscriptions behind, and a message that is larger than the client takes ends each of its connections.
type sessions struct {
	mochi.HookBase
	server  *mochi.Server
	gate    *turnstile
	windows *windows

	mu      sync.Mutex                  // guards the maps
	present map[string]*presence        // by the client's identifier: who has it
	conns   map[net.Conn]*presence      // the same by connection
	heirs   map[*mochi.Client]*presence // who takes over what is kept for a client whose connection has ended
	oldest  map[*mochi.Client][]uint16  // what is kept for one that is away for long, in order

	unsettled sync.Map     // *mochi.Client → *presence, until it has been sent what was kept
	kept      atomic.Int64 // the place of the last message that is kept
}

// Places in the order of messages stand where mochi has the second of their creation. Those that arrange gives fit into 16
// bits, those of new messages come after firstPlace, and in between is what has no place yet: acknowledgements, and a message
// that is being put there.
const firstPlace = math.MaxInt64 / 2

// noPlace is after all others.
const noPlace = math.MaxInt64

func place(packet packets.Packet) int64 {
	if packet.Created > math.MaxUint16 && packet.Created <= firstPlace {
		return noPlace
	}
	return packet.Created
}

// maxAway is how many messages are kept for a client that is away, as many as Mosquitto keeps. Each second, mochi copies them
// all: with 65,535 that takes a third of a core and 300 MB.
const maxAway = 1000

// presence is one connection's time as its client.
type presence struct {
	client  *mochi.Client
	before  *mochi.Client // whose session it continues, if any
	settle  func()        // closes settled
	settled chan struct{}
	gone    chan struct{} // closed when nothing of it is left

	mu    sync.Mutex       // guards late, and keeps what comes late in order
	late  []packets.Packet // what was kept for before when mochi may have looked already, until settled
	found map[uint16]int64 // identifiers and places of what mochi has found there; complete before late is looked at
}

var _ mochi.Hook = (*sessions)(nil)

func newSessions(server *mochi.Server, gate *turnstile, windows *windows) *sessions {
	s := &sessions{
		server: server, gate: gate, windows: windows, present: make(map[string]*presence), conns: make(map[net.Conn]*presence),
		heirs: make(map[*mochi.Client]*presence), oldest: make(map[*mochi.Client][]uint16),
	}
	s.kept.Store(firstPlace)
	return s
}

// ID names the hook in mochi's log lines.
func (*sessions) ID() string { return "sessions" }

// Provides lists the calls that the hook wants.
func (*sessions) Provides(call byte) bool {
	switch call {
	case mochi.OnSessionEstablish, mochi.OnPacketEncode, mochi.OnSessionEstablished, mochi.OnACLCheck, mochi.OnQosPublish,
		mochi.OnSelectSubscribers, mochi.OnClientExpired:
		return true
	}
	return false
}

// OnSessionEstablish comes before mochi looks for the client's session. It sends away whoever has the identifier and waits
// until nothing of that is left.
func (s *sessions) OnSessionEstablish(client *mochi.Client, packet packets.Packet) {
	mine := &presence{client: client, settled: make(chan struct{}), gone: make(chan struct{})}
	mine.settle = sync.OnceFunc(func() { close(mine.settled) })
	for {
		s.mu.Lock()
		other := s.present[client.ID]
		if other == nil {
			break
		}
		s.mu.Unlock()
		_ = s.server.DisconnectClient(other.client, packets.ErrSessionTakenOver) // or it is going already
		<-other.gone
	}
	defer s.mu.Unlock()
	s.present[client.ID], s.conns[client.Net.Conn] = mine, mine
	before, ok := s.server.Clients.Get(client.ID)
	delete(s.oldest, before)
	if ok && !packet.Connect.Clean && keepsSession(before) {
		mine.before = before
		s.heirs[before] = mine
	}
	s.unsettled.Store(client, mine)
}

// OnPacketEncode comes, with a CONNACK, before what was kept is sent.
func (s *sessions) OnPacketEncode(client *mochi.Client, packet packets.Packet) packets.Packet {
	if packet.FixedHeader.Type == packets.Connack && packet.SessionPresent {
		if mine, ok := s.unsettled.Load(client); ok {
			mine.(*presence).arrange() //nolint:forcetypeassert // there is nothing else
		}
	}
	return packet
}

// arrange numbers what was kept anew, so that mochi, which compares 16 bits, sends it in order. It leaves out what the client
// does not take, since that would end the connection.
func (p *presence) arrange() {
	client := p.client
	all := client.State.Inflight.GetAll(false)
	p.found = make(map[uint16]int64, len(all))
	slices.SortStableFunc(all, func(a, b packets.Packet) int { return cmp.Compare(place(a), place(b)) })
	for i, packet := range all {
		p.found[packet.PacketID] = place(packet)
		if tooLarge(client, packet) {
			client.State.Inflight.Delete(packet.PacketID)
			continue
		}
		packet.Created = int64(i)
		client.State.Inflight.Set(packet)
	}
}

// tooLarge reports whether a message is larger than the packets that the client takes. The server then acts as if it had sent
// it [MQTT-3.1.2-25].
func tooLarge(client *mochi.Client, packet packets.Packet) bool {
	limit := client.Properties.Props.MaximumPacketSize
	if limit == 0 || packet.FixedHeader.Type != packets.Publish {
		return false
	}
	var encoded bytes.Buffer
	packet.ProtocolVersion = client.Properties.ProtocolVersion
	packet.Mods.AllowResponseInfo = true
	return packet.PublishEncode(&encoded) == nil && encoded.Len() > int(limit)
}

// OnSessionEstablished comes when what was kept is sent. What came late follows.
func (s *sessions) OnSessionEstablished(client *mochi.Client, _ packets.Packet) {
	if found, ok := s.unsettled.Load(client); ok {
		mine, _ := found.(*presence)
		mine.settleDown(s.windows)
		s.unsettled.Delete(client)
	}
}

// settleDown sends the client what came late, or keeps it for the next connection when this one has ended.
func (p *presence) settleDown(windows *windows) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, packet := range p.late {
		p.inherit(packet, windows)
	}
	p.late = nil
	p.settle()
}

// inherit sends the client a message that was kept for its former connection, unless mochi has found it there.
func (p *presence) inherit(packet packets.Packet, windows *windows) {
	if found := p.found[packet.PacketID]; found == packet.Created || found == noPlace {
		return
	}
	id, err := p.client.NextPacketID()
	if err != nil {
		return // 65,535 messages wait for the client already
	}
	packet.PacketID = uint16(id) // mochi counts to 65535
	p.client.State.Inflight.Set(packet)
	windows.expect(p.client, packet.PacketID) // nothing may be read of the client before this is sent
	_ = p.client.WritePacket(packet)          // or it is sent with the next connection
}

// OnACLCheck allows everything, and makes who publishes wait until what was kept for the client is sent, for writeTimeout at
// most.
func (s *sessions) OnACLCheck(client *mochi.Client, _ string, write bool) bool {
	if write {
		return true
	}
	if found, ok := s.unsettled.Load(client); ok {
		other, _ := found.(*presence)
		patience := time.NewTimer(writeTimeout)
		defer patience.Stop()
		select {
		case <-other.settled:
		case <-other.gone:
		case <-patience.C:
		}
	}
	return true
}

// OnQosPublish comes when a message is kept until it is acknowledged, before it is sent. It gives the message its place in the
// order, and gives it to the heir when the connection that it was meant for has ended meanwhile.
func (s *sessions) OnQosPublish(client *mochi.Client, packet packets.Packet, _ int64, _ int) {
	if packet.FixedHeader.Type != packets.Publish || packet.FixedHeader.Dup { // an acknowledgement, or one of those that arrange has seen
		return
	}
	if tooLarge(client, packet) {
		client.State.Inflight.Delete(packet.PacketID)
		return
	}
	packet.Created = s.kept.Add(1)
	client.State.Inflight.Set(packet)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heirs[client] == nil && client.Closed() && client.State.Inflight.Len() > maxAway {
		s.dropOldest(client)
	}
	for heir := s.heir(client); heir != nil; heir = s.heir(client) {
		client = heir.client
		select {
		case <-heir.gone: // kept before the next connection can look for it
			heir.take(packet, s.windows)
		default:
			s.mu.Unlock()
			heir.take(packet, s.windows)
			s.mu.Lock()
		}
	}
}

// heir returns the last that has continued a client's session, since whoever publishes may have been held up meanwhile. Its
// caller holds mu.
func (s *sessions) heir(client *mochi.Client) (last *presence) {
	for next := s.heirs[client]; next != nil; next = s.heirs[next.client] {
		last = next
	}
	return last
}

// take gives the client a message that was meant for its former connection.
func (p *presence) take(packet packets.Packet, windows *windows) {
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-p.settled:
		p.inherit(packet, windows)
	default:
		p.late = append(p.late, packet)
	}
}

// dropOldest drops the oldest of the messages that are kept for a client, so that the last words on each topic stay.
func (s *sessions) dropOldest(client *mochi.Client) {
	if len(s.oldest[client]) == 0 {
		all := client.State.Inflight.GetAll(false)
		slices.SortStableFunc(all, func(a, b packets.Packet) int { return cmp.Compare(place(a), place(b)) })
		for _, packet := range all {
			if packet.FixedHeader.Type == packets.Publish {
				s.oldest[client] = append(s.oldest[client], packet.PacketID)
			}
		}
	}
	if line := s.oldest[client]; len(line) > 0 {
		client.State.Inflight.Delete(line[0])
		s.oldest[client] = line[1:]
	}
}

// OnSelectSubscribers comes before one of those that share a subscription is chosen for a message. Mochi would choose those
// that are away as well, for which the message would be kept while others could take it.
func (s *sessions) OnSelectSubscribers(subscribers *mochi.Subscribers, _ packets.Packet) *mochi.Subscribers {
	for _, sharing := range subscribers.Shared {
		var away []string
		for id := range sharing {
			if client, ok := s.server.Clients.Get(id); !ok || client.Closed() {
				away = append(away, id)
			}
		}
		if len(away) < len(sharing) {
			for _, id := range away {
				delete(sharing, id)
			}
		}
	}
	return subscribers
}

// OnClientExpired comes when a session has expired, which mochi forgets, but not what it subscribed to.
func (s *sessions) OnClientExpired(client *mochi.Client) {
	s.server.UnsubscribeClient(client)
	client.ClearInflights()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.oldest, client)
}

// ended tells that a connection is served no more.
func (s *sessions) ended(conn net.Conn) {
	s.mu.Lock()
	mine := s.conns[conn]
	s.mu.Unlock()
	if mine == nil {
		return // it never became a client
	}
	client := mine.client
	s.gate.leave(client)
	s.windows.leave(client)
	// A client that goes before it has its CONNACK, mochi leaves where it is.
	if current, ok := s.server.Clients.Get(client.ID); ok && current == client && !keepsSession(client) {
		client.ClearInflights()
		s.server.UnsubscribeClient(client)
		s.server.Clients.Delete(client.ID)
	}
	mine.settleDown(s.windows)
	s.unsettled.Delete(client)
	s.mu.Lock()
	delete(s.conns, conn)
	delete(s.present, client.ID)
	s.mu.Unlock()
	close(mine.gone)
	time.AfterFunc(2*writeTimeout, func() { // when nobody can be about to publish to the one before
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.heirs, mine.before)
	})
}

// keepsSession reports whether a client's session outlives its connection.
func keepsSession(client *mochi.Client) bool {
	if client.Properties.ProtocolVersion == 5 {
		return client.Properties.Props.SessionExpiryInterval > 0
	}
	return !client.Properties.Clean
}
