package bridge_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestCommand_LivesThroughAllItsStatesToTheVerifiedEffect(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.give("x", "lock", "lock")
		synctest.Wait()
		if got := w.life("x"); got != "accepted sent" || w.actions("action-1") != "PENDING started_at" {
			t.Errorf("right after sending: %q, %q", got, w.actions("action-1"))
		}
		pass(time.Minute)
		if got := w.life("x"); got != "accepted sent confirmed verified." {
			t.Errorf("went %q", got)
		}
		if got := w.actions("action-1"); got != "PENDING started_at SUCCESS started_at completed_at" {
			t.Errorf("its action went %q", got)
		}
		if got := w.events("command"); fmt.Sprint(got) != "[verified]" {
			t.Errorf("events %v", got)
		}
		if o.sent() != "lock" || w.outbox.value("car-1/status/doors/locked") != "true" {
			t.Errorf("sent %q; the car is locked: %s", o.sent(), w.outbox.value("car-1/status/doors/locked"))
		}
		if got := w.outbox.value("car-1/status/error"); got != "null" {
			t.Errorf("status/error says %s", got)
		}
	})
}

func TestCommand_OutcomeIsAskedForFromTwoSecondsOnAndEverMoreSlowly(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.with(func() { o.takes = 25 * time.Second })
		w.give("x", "hazard", "lights")
		pass(2 * time.Minute)
		var waits []int
		last := o.taken()[0].at
		for _, at := range o.taken()[0].asked {
			waits = append(waits, int(at.Sub(last).Seconds()))
			last = at
		}
		if fmt.Sprint(waits) != "[2 3 4 5 5 5 5]" {
			t.Errorf("waits between questions: %v", waits)
		}
	})
}

func TestCommand_WithoutADatumThatShowsItEndsConfirmed(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		before := len(o.made())
		w.give("x", "hazard", "lights_and_horn")
		pass(time.Minute)
		if got := w.life("x"); got != "accepted sent confirmed confirmed." {
			t.Errorf("went %q", got)
		}
		if w.actions("action-1") != "PENDING started_at SUCCESS started_at completed_at" {
			t.Errorf("its action went %q", w.actions("action-1"))
		}
		if reads := len(o.made()) - before; reads != 0 {
			t.Errorf("%d reads for what no read shows", reads)
		}
	})
}

func TestCommand_ConfirmedWithoutAReportStaysConfirmed(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.tells = func(*done, vehicle.ActionStatus) vehicle.ActionStatus { return vehicle.ActionSuccess }
		o.takes = time.Hour
		w.give("x", "climate", "start")
		pass(3 * time.Minute)
		if r := w.last("car-1", "x"); r.State != "confirmed" || !r.Terminal || !strings.Contains(r.Message, "not reported since") {
			t.Errorf("ended %+v", r)
		}
	})
}

// D2: records of commands that were carried out may stay pending.
func TestCommand_RecordThatStaysPendingIsDecidedByOneRead(t *testing.T) {
	for carried, want := range map[bool]string{true: "accepted sent verified.", false: "accepted sent timed_out timeout."} {
		t.Run(want, func(t *testing.T) {
			drive(t, func(t *testing.T, w *world, o *obedient) {
				o.tells = func(*done, vehicle.ActionStatus) vehicle.ActionStatus { return vehicle.ActionPending }
				if !carried {
					o.takes = time.Hour
				}
				before := len(o.made())
				w.give("x", "lock", "lock")
				pass(3 * time.Minute)
				if got := w.life("x"); got != want {
					t.Errorf("went %q", got)
				}
				if reads := len(o.made()) - before; reads != 1 {
					t.Errorf("%d reads decided", reads)
				}
				word := map[bool]string{true: "SUCCESS", false: "TIMEOUT"}[carried]
				if got := w.actions("action-1"); got != "PENDING started_at "+word+" started_at completed_at" {
					t.Errorf("its action went %q", got)
				}
			})
		})
	}
}

