package bridge_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
)

// crier announces a bridge of some parts, and cars and accounts of none.
type crier struct{ parts []string }

func (*crier) Account(string) []bridge.Announcement   { return nil }
func (*crier) Hears(string, []byte) (ours, born bool) { return false, false }

func (*crier) Car(bridge.Car, bridge.Abilities, func() map[string]string) []bridge.Announcement {
	return nil
}

func (c *crier) Bridge() []bridge.Announcement {
	return []bridge.Announcement{{Topic: "found/bridge", Payload: []byte(strings.Join(c.parts, " ")), Parts: c.parts}}
}

func (*crier) Without(a bridge.Announcement, gone []string) []byte {
	return []byte(string(a.Payload) + " without " + strings.Join(gone, " "))
}

func TestAnnounce_BridgeIsToldOnceMoreWithoutWhatItTookBack(t *testing.T) {
	c := &crier{parts: []string{"a", "b"}}
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		w.Connected()
		pass(time.Minute)
		c.parts = []string{"a"}
		w.outbox.take()
		w.Connected()
		pass(time.Minute)
		if told := w.outbox.on("found/bridge"); !slices.Equal(told, []string{"a without b", "a"}) {
			t.Errorf("told %q", told)
		}
	}, func(o *bridge.Options) { o.Announcer = c })
}
