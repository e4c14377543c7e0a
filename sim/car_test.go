package sim

import (
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

// truthOf reads one quantity of a car as it is now.
func truthOf(v *car, key string) any { return v.view().Truth[key] }

func number64(t testing.TB, v any) float64 {
	t.Helper()
	switch n := v.(type) {
	case float64:
		return n
	case int:
		return float64(n)
	}
	t.Fatalf("%v is no number", v)
	return 0
}

// Whatever the hour at which a world begins, something drives and something charges in
// it, and within a minute the clouds know of a change.
func TestWorld_SomethingMovesAtAnyHour(t *testing.T) {
	for hour := range 24 {
		synctest.Test(t, func(t *testing.T) {
			<-time.After(time.Duration(hour)*time.Hour + 17*time.Minute)
			s := newSim(t, Options{Cars: 2, Seed: uint64(hour)})
			driving, charging := 0, 0
			before := map[string]string{}
			for _, c := range s.clouds {
				moving := false
				for _, v := range c.cars {
					view := v.view()
					if view.Truth["driving"] == true {
						driving++
						moving = true
					}
					if view.Truth["charging"] == true {
						charging++
						moving = true
					}
					before[view.ID] = fmt.Sprint(v.report.body.energyKWh, v.report.body.odometerKm)
				}
				if !moving {
					t.Errorf("%s: nothing drives or charges at %d:17", c.brand, hour)
				}
			}
			if driving == 0 || charging == 0 {
				t.Errorf("%d cars drive and %d charge at %d:17", driving, charging, hour)
			}
			<-time.After(time.Minute)
			for _, c := range s.clouds {
				changed := false
				for _, v := range c.cars {
					r := v.look(time.Now())
					changed = changed || before[v.id] != fmt.Sprint(r.body.energyKWh, r.body.odometerKm)
				}
				if !changed {
					t.Errorf("%s: the cloud knows of no change after a minute at %d:17", c.brand, hour)
				}
			}
		})
	}
}

// And it goes on: in a day there is hardly a moment at which an account stands still.
func TestWorld_KeepsMovingAllDay(t *testing.T) {
	s := newSim(t, Options{Cars: 2})
	const looks = 24 * 6
	still := map[string]int{}
	for range looks {
		must(t, s.Advance(10*time.Minute))
		moving := map[string]bool{}
		for _, view := range s.VehicleViews() {
			if view.Truth["driving"] == true || view.Truth["charging"] == true {
				moving[view.Region+view.Brand] = true
			}
			if soc, plugs := view.Truth["soc_percent"]; plugs && number64(t, soc) < 30 {
				t.Fatalf("%s runs dry: %v %%", view.Model, soc)
			}
		}
		for _, c := range s.clouds {
			if !moving[c.region+c.brand] {
				still[c.region+c.brand]++
			}
		}
	}
	for brand, n := range still {
		if n > looks/20 {
			t.Errorf("%s stood still at %d of %d looks", brand, n, looks)
		}
	}
}

// An account with one car has a moving one, too.
func TestWorld_TheOnlyCarMoves(t *testing.T) {
	s := newSim(t, Options{Cars: 1})
	for _, c := range s.clouds {
		if truth := c.cars[0].view().Truth; truth["driving"] != true && truth["charging"] != true {
			t.Errorf("%s: the car stands still", c.brand)
		}
	}
}

func TestCar_ChargesToTheLimitAndStops(t *testing.T) {
	for _, plug := range []string{"ac", "dc", "portable"} {
		synctest.Test(t, func(t *testing.T) {
			s := newSim(t, Options{Cars: 1, Parked: true})
			v := s.clouds[0].cars[0]
			limit := map[string]float64{"ac": 80, "portable": 80, "dc": 90}[plug]
			must(t, s.SetVehicle(v.id, map[string]any{"soc_percent": 40, "plug": plug}))
			if truthOf(v, "charging") != true {
				t.Fatal("it does not charge when it is plugged in")
			}
			last := 40.0
			for range 60 {
				<-time.After(30 * time.Minute)
				soc := number64(t, truthOf(v, "soc_percent"))
				if soc < last || soc > limit+0.01 {
					t.Fatalf("%s: state of charge went from %v to %v with a limit of %v", plug, last, soc, limit)
				}
				last = soc
			}
			if last < limit-0.01 || truthOf(v, "charging") != false || truthOf(v, "plug") != plug {
				t.Errorf("%s: after 30 hours at %v %%, charging %v, plug %v", plug, last, truthOf(v, "charging"), truthOf(v, "plug"))
			}
			if r := v.look(time.Now()); r.body.charging || r.body.soc(v.model) < limit-0.01 {
				t.Errorf("%s: the cloud was not told of the end: charging %v at %v %%", plug, r.body.charging, r.body.soc(v.model))
			}
		})
	}
}

// How fast it charges is what its power says.
func TestCar_ChargingTakesTheTimeThatItsPowerNeeds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, Options{Cars: 1, Parked: true})
		v := s.clouds[0].cars[0]
		must(t, s.SetVehicle(v.id, map[string]any{"soc_percent": 40, "plug": "ac"}))
		<-time.After(time.Hour)
		gained := (number64(t, truthOf(v, "soc_percent")) - 40) / 100 * v.model.capacityKWh
		if want := v.model.acKW * 0.94; math.Abs(gained-want) > 0.1 {
			t.Errorf("gained %.2f kWh in an hour, want %.2f", gained, want)
		}
	})
}

