package hass_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/hass"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/hass/hasstest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// partly is the state of a car that has reported the data points that are kept, by their place in the catalogue.
func partly(t *testing.T, keep func(n int) bool) vehicle.State {
	t.Helper()
	report := vehicle.Report{Engine: vehicle.EV, Reported: reported}
	for n, d := range vehicle.Catalogue() {
		if d.Fits(vehicle.EV) && keep(n) {
			report.Observations = append(report.Observations, vehicle.Observation{Datum: d, Value: samples(d)[0], Reported: reported})
		}
	}
	s, _, refusals := vehicle.State{}.Apply(report, fetched)
	if len(refusals) > 0 {
		t.Fatalf("samples were refused: %v", refusals)
	}
	return s
}

// TestSplit_EntitiesStayWhereTheyAreWhenMoreBecomesKnown lets a car report more and more where a broker takes small messages
// only. Home Assistant may read the messages of one announcement in any order; no entity may go meanwhile, or be refused.
func TestSplit_EntitiesStayWhereTheyAreWhenMoreBecomesKnown(t *testing.T) {
	const limit, rounds = 16 << 10, 24
	o := options(t, topic.AsReported)
	h := newHome(t, o)
	for name, order := range map[string]func([]hass.Message){"first to last": func([]hass.Message) {}, "last to first": slices.Reverse[[]hass.Message]} {
		home := hasstest.NewHome(prefix)
		told := map[string][]string{} // parts by topic
		for round := range rounds {
			c := car(ioniq(), partly(t, func(n int) bool { return n%rounds >= rounds-1-round }), everything())
			c.Told = func() map[string]string {
				by := map[string]string{}
				for topic, parts := range told {
					for _, part := range parts {
						by[part] = topic
					}
				}
				return by
			}
			messages := h.Car(c, limit)
			var now []string
			for _, m := range messages {
				now = append(now, m.Parts...)
			}
			there := func() (parts []string) {
				for _, e := range home.Entities() {
					_, key, _ := strings.Cut(e.ID, string(c.Vehicle.ID)+"_")
					if part := e.Platform + "/" + key; slices.Contains(now, part) {
						parts = append(parts, part)
					}
				}
				return parts
			}
			before := there()
			order(messages)
			next := map[string][]string{}
			for _, m := range messages {
				if n := len(m.Topic) + len(m.Payload); n > limit {
					t.Errorf("%s has %d bytes", m.Topic, n)
				}
				next[m.Topic] = m.Parts
				payload := m.Payload
				gone := slices.DeleteFunc(slices.Clone(told[m.Topic]), func(part string) bool { return slices.Contains(m.Parts, part) })
				if len(gone) > 0 {
					payload = hass.Without(m, gone, limit)
				}
				home.Receive(m.Topic, payload, true)
				after := there()
				if lost := slices.DeleteFunc(slices.Clone(before), func(part string) bool { return slices.Contains(after, part) }); len(lost) > 0 {
					t.Fatalf("%s, round %d: %s takes %v away", name, round, m.Topic, lost)
				}
			}
			if round == 0 && len(messages) > 8 || round == rounds-1 && len(messages) < 5 {
				t.Errorf("in round %d there are %d messages", round, len(messages))
			}
			told = next
		}
		if err := home.Err(); err != nil {
			t.Errorf("%s, Home Assistant complains:\n%v", name, err)
		}
		if got, want := len(home.Entities()), len(found(t, o, car(ioniq(), full(t, vehicle.EV, 0), everything())).Entities()); got != want {
			t.Errorf("%s, at the end there are %d entities, want %d", name, got, want)
		}
	}
}
