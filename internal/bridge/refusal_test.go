package bridge_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// one gives the only record below the car's result topic, whatever its id.
func (w *world) one(t *testing.T, car string) record {
	t.Helper()
	var found []record
	for _, p := range w.outbox.take() {
		if p.Retain && strings.HasPrefix(p.Topic, "hyundai/"+car+"/") {
			t.Errorf("%s is retained", p.Topic)
		}
		if id, ok := strings.CutPrefix(p.Topic, "hyundai/"+car+"/result/"); ok {
			r := parse(t, p.Payload)
			if r.ID != id {
				t.Errorf("record of %q on the topic of %q", r.ID, id)
			}
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d records: %+v", len(found), found)
	}
	return found[0]
}

func TestRetained_CommandIsRefusedAndAnEmptyOneIgnored(t *testing.T) {
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		w.outbox.take()
		m := w.message("car-1", "refresh", order("x", "force"))
		m.Retained = true
		w.Handle(m)
		synctest.Wait()
		if r := w.one(t, "car-1"); r.ID != "x" || r.State != "rejected" || r.Reason != "retained" {
			t.Errorf("retained command ended %+v", r)
		}
		m.Payload = nil
		w.Handle(m)
		synctest.Wait()
		if all := w.outbox.take(); len(all) != 0 {
			t.Errorf("an empty retained message was answered: %+v", all)
		}
		if len(w.cloud.made()) != 0 || w.acknowledged() != 2 {
			t.Errorf("%d operations, %d acknowledgements", len(w.cloud.made()), w.acknowledged())
		}
		w.refresh("car-1", "x", "force") // the same id, now as a command
		synctest.Wait()
		if r := w.last("car-1", "x"); r.State != "verified" {
			t.Errorf("the live command ended %+v", r)
		}
	})
}

func TestPayload_NonsenseIsRefusedWithTheReason(t *testing.T) {
	long := strings.Repeat("x", 65)
	for payload, id := range map[string]string{
		"":                                      "",
		"fly":                                   "",
		"smart":                                 "",
		"smart:0":                               "",
		"smart:604801":                          "",
		`{"mode":"cached"`:                      "",
		`[1]`:                                   "",
		`{"mode":"cached","id":"x","colour":1}`: "x",
		`{"mode":"smart","id":"x"}`:             "x",
		`{"mode":"cached","id":"../x"}`:         "",
		`{"mode":"cached","id":""}`:             "",
		`{"mode":"cached","id":7}`:              "",
		`{"mode":"cached","id":"` + long + `"}`: "",
		`{"mode":"cached","expires_at":"tonight"}`: "",
	} {
		t.Run(payload, func(t *testing.T) {
			bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
				w.outbox.take()
				w.Handle(w.message("car-1", "refresh", payload))
				synctest.Wait()
				r := w.one(t, "car-1")
				if r.State != "rejected" || r.Reason != "invalid_payload" || r.Message == "" || r.Command != "refresh" {
					t.Errorf("ended %+v", r)
				}
				if id != "" && r.ID != id || !vehicle.ValidID(r.ID) {
					t.Errorf("id %q, want %q or one of ours", r.ID, id)
				}
				if len(w.cloud.made()) != 0 || w.acknowledged() != 1 {
					t.Errorf("%d operations, %d acknowledgements", len(w.cloud.made()), w.acknowledged())
				}
			})
		})
	}
}

func TestIntake_UnknownCarAndUnknownCommandAreAnsweredWithoutRetain(t *testing.T) {
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		w.outbox.take()
		w.Handle(w.message("stranger", "refresh", order("x", "cached")))
		synctest.Wait()
		if r := w.one(t, "stranger"); r.State != "rejected" || r.Reason != "unknown_vehicle" || r.ID != "x" {
			t.Errorf("unknown car: %+v", r)
		}
		word := strings.Repeat("warp", 100)
		w.Handle(w.message("car-1", word, "now"))
		synctest.Wait()
		if r := w.one(t, "car-1"); r.State != "rejected" || r.Reason != "unsupported" || r.Command != word {
			t.Errorf("unknown command: %+v", r)
		}
		if n := w.metric("bluelink2mqtt_commands_total", "command", "unknown", "reason", "unsupported"); n != 1 {
			t.Errorf("counted as unknown: %v", n)
		}
		if n := w.metric("bluelink2mqtt_commands_total", "command", word); n != 0 {
			t.Error("a stranger's word became a label")
		}
		if len(w.log.with(word)) != 0 {
			t.Error("a stranger's long word stands in the log in full")
		}
	})
}

func TestIntake_StrayMessageIsAcknowledgedAndNotAnswered(t *testing.T) {
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		w.outbox.take()
		for _, topic := range []string{"hyundai/bridge/commands/refresh", "hyundai/car-1/commands/refresh/now", "other/car-1/commands/refresh", "hyundai/car-1/battery/level"} {
			m := w.message("car-1", "refresh", "cached")
			m.Topic = topic
			w.Handle(m)
		}
		synctest.Wait()
		if all := w.outbox.take(); len(all) != 0 {
			t.Errorf("answered with %+v", all)
		}
		if w.acknowledged() != 4 || w.metric("bluelink2mqtt_receive_strays_total") != 4 {
			t.Errorf("%d acknowledged, %v counted", w.acknowledged(), w.metric("bluelink2mqtt_receive_strays_total"))
		}
	})
}