func TestCar_ScheduleKeepsChargingToCheapHours(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at 01:00 in Berlin
		s := newSim(t, Options{Cars: 1, Parked: true})
		v := s.clouds[0].cars[0]
		must(t, s.SetVehicle(v.id, map[string]any{"soc_percent": 10, "schedule_charging": true, "schedule_off_peak_only": true}))
		must(t, s.SetVehicle(v.id, map[string]any{"plug": "ac", "charge_limit_ac": 100}))
		at := func(hours float64, want bool) {
			t.Helper()
			<-time.After(time.Duration(hours*float64(time.Hour)) - time.Since(s.clock.start()))
			if got := truthOf(v, "charging"); got != want {
				t.Errorf("charging is %v after %v h, want %v", got, hours, want)
			}
		}
		at(1, true)      // 02:00, within 23:30 to 05:30
		at(4.6, false)   // 05:36
		at(22.4, false)  // 23:24
		at(22.6, true)   // 23:36
		at(28.75, false) // 05:45
	})
}

func TestCar_DrivesALoopAndUsesEnergy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, Options{Cars: 1, Parked: true})
		v := s.clouds[1].cars[0]
		must(t, s.SetVehicle(v.id, map[string]any{"soc_percent": 80, "battery_12v_percent": 60}))
		before := v.view().Truth
		must(t, s.SetVehicle(v.id, map[string]any{"driving": true}))
		far := 0.0
		for range 100 {
			<-time.After(time.Minute)
			truth := v.view().Truth
			far = math.Max(far, math.Abs(number64(t, truth["latitude"])-number64(t, before["latitude"]))+
				math.Abs(number64(t, truth["longitude"])-number64(t, before["longitude"])))
			if truth["driving"] == true && (number64(t, truth["speed_kmh"]) < 5 || truth["locked"] != true) {
				t.Fatalf("it drives at %v km/h, locked %v", truth["speed_kmh"], truth["locked"])
			}
		}
		after := v.view().Truth
		km := number64(t, after["odometer_km"]) - number64(t, before["odometer_km"])
		used := (number64(t, before["soc_percent"]) - number64(t, after["soc_percent"])) / 100 * v.model.capacityKWh
		switch {
		case after["driving"] != false:
			t.Error("it never arrives")
		case far < 0.02:
			t.Errorf("it went nowhere: %v degrees", far)
		case math.Abs(number64(t, after["latitude"])-number64(t, before["latitude"])) > 1e-4:
			t.Error("it did not come home")
		case km < 10 || math.Abs(used-km*v.model.kWhPerKm) > 0.2:
			t.Errorf("%v km took %v kWh", km, used)
		case number64(t, after["battery_12v_percent"]) < 70:
			t.Errorf("the drive filled the 12 V battery to %v %% only", after["battery_12v_percent"])
		}
	})
}

