package mqtt

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/eclipse/paho.golang/packets"
)

// session is everything between the callers of Publish and the wire that one mutex guards: the outbox,
// the publications in flight, and the messages not yet acknowledged. autopaho gets it as its
// SessionManager and tells it when a connection begins, receives and ends (paho.go).
//
// Only QoS 0 and 1, clean start and expiry 0 are used, so nothing here survives a connection, except
// the events: those not yet acknowledged return to the front of the outbox.
type session struct {
	maxInFlight   int
	maximumPacket int           // bytes, 0: whatever the broker takes
	wake          chan struct{} // capacity 1: the sender has something to look at

	mu      sync.Mutex // guards all that follows; held for memory operations only
	out     *outbox
	closed  bool  // Run ends: nothing more is accepted
	open    bool  // subscribed: states are accepted and the sender may work
	conn    *conn // nil while there is none
	limits  limits
	cause   error // why the connection ends, the first one known
	heavy   int   // bytes of the largest packet in flight when the last connection was lost
	lastID  uint16
	flying  map[uint16]*entry                       // sent with QoS 1, not yet acknowledged
	sent    uint64                                  // publications sent with QoS 1
	waiting map[uint16]chan<- packets.ControlPacket // SUBSCRIBE and UNSUBSCRIBE without answer
	writing bool                                    // the sender holds a batch
	idle    chan struct{}                           // closed when nothing waits or flies; nil: nobody asks
	arrived []*receipt                              // received and not yet acknowledged, oldest first
	pending []*receipt                              // those not yet handed to OnMessage, oldest first
	due     []uint16                                // packet ids to acknowledge
	counts  counts
}

// limits are what the broker said in CONNACK.
type limits struct {
	window   int  // publications in flight
	qos      byte // highest accepted
	retain   bool
	wildcard bool
	size     int  // bytes a packet, 0: any
	legacy   bool // said nothing of the sort, and packets are those of 3.1.1
}

// counts only grow.
type counts struct {
	published, dropped, skipped, refused, received uint64
}

func newSession(maxInFlight, eventLimit, maximumPacket int) *session {
	return &session{
		maxInFlight:   maxInFlight,
		maximumPacket: maximumPacket,
		wake:          make(chan struct{}, 1),
		out:           newOutbox(eventLimit),
		flying:        make(map[uint16]*entry),
		waiting:       make(map[uint16]chan<- packets.ControlPacket),
	}
}

// push hands a publication to the outbox and reports how many older events had to go for it.
func (s *session) push(pub Publication, now time.Time) (dropped int, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.closed:
		return 0, ErrClosed
	case s.open && s.limits.size > 0 && pub.size(s.limits.legacy) > s.limits.size:
		s.counts.refused++
		return 0, ErrTooLarge
	case pub.Retain && !s.open:
		s.counts.skipped++
		return 0, nil
	}
	dropped = s.out.push(pub, now)
	s.counts.dropped += uint64(dropped)
	s.signal()
	return dropped, nil
}

// close ends acceptance; the last words are the only publications that still get in.
func (s *session) close(farewell []Publication, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.open {
		for _, pub := range farewell {
			s.out.push(pub, now)
		}
	}
	s.signal()
}

// setOpen lets states in and the sender work: the subscriptions stand.
func (s *session) setOpen() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open = s.conn != nil
	s.signal()
}

// batch is what the sender writes in one go.
type batch struct {
	conn    *conn
	limits  limits
	acks    []uint16
	entries []*entry
	ids     []uint16 // of the entries, 0 for QoS 0
}

// maxBatch bounds one write: large enough to spare system calls, small enough to stay fair.
const maxBatch = 128

// take moves acknowledgements due and as many publications as the window allows into b. It reports
// whether there is something to write; if so, written must follow.
func (s *session) take(b *batch, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b.conn, b.limits = s.conn, s.limits
	b.acks = append(b.acks[:0], s.due...)
	b.entries, b.ids = b.entries[:0], b.ids[:0]
	s.due = s.due[:0]
	if s.conn == nil {
		return false
	}
	for s.open && len(b.entries) < maxBatch && len(s.flying) < s.limits.window {
		e := s.out.pop()
		if e == nil {
			break
		}
		if !e.expires.IsZero() && !now.Before(e.expires) {
			s.counts.dropped++
			continue
		}
		if s.limits.size > 0 && e.pub.size(s.limits.legacy) > s.limits.size {
			s.counts.refused++
			continue
		}
		var id uint16
		if min(e.pub.QoS, s.limits.qos) > 0 {
			id = s.nextID()
			s.sent++
			e.sent = s.sent
			s.flying[id] = e
		}
		b.entries, b.ids = append(b.entries, e), append(b.ids, id)
	}
	s.writing = len(b.acks)+len(b.entries) > 0
	s.settle()
	return s.writing
}

// written says that b was handed to the network, or that its connection failed.
func (s *session) written(b *batch, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.writing = false
	if err == nil {
		for _, id := range b.ids {
			if id == 0 {
				s.counts.published++
			}
		}
	}
	s.settle()
}

// acknowledged ends the flight of a publication; code is the broker's word on it.
func (s *session) acknowledged(id uint16, code byte) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.flying[id]
	if !ok {
		return nil
	}
	delete(s.flying, id)
	if code >= 0x80 {
		s.counts.refused++
	} else {
		s.counts.published++
	}
	s.settle()
	s.signal()
	return e
}