// D3: records are shown to the device that sent the command, and to no other.
func TestCommand_WithoutARecordTheCarsStateDecides(t *testing.T) {
	for carried, want := range map[bool]string{true: "accepted sent verified.", false: "accepted sent unknown effect_not_seen."} {
		t.Run(want, func(t *testing.T) {
			drive(t, func(t *testing.T, w *world, o *obedient) {
				o.tells = func(*done, vehicle.ActionStatus) vehicle.ActionStatus { return vehicle.ActionUnknown }
				if !carried {
					o.takes = time.Hour
				}
				w.give("x", "lock", "lock")
				pass(14 * time.Second)
				if w.last("car-1", "x").Terminal {
					t.Error("a record takes up to 15 s to appear")
				}
				pass(3 * time.Minute)
				if got := w.life("x"); got != want || o.sent() != "lock" {
					t.Errorf("went %q, sent %q", got, o.sent())
				}
				word := map[bool]string{true: "SUCCESS", false: "UNKNOWN"}[carried]
				if got := w.actions("action-1"); got != "PENDING started_at "+word+" started_at completed_at" {
					t.Errorf("its action went %q", got)
				}
			})
		})
	}
}

// D4: the endpoint of records may be gone.
func TestCommand_WhoseOutcomeCannotBeAskedForIsDecidedByTheCarsState(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.deaf = &bluelink.Error{Op: "read action", Status: 405, Err: bluelink.ErrBadResponse}
		w.give("x", "lock", "lock")
		pass(3 * time.Minute)
		if got := w.life("x"); got != "accepted sent verified." {
			t.Errorf("went %q", got)
		}
		if asked := len(o.taken()[0].asked); asked > 5 {
			t.Errorf("asked %d times in vain", asked)
		}
		if got := w.actions("action-1"); got != "PENDING started_at SUCCESS started_at completed_at error" {
			t.Errorf("its action went %q", got)
		}
	})
}

func TestCommand_OutcomeSurvivesAFewFailedQuestions(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.deaf = &bluelink.Error{Op: "read action", Left: true, Err: bluelink.ErrUnavailable}
		o.takes = 12 * time.Second
		w.give("x", "hazard", "lights")
		pass(10 * time.Second)
		o.with(func() { o.deaf = nil })
		pass(time.Minute)
		if got := w.life("x"); got != "accepted sent confirmed confirmed." {
			t.Errorf("went %q", got)
		}
	})
}

// D5: a car with an open door refuses to lock.
func TestCommand_RefusedByTheCarSaysWhatStandsInTheWay(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.tells = func(a *done, _ vehicle.ActionStatus) vehicle.ActionStatus {
			if a.carried {
				return vehicle.ActionFailed
			}
			return vehicle.ActionPending
		}
		o.carries = func(vehicle.Command) {}
		o.open = true
		w.give("x", "lock", "lock")
		pass(time.Minute)
		r := w.last("car-1", "x")
		if r.State != "failed" || r.Reason != "vehicle_refused" || !strings.Contains(r.Message, "front left door is open") {
			t.Errorf("ended %+v", r)
		}
		if got := w.actions("action-1"); got != "PENDING started_at FAILED started_at completed_at" {
			t.Errorf("its action went %q", got)
		}
		said := w.outbox.value("car-1/status/error")
		for _, word := range []string{`"error":"Lock command failed: `, `"error_type":"CommandError"`, `"command_type":"lock"`, `"reason":"vehicle_refused"`} {
			if !strings.Contains(said, word) {
				t.Errorf("status/error lacks %s: %s", word, said)
			}
		}
	})
}

func TestCommand_CarThatDoesNotAnswerEndsTimedOutUnlessItsStateSaysOtherwise(t *testing.T) {
	for carried, want := range map[bool]string{true: "accepted sent verified.", false: "accepted sent timed_out vehicle_unreachable."} {
		t.Run(want, func(t *testing.T) {
			drive(t, func(t *testing.T, w *world, o *obedient) {
				o.tells = func(a *done, _ vehicle.ActionStatus) vehicle.ActionStatus {
					if time.Since(a.at) < 20*time.Second {
						return vehicle.ActionPending
					}
					return vehicle.ActionTimeout
				}
				if !carried {
					o.takes = time.Hour
				}
				w.give("x", "lock", "lock")
				pass(time.Minute)
				if got := w.life("x"); got != want {
					t.Errorf("went %q", got)
				}
			})
		})
	}
}

