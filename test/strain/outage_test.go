package strain

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// parked is the setup of most scenes: two cars in each account, which stand still, and no day's budget, which would stretch the
// intervals after an outage.
var parked = setup{sim: sim.Options{Cars: 2, Parked: true}, interval: interval, unlimited: true}

// TestOutage_AtTheStartServesWhatIsKnown is B3: a cloud that is down for half an hour when the program starts.
func TestOutage_AtTheStartServesWhatIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		car := w.car(home, "flat")
		w.start(parked)
		w.served()
		level := w.box.value("hyundai/" + car.ID + "/battery/level")
		pass(10 * time.Minute)
		w.stop()

		w.box = newBox()
		w.fault("status=503,host=*hyundai*")
		w.start(parked)
		defer w.stop()
		if r := w.refresh(car, "cached"); r.end() != "failed/cloud_unavailable" || r.took() > time.Second {
			t.Errorf("a command ended %s after %s", r.end(), r.took())
		}
		synctest.Wait()
		if got := w.box.value("hyundai/" + car.ID + "/battery/level"); got != level || got == nil {
			t.Errorf("the battery level is %v, want %v, as it was before", got, level)
		}
		if got := w.stale(car); got != "cloud_unavailable" {
			t.Errorf("the car is stale for %q", got)
		}
		pass(30 * time.Minute)
		synctest.Wait()
		if got := w.account(home); got != "cloud_unavailable" {
			t.Errorf("the account is %s", got)
		}
		if n := w.struck(); n > 20 {
			t.Errorf("the cloud was asked %d times in half an hour", n)
		}
		if lines := w.box.loud(); len(lines) > 4 { // the account, its list, each of its cars
			t.Errorf("%d warnings: %v", len(lines), lines)
		}
		w.sim.ClearFaults()
		pass(interval + slack)
		synctest.Wait()
		for _, car := range w.cars() {
			if got := w.stale(car); got != "" {
				t.Errorf("afterwards the %s is stale for %q", car.Model, got)
			}
		}
		if c := w.counts(home); c.Logins != 1 || c.DeviceRegistrations != 1 {
			t.Errorf("it took %d sign-ins and %d device registrations", c.Logins, c.DeviceRegistrations)
		}
	})
}

// TestOutage_OfHoursKeepsValuesAndEndsWithinOneInterval is B4: errors and silence in turn, for two and a half hours.
func TestOutage_OfHoursKeepsValuesAndEndsWithinOneInterval(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		w.start(parked)
		defer w.stop()
		w.served()
		pass(5 * time.Minute)
		car := w.car(home, "ccs2")
		before := map[string]string{}
		for _, topic := range []string{"/battery/level", "/status/doors/locked", "/status/location/latitude", "/status/general/odometer"} {
			before[topic] = fmt.Sprint(w.box.value("hyundai/" + car.ID + topic))
		}
		w.fault("status=500,share=0.5,host=*hyundai*")
		w.fault("silent,host=*hyundai*")
		for range 15 {
			pass(10 * time.Minute)
			if r := w.refresh(car, "cached"); r.State == "verified" {
				t.Fatal("a command went well during the outage")
			}
		}
		if got := w.stale(car); got != "cloud_unavailable" {
			t.Errorf("the car is stale for %q", got)
		}
		for topic, value := range before {
			if now := fmt.Sprint(w.box.value("hyundai/" + car.ID + topic)); now != value {
				t.Errorf("%s was %s and is %s", topic, value, now)
			}
		}
		if got := string(w.box.payload("hyundai/" + car.ID + "/availability")); got != "online" {
			t.Errorf("the car is %s after two and a half hours", got)
		}
		w.sim.ClearFaults()
		pass(interval + slack)
		synctest.Wait()
		for _, car := range w.cars() {
			if got := w.stale(car); got != "" || w.problem(car) != "" {
				t.Errorf("afterwards the %s is stale for %q, its error %q", car.Model, got, w.problem(car))
			}
		}
		if got := w.account(home); got != "online" {
			t.Errorf("afterwards the account is %s", got)
		}
	})
}

// TestOutage_IsOneLineInTheLogForEachChange is B5: a page in place of data, for a day.
func TestOutage_IsOneLineInTheLogForEachChange(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		w.start(parked)
		defer w.stop()
		w.served()
		for _, fault := range []string{"html", "empty"} {
			before := len(w.box.loud())
			w.fault(fault + ",path=*/spa/vehicles/*,host=*hyundai*")
			pass(10 * time.Hour)
			synctest.Wait()
			if lines := w.box.loud()[before:]; len(lines) != 3 { // the account and each of its cars
				t.Errorf("%s: %d warnings in ten hours: %v", fault, len(lines), lines)
			}
			if got := w.stale(w.car(home, "flat")); got != "cloud_unavailable" {
				t.Errorf("%s: the car is stale for %q", fault, got)
			}
			w.sim.ClearFaults()
			pass(interval + slack)
			synctest.Wait()
			if got := w.stale(w.car(home, "flat")); got != "" {
				t.Errorf("%s: afterwards the car is stale for %q", fault, got)
			}
		}
	})
}

