package hyundaius

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func (w *world) cached(ask bluelink.Ask) vehicle.State {
	w.t.Helper()
	report, err := w.cloud.Cached(w.t.Context(), ask)
	if err != nil {
		w.t.Fatal(err)
	}
	return believe(ask.Known, report)
}

func mustBe[T comparable](t *testing.T, p vehicle.Point[T], s vehicle.State, want T) {
	t.Helper()
	if got, known := p.Of(s); !known || got != want {
		t.Errorf("%s is %v (known: %t), want %v", p, got, known, want)
	}
}

func miles(n float64) vehicle.Quantity { return vehicle.Quantity{Value: n, Unit: vehicle.Mile} }

// TestCached_ReadsThePage holds the paths of §5 that recordings do not show.
func TestCached_ReadsThePage(t *testing.T) {
	w := newWorld(t)
	v := w.car()
	s := w.cached(bluelink.Ask{Vehicle: v})
	if got := w.paths(); !strings.HasPrefix(got, statusPath) || !strings.Contains(got, tripsPath) || !strings.Contains(got, listPath) || strings.Contains(got, findPath) {
		t.Errorf("calls: %s", got)
	}
	mustBe(t, vehicle.LastUpdatedAt, s, time.Date(2024, 9, 1, 12, 0, 0, 0, time.UTC))
	mustBe(t, vehicle.Battery12V, s, 88)
	mustBe(t, vehicle.SoC, s, 80)
	mustBe(t, vehicle.TotalRange, s, miles(240))
	mustBe(t, vehicle.EVRange, s, miles(240))
	mustBe(t, vehicle.Odometer, s, miles(12370.4)) // of the newest trip, the highest of three
	mustBe(t, vehicle.AirTemperature, s, vehicle.Quantity{Value: 72, Unit: vehicle.Fahrenheit})
	mustBe(t, vehicle.ChargingPower, s, vehicle.Quantity{Value: 0, Unit: vehicle.Kilowatt})
	mustBe(t, vehicle.PlugType, s, vehicle.PlugNone)
	mustBe(t, vehicle.ChargePortOpen, s, false)
	mustBe(t, vehicle.PreconditionOn, s, false)
	mustBe(t, vehicle.Ignition3, s, true)
	mustBe(t, vehicle.Transmission, s, true)
	mustBe(t, vehicle.AccessoryOn, s, false)
	mustBe(t, vehicle.SleepMode, s, false)
	mustBe(t, vehicle.LimitDC, s, 80)
	mustBe(t, vehicle.LimitAC, s, 100)
	mustBe(t, vehicle.ChargeTime, s, 10*time.Minute)
	mustBe(t, vehicle.ChargeTimeAC, s, 40*time.Minute)
	mustBe(t, vehicle.Departure1Time, s, vehicle.TimeOfDay{})
	mustBe(t, vehicle.Departure1Temp, s, vehicle.Quantity{Value: 75, Unit: vehicle.Fahrenheit})
	mustBe(t, vehicle.OffPeakStart, s, vehicle.TimeOfDay{Hour: 23})
	mustBe(t, vehicle.OffPeakEnd, s, vehicle.TimeOfDay{Hour: 6, Minute: 30})
	mustBe(t, vehicle.OffPeakOnly, s, true)
	mustBe(t, vehicle.Latitude, s, vehicle.Quantity{Value: 34.05, Unit: vehicle.Degree})
	mustBe(t, vehicle.LocationUpdatedAt, s, time.Date(2024, 9, 1, 11, 55, 0, 0, time.UTC))
	if _, known := vehicle.FuelLevel.Of(s); known {
		t.Error("an electric car has fuel")
	}
}

