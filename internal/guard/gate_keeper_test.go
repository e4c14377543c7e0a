package guard

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestKeeper_SpacingDependsOnHowTheLastWakeEnded tells the wakes that may have cost 12 V from those that did not.
func TestKeeper_SpacingDependsOnHowTheLastWakeEnded(t *testing.T) {
	for _, test := range []struct {
		end    error
		spaced bool
		doubts int
	}{
		{nil, true, 0},
		{bluelink.ErrVehicleUnreachable, true, 1},
		{bluelink.ErrBadResponse, true, 0},
		{&bluelink.Error{Left: true, Err: bluelink.ErrUnavailable}, true, 0},
		{bluelink.ErrBusy, false, 0},
		{bluelink.ErrRefused, false, 0},
		{bluelink.ErrSessionExpired, false, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			l := openLedger(t, newDisk())
			k := keeper(l)
			if err := k.wake(by(vehicle.ByMQTT), ioniq, test.end); err != nil {
				t.Fatal(err)
			}
			err := k.wake(by(vehicle.ByMQTT), ioniq, nil)
			if spaced := bluelink.Reason(err) == vehicle.GuardedSpacing; spaced != test.spaced {
				t.Errorf("after %v: %v", test.end, err)
			}
			if test.spaced && bluelink.RetryAfter(err) != 5*time.Minute {
				t.Errorf("after %v: wait %s", test.end, bluelink.RetryAfter(err))
			}
			if c := l.Car(ioniq); test.spaced && c.Unreached != test.doubts {
				t.Errorf("after %v: %+v", test.end, c)
			}
		})
	}
}

// TestKeeper_ASecondCallThatIsRefusedUndoesNoWake has a car answer, and the cloud then refuse to ask where it is, as it does
// in the USA, where that has a small quota of its own.
func TestKeeper_ASecondCallThatIsRefusedUndoesNoWake(t *testing.T) {
	for _, second := range []error{
		&bluelink.Error{Left: true, Err: bluelink.ErrRefused}, &bluelink.Error{Left: true, Err: bluelink.ErrBusy},
		&bluelink.Error{Err: bluelink.ErrUnavailable}, // it found no connection
	} {
		synctest.Test(t, func(t *testing.T) {
			l := openLedger(t, newDisk())
			k := keeper(l)
			wake := Operation{Account: "home", Name: opForce, Kind: bluelink.CallWake, Vehicle: vehicle.Vehicle{ID: ioniq}}
			ctx, ended, err := k.Admit(by(vehicle.ByMQTT), wake)
			if err != nil {
				t.Fatal(err)
			}
			for _, end := range []error{nil, second} {
				if err := l.call(ctx, wakeOf(ioniq), end); err != nil {
					t.Fatal(err)
				}
			}
			ended(nil)
			if _, _, err := k.Admit(by(vehicle.ByMQTT), wake); bluelink.Reason(err) != vehicle.GuardedSpacing {
				t.Errorf("at once after %v: %v", second, err)
			}
		})
	}
}

// TestKeeper_AWakeThatNeverCameToItIsNone has an operation end before its waking call: an open breaker, a session that
// cannot be renewed.
func TestKeeper_AWakeThatNeverCameToItIsNone(t *testing.T) {
	l := openLedger(t, newDisk())
	k := keeper(l)
	for range 30 {
		_, ended, err := k.Admit(by(vehicle.ByMQTT), Operation{Name: opForce, Kind: bluelink.CallWake, Vehicle: vehicle.Vehicle{ID: ioniq}})
		if err != nil {
			t.Fatal(err)
		}
		ended(bluelink.ErrBreakerOpen)
	}
	if c := l.Car(ioniq); c.Wakes() != 0 || c.Waking || l.promised != 0 {
		t.Errorf("%+v, %d calls promised", c, l.promised)
	}
}

func TestKeeper_OneWakeOfACarAtATime(t *testing.T) {
	l := openLedger(t, newDisk(), func(o *LedgerOptions) { o.Limit = 0 })
	rules := DefaultRules(vehicle.Europe, vehicle.Kia)
	rules.Enabled = false
	k := NewKeeper(rules, l)
	wake := Operation{Name: opForce, Kind: bluelink.CallWake, Vehicle: vehicle.Vehicle{ID: ioniq}}
	_, ended, err := k.Admit(by(vehicle.ByMQTT), wake)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := k.Admit(by(vehicle.ByMQTT), wake); bluelink.Reason(err) != vehicle.GuardedSpacing {
		t.Errorf("beside another: %v", err)
	}
	ended(nil)
	if _, _, err := k.Admit(by(vehicle.ByMQTT), wake); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestKeeper_ReadsThatSeemToWakeAreSlowedDownAndSaid is C4 at the gate.
func TestKeeper_ReadsThatSeemToWakeAreSlowedDownAndSaid(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		l := openLedger(t, newDisk(), func(o *LedgerOptions) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		k := keeper(l)
		op := Operation{Account: "home", Name: opCached, Kind: bluelink.CallRead, Vehicle: vehicle.Vehicle{ID: ioniq, VIN: "KMHAA81CBNU000001"}}
		begin, last, reads := time.Now(), time.Now(), 0
		for time.Since(begin) < 12*time.Hour {
			_, ended, err := k.Admit(by(vehicle.ByTimer), op)
			switch {
			case err == nil:
				ended(nil)
				reads++
				r := vehicle.Report{Reported: last.Add(20 * time.Second).UTC()} // the read before woke it
				last = time.Now()
				vehicle.LastUpdatedAt.Set(&r, r.Reported, "")
				vehicle.EngineRunning.Set(&r, false, "")
				op.Known, _, _ = vehicle.State{}.Apply(r, time.Now())
			case bluelink.Reason(err) != vehicle.GuardedSpacing:
				t.Fatal(err)
			}
			<-time.After(30 * time.Minute)
		}
		if reads < 6 || reads > 9 {
			t.Errorf("%d reads in twelve hours", reads)
		}
		if text := log.String(); strings.Count(text, "seems to wake it") != 1 || strings.Contains(text, "KMHAA81") {
			t.Errorf("log:\n%s", text)
		}
		if _, _, err := k.Admit(by(vehicle.ByMQTT), op); err != nil {
			t.Errorf("a person asks: %v", err)
		}
	})
}