func TestCar_WakesDrainThe12VBatteryUntilTheyAreRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, Options{Cars: 1, Parked: true})
		v := s.clouds[0].cars[0]
		must(t, s.SetVehicle(v.id, map[string]any{"battery_12v_percent": 40}))
		c := &call{sim: s, now: time.Now()}
		wakes := 0
		for ; wakes < 100; wakes++ {
			c.now = time.Now()
			if refused := v.wake(c, "x"); refused != nil {
				if refused != &refusedBattery {
					t.Fatalf("refused with %+v", refused)
				}
				break
			}
			<-time.After(30 * time.Second)
		}
		if wakes < 4 || wakes > 10 {
			t.Errorf("%d wakes from 40 %%", wakes)
		}
		if view := v.view(); view.Wakes != wakes {
			t.Errorf("counted %d wakes, made %d", view.Wakes, wakes)
		}
	})
}

func TestCar_FallsAsleepAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, Options{Cars: 1, Parked: true})
		v := s.clouds[0].cars[0]
		if truthOf(v, "asleep") != true {
			t.Fatal("a parked car is awake")
		}
		if refused := v.wake(&call{sim: s, now: time.Now()}, "x"); refused != nil {
			t.Fatal(refused)
		}
		<-time.After(14 * time.Second)
		if truthOf(v, "asleep") != true {
			t.Error("it is up before 15 s have passed")
		}
		<-time.After(8 * time.Second)
		if truthOf(v, "asleep") != false {
			t.Error("it is not up after 22 s")
		}
		<-time.After(6 * time.Minute)
		if truthOf(v, "asleep") != true {
			t.Error("it does not fall asleep again")
		}
	})
}

// However often one looks, the same world comes out.
func TestCar_LookingDoesNotChangeIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, other := newSim(t, Options{Cars: 4, Regions: []string{"eu", "us"}}), newSim(t, Options{Cars: 4, Regions: []string{"eu", "us"}})
		for range 600 {
			<-time.After(97 * time.Second)
			one.VehicleViews()
		}
		a, b := one.VehicleViews(), other.VehicleViews()
		for i := range a {
			for _, key := range []string{"soc_percent", "odometer_km", "latitude", "battery_12v_percent", "fuel_percent"} {
				x, there := a[i].Truth[key]
				if !there {
					continue
				}
				if x, y := number64(t, x), number64(t, b[i].Truth[key]); math.Abs(x-y) > 0.05 {
					t.Errorf("%s: %s is %v when looked at often, %v otherwise", a[i].Model, key, x, y)
				}
			}
			if a[i].Truth["driving"] != b[i].Truth["driving"] || a[i].Truth["charging"] != b[i].Truth["charging"] {
				t.Errorf("%s: different courses", a[i].Model)
			}
		}
	})
}

// The physics stay physical for any seed and any way through time.
func TestCar_StaysWithinNature(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := New(Options{Cars: 5, Seed: rapid.Uint64().Draw(t, "seed"), Regions: []string{rapid.SampledFrom(Regions()).Draw(t, "region")}})
		if err != nil {
			t.Fatal(err)
		}
		odometers := map[string]float64{}
		for range 6 {
			hours := rapid.Float64Range(0.01, 60).Draw(t, "hours")
			if err := s.Advance(time.Duration(hours * float64(time.Hour))); err != nil {
				t.Fatal(err)
			}
			for _, view := range s.VehicleViews() {
				for _, key := range []string{"soc_percent", "battery_12v_percent", "fuel_percent"} {
					if n, there := view.Truth[key].(float64); there && (math.IsNaN(n) || n < 0 || n > 100) {
						t.Fatalf("%s: %s is %v", view.Model, key, n)
					}
				}
				km := view.Truth["odometer_km"].(float64)
				if km < odometers[view.ID] {
					t.Fatalf("%s: the odometer went back from %v to %v", view.Model, odometers[view.ID], km)
				}
				odometers[view.ID] = km
				if view.ReportedAt.After(time.Now().Add(time.Second)) {
					t.Fatalf("%s reported in the future: %v", view.Model, view.ReportedAt)
				}
			}
		}
	})
}

