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

	mu   sync.Mutex // guards line
	line []*lane    // whose cars are to be published
	work chan struct{}
}

func newHerald(b *Bridge) *herald {
	return &herald{outbox: b.outbox, contain: b.contain, work: make(chan struct{}, 1)}
}

// announce puts one car in line.
func (h *herald) announce(l *lane) {
	h.mu.Lock()
	h.line = append(h.line, l)
	h.mu.Unlock()
	h.wake()
}

// anew puts all cars in line, in place of those that are in it.
func (h *herald) anew(all []*lane) {
	h.mu.Lock()
	h.line = all
	h.mu.Unlock()
	h.wake()
}

func (h *herald) wake() {
	select {
	case h.work <- struct{}{}:
	default:
	}
}

func (h *herald) next() *lane {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.line) == 0 {
		return nil
	}
	l := h.line[0]
	h.line[0], h.line = nil, h.line[1:]
	return l
}

// run publishes until ctx ends.
func (h *herald) run(ctx context.Context) error {
	published := 0
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-h.work:
		}
		for l := h.next(); l != nil && ctx.Err() == nil; l = h.next() {
			_ = h.contain(ctx, "herald", func() { published += l.shelf.everything() })
			if published >= portion {
				published = 0
				h.drain(ctx)
			}
		}
	}
}

func (h *herald) drain(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainPatience)
	defer cancel()
	_ = h.outbox.Drained(ctx) // what is not out by then is not waited for
}
