package bridge_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Whatever is sent, repeated and taken back, and whenever the process is killed: each command is sent at most once, and
// ends as the car shows.
func TestCommands_RandomOnesAndCrashesSendEachIDAtMostOnce(t *testing.T) {
	runs := 40
	if os.Getenv("SOAK") != "" {
		runs = 3000
	}
	for seed := range runs {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { crashes(t, rand.New(rand.NewPCG(uint64(seed), 7))) })
		})
		if t.Failed() {
			return
		}
	}
}

func crashes(t *testing.T, r *rand.Rand) {
	kept, o := store.NewMemory(), newObedient()
	o.takes = time.Duration(1+r.IntN(20)) * time.Second
	o.answers = func(n int, _ vehicle.Command) error { // a moody cloud; what it answers depends on the number of the call alone
		switch {
		case n%7 == 3:
			return bluelink.ErrBusy
		case n%11 == 5:
			return lost
		}
		return nil
	}
	var said []bridge.Publication
	given := map[string]string{}
	for life := range 5 {
		m := &mortal{Store: kept, car: o, left: -1}
		said = append(said, m.life(t, func(w *world) {
			pass(time.Second)
			if life == 4 {
				pass(20 * time.Minute) // the last one lives
				return
			}
			m.mu.Lock()
			m.left, m.after = 1+r.IntN(40), r.IntN(2) == 0
			m.mu.Unlock()
			for n := range 8 {
				id := fmt.Sprintf("%d-%d", life, n)
				c := everything[r.IntN(len(everything))]
				switch r.IntN(6) {
				case 0: // an older one again
					if id = some(r, given, id); given[id] != "" {
						topic, payload, _ := strings.Cut(given[id], "\x00")
						w.Handle(w.message("car-1", topic, payload))
					}
					continue
				case 1:
					w.Handle(w.message("car-1", "cancel", some(r, given, id)))
					continue
				}
				payload := payloadWith(id, c.topic, c.payload)
				given[id] = c.topic + "\x00" + payload
				w.Handle(w.message("car-1", c.topic, payload))
				pass(time.Duration(r.IntN(15)) * time.Second)
			}
			pass(time.Duration(r.IntN(60)) * time.Second)
		})...)
		<-time.After(time.Duration(r.IntN(90)) * time.Second)
	}
	sent := map[string]int{}
	for n, a := range o.taken() {
		if (n+1)%7 != 3 { // refused: it proves that it was not carried out
			sent[a.by+" "+a.command.Spec().Name]++
		}
	}
	for what, n := range sent {
		if n > 1 {
			t.Errorf("%s was sent %d times", what, n)
		}
	}
	ended := ends(t, said)
	acknowledged := map[string]bool{}
	for _, p := range said {
		if id, ok := strings.CutPrefix(p.Topic, "hyundai/car-1/result/"); ok && given[id] != "" {
			acknowledged[id] = true
		}
	}
	for id := range acknowledged {
		if len(ended[id]) == 0 {
			t.Errorf("%s (%q) was accepted and never ended", id, given[id])
		}
	}
	for id, all := range ended {
		for _, e := range all {
			was := false
			for n, a := range o.taken() {
				was = was || a.by == id && (n+1)%7 != 3
			}
			never := e.State == "rejected" || e.State == "expired" || e.State == "superseded" || e.State == "cancelled"
			if never && was && e.Reason != "precondition_failed" && e.Reason != "expired" && e.Reason != "vehicle_busy" {
				t.Errorf("%s ended %s (%s), though it was sent", id, e.State, e.Message)
			}
		}
	}
}

// some is one of the ids, the same for the same random numbers.
func some(r *rand.Rand, given map[string]string, otherwise string) string {
	if len(given) == 0 {
		return otherwise
	}
	return fmt.Sprintf("%d-%d", r.IntN(4), r.IntN(8))
}

// payloadWith is a payload with an id.
func payloadWith(id, topic, payload string) string {
	if strings.HasPrefix(payload, "{") {
		return give(id, topic, payload)
	}
	request, err := vehicle.DecodeRequest(topic, []byte(payload))
	if err != nil {
		panic(err)
	}
	switch c := request.Command.(type) {
	case vehicle.ClimateTarget:
		return give(id, topic, `{"set_temp":20}`)
	case vehicle.ChargeLimits:
		return fmt.Sprintf(`{"id":%q,"ac":%d}`, id, c.AC.Value)
	case vehicle.SetChargingCurrent:
		return give(id, topic, fmt.Sprintf(`{"level":%d}`, c.Level))
	case vehicle.SetV2LLimit:
		return give(id, topic, fmt.Sprintf(`{"limit":%d}`, c.Limit))
	case vehicle.Windows:
		return give(id, topic, `{"front_left":2}`)
	}
	return give(id, topic, payload)
}