func TestRepeat_SameIDIsAnsweredWithItsRecordAndCarriedOutOnce(t *testing.T) {
	c := newCloud(car(1), car(2))
	bubble(t, c, func(t *testing.T, w *world) {
		w.refresh("car-1", "x", "cached")
		synctest.Wait()
		before := w.last("car-1", "x")
		pass(time.Hour)
		w.outbox.take()
		w.refresh("car-1", "x", "force") // whatever it asks for now
		synctest.Wait()
		if r := w.one(t, "car-1"); r.State != "verified" || *r.Accepted != *before.Accepted || r.UpdateMethod != "cached" {
			t.Errorf("the repetition got %+v, the first one had %+v", r, before)
		}
		w.refresh("car-2", "x", "cached")
		synctest.Wait()
		if r := w.last("car-2", "x"); r.State != "verified" {
			t.Errorf("the same id for another car: %+v", r)
		}
		if n := len(c.made()); n != 2 {
			t.Errorf("%d operations, want one a car", n)
		}
		pass(24 * time.Hour)
		w.refresh("car-1", "x", "cached")
		synctest.Wait()
		if n := len(c.made()); n != 3 {
			t.Errorf("after a day the id is not forgotten: %d operations", n)
		}
	})
}

// asking is a message whose sender waits on a response topic.
func (w *world) asking(id, topic string, correlation string) bridge.Message {
	m := w.message("car-1", "refresh", order(id, "force"))
	m.ResponseTopic, m.Correlation = topic, []byte(correlation)
	return m
}

func TestRepeat_WhileTheFirstGoesOnItsEndIsToldToAll(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold()
		w.Handle(w.asking("x", "first", "1"))
		synctest.Wait()
		w.Handle(w.asking("x", "first", "1")) // the broker delivers it twice
		w.Handle(w.asking("x", "second", "2"))
		w.refresh("car-1", "x", "force")
		synctest.Wait()
		steps, err := w.Submit("car-1", vehicle.Request{ID: "x", Command: vehicle.Refresh{Mode: vehicle.Force}}, vehicle.ByCLI)
		if err != nil {
			t.Fatal(err)
		}
		if r := <-steps; r.State != vehicle.Sent {
			t.Errorf("the watcher begins with %+v", r)
		}
		close(g)
		var last vehicle.Record
		for r := range steps { // ends
			last = r
		}
		synctest.Wait()
		if last.State != vehicle.Verified {
			t.Errorf("the watcher ends with %+v", last)
		}
		for _, topic := range []string{"first", "second"} {
			ends := 0
			for _, r := range w.outbox.records(t, topic) {
				if r.Terminal {
					ends++
				}
			}
			if ends != 1 {
				t.Errorf("%s was told %d ends", topic, ends)
			}
		}
		w.endings()
		if n := len(c.made()); n != 1 {
			t.Errorf("%d operations", n)
		}
	})
}

func TestRepeat_WhoAsksAfterTheEndIsToldAtOnce(t *testing.T) {
	bubble(t, newCloud(car(1)), func(t *testing.T, w *world) {
		w.refresh("car-1", "x", "cached")
		synctest.Wait()
		steps, err := w.Submit("car-1", vehicle.Request{ID: "x", Command: vehicle.Refresh{Mode: vehicle.Cached}}, vehicle.ByHTTP)
		if err != nil {
			t.Fatal(err)
		}
		if r := <-steps; r.State != vehicle.Verified {
			t.Errorf("told %+v", r)
		}
		if _, more := <-steps; more {
			t.Error("the channel is not closed after the end")
		}
		w.Handle(w.asking("x", "late", ""))
		synctest.Wait()
		if all := w.outbox.records(t, "late"); len(all) != 1 || all[0].State != "verified" {
			t.Errorf("the late sender was told %+v", all)
		}
	})
}

func TestRepeat_TooManyWaitingSendersAreTurnedAway(t *testing.T) {
	c := newCloud(car(1))
	bubble(t, c, func(t *testing.T, w *world) {
		g := c.hold()
		for n := range 100 {
			w.Handle(w.asking("x", fmt.Sprintf("sender/%d", n), ""))
			synctest.Wait()
		}
		close(g)
		synctest.Wait()
		verified, overloaded := 0, 0
		for n := range 100 {
			all := w.outbox.records(t, fmt.Sprintf("sender/%d", n))
			switch last := all[len(all)-1]; {
			case last.State == "verified":
				verified++
			case last.State == "rejected" && last.Reason == "overloaded":
				overloaded++
			}
		}
		if verified != 64 || overloaded != 36 {
			t.Errorf("%d were told the end, %d turned away", verified, overloaded)
		}
		if r := w.last("car-1", "x"); r.State != "verified" {
			t.Errorf("the result topic says %+v", r)
		}
	})
}

func TestIntake_BeforeTheCarsAreKnownSaysWhatIsMissing(t *testing.T) {
	for _, test := range []struct {
		err    error
		reason string
	}{
		{bluelink.ErrUnavailable, "cloud_unavailable"},
		{bluelink.ErrCredentials, "login_required"},
		{bluelink.ErrConsentRequired, "login_required"},
		{bluelink.ErrOTPRequired, "code_required"},
	} {
		t.Run(test.err.Error(), func(t *testing.T) {
			c := newCloud(car(1))
			c.signIn(func(context.Context) error { return test.err })
			bubble(t, c, func(t *testing.T, w *world) {
				w.outbox.take()
				w.refresh("car-1", "x", "cached")
				synctest.Wait()
				if r := w.one(t, "car-1"); r.State != "rejected" || r.Reason != test.reason || !strings.Contains(r.Message, "account home") {
					t.Errorf("ended %+v", r)
				}
			})
		})
	}
}
