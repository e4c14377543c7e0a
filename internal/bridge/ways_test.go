package bridge_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// shared runs a bridge on a car that two accounts have; the second cloud calls it by another id.
func shared(t *testing.T, change func(*bridge.Options), test func(t *testing.T, w *world, first, second *cloud)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		other := car(1)
		other.CloudID = "elsewhere-1"
		first, second := newCloud(car(1)), newCloud(other)
		w := build(t, first, func(o *bridge.Options) {
			o.Accounts = append(o.Accounts, bridge.Account{Name: "partner", Key: "partner-key", Client: client(t, second)})
			if change != nil {
				change(o)
			}
		}).run()
		defer w.stop()
		synctest.Wait()
		test(t, w, first, second)
	})
}

func TestWays_CarOfTwoAccountsIsOneWithOneSender(t *testing.T) {
	shared(t, nil, func(t *testing.T, w *world, first, second *cloud) {
		if cars := w.Cars(); len(cars) != 1 || cars[0].Account != "home" {
			t.Fatalf("there are %+v", cars)
		}
		for _, name := range []string{"home", "partner"} {
			if s := w.AccountStates()[name]; s.Cars != 1 {
				t.Errorf("%s has %d cars", name, s.Cars)
			}
		}
		for _, mode := range []string{"cached", "force"} {
			w.refresh(w.Cars()[0].Name, mode, mode)
			synctest.Wait()
		}
		if a, b := len(first.calls), len(second.calls); a != 2 || b != 0 {
			t.Errorf("%d calls through the first account, %d through the second", a, b)
		}
	})
}

func TestWays_TheUserChoosesTheSender(t *testing.T) {
	choose := func(o *bridge.Options) { o.Senders = map[vehicle.VIN]string{car(1).VIN: "partner"} }
	shared(t, choose, func(t *testing.T, w *world, first, second *cloud) {
		if cars := w.Cars(); len(cars) != 1 || cars[0].Account != "partner" {
			t.Fatalf("there are %+v", cars)
		}
		w.refresh(w.Cars()[0].Name, "x", "force")
		synctest.Wait()
		if a, b := len(first.calls), len(second.calls); a != 0 || b != 1 {
			t.Errorf("%d calls through the first account, %d through the second", a, b)
		}
	})
}

func TestWays_ReadsChangeOverWhileTheFirstAccountNeedsAPerson(t *testing.T) {
	shared(t, nil, func(t *testing.T, w *world, first, second *cloud) {
		name := w.Cars()[0].Name
		ends := func(id, mode string) record {
			w.refresh(name, id, mode)
			synctest.Wait()
			return w.last(name, id)
		}
		first.reply(func(context.Context, call) (vehicle.Report, error) {
			return vehicle.Report{}, &bluelink.Error{Op: "read", Err: bluelink.ErrCredentials}
		})
		second.reply(func(context.Context, call) (vehicle.Report, error) {
			return report(time.Now(), soc(61)), nil
		})
		if r := ends("a", "cached"); r.Reason != "login_required" {
			t.Fatalf("the first read ended %+v", r)
		}
		if r := ends("b", "cached"); r.State != "verified" || w.outbox.value(name+"/battery/level") != "61" {
			t.Errorf("through the other account: %+v, %s", r, w.outbox.value(name+"/battery/level"))
		}
		if r := ends("c", "force"); r.Reason != "login_required" {
			t.Errorf("a wake ended %+v", r)
		}
		if s := w.AccountStates(); s["home"].State != "credentials_refused" || s["partner"].State != "online" {
			t.Errorf("accounts: %+v", s)
		}
		// Back, with what the other one has read: an older report changes nothing.
		first.reply(func(context.Context, call) (vehicle.Report, error) {
			return report(time.Now().Add(-time.Hour), soc(30)), nil
		})
		w.Observe("home", nil)
		before := len(second.calls)
		if r := ends("d", "cached"); r.State != "verified" || len(second.calls) != before || w.outbox.value(name+"/battery/level") != "61" {
			t.Errorf("back: %+v, %d calls through the other, %s", r, len(second.calls)-before, w.outbox.value(name+"/battery/level"))
		}
	})
}
