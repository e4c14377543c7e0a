package bridge

import (
	"context"
	"sync"
	"time"
)

// portion is how many publications the herald hands over before it lets the outbox drain.
const portion = 2000

// drainPatience bounds that: with steady traffic beside the herald's, the outbox is never quite empty.
const drainPatience = time.Second

// herald publishes whole cars: all of them after a connect, one when it is found. It does so in portions, since ten
// thousand cars are more than a million publications, which must not lie in memory at once; commands and refreshes go
// on beside it.
type herald struct {
	outbox  Outbox
	contain func(ctx context.Context, part string, work func()) error

	all   func() []*lane
	house func()                // introduces bridge and accounts
	sweep func(context.Context) // clears what is left of those that are gone

	mu    sync.Mutex // guards what follows
	whole bool       // bridge and accounts are to be introduced, before all else
	first []errand   // that cars are there
	line  []errand   // what they say, behind that
	work  chan struct{}
	born  chan struct{} // holds a token when a controller has started
}

// errand is something to publish of a car; do tells how many publications it took.
type errand struct {
	lane *lane
	do   func(*shelf) int
}

func newHerald(b *Bridge) *herald {
	return &herald{
		outbox: b.outbox, contain: b.contain, all: b.lanes.all, house: b.introduceHouse, sweep: b.sweep,
		work: make(chan struct{}, 1), born: make(chan struct{}, 1),
	}
}

// announce puts one car in line.
func (h *herald) announce(l *lane) {
	h.mu.Lock()
	h.first = append(h.first, errand{l, (*shelf).presence})
	h.line = append(h.line, errand{l, (*shelf).contents})
	h.mu.Unlock()
	h.wake()
}

// anew puts bridge, accounts and all cars in line, in place of what is in it.
func (h *herald) anew(all []*lane) {
	h.mu.Lock()
	h.whole, h.first, h.line = true, errands(all, (*shelf).presence), errands(all, (*shelf).contents)
	h.mu.Unlock()
	h.wake()
}

// repeat puts in line what no broker keeps of all cars.
func (h *herald) repeat(all []*lane) {
	h.mu.Lock()
	h.line = append(h.line, errands(all, (*shelf).repeat)...)
	h.mu.Unlock()
	h.wake()
}

func errands(all []*lane, do func(*shelf) int) []errand {
	line := make([]errand, len(all))
	for i, l := range all {
		line[i] = errand{l, do}
	}
	return line
}

// greet tells a controller that has just started everything, after a moment.
func (h *herald) greet() {
	select {
	case h.born <- struct{}{}:
	default:
	}
}

func (h *herald) wake() {
	select {
	case h.work <- struct{}{}:
	default:
	}
}

func (h *herald) takeWhole() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	whole := h.whole
	h.whole = false
	return whole
}

func (h *herald) next() (e errand, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	from := &h.first
	if len(*from) == 0 {
		*from, from = nil, &h.line
	}
	if len(*from) == 0 {
		*from = nil
		return e, false
	}
	e = (*from)[0]
	(*from)[0], *from = errand{}, (*from)[1:]
	return e, true
}

// run publishes until ctx ends.
func (h *herald) run(ctx context.Context) error {
	published := 0
	var birth, again <-chan time.Time // nil while no controller waits
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.born:
			birth = time.After(birthDelay())
			continue
		case <-birth:
			birth, again = nil, time.After(birthAgain)
			h.anew(h.all())
			continue
		case <-again:
			again = nil
			h.repeat(h.all())
			continue
		case <-h.work:
		}
		if h.takeWhole() {
			_ = h.contain(ctx, "herald", h.house)
		}
		for e, ok := h.next(); ok && ctx.Err() == nil; e, ok = h.next() {
			_ = h.contain(ctx, "herald", func() { published += e.do(e.lane.shelf) })
			if published >= portion {
				published = 0
				h.drain(ctx)
			}
		}
		_ = h.contain(ctx, "herald", func() { h.sweep(ctx) })
	}
}

func (h *herald) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainPatience)
	defer cancel()
	_ = h.outbox.Drained(ctx) // what is not out by then is not waited for
}