func TestClock_ReportsCarryWallTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSim(t, Options{Cars: 2, TimeScale: 120})
		for range 50 {
			<-time.After(7 * time.Second)
			for _, v := range s.clouds[0].cars {
				if r := v.look(time.Now()); r.at.After(time.Now()) {
					t.Fatalf("a report of %v at %v", r.at, time.Now())
				}
			}
		}
		must(t, s.Advance(6*time.Hour))
		last := time.Time{}
		for range 50 {
			<-time.After(7 * time.Second)
			r := s.clouds[0].cars[0].look(time.Now())
			if r.at.After(time.Now()) || r.at.Before(last) {
				t.Fatalf("a report of %v after one of %v at %v", r.at, last, time.Now())
			}
			last = r.at
		}
	})
}

func TestClock_ScaleAndAdvance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		c := newClock(60, start)
		<-time.After(time.Minute)
		if got := c.carTime(time.Now()).Sub(start); got != time.Hour {
			t.Errorf("a minute is %v of car time, want 1h", got)
		}
		c.advance(time.Now(), 6*time.Hour)
		if got := c.carTime(time.Now()).Sub(start); got != 7*time.Hour {
			t.Errorf("car time is %v after the skip, want 7h", got)
		}
		if got := c.cloudTime(time.Now()).Sub(start); got != 6*time.Hour+time.Minute {
			t.Errorf("cloud time is %v after the skip, want 6h1m", got)
		}
		for _, car := range []time.Duration{-time.Hour, 30 * time.Minute, time.Hour, 3 * time.Hour, 7 * time.Hour} {
			wall := c.wallTime(start.Add(car)).Sub(start)
			want := min(car/60, time.Minute)
			if car < 0 {
				want = car
			}
			if wall != want {
				t.Errorf("car time %v was told at %v, want %v", car, wall, want)
			}
		}
	})
}

func TestSim_SameSeedSameWorld(t *testing.T) {
	a, b, c := newSim(t, Options{Seed: 5}), newSim(t, Options{Seed: 5}), newSim(t, Options{Seed: 6})
	for i := range a.Vehicles() {
		if a.Vehicles()[i] != b.Vehicles()[i] {
			t.Errorf("the same seed gives %v and %v", a.Vehicles()[i], b.Vehicles()[i])
		}
		if a.Vehicles()[i].VIN == c.Vehicles()[i].VIN || a.Vehicles()[i].ID == c.Vehicles()[i].ID {
			t.Error("another seed gives the same car")
		}
	}
	if a.Accounts()[0].RefreshToken != b.Accounts()[0].RefreshToken || a.Accounts()[0].RefreshToken == a.Accounts()[1].RefreshToken {
		t.Error("refresh tokens do not follow region, brand and seed")
	}
	// More cars leave the first ones as they are.
	if more := newSim(t, Options{Seed: 5, Cars: 9}); more.Vehicles()[1] != a.Vehicles()[1] {
		t.Error("the number of cars changes who they are")
	}
}

func TestOptions_NamesAllThatIsWrong(t *testing.T) {
	_, err := New(Options{Cars: -1, TimeScale: math.NaN(), Latency: -time.Second, Quota: -1})
	if err == nil {
		t.Fatal("nonsense is accepted")
	}
	for _, word := range []string{"cars", "time scale", "latency", "quota"} {
		if !strings.Contains(err.Error(), word) {
			t.Errorf("%v does not mention %s", err, word)
		}
	}
}

// Many at once, with -race.
func TestSim_ManyAtOnce(t *testing.T) {
	s := newSim(t, Options{Cars: 6, TimeScale: 3000})
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 60 {
				c := s.clouds[(worker+i)%len(s.clouds)]
				v := c.cars[i%len(c.cars)]
				r := v.look(time.Now())
				if v.model.ccs2 {
					r.ccs2()
				} else {
					r.flat()
				}
				switch i % 20 {
				case 3:
					s.VehicleViews()
				case 7:
					_ = s.Advance(time.Minute)
				case 11:
					_ = s.SetVehicle(v.id, map[string]any{"locked": i%2 == 0, "report": true})
				case 19:
					s.Reset()
				}
			}
		})
	}
	all.Wait()
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
