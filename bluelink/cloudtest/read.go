package cloudtest

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// look compares a data point with the truth of the simulated car.
type look struct {
	key  string // of the truth
	want any
	of   func(vehicle.State) (any, bool)
	// near is how far a number may be off: clouds count in miles, whole percent and degrees Fahrenheit.
	near float64
}

func yes(key string, want bool, p vehicle.Point[bool]) look {
	return look{key: key, want: want, of: func(s vehicle.State) (any, bool) { return p.Of(s) }}
}

func percent(key string, want float64, p vehicle.Point[vehicle.Percent]) look {
	return look{key: key, want: want, near: 1, of: func(s vehicle.State) (any, bool) {
		is, ok := p.Of(s)
		return float64(is), ok
	}}
}

func quantity(key string, want, near float64, unit vehicle.Unit, p vehicle.Point[vehicle.Quantity]) look {
	return look{key: key, want: want, near: near, of: func(s vehicle.State) (any, bool) {
		is, ok := p.Of(s)
		if !ok {
			return nil, false
		}
		in, ok := is.In(unit)
		return in.Value, ok
	}}
}

// looks are what every cloud tells of a car, in two different conditions of it.
var looks = [2][]look{
	{
		yes("locked", true, vehicle.Locked), yes("trunk_open", false, vehicle.Trunk), yes("hood_open", false, vehicle.Hood),
		yes("front_left_door_open", false, vehicle.DoorFrontLeft), yes("back_right_door_open", false, vehicle.DoorBackRight),
		yes("climate", false, vehicle.AirControl), yes("defrost", false, vehicle.Defrost),
		percent("battery_12v_percent", 88, vehicle.Battery12V),
		percent("soc_percent", 63, vehicle.SoC), percent("charge_limit_ac", 90, vehicle.LimitAC), percent("charge_limit_dc", 70, vehicle.LimitDC),
	},
	{
		yes("locked", false, vehicle.Locked), yes("trunk_open", true, vehicle.Trunk), yes("hood_open", true, vehicle.Hood),
		yes("front_left_door_open", true, vehicle.DoorFrontLeft), yes("back_right_door_open", true, vehicle.DoorBackRight),
		yes("climate", true, vehicle.AirControl), yes("defrost", true, vehicle.Defrost),
		quantity("climate_celsius", 23.5, 0.6, vehicle.Celsius, vehicle.AirTemperature),
		percent("battery_12v_percent", 79, vehicle.Battery12V),
		percent("soc_percent", 61, vehicle.SoC), percent("charge_limit_ac", 80, vehicle.LimitAC), percent("charge_limit_dc", 100, vehicle.LimitDC),
	},
}

// condition puts a car into one of the two, and says what it must then look like.
func (w *world) condition(v vehicle.Vehicle, which int, report bool) []look {
	w.t.Helper()
	truth := w.truth(v).Truth
	values := map[string]any{}
	var must []look
	for _, l := range looks[which] {
		if _, has := truth[l.key]; has {
			values[l.key] = l.want
			must = append(must, l)
		}
	}
	odometer := 23_456.7 + 10*float64(which)
	values["odometer_km"] = odometer
	must = append(must, quantity("odometer_km", odometer, 1.7, vehicle.Kilometre, vehicle.Odometer))
	if report {
		values["report"] = true
	}
	w.set(v, values)
	return must
}

// shows compares what is believed of a car with what it must look like.
func (w *world) shows(v vehicle.Vehicle, s vehicle.State, must []look) {
	w.t.Helper()
	for _, l := range must {
		is, known := l.of(s)
		if !known && (slices.Contains(w.setup.Later, l.key) || slices.Contains(w.setup.Later, v.Engine.String()+" "+l.key)) {
			continue
		}
		ok := known && is == l.want
		if number, isNumber := is.(float64); isNumber && known {
			ok = math.Abs(number-l.want.(float64)) <= l.near
		}
		if !ok {
			w.t.Errorf("%s %s: %s is %v (known: %t), want %v", v.Protocol(), v.Engine, l.key, is, known, l.want)
		}
	}
}

