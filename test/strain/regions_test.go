package strain

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/clouds"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
)

// TestRegions_AnAccountOfEachCloudForADayWithFaults runs an account of every brand in every region in one program. Every two
// hours the hosts of another account fail in another way; whoever does not share them goes on as if nothing were.
func TestRegions_AnAccountOfEachCloudForADayWithFaults(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		clouds, err := sim.New(sim.Options{Cars: 2, Parked: true})
		if err != nil {
			t.Fatal(err)
		}
		s := setup{interval: interval, unlimited: true, change: everyCloud}
		w := &world{t: t, sim: clouds, store: store.NewMemory(), box: newBox()}
		w.start(s)
		defer w.stop()
		w.enterCodes()
		pass(interval)
		synctest.Wait()
		accounts := w.app.Bridge().AccountStates()
		for name, a := range accounts {
			if a.State != "online" || a.Cars != 2 {
				t.Errorf("%s is %s with %d cars: %s", name, a.State, a.Cars, a.Message)
			}
		}

		victims := w.sim.Accounts()
		faults := []string{"status=503", "silent", "html", "truncated", "reset", "slow=20s", "status=500,share=0.5", "empty", "expired-token,count=3", "wrong-types"}
		for round := range 12 {
			victim := victims[(round*7)%len(victims)]
			kind := faults[round%len(faults)]
			for _, host := range victim.Hosts {
				w.fault(kind + ",host=" + host)
			}
			pass(2 * time.Hour)
			synctest.Wait()
			for _, car := range w.app.Bridge().Cars() {
				name := fmt.Sprintf("%s-%s", car.Vehicle.Brand, car.Vehicle.Region)
				if w.sharesHosts(victim, name) {
					continue
				}
				if age := time.Since(car.State.FetchedAt()); age > interval+slack || car.Stale != "" {
					t.Errorf("while %s of %s-%s lasts, the %s of %s is %s old, stale for %q", kind, victim.Brand, victim.Region, car.Vehicle.Model, name, age, car.Stale)
				}
			}
			if w.struck() == 0 {
				t.Errorf("%s struck nobody at %s-%s", kind, victim.Brand, victim.Region)
			}
			w.sim.ClearFaults()
			pass(interval + slack)
		}
		pass(time.Hour)
		synctest.Wait()
		for name, a := range w.app.Bridge().AccountStates() {
			if a.State != "online" {
				t.Errorf("afterwards %s is %s: %s", name, a.State, a.Message)
			}
		}
		for _, car := range w.app.Bridge().Cars() {
			if car.Stale != "" {
				t.Errorf("afterwards the %s of %s is stale for %q", car.Vehicle.Model, car.Account, car.Stale)
			}
		}
		for _, v := range w.sim.AccountViews() {
			if v.Logins > 3 || v.DeviceRegistrations > 1 || v.Codes > 1 {
				t.Errorf("%s-%s: %d sign-ins, %d devices, %d codes in 31 hours", v.Brand, v.Region, v.Logins, v.DeviceRegistrations, v.Codes)
			}
		}
	})
}

// everyCloud has an account at each cloud that is served.
func everyCloud(c *config.Config) {
	c.Accounts = nil
	for _, service := range clouds.Supported() {
		c.Accounts = append(c.Accounts, config.Account{
			Name: service.String(), Region: service.Region, Brand: service.Brand,
			Username: redact.NewSecret(sim.Email), Password: redact.NewSecret(sim.Password), PIN: redact.NewSecret(sim.PIN),
		})
	}
}

// enterCodes gives the accounts that wait for a one-time code theirs, as a person does on the command line.
func (w *world) enterCodes() {
	w.t.Helper()
	pass(time.Minute)
	for name, a := range w.app.Bridge().AccountStates() {
		if a.State != "code_required" {
			continue
		}
		for _, r := range []control.LoginRequest{{Account: name, Method: "email"}, {Account: name, Code: "123456"}} {
			for step, err := range w.app.Login(w.t.Context(), r) {
				if err != nil || step.Outcome != nil && step.Outcome.Error != "" {
					w.t.Fatalf("%s: %+v, %v", name, step.Outcome, err)
				}
			}
		}
	}
}

// sharesHosts tells whether an account's cloud answers on a host of the victim's.
func (w *world) sharesHosts(victim sim.Account, name string) bool {
	for _, a := range w.sim.Accounts() {
		if a.Brand+"-"+a.Region == name {
			return slices.ContainsFunc(a.Hosts, func(host string) bool { return slices.Contains(victim.Hosts, host) })
		}
	}
	w.t.Fatalf("no account %s", name)
	return false
}