// A region's cloud that is slow to tell outcomes gets the time that it needs, whatever the command's own limit.
func TestCommand_OutcomeIsWaitedForAsLongAsTheRegionTakes(t *testing.T) {
	for patience, want := range map[time.Duration]string{0: "accepted sent timed_out timeout.", 3 * time.Minute: "accepted sent confirmed verified."} {
		synctest.Test(t, func(t *testing.T) {
			o := newObedient()
			o.cars[0].Capabilities.Patience = patience
			o.takes = 2 * time.Minute
			o.tells = func(a *done, _ vehicle.ActionStatus) vehicle.ActionStatus {
				if time.Since(a.at) < 2*time.Minute {
					return vehicle.ActionPending
				}
				return vehicle.ActionSuccess
			}
			w := build(t, o.cloud).run()
			defer w.stop()
			w.refresh("car-1", "first-read", "cached")
			synctest.Wait()
			w.give("x", "lock", "lock")
			pass(4 * time.Minute)
			if got := w.life("x"); got != want {
				t.Errorf("with %s the command went %q, want %q", patience, got, want)
			}
		})
	}
}

// D7: lock and unlock are the wrong way round somewhere on the way.
func TestCommand_CarThatUnlocksOnLockFailsLoudly(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.locked = true
		o.carries = func(vehicle.Command) { o.locked = false }
		w.give("x", "lock", "lock")
		pass(2 * time.Minute)
		if got := w.life("x"); got != "accepted sent confirmed failed effect_not_seen." {
			t.Errorf("went %q", got)
		}
		if got := w.events("security"); fmt.Sprint(got) != "[not_locked]" {
			t.Errorf("security events %v", got)
		}
		if got := w.events("command"); fmt.Sprint(got) != "[failed]" {
			t.Errorf("command events %v", got)
		}
		if len(w.log.with("level=ERROR", "not locked")) != 1 {
			t.Error("the log does not say it")
		}
		if got := w.actions("action-1"); got != "PENDING started_at SUCCESS started_at completed_at" {
			t.Errorf("its action went %q", got)
		}
	})
}

// D8: plug types are the wrong way round somewhere on the way.
func TestCommand_LimitsThatLandTheWrongWayRoundFail(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.carries = func(c vehicle.Command) {
			limits, _ := c.(vehicle.ChargeLimits)
			o.ac, o.dc = limits.DC.Value, limits.AC.Value
		}
		w.give("x", "charge_limit", `{"ac":80,"dc":90}`)
		pass(2 * time.Minute)
		if got := w.life("x"); !strings.HasSuffix(got, "confirmed failed effect_not_seen.") {
			t.Errorf("went %q", got)
		}
	})
}

// D10: to stop what is stopped already starts it.
func TestCommand_WhatAToggleWouldUndoIsNotSent(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		before := len(o.made())
		w.give("x", "charge", "stop")
		pass(time.Minute)
		if r := w.last("car-1", "x"); r.State != "verified" || !strings.Contains(r.Message, "already") || o.sent() != "" {
			t.Errorf("ended %+v, sent %q", r, o.sent())
		}
		if reads := len(o.made()) - before; reads != 1 {
			t.Errorf("looked %d times at what an old report said", reads)
		}
		// The report is old, and the car has started since.
		o.with(func() { o.charging, o.reported = true, time.Now() })
		w.give("y", "charge", "stop")
		pass(3 * time.Minute)
		if got := w.life("y"); !strings.HasSuffix(got, "verified.") || o.sent() != "charge-stop" {
			t.Errorf("went %q, sent %q", got, o.sent())
		}
	})
}

func TestCommand_WhatIsSoAlreadyByARecentReportIsNotSent(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		w.give("one", "climate", "stop") // the last report is an hour old
		pass(time.Minute)
		w.give("two", "climate", "stop")
		pass(10 * time.Second)
		if r := w.last("car-1", "two"); r.State != "verified" || o.sent() != "climate-stop" {
			t.Errorf("ended %+v, sent %q", r, o.sent())
		}
		w.give("lock", "lock", "lock")
		pass(20 * time.Second)
		w.give("again", "lock", "lock") // somebody may have opened the car since
		pass(20 * time.Second)
		if o.sent() != "climate-stop lock lock" {
			t.Errorf("sent %q", o.sent())
		}
	})
}

