package strain

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
)

// TestBreaker_StateIsPublishedWhenItChanges holds that the account's topic tells of its breakers.
func TestBreaker_StateIsPublishedWhenItChanges(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		var told []string
		w.box.watch = func(p bridge.Publication) { // called with the box's lock held
			var s struct {
				Reads    string `json:"breaker"`
				Commands string `json:"command_breaker"`
			}
			if p.Topic != "hyundai/account/"+home+"/state" {
				return
			}
			if json.Unmarshal(p.Payload, &s) != nil || s.Commands != "closed" {
				t.Errorf("published %s", p.Payload)
			}
			if len(told) == 0 || told[len(told)-1] != s.Reads {
				told = append(told, s.Reads)
			}
		}
		w.start(parked)
		defer w.stop()
		w.served()
		w.fault("status=503,host=*hyundai*")
		for range 3 {
			for _, car := range w.cars() {
				if car.Brand == home {
					w.refresh(car, "cached")
				}
			}
		}
		synctest.Wait()
		if len(told) != 2 || told[1] != "open" {
			t.Errorf("right after the failures it told %v", told)
		}
		pass(20 * time.Minute)
		w.sim.ClearFaults()
		pass(interval + slack)
		synctest.Wait()
		if told[0] != "closed" || told[len(told)-1] != "closed" {
			t.Errorf("it told %v", told)
		}
		for _, state := range told {
			if !slices.Contains([]string{"closed", "open", "half_open"}, state) {
				t.Errorf("%q is no word for a breaker", state)
			}
		}
	})
}

// TestBreaker_DeadCarShutsNobodyOut is F1 while somebody asks for the dead car and for nothing else.
func TestBreaker_DeadCarShutsNobodyOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		w.start(parked)
		defer w.stop()
		w.served()
		dead, neighbour := w.car(home, "flat"), w.car(home, "ccs2")
		w.fault("status=502,path=*" + dead.ID + "*")
		for range 40 {
			if r := w.refresh(dead, "cached"); r.end() != "failed/cloud_unavailable" {
				t.Fatalf("the dead car ended %s", r.end())
			}
		}
		if r := w.refresh(neighbour, "cached"); r.end() != "verified/cached" {
			t.Errorf("its neighbour ended %s", r.end())
		}
		if n := w.metric("bluelink2mqtt_breaker_changes_total", "account", home, "state", "open"); n != 0 {
			t.Errorf("the breaker opened %v times", n)
		}
		if got := w.account(home); got != "online" {
			t.Errorf("the account is %s", got)
		}
		if strings.Contains(w.box.logged(), "account is in trouble") {
			t.Error("the log blames the account")
		}
	})
}
