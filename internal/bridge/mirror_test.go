package bridge_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

const mirrored = "hyundai/car-1/value/"

func TestMirror_StandsBesideEachEnvelopeWhenAskedFor(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		c.answering(func() (vehicle.Report, error) { return paris(time.Now()), nil })
		w.Connected()
		w.Handle(w.message("car-1", "refresh", "cached"))
		synctest.Wait()
		// Accounts and the ends of commands are told by other goroutines, in between.
		all := slices.DeleteFunc(w.outbox.take(), func(p bridge.Publication) bool {
			rest, below := strings.CutPrefix(p.Topic, "hyundai/car-1/")
			return !below || strings.HasPrefix(rest, "result/") || strings.HasPrefix(rest, "event/")
		})
		bare := 0
		for i, p := range all {
			suffix, below := strings.CutPrefix(p.Topic, "hyundai/car-1/")
			if _, is := strings.CutPrefix(p.Topic, mirrored); is || !below || !bytes.HasPrefix(p.Payload, []byte(`{"value":`)) {
				continue
			}
			bare++
			// At once behind it, so that a reader of both sees them together.
			want := topic.Mirror(topic.Message{Suffix: suffix, Payload: p.Payload, Retain: p.Retain})
			if next := all[i+1]; next.Topic != "hyundai/car-1/"+want.Suffix || !bytes.Equal(next.Payload, want.Payload) || next.Retain != p.Retain {
				t.Errorf("behind %s comes %s %q, retained %t", p.Topic, next.Topic, next.Payload, next.Retain)
			}
		}
		if bare < 10 {
			t.Errorf("only %d envelopes", bare)
		}
	}, func(o *bridge.Options) { o.Mirror = true })
}

func TestMirror_IsOffByDefault(t *testing.T) {
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		w.Connected()
		w.Handle(w.message("car-1", "refresh", "cached"))
		synctest.Wait()
		for _, p := range w.outbox.read() {
			if strings.HasPrefix(p.Topic, mirrored) {
				t.Errorf("%s is published", p.Topic)
			}
		}
	})
}

func TestMirror_SwitchedOffLeavesNothingRetained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := store.NewMemory()
		kept := map[string]string{} // by a broker
		one := func(on bool) {
			w := build(t, newCloud(car(1)), keeping(memory), func(o *bridge.Options) { o.Mirror = on }).run()
			w.Connected()
			w.Handle(w.message("car-1", "refresh", "cached"))
			synctest.Wait()
			w.stop()
			for _, p := range w.outbox.read() {
				switch {
				case p.Retain && len(p.Payload) == 0:
					delete(kept, p.Topic)
				case p.Retain:
					kept[p.Topic] = string(p.Payload)
				}
			}
		}
		count := func() (bare, other int) {
			for topic := range kept {
				if strings.HasPrefix(topic, mirrored) {
					bare++
				} else {
					other++
				}
			}
			return bare, other
		}
		one(true)
		bare, before := count()
		if bare == 0 || kept[mirrored+"battery/level"] != "50" {
			t.Fatalf("%d bare values: %v", bare, kept)
		}
		one(true)
		if again, _ := count(); again != bare {
			t.Errorf("%d bare values after a restart, %d before", again, bare)
		}
		one(false)
		if bare, other := count(); bare != 0 || other != before {
			t.Errorf("%d bare values are left, and %d of %d others", bare, other, before)
		}
	})
}
