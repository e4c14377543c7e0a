package mqtt

import (
	"container/list"
	"time"
)

// entry is one publication on its way: waiting in the outbox, or in flight.
type entry struct {
	pub     Publication
	expires time.Time // zero: never

	sent       uint64        // number of its sending, orders what is in flight
	place      *list.Element // in outbox.order
	eventPlace *list.Element // in outbox.events, nil for states
}

// outbox holds what waits to be sent, in the order in which it was handed over. It does not lock: its
// session does.
//
// A newer state takes the place of a waiting older one of the same topic, so the states are bounded by
// the number of topics. Events are bounded by limit: when one more comes, the oldest goes.
type outbox struct {
	order  list.List         // of *entry
	events list.List         // of *entry: the events among them, oldest first
	states map[string]*entry // the states among them, by topic
	limit  int               // events kept at most, at least 1
}

func newOutbox(limit int) *outbox {
	return &outbox{states: make(map[string]*entry), limit: limit}
}

func (o *outbox) len() int { return o.order.Len() }

// push adds a publication at the end and returns how many events it pushed out, 0 or 1.
func (o *outbox) push(pub Publication, now time.Time) (dropped int) {
	var expires time.Time
	if pub.Expiry > 0 {
		expires = now.Add(pub.Expiry)
	}
	if pub.Retain {
		if waiting, ok := o.states[pub.Topic]; ok {
			waiting.pub, waiting.expires = pub, expires
			return 0
		}
	}
	e := &entry{pub: pub, expires: expires}
	e.place = o.order.PushBack(e)
	if pub.Retain {
		o.states[pub.Topic] = e
		return 0
	}
	e.eventPlace = o.events.PushBack(e)
	return o.trim()
}

// pop takes the oldest publication out, nil when there is none.
func (o *outbox) pop() *entry {
	front := o.order.Front()
	if front == nil {
		return nil
	}
	e := front.Value.(*entry)
	o.remove(e)
	return e
}

// putBack returns events that were sent but never acknowledged to the front, in their order, and
// returns how many events that pushed out.
func (o *outbox) putBack(events []*entry) (dropped int) {
	for i := len(events) - 1; i >= 0; i-- {
		e := events[i]
		e.place = o.order.PushFront(e)
		e.eventPlace = o.events.PushFront(e)
	}
	return o.trim()
}

// dropStates forgets all waiting states and returns how many there were.
func (o *outbox) dropStates() int {
	dropped := len(o.states)
	for _, e := range o.states {
		o.remove(e)
	}
	return dropped
}

func (o *outbox) trim() (dropped int) {
	for o.events.Len() > o.limit {
		o.remove(o.events.Front().Value.(*entry))
		dropped++
	}
	return dropped
}

func (o *outbox) remove(e *entry) {
	o.order.Remove(e.place)
	if e.eventPlace != nil {
		o.events.Remove(e.eventPlace)
	} else {
		delete(o.states, e.pub.Topic)
	}
	e.place, e.eventPlace = nil, nil
}
