package bridge

import (
	"sync"
	"time"
)

// Bounds of what is remembered of senders' ids.
const (
	rememberFor   = 24 * time.Hour
	rememberAtMax = 100_000
)

// memory keeps the ids that senders gave, so that a repeated command is not carried out twice.
type memory struct {
	mu   sync.Mutex // guards what follows
	seen map[string]*remembered
	line []*remembered // oldest first
}

type remembered struct {
	key   string
	order *order
	at    time.Time
}

// remember notes an order's id; when the id was seen before, it gives the order that brought it.
func (m *memory) remember(key string, o *order) (before *order, repeated bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	for len(m.line) > 0 && (now.Sub(m.line[0].at) > rememberFor || len(m.line) >= rememberAtMax) {
		delete(m.seen, m.line[0].key)
		m.line[0], m.line = nil, m.line[1:]
	}
	if known, ok := m.seen[key]; ok {
		return known.order, true
	}
	if m.seen == nil {
		m.seen = map[string]*remembered{}
	}
	r := &remembered{key, o, now}
	m.seen[key], m.line = r, append(m.line, r)
	return nil, false
}