// TestOutage_OfWhatStandsBesideTheStatusCostsNothingElse is in the spirit of B9: a part that fails never fails the whole.
func TestOutage_OfWhatStandsBesideTheStatusCostsNothingElse(t *testing.T) {
	t.Parallel()
	for _, fault := range []string{"html=403", "status=500", "silent", "empty", "wrong-types", "reset"} {
		for _, part := range []string{"*/location*", "*/drvhistory"} {
			t.Run(fault+part, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					w := newWorld(t, parked)
					w.fault(fault + ",path=" + part)
					w.start(parked)
					defer w.stop()
					w.served()
					for _, mode := range []string{"cached", "force"} {
						for _, protocol := range []string{"flat", "ccs2"} {
							car := w.car(home, protocol)
							if r := w.refresh(car, mode); r.State != "verified" {
								t.Errorf("%s of a %s car ended %s: %s", mode, protocol, r.end(), r.Message)
							}
							if got := w.stale(car); got != "" {
								t.Errorf("the car is stale for %q", got)
							}
						}
					}
					if w.struck() == 0 {
						t.Error("the fault met nothing")
					}
				})
			})
		}
	}
}

// TestOutage_OfACarsModemIsTheCarsOwn is B10: a car that does not answer for two days, while the cloud does.
func TestOutage_OfACarsModemIsTheCarsOwn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		w.start(parked)
		defer w.stop()
		w.served()
		car := w.car(home, "flat")
		w.fault("unreachable,path=*/" + car.ID + "/*")
		asked := 0
		for range 8 {
			pass(6 * time.Hour)
			asked++
			r := w.refresh(car, "force")
			if r.end() != "failed/vehicle_unreachable" || !strings.Contains(r.Message, "signal") {
				t.Errorf("a command ended %s: %s", r.end(), r.Message)
			}
			if got := w.stale(car); got != "vehicle_unreachable" {
				t.Errorf("the car is stale for %q", got)
			}
			if got := w.account(home); got != "online" {
				t.Errorf("the account is %s", got)
			}
		}
		if n := w.struck(); n != int64(asked) {
			t.Errorf("the car was woken %d times for %d commands", n, asked)
		}
		if end := w.refresh(car, "cached").end(); end != "verified/cached" {
			t.Errorf("a read of what the cloud knows ended %s", end)
		}
	})
}

// TestOutage_TokenThatEndsBetweenTwoCommandsIsNotNoticed is B12.
func TestOutage_TokenThatEndsBetweenTwoCommandsIsNotNoticed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, parked)
		w.start(parked)
		defer w.stop()
		w.served()
		for _, mode := range []string{"cached", "force"} {
			for _, protocol := range []string{"flat", "ccs2"} {
				pass(10 * time.Minute)
				w.sim.ClearFaults()
				car := w.car(home, protocol)
				if end := w.refresh(car, "cached").end(); end != "verified/cached" {
					t.Fatalf("the first command ended %s", end)
				}
				w.fault("expired-token,count=1")
				if r := w.refresh(car, mode); r.State != "verified" || w.struck() != 1 {
					t.Errorf("%s of a %s car ended %s after %d refusals", mode, protocol, r.end(), w.struck())
				}
			}
		}
		if c := w.counts(home); c.Logins != 1 {
			t.Errorf("it took %d sign-ins", c.Logins)
		}
	})
}

// TestTime_WithTroubles lets the program work for days in which something fails every few hours.
func TestTime_WithTroubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := setup{sim: sim.Options{Cars: 2}, interval: interval, unlimited: true}
		w := newWorld(t, s)
		w.start(s)
		defer w.stop()
		w.served()
		pass(time.Hour)
		first := w.size()
		troubles := []string{
			"status=503", "silent", "reset", "slow=45s", "truncated", "html", "empty", "wrong-types", "status=500,share=0.3", "drip=100ms",
			"expired-token,share=0.2", "status=502", "html=503", "reset,share=0.5",
		}
		for _, trouble := range troubles {
			pass(6 * time.Hour)
			w.fault(trouble + ",host=*hyundai*")
			pass(30 * time.Minute)
			w.sim.ClearFaults()
			// Where the trouble has cost the session, a sign-in may have to wait for up to half an hour.
			pass(30*time.Minute + interval + slack)
			synctest.Wait()
			for _, car := range w.cars() {
				if late := time.Since(w.updated(car)); late > interval+slack || w.stale(car) != "" {
					t.Errorf("%s: afterwards the %s was read %s ago and is stale for %q", trouble, car.Model, late, w.stale(car))
				}
			}
			if got := w.account(home); got != "online" {
				t.Errorf("%s: afterwards the account is %s", trouble, got)
			}
		}
		if c := w.counts(home); c.Logins > 3 || c.DeviceRegistrations != 1 {
			t.Errorf("the troubles of four days took %d sign-ins and %d device registrations", c.Logins, c.DeviceRegistrations)
		}
		if last := w.size(); last.goroutines > first.goroutines+2 || last.heap > first.heap+first.heap/4+1<<20 || last.series > first.series+60 {
			t.Errorf("it grew from %+v to %+v", first, last)
		}
	})
}
