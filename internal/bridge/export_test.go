package bridge

import "github.com/bluelink2mqtt/bluelink2mqtt/bluelink"

// RememberAtMax is how many ids are remembered.
const RememberAtMax = rememberAtMax

// Memory is the memory of ids.
type Memory struct{ memory memory }

// Seen notes an id and tells whether it was known.
func (m *Memory) Seen(id string) bool {
	_, repeated := m.memory.remember(id, &order{})
	return repeated
}

// Len is how many ids are known.
func (m *Memory) Len() int { return len(m.memory.seen) }

// Take leads a message to its lane, as the intake's goroutine does.
func (b *Bridge) Take(m Message) { b.take(m) }

// Refreshed shows the result of a refresh of a car, as its lane does.
func (b *Bridge) Refreshed(name string, r bluelink.Result) error {
	l, err := b.lanes.byName(name)
	if err != nil {
		return err
	}
	l.shelf.refreshed(r)
	return nil
}
