package bridge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// obedient is a car that takes commands: it carries one out five seconds after it was sent, reports, and has the cloud
// write down that it went well. Tests make it do otherwise.
type obedient struct {
	*cloud

	mu                        sync.Mutex // guards what follows
	takes                     time.Duration
	slow                      time.Duration                                               // before the cloud answers
	answers                   func(n int, c vehicle.Command) error                        // to the n-th sending, from 1
	carries                   func(c vehicle.Command)                                     // in place of what the command says; the lock is held
	tells                     func(a *done, is vehicle.ActionStatus) vehicle.ActionStatus // in place of what is true
	deaf                      error                                                       // to questions about actions
	actions                   []*done
	reported                  time.Time
	locked, charging, climate bool
	ac, dc, current, v2l      int
	unplugged                 bool
	open                      bool // a door
}

// done is a command that reached the cloud.
type done struct {
	id      vehicle.ActionID
	by      string // id of the order in whose name it was sent
	command vehicle.Command
	at      time.Time
	asked   []time.Time // for its outcome
	carried bool
}

// able is car n with every command.
func able(n int) vehicle.Vehicle {
	v := car(n)
	for _, spec := range vehicle.Commands() {
		if !spec.Local {
			v.Capabilities.Commands = append(v.Capabilities.Commands, spec.Name)
		}
	}
	return v
}

func newObedient() *obedient {
	o := &obedient{cloud: newCloud(able(1)), takes: 5 * time.Second, reported: time.Now().Add(-time.Hour), ac: 50, dc: 50, current: 1, v2l: 20}
	o.cloud.reply(func(context.Context, call) (vehicle.Report, error) { return o.report(), nil })
	o.cloud.send, o.cloud.action = o.take, o.status
	return o
}

// report is what the cloud holds.
func (o *obedient) report() vehicle.Report {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settle(time.Now())
	return report(o.reported.Truncate(time.Second).UTC(), soc(50), func(r *vehicle.Report) {
		vehicle.Locked.Set(r, o.locked, "")
		vehicle.Charging.Set(r, o.charging, "")
		vehicle.AirControl.Set(r, o.climate, "")
		vehicle.LimitAC.Set(r, vehicle.Percent(o.ac), "")
		vehicle.LimitDC.Set(r, vehicle.Percent(o.dc), "")
		vehicle.ChargingCurrent.Set(r, vehicle.Number(o.current), "")
		vehicle.V2LLimit.Set(r, vehicle.Percent(o.v2l), "")
		vehicle.DoorFrontLeft.Set(r, o.open, "")
		vehicle.PluggedIn.Set(r, !o.unplugged, "")
	})
}

// settle carries out what is due.
func (o *obedient) settle(now time.Time) {
	for _, a := range o.actions {
		if at := a.at.Add(o.takes); !a.carried && !now.Before(at) {
			a.carried, o.reported = true, at
			if o.carries != nil {
				o.carries(a.command)
			} else {
				o.do(a.command)
			}
		}
	}
}

func (o *obedient) do(c vehicle.Command) {
	switch c := c.(type) {
	case vehicle.Lock:
		o.locked = true
	case vehicle.Unlock:
		o.locked = false
	case vehicle.ChargeStart:
		o.charging = true
	case vehicle.ChargeStop:
		o.charging = false
	case vehicle.ClimateStart:
		o.climate = true
	case vehicle.ClimateStop:
		o.climate = false
	case vehicle.ChargeLimits:
		o.ac, o.dc = c.AC.Or(o.ac), c.DC.Or(o.dc)
	case vehicle.SetChargingCurrent:
		o.current = c.Level
	case vehicle.SetV2LLimit:
		o.v2l = c.Limit
	}
}

func (o *obedient) take(ctx context.Context, _ bluelink.Ask, c vehicle.Command) (vehicle.ActionID, error) {
	o.mu.Lock()
	slow := o.slow
	defer o.wait(slow)
	defer o.mu.Unlock()
	n := len(o.actions) + 1
	a := &done{id: vehicle.ActionID(fmt.Sprintf("action-%d", n)), by: bluelink.TraceOf(ctx).Command, command: c, at: time.Now()}
	o.actions = append(o.actions, a)
	if o.answers != nil {
		if err := o.answers(n, c); err != nil {
			if !bluelink.MayHaveSucceeded(err) {
				a.carried = true // it never will be
			}
			return "", err
		}
	}
	return a.id, nil
}