// D11: a schedule in the car starts what was stopped.
func TestCommand_WhatTheCarRevertsMomentsLaterFails(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.charging = true
		w.give("x", "charge", "stop")
		pass(20 * time.Second)
		if got := w.life("x"); got != "accepted sent confirmed" || o.sent() != "charge-stop" {
			t.Errorf("while it might be reverted: %q", got)
		}
		o.with(func() { o.charging, o.reported = true, time.Now() })
		pass(time.Minute)
		if got := w.life("x"); got != "accepted sent confirmed failed reverted_by_vehicle." {
			t.Errorf("went %q", got)
		}
	})
}

func TestCommand_TheNextOneDoesNotWaitForWhetherTheEffectLasts(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.charging = true
		w.give("x", "charge", "stop")
		pass(20 * time.Second)
		w.give("y", "lock", "lock")
		synctest.Wait()
		if got := w.life("x"); got != "accepted sent confirmed verified." || o.sent() != "charge-stop lock" {
			t.Errorf("went %q, sent %q", got, o.sent())
		}
	})
}

// lost is an answer that never came.
var lost = &bluelink.Error{Op: "lock", Left: true, Err: bluelink.ErrUnavailable}

// Invariant 5: never again after silence, reset, 5xx or an unreadable answer.
func TestCommand_WhoseAnswerWasLostIsNeverSentAgain(t *testing.T) {
	for name, err := range map[string]error{
		"silence": lost, "unreadable": &bluelink.Error{Op: "lock", Status: 200, Err: bluelink.ErrBadResponse},
		"unreachable": &bluelink.Error{Op: "lock", Err: bluelink.ErrVehicleUnreachable}, "begun": bluelink.Begun(bluelink.ErrBusy),
	} {
		for carried, want := range map[bool]string{true: "verified.", false: "unknown " + string(bluelink.Reason(err)) + "."} {
			t.Run(name+" "+want, func(t *testing.T) {
				drive(t, func(t *testing.T, w *world, o *obedient) {
					o.answers = func(int, vehicle.Command) error { return err }
					if !carried {
						o.takes = time.Hour
					}
					w.give("x", "lock", "lock")
					pass(5 * time.Minute)
					if got := w.life("x"); got != "accepted sent "+want || o.sent() != "lock" {
						t.Errorf("went %q, sent %q", got, o.sent())
					}
				})
			})
		}
	}
}

// D1: the cloud takes one request at a time for a car.
func TestCommand_BusyCloudIsWaitedOut(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		start := time.Now()
		o.answers = func(int, vehicle.Command) error {
			if time.Since(start) < 40*time.Second {
				return &bluelink.Error{Op: "lock", Code: "4004", Err: bluelink.ErrBusy}
			}
			return nil
		}
		w.give("x", "lock", "lock")
		pass(30 * time.Second)
		if got := w.life("x"); got != "accepted" {
			t.Errorf("while the cloud is busy: %q", got)
		}
		pass(2 * time.Minute)
		if got := w.life("x"); got != "accepted sent confirmed verified." {
			t.Errorf("went %q", got)
		}
		if n := len(o.taken()); n < 3 || n > 10 {
			t.Errorf("sent %d times in 40 s", n)
		}
	})
}

func TestCommand_BusyCloudIsWaitedOutInsideTheDeadlineOnly(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.answers = func(int, vehicle.Command) error { return bluelink.ErrBusy }
		w.give("x", "lock", "lock")
		pass(5 * time.Minute)
		if got := w.life("x"); got != "accepted failed vehicle_busy." {
			t.Errorf("went %q", got)
		}
		last := o.taken()[len(o.taken())-1].at.Sub(o.taken()[0].at)
		if last > 2*time.Minute {
			t.Errorf("sent for the last time after %v", last)
		}
	})
}

