package bridge_test

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
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

// mover announces cars, and notes where their parts stood before.
type mover struct {
	crier
	parts map[string][]string // by topic
	told  map[string]string
}

func (m *mover) Car(_ bridge.Car, _ bridge.Abilities, told func() map[string]string) (all []bridge.Announcement) {
	m.told = told()
	for topic, parts := range m.parts {
		all = append(all, bridge.Announcement{Topic: topic, Payload: []byte(strings.Join(parts, " ")), Parts: parts})
	}
	return all
}

func TestAnnounce_WhereTheCarsPartsStandIsKnown(t *testing.T) {
	kept := store.NewMemory()
	m := &mover{parts: map[string][]string{"found/one": {"a", "b"}, "found/two": {"c"}}}
	want := map[string]string{"a": "found/one", "b": "found/one", "c": "found/two"}
	options := func(o *bridge.Options) { o.Announcer, o.Store = m, kept }
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		w.Connected()
		synctest.Wait()
		if len(m.told) > 0 {
			t.Errorf("before the first announcement: %v", m.told)
		}
		w.Connected()
		synctest.Wait() // it is not on disk yet
		if !maps.Equal(m.told, want) {
			t.Errorf("before the second: %v", m.told)
		}
	}, options)
	m.told = nil
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		w.Connected()
		synctest.Wait()
		if !maps.Equal(m.told, want) {
			t.Errorf("after a restart: %v", m.told)
		}
	}, options)
}
