package store

import (
	"bytes"
	"container/list"
	"context"
	"strings"
	"sync"
)

// hub tells watchers what was written. Both versions of this package use one.
//
// Each watcher has one goroutine, which hands changes over to its reader; it belongs to the hub, ends with the
// context of the watch or with the hub, and close waits for it.
type hub struct {
	mu       sync.Mutex // guards closed and watchers; taken before a watcher's mu
	closed   bool
	watchers map[*watcher]struct{}

	running sync.WaitGroup
}

// watch starts a watcher. It sees every publish that begins after watch has returned.
func (h *hub) watch(ctx context.Context, prefix string) (<-chan Change, error) {
	w := newWatcher(prefix)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, ErrClosed
	}
	if h.watchers == nil {
		h.watchers = make(map[*watcher]struct{})
	}
	h.watchers[w] = struct{}{}
	h.running.Go(func() {
		w.run(ctx)
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.watchers, w)
	})
	return w.out, nil
}

// publish hands the changes of one transaction to the watchers. The caller serialises its calls, so that revisions
// rise. It never waits for a reader.
func (h *hub) publish(revision uint64, ops []Op) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for w := range h.watchers {
		w.add(revision, ops)
	}
}

// close ends all watchers and waits until they have ended.
func (h *hub) close() {
	h.mu.Lock()
	if !h.closed {
		h.closed = true
		for w := range h.watchers {
			close(w.stop)
		}
	}
	h.mu.Unlock()
	h.running.Wait()
}

// watcher holds, for one reader, the latest change of each key that the reader has not taken yet.
type watcher struct {
	prefix string
	out    chan Change
	wake   chan struct{} // one token: something was added
	stop   chan struct{} // closed by the hub

	mu      sync.Mutex               // guards pending and order
	pending map[string]*list.Element // key → its element in order
	order   list.List                // of Change, by revision; the oldest in front
}

func newWatcher(prefix string) *watcher {
	return &watcher{
		prefix:  prefix,
		out:     make(chan Change),
		wake:    make(chan struct{}, 1),
		stop:    make(chan struct{}),
		pending: make(map[string]*list.Element),
	}
}

// add takes the changes that ops made below the prefix.
func (w *watcher) add(revision uint64, ops []Op) {
	for _, op := range ops {
		if !strings.HasPrefix(op.Key, w.prefix) {
			continue
		}
		change := Change{Entry: Entry{Key: op.Key, Revision: revision}, Deleted: op.Delete}
		if !op.Delete {
			change.Value = cloneValue(op.Value)
		}
		w.take(change)
	}
}

// take replaces what is pending for the key of change, and moves it to the end, where its revision belongs.
func (w *watcher) take(change Change) {
	w.mu.Lock()
	if old := w.pending[change.Key]; old != nil {
		w.order.Remove(old)
	}
	w.pending[change.Key] = w.order.PushBack(change)
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// run offers the oldest pending change until it is taken, and looks anew whenever something was added meanwhile: the
// change on offer may have been overtaken by a later one of its key.
func (w *watcher) run(ctx context.Context) {
	defer close(w.out)
	for {
		front, change := w.front()
		out := w.out
		if front == nil {
			out = nil // nothing to offer
		}
		select {
		case out <- change:
			w.taken(front)
		case <-w.wake:
		case <-ctx.Done():
			return
		case <-w.stop:
			return
		}
	}
}

func (w *watcher) front() (*list.Element, Change) {
	w.mu.Lock()
	defer w.mu.Unlock()
	front := w.order.Front()
	if front == nil {
		return nil, Change{}
	}
	return front, front.Value.(Change)
}

// taken removes what the reader got, unless a later change of the same key has taken its place already.
func (w *watcher) taken(front *list.Element) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := front.Value.(Change).Key
	if w.pending[key] == front {
		delete(w.pending, key)
		w.order.Remove(front)
	}
}

// cloneValue copies value so that an empty one stays different from none.
func cloneValue(value []byte) []byte {
	if value == nil {
		return []byte{}
	}
	return bytes.Clone(value)
}