func TestCommand_RefusalsEndAsTheirReasonSays(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{bluelink.ErrPINRequired, "rejected pin_required"},
		{bluelink.ErrPIN, "failed pin_wrong"}, // D12
		{bluelink.ErrUnsupported, "rejected unsupported"},
		{bluelink.ErrInvalidCommand, "rejected invalid_payload"},
		{bluelink.ErrBreakerOpen, "rejected breaker_open"},
		{bluelink.ErrQuota, "rejected quota_exhausted"},
		{bluelink.ErrOverloaded, "rejected overloaded"},
		{bluelink.ErrRateLimited, "failed cloud_limit"},
		{bluelink.ErrRefused, "failed vehicle_refused"},
		{&bluelink.Error{Op: "lock", Err: bluelink.ErrUnavailable}, "failed cloud_unavailable"}, // it never left
		{bluelink.Unsent(lost), "failed cloud_unavailable"},                                     // its token did not come
		{errors.New("strange"), "unknown internal"},
	} {
		t.Run(c.want, func(t *testing.T) {
			drive(t, func(t *testing.T, w *world, o *obedient) {
				o.answers = func(int, vehicle.Command) error { return fmt.Errorf("lock: %w", c.err) }
				o.takes = time.Hour
				w.give("x", "lock", "lock")
				pass(5 * time.Minute)
				if r := w.last("car-1", "x"); r.State+" "+r.Reason != c.want || !r.Terminal || len(o.taken()) != 1 {
					t.Errorf("ended %+v, sent %d times", r, len(o.taken()))
				}
			})
		})
	}
}

// D6: what the cloud says is carried over, with its code.
func TestCommand_FailureHasThePlainMessageWithTheCode(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.answers = func(int, vehicle.Command) error {
			return &bluelink.Error{Op: "lock", Code: "4005", Text: "Unsupported control", Err: bluelink.ErrUnsupported}
		}
		w.give("x", "lock", "lock")
		pass(time.Second)
		if r := w.last("car-1", "x"); !strings.Contains(r.Message, "4005 Unsupported control") {
			t.Errorf("ended %+v", r)
		}
	})
}

func TestCommand_TwoGoodOnesInARowBothWork(t *testing.T) { // D15
	drive(t, func(t *testing.T, w *world, o *obedient) {
		for n, what := range []string{"lock", "unlock", "lock", "unlock"} {
			id := fmt.Sprintf("command-%d", n)
			w.give(id, "lock", what)
			pass(30 * time.Second)
			if got := w.life(id); got != "accepted sent confirmed verified." {
				t.Errorf("command %d went %q", n, got)
			}
		}
	})
}

// A report from before the command does not tell its effect, though it may show the same.
func TestCommand_IsNotVerifiedByAnOlderReport(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.with(func() {
			o.locked, o.reported, o.takes = true, time.Now().Add(-time.Minute), time.Hour // nobody has read that yet
			o.tells = func(*done, vehicle.ActionStatus) vehicle.ActionStatus { return vehicle.ActionSuccess }
		})
		w.give("one", "refresh", "cached")
		synctest.Wait()
		w.give("x", "lock", "lock")
		pass(2 * time.Minute)
		if got := w.life("x"); got != "accepted sent confirmed confirmed." {
			t.Errorf("went %q", got)
		}
	})
}

func TestCommand_OthersDoNotWaitLongForACarThatReportsLate(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.tells = func(*done, vehicle.ActionStatus) vehicle.ActionStatus { return vehicle.ActionSuccess }
		o.takes = time.Hour
		w.give("x", "climate", "start")
		w.give("y", "lock", "lock")
		pass(15 * time.Second)
		if got := w.life("x"); got != "accepted sent confirmed confirmed." || o.sent() != "climate-start lock" {
			t.Errorf("went %q, sent %q", got, o.sent())
		}
	})
}

// Some commands are two calls, of which the second waits for the first.
func TestCommand_TimeIsCountedFromWhenTheCloudHasTakenIt(t *testing.T) {
	drive(t, func(t *testing.T, w *world, o *obedient) {
		o.with(func() {
			o.takes = 150 * time.Second
			o.slow = 60 * time.Second
		})
		w.give("x", "schedule", `{"charging_enabled":true}`)
		pass(5 * time.Minute)
		if r := w.last("car-1", "x"); r.State != "confirmed" {
			t.Errorf("ended %+v", r)
		}
	})
}
