package canada

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestClocks_OnTheSimulatedCloudOfLocalTimes reads a car whose status is on its own clock: hours off until it was asked once,
// and right from then on, a restart included.
func TestClocks_OnTheSimulatedCloudOfLocalTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		world, err := sim.New(sim.Options{Regions: []string{"ca"}, LocalTimes: true, Parked: true})
		must(t, err)
		tokens := bluelink.NewMemoryTokens()
		run := func() *owner {
			settings, err := bluelink.NewSettings(bluelink.WithRoundTripper(world.RoundTripper()), bluelink.WithTokenStore(tokens))
			must(t, err)
			opened, err := Open(bluelink.Account{
				Name: "home", Region: vehicle.Canada, Brand: vehicle.Hyundai, Username: sim.Email, Password: sim.Password, PIN: sim.PIN,
			}, settings)
			must(t, err)
			return &owner{opened.(*cloud), tokens}
		}
		o := run()
		mustFail(t, o.Login(t.Context()), bluelink.ErrOTPRequired)
		must(t, o.session.SendCode(t.Context(), bluelink.ByEmail))
		must(t, o.session.EnterCode(t.Context(), sim.OTP))
		car := o.list(t)[0]
		state, err := o.read(t, car, vehicle.State{})
		must(t, err)
		if late := time.Since(state.ReportedAt()); late < 2*time.Hour {
			t.Fatalf("reported %s ago: the simulator's times are not local", late)
		}
		asked := time.Now()
		report, err := o.Force(t.Context(), bluelink.Ask{Vehicle: car, Known: state})
		must(t, err)
		state, _, _ = state.Apply(report, time.Now())
		if at := state.ReportedAt(); at.Before(asked.Add(-time.Second)) || at.After(time.Now()) {
			t.Errorf("asked at %s, reported at %s", asked, at)
		}
		o = run()
		<-time.After(3 * time.Hour)
		again, err := o.read(t, car, state)
		if later := again.ReportedAt().Sub(state.ReportedAt()); err != nil || later < 0 || later > time.Minute { // finding it, the car reported once more
			t.Errorf("%v: the report that was the last is %s younger", err, later)
		}
	})
}