// readsCached reads each kind of car in two conditions, and wakes none.
func readsCached(t *testing.T, s *Setup, did *replayed) {
	w := newWorld(t, s, sim.Options{Cars: everyKind})
	for _, v := range w.cars() {
		var state vehicle.State
		for which := range looks {
			must := w.condition(v, which, true)
			state = w.read(v, state)
			w.shows(v, state, must)
			if reported := state.ReportedAt(); reported.Sub(w.truth(v).ReportedAt).Abs() > time.Second {
				t.Errorf("%s %s: reported at %s, the cloud says %s", v.Protocol(), v.Engine, reported, w.truth(v).ReportedAt)
			}
			for d := range state.All() {
				if !d.Datum.Fits(v.Engine) {
					t.Errorf("a car with engine %s is said to have %s", v.Engine, d.Datum)
				}
			}
			pass(t, 10*time.Minute)
		}
		if n := w.truth(v).Wakes; n != 0 {
			t.Errorf("%s %s: %d wakes", v.Protocol(), v.Engine, n)
		}
	}
	if n := w.book.kinds()[bluelink.CallWake]; n != 0 {
		t.Errorf("%d calls that wake", n)
	}
	w.agree()
	did.add("cached", "")
}

// forces wakes each kind of car once and learns what no cached read could tell.
func forces(t *testing.T, s *Setup, did *replayed) {
	w := newWorld(t, s, sim.Options{Cars: everyKind})
	for _, v := range w.cars() {
		w.condition(v, 0, true)
		old := w.read(v, vehicle.State{})
		pass(t, 10*time.Minute)
		must := w.condition(v, 1, false) // the cloud does not know yet
		asked, woken, calls := time.Now(), w.truth(v).Wakes, w.book.kinds()[bluelink.CallWake]
		report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: old})
		if err != nil {
			t.Errorf("%s %s: %v", v.Protocol(), v.Engine, err)
			continue
		}
		state, _, _ := old.Apply(report, time.Now())
		// The 12 V battery pays for the wake, and some cars' forced status is without the odometer.
		must = slices.DeleteFunc(must, func(l look) bool { return l.key == "battery_12v_percent" || l.key == "odometer_km" })
		w.shows(v, state, must)
		if reported := state.ReportedAt(); reported.Before(asked.Truncate(time.Second)) || time.Since(reported) > 5*time.Minute {
			t.Errorf("%s %s: asked at %s, reported at %s", v.Protocol(), v.Engine, asked, reported)
		}
		// Where a position of its own is asked for, the car is up already.
		if n, calls := w.truth(v).Wakes-woken, w.book.kinds()[bluelink.CallWake]-calls; n != calls || n < 1 || n > 2 {
			t.Errorf("%s %s: %d wakes, %d calls that wake", v.Protocol(), v.Engine, n, calls)
		}
	}
	w.agree()
	did.add("forced", "")
}

// refreshesSmart goes by the age of the last report.
func refreshesSmart(t *testing.T, s *Setup, did *replayed) {
	w := newWorld(t, s, sim.Options{})
	v := w.electric()
	client, err := bluelink.New(w.cloud)
	if err != nil {
		t.Fatal(err)
	}
	if err := client.Initialize(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		maxAge time.Duration
		source vehicle.DataSource
	}{
		{time.Minute, vehicle.FromCloud}, // nothing is known yet
		{time.Hour, vehicle.FromCloud},
		{5 * time.Minute, vehicle.FromCar},
		{5 * time.Minute, vehicle.FromCar},
		{24 * time.Hour, vehicle.FromCloud},
	} {
		before := w.truth(v).Wakes
		result, err := client.RefreshSmart(t.Context(), v.ID, step.maxAge)
		wakes := w.truth(v).Wakes - before
		// Where a position of its own is asked for, that is another one.
		if woke := wakes == 1 || wakes == 2; err != nil || result.DataSource != step.source || wakes != 0 && !woke || woke != (step.source == vehicle.FromCar) {
			t.Errorf("not older than %s: %s after %d wakes, %v; want %s", step.maxAge, result.DataSource, wakes, err, step.source)
		}
		pass(t, 20*time.Minute)
	}
	w.agree()
	did.add("smart", "")
}