// TestCached_PetrolCarsHaveNoTrips reads the same answer of a car with a tank: the older leaf of the range, and its own
// odometer.
func TestCached_PetrolCarsHaveNoTrips(t *testing.T) {
	w := newWorld(t)
	v := w.with("evStatus", "N")
	before, rest, _ := strings.Cut(status, `"evStatus":`)
	w.put(statusPath, ok(strings.TrimSuffix(strings.TrimSpace(before), ",")+"}}"))
	_ = rest
	s := w.cached(bluelink.Ask{Vehicle: v})
	if got := w.paths(); strings.Contains(got, tripsPath) {
		t.Errorf("calls: %s", got)
	}
	mustBe(t, vehicle.FuelRange, s, miles(320))
	mustBe(t, vehicle.FuelLevel, s, 60)
	mustBe(t, vehicle.Odometer, s, miles(12360))
	if _, known := vehicle.TotalRange.Of(s); known {
		t.Error("a petrol car is said to have a total range")
	}
}

// TestCached_SparingReadsTheStatusAlone counts the calls of a timer's reads over two days.
func TestCached_SparingReadsTheStatusAlone(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.car()
		var s vehicle.State
		for range 48 { // nothing new
			s = w.cached(bluelink.Ask{Vehicle: v, Known: s, Sparing: true})
			pass(29 * time.Minute)
		}
		all := w.paths()
		if reads, trips, lists := strings.Count(all, statusPath), strings.Count(all, tripsPath), strings.Count(all, listPath); reads != 48 || trips != 1 || lists != 0 {
			t.Errorf("%d reads, %d of the trips, %d of the list", reads, trips, lists)
		}
		for i := range 48 { // always something new
			w.put(statusPath, ok(strings.Replace(status, "2024-09-01T12:00:00", time.Date(2024, 9, 2, 0, 0, 0, 0, time.UTC).Add(time.Duration(i)*30*time.Minute).Format("2006-01-02T15:04:05"), 1)))
			s = w.cached(bluelink.Ask{Vehicle: v, Known: s, Sparing: true})
			pass(30 * time.Minute)
		}
		all = w.paths()
		if trips, lists := strings.Count(all, tripsPath), strings.Count(all, listPath); trips < 3 || trips > 5 || lists < 3 || lists > 5 || strings.Contains(all, findPath) {
			t.Errorf("%d reads of the trips, %d of the list in a day", trips, lists)
		}
	})
}

// TestCached_PartsBesideMayFail leaves out what cannot be read beside the status.
func TestCached_PartsBesideMayFail(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.car()
		quota := reply{status: 502, body: `{"errorCode":502,"errorSubCode":"HT_534","systemName":"HATA","errorMessage":"You have exceeded the daily remote service request limit"}`}
		for _, bad := range []reply{quota, ok("<html>"), ok(`{"tripdetails":17}`), {status: 500}, {status: 200, wait: time.Hour}} {
			w.put(tripsPath, bad)
			w.put(listPath, bad)
			s := w.cached(bluelink.Ask{Vehicle: v})
			mustBe(t, vehicle.SoC, s, 80)
			mustBe(t, vehicle.Odometer, s, miles(12360))
		}
	})
}

// TestCached_NeverWakes lets the cloud refuse cached reads of a Genesis: its owner decides whether it is woken.
func TestCached_NeverWakes(t *testing.T) {
	w := newWorld(t)
	w.account.Brand = vehicle.Genesis
	w.open()
	v := w.car()
	w.put(statusPath, reply{status: 502, body: `{"errorCode":502,"errorSubCode":"GEN","systemName":"HATA","errorMessage":"could not complete your request"}`})
	_, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v})
	if got := w.paths(); !errors.Is(err, bluelink.ErrUnavailable) || got != statusPath {
		t.Errorf("%v after %s", err, got)
	}
}

// TestForce_IsTheSameCallThatWakes holds §4.2: one refresh header, kind wake, patience for the modem.
func TestForce_IsTheSameCallThatWakes(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		w := newWorld(t)
		v := w.car()
		old := w.cached(bluelink.Ask{Vehicle: v})
		w.paths()
		_ = w.kinds.String()
		slow := w.answers[forcePath]
		slow.wait = 90 * time.Second
		w.put(forcePath, slow)
		report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: old})
		if err != nil {
			t.Fatal(err)
		}
		mustBe(t, vehicle.LastUpdatedAt, believe(old, report), time.Date(2024, 9, 1, 12, 5, 0, 0, time.UTC))
		r := w.requests[0]
		if values := r.header.Values("refresh"); r.path != forcePath || len(values) != 1 || r.header.Get("registrationId") != regid || r.header.Get("vin") != vin || r.header.Get("gen") != "2" {
			t.Errorf("%s %v", r.path, r.header)
		}
		if got := w.kinds.String(); strings.Count(got, "wake") != 1 || strings.Contains(w.paths(), findPath) {
			t.Errorf("kinds: %s", got)
		}
	})
}