// nextID is a packet id for a publication. There is always a free one: at most maxInFlight publications
// and a few subscriptions hold one.
func (s *session) nextID() uint16 {
	for {
		s.lastID++
		if s.lastID != 0 && s.free(s.lastID) {
			return s.lastID
		}
	}
}

// subscriptionID is a packet id for SUBSCRIBE or UNSUBSCRIBE, taken from the top: mochi 2.7.9 refuses
// an id that it uses itself for a message to us, and it counts from 1.
func (s *session) subscriptionID() uint16 {
	id := uint16(math.MaxUint16)
	for !s.free(id) {
		id--
	}
	return id
}

func (s *session) free(id uint16) bool {
	_, flies := s.flying[id]
	_, waits := s.waiting[id]
	return !flies && !waits
}

// signal wakes the sender.
func (s *session) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// settle tells those in flush when everything has gone out.
func (s *session) settle() {
	if s.idle != nil && s.quiet() {
		close(s.idle)
		s.idle = nil
	}
}

func (s *session) quiet() bool { return s.out.len() == 0 && len(s.flying) == 0 && !s.writing }

// flush waits until everything handed over is acknowledged.
func (s *session) flush(ctx context.Context) error {
	for {
		s.mu.Lock()
		if s.quiet() {
			s.mu.Unlock()
			return nil
		}
		if s.idle == nil {
			s.idle = make(chan struct{})
		}
		idle := s.idle
		s.mu.Unlock()
		select {
		case <-idle:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// blame notes why the connection ends; the first word counts.
func (s *session) blame(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == nil {
		s.cause = err
	}
}

// silent notes that the broker did not answer a ping, unless the network has already failed visibly.
func (s *session) silent(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cause == nil && s.conn != nil && s.conn.failure() == nil {
		s.cause = &Error{Op: "connection to", Kind: ErrSilent, Err: err}
	}
}

// cut closes the network connection. The broker then publishes the will.
func (s *session) cut() {
	s.mu.Lock()
	c := s.conn
	s.mu.Unlock()
	if c != nil {
		_ = c.Close() // nobody can do more about it
	}
}

// smallest is what every broker takes, in bytes a packet.
const smallest = 1 << 10

// lighten halves what may be published, by the largest packet that was in flight when the connection was lost. It returns
// the new bound, 0 when that was small.
func (s *session) lighten() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.heavy <= smallest {
		return 0
	}
	s.maximumPacket = max(smallest, s.heavy/2)
	return s.maximumPacket
}

// lost ends the connection's part of the session: states are dropped, events that were in flight go
// back to the front of the outbox, and whoever waits for an answer is told. The caller holds mu.
func (s *session) lost() {
	if s.cause == nil {
		s.cause = s.conn.failure()
	}
	s.conn, s.open = nil, false
	s.arrived, s.pending, s.due = nil, nil, nil
	for _, answer := range s.waiting {
		answer <- packets.ControlPacket{} // capacity 1; the library reads it as "connection lost"
	}
	clear(s.waiting)

	s.heavy = 0
	for _, e := range s.flying {
		s.heavy = max(s.heavy, e.pub.size(s.limits.legacy))
	}
	flying := slices.SortedFunc(maps.Values(s.flying), func(a, b *entry) int { return cmp.Compare(a.sent, b.sent) })
	clear(s.flying)
	flying = slices.DeleteFunc(flying, func(e *entry) bool {
		if e.pub.Retain {
			s.counts.skipped++
		}
		return e.pub.Retain
	})
	s.counts.skipped += uint64(s.out.dropStates())
	s.counts.dropped += uint64(s.out.putBack(flying))
	s.settle()
}

// receipt is the acknowledgement that a received message of QoS 1 waits for. When its connection is
// lost, the session forgets it and acknowledging it has no effect.
type receipt struct {
	session *session
	id      uint16
	done    bool // guarded by the session
}

// acknowledge marks the message and lets out every acknowledgement that is not held up by an earlier
// message.
func (r *receipt) acknowledge() {
	s := r.session
	s.mu.Lock()
	defer s.mu.Unlock()
	r.done = true
	for len(s.arrived) > 0 && s.arrived[0].done {
		s.due = append(s.due, s.arrived[0].id)
		s.arrived[0] = nil
		s.arrived = s.arrived[1:]
	}
	s.signal()
}

// received counts a message that the library hands over and returns its receipt: nil for QoS 0, and
// when its connection is gone. Messages are handed over in the order of arrival. Their packet ids would
// not do: mochi 2.7.9 gives an id to a second message when we publish with the same id meanwhile.
func (s *session) received(qos byte) *receipt {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts.received++
	if qos == 0 || len(s.pending) == 0 {
		return nil
	}
	r := s.pending[0]
	s.pending[0] = nil
	s.pending = s.pending[1:]
	return r
}

// fill adds the session's part of the statistics.
func (s *session) fill(stats *Stats) {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats.Queued, stats.InFlight = s.out.len(), len(s.flying)
	stats.Published, stats.Dropped, stats.Skipped = s.counts.published, s.counts.dropped, s.counts.skipped
	stats.Refused, stats.Received = s.counts.refused, s.counts.received
}

func (s *session) info() Info {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Info{
		MaximumQoS: s.limits.qos, RetainAvailable: s.limits.retain, MaximumPacket: s.limits.size,
		MaxInFlight: s.limits.window, WildcardsAllowed: s.limits.wildcard,
	}
}

func (s *session) lastCause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause
}