func (o *obedient) wait(d time.Duration) {
	if d > 0 {
		<-time.After(d)
	}
}

func (o *obedient) status(_ context.Context, id vehicle.ActionID) (vehicle.ActionStatus, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.settle(time.Now())
	for _, a := range o.actions {
		if a.id != id {
			continue
		}
		a.asked = append(a.asked, time.Now())
		if o.deaf != nil {
			return "", o.deaf
		}
		is := vehicle.ActionPending
		if a.carried {
			is = vehicle.ActionSuccess
		}
		if o.tells != nil {
			is = o.tells(a, is)
		}
		return is, nil
	}
	return vehicle.ActionUnknown, nil
}

// sent gives the commands that reached the cloud, in words.
func (o *obedient) sent() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var all []string
	for _, a := range o.actions {
		all = append(all, a.command.Spec().Name)
	}
	return strings.Join(all, " ")
}

func (o *obedient) taken() []*done {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Clone(o.actions)
}

// with changes the car.
func (o *obedient) with(change func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	change()
}

// drive runs a test with a bridge that has read its one car, which is obedient.
func drive(t *testing.T, test func(t *testing.T, w *world, o *obedient), change ...func(*bridge.Options)) {
	t.Helper()
	var o *obedient
	synctest.Test(t, func(t *testing.T) {
		o = newObedient()
		w := build(t, o.cloud, change...).run()
		defer w.stop()
		w.refresh("car-1", "first-read", "cached")
		synctest.Wait()
		w.outbox.take()
		test(t, w, o)
	})
}

// give sends a command with an id, its payload a word or the members of an object.
func (w *world) give(id, command, payload string) {
	w.Handle(w.message("car-1", command, give(id, command, payload)))
}

func give(id, command, payload string) string {
	if rest, ok := strings.CutPrefix(payload, "{"); ok {
		return fmt.Sprintf(`{"id":%q,%s`, id, rest)
	}
	key := "action"
	switch command {
	case "refresh":
		key = "mode"
	case "hint":
		key = "what"
	case "preset":
		key = "name"
	case "cancel":
		return payload
	}
	return fmt.Sprintf(`{"id":%q,%q:%q}`, id, key, payload)
}

// life is the states of a command of car-1 so far, the reason and an end mark: "accepted sent confirmed verified.".
func (w *world) life(id string) string {
	w.t.Helper()
	text := w.states("car-1", id)
	if r := w.records("car-1", id); len(r) > 0 {
		last := r[len(r)-1]
		if last.Reason != "" {
			text += " " + last.Reason
		}
		if last.Terminal {
			text += "."
		}
	}
	return text
}

// events gives the events of a kind so far, as event_type.
func (w *world) events(kind string) (types []string) {
	w.t.Helper()
	for _, payload := range w.outbox.on("hyundai/car-1/event/" + kind) {
		var e struct {
			Type string `json:"event_type"`
		}
		if err := json.Unmarshal([]byte(payload), &e); err != nil {
			w.t.Fatalf("event %s: %v", payload, err)
		}
		types = append(types, e.Type)
	}
	return types
}

// actions gives what the topics of an action said, in order, times left out.
func (w *world) actions(id string) string {
	var all []string
	for _, p := range w.outbox.read() {
		if step, ok := strings.CutPrefix(p.Topic, "hyundai/car-1/action/"+id+"/"); ok {
			if p.Retain || p.ContentType == "application/json" {
				w.t.Errorf("%s is retained or JSON", p.Topic)
			}
			if step == "status" {
				step = string(p.Payload)
			} else if _, err := time.Parse(time.RFC3339, string(p.Payload)); err != nil && step != "error" {
				w.t.Errorf("%s says %s", p.Topic, p.Payload)
			}
			all = append(all, step)
		}
	}
	return strings.Join(all, " ")
}