// TestForce_AsksWhereTheCarIsWhenTheStatusDoesNotTell spares the quota of findMyCar otherwise (§4.3).
func TestForce_AsksWhereTheCarIsWhenTheStatusDoesNotTell(t *testing.T) {
	w := newWorld(t)
	v := w.car()
	old := w.cached(bluelink.Ask{Vehicle: v})
	placeless := strings.NewReplacer("12:00:00Z", "12:05:00Z", `"lat":34.05`, `"lat":0`).Replace(status)
	w.put(forcePath, ok(placeless))
	report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: old})
	if err != nil {
		t.Fatal(err)
	}
	s := believe(old, report)
	mustBe(t, vehicle.Latitude, s, vehicle.Quantity{Value: 34.0522, Unit: vehicle.Degree})
	mustBe(t, vehicle.Heading, s, vehicle.Quantity{Value: 120, Unit: vehicle.Degree})
	mustBe(t, vehicle.LocationUpdatedAt, s, time.Date(2024, 9, 1, 12, 3, 0, 0, time.UTC))
	w.put(findPath, reply{status: 502, body: `{"errorCode":502,"errorSubCode":"HT_534"}`})
	report, err = w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: old})
	if err != nil {
		t.Fatal(err)
	}
	mustBe(t, vehicle.Latitude, believe(old, report), vehicle.Quantity{Value: 34.05, Unit: vehicle.Degree})
}

// TestForce_ErasesNothing reads answers that lack what is known.
func TestForce_ErasesNothing(t *testing.T) {
	w := newWorld(t)
	v := w.car()
	old := w.cached(bluelink.Ask{Vehicle: v})
	w.put(listPath, reply{status: 500})
	w.put(tripsPath, reply{status: 500})
	w.put(findPath, reply{status: 500})
	w.put(forcePath, ok(`{"vehicleStatus":{"dateTime":"2024-09-01T12:05:00Z","doorLock":false}}`))
	report, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: old})
	if err != nil {
		t.Fatal(err)
	}
	s := believe(old, report)
	mustBe(t, vehicle.Locked, s, false)
	lost := 0
	for reading := range old.All() {
		if reading.Value != nil && s.Read(reading.Datum).Value == nil {
			t.Errorf("%s is lost", reading.Datum)
			lost++
		}
	}
	mustBe(t, vehicle.Odometer, s, miles(12370.4))
}

// TestForce_TellsWhatDidNotCome classifies answers that bring no news of the car.
func TestForce_TellsWhatDidNotCome(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		for _, test := range []struct {
			answer reply
			want   error
		}{
			{ok(strings.Replace(status, "12:00:00Z", "11:59:00Z", 1)), bluelink.ErrVehicleUnreachable},
			{ok(status), nil}, // the same time again: some cars never advance it
			{ok(`{}`), bluelink.ErrBadResponse},
			{ok(`{"vehicleStatus":{}}`), bluelink.ErrNoData},
			{ok(`{"vehicleStatus":{"hazardStatus":0}}`), bluelink.ErrNoData},
			{ok(`{"vehicleStatus":17}`), bluelink.ErrNoData},
			{reply{status: 200, wait: time.Hour}, bluelink.ErrUnavailable},
			{reply{status: 502, body: `{"errorCode":502,"errorSubCode":"HT_900","systemName":"HATA","errorMessage":"Not able to connect with your vehicle"}`}, bluelink.ErrVehicleUnreachable},
		} {
			w := newWorld(t)
			v := w.car()
			old := w.cached(bluelink.Ask{Vehicle: v})
			w.put(forcePath, test.answer)
			w.paths()
			start := time.Now()
			_, err := w.cloud.Force(t.Context(), bluelink.Ask{Vehicle: v, Known: old})
			if !errors.Is(err, test.want) || (err == nil) != (test.want == nil) || time.Since(start) > liveTimeout {
				t.Errorf("%.80s: %v after %s, want %v", test.answer.body, err, time.Since(start), test.want)
			}
			if n := strings.Count(w.paths(), forcePath); n != 1 {
				t.Errorf("%.80s: woken %d times", test.answer.body, n)
			}
		}
	})
}

// TestReads_GoOnWithoutTheList begins with a car that is known from an earlier process while the list cannot be read.
func TestReads_GoOnWithoutTheList(t *testing.T) {
	w := newWorld(t)
	v := w.car()
	w.open()
	w.put(listPath, reply{status: 503})
	mustBe(t, vehicle.SoC, w.cached(bluelink.Ask{Vehicle: v, Sparing: true}), 80)
	if _, err := w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.ClimateStart{}); !errors.Is(err, bluelink.ErrUnavailable) || bluelink.MayHaveSucceeded(err) {
		t.Errorf("a command whose form depends on the list: %v", err)
	}
}

// TestReads_OfOneCarMayOverlap runs reads beside each other for the race detector.
func TestReads_OfOneCarMayOverlap(t *testing.T) {
	w := newWorld(t)
	v := w.car()
	var all sync.WaitGroup
	for i := range 20 {
		all.Go(func() {
			read := w.cloud.Cached
			if i%2 == 0 {
				read = w.cloud.Force
			}
			if _, err := read(context.Background(), bluelink.Ask{Vehicle: v}); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
}

// TestTrips_AddUpByDay holds §4.6 and what §5 makes of it.
func TestTrips_AddUpByDay(t *testing.T) {
	w := newWorld(t)
	s := w.cached(bluelink.Ask{Vehicle: w.car()})
	days, _ := vehicle.Daily.Of(s)
	if len(days) != 2 || days[0].Date != "2024-08-31" || days[0].Total != 3000 || days[0].Engine != 2400 || days[0].Climate != 350 || days[0].Electronics != 200 ||
		days[0].BatteryCare != 50 || days[0].Regenerated != 500 || days[0].Distance != miles(14.2) || days[1].Distance != miles(4) {
		t.Errorf("%+v", days)
	}
	day, _ := vehicle.DayTrip.Of(s)
	if day.Day != "20240831" || len(day.Trips) != 2 || day.Trips[0].Time != "170000" || day.Trips[0].Distance != 9.2 || day.Trips[0].Drive != 15 || day.Trips[0].Idle != 5 ||
		day.Trips[1].Idle != 0 || day.Summary.MaxSpeed != 70 || day.Summary.AvgSpeed != 30.3 || day.Summary.Distance != 14.2 {
		t.Errorf("%+v", day)
	}
	month, _ := vehicle.MonthTrip.Of(s)
	if month.Month != "202408" || len(month.Days) != 2 || month.Days[0] != (vehicle.DayCount{Day: "20240830", Trips: 1}) || month.Days[1].Trips != 2 || month.Summary.Distance != 18.2 {
		t.Errorf("%+v", month)
	}
	for text, want := range map[string]int{
		`[]`: 0, `17`: 0, `[{}]`: 0, `[{"startdate":"x"}]`: 0, `[{"startdate":"2024-08-31 10:00:00"}]`: 1, `[{"startdate":"2024-08-31 10:00:00.0","distance":"far"},{"startdate":"2024-08-31 10:00:00.0","distance":"4"}]`: 1,
		`[{"startdate":"2024-08-31 10:00:00.0","odometer":{"value":-1}}]`: 0, `[{"startdate":"2024-08-31 10:00:00.0","odometer":{}}]`: 1,
	} {
		if got := decodeTrips(parsed(t, text)); len(got) != want {
			t.Errorf("%s: %d trips", text, len(got))
		}
	}
}
