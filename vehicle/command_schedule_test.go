package vehicle

import (
	"strings"
	"testing"
	"time"
)

// planned is a car with a schedule.
func planned(r *Report) {
	Departure1On.Set(r, true, "")
	Departure1Days.Set(r, Days{time.Monday, time.Friday}, "")
	Departure1Time.Set(r, TimeOfDay{7, 10}, "")
	Departure1Climate.Set(r, true, "")
	Departure1Temp.Set(r, Quantity{22, Celsius}, "")
	Departure1Defrost.Set(r, false, "")
	Departure2On.Set(r, false, "")
	ScheduledChargingOn.Set(r, true, "")
	OffPeakStart.Set(r, TimeOfDay{22, 0}, "")
	OffPeakEnd.Set(r, TimeOfDay{6, 30}, "")
	OffPeakOnly.Set(r, false, "")
}

func stateWith(set ...func(*Report)) State {
	r := Report{Reported: noon}
	for _, s := range set {
		s(&r)
	}
	s, _, _ := State{}.Apply(r, noon)
	return s
}

func TestScheduleChange_LeavesTheRestAsTheCarReportsIt(t *testing.T) {
	was := Schedule{
		Departures: [2]Departure{{true, Days{time.Monday, time.Friday}, TimeOfDay{7, 10}}, {}},
		Charging:   true, OffPeak: [2]TimeOfDay{{22, 0}, {6, 30}}, Climate: true, Temperature: Quantity{22, Celsius},
	}
	for payload, change := range map[string]func(*Schedule){
		`{"first_departure_enabled":false}`: func(s *Schedule) {
			s.Departures[0] = Departure{false, Days{time.Monday, time.Friday}, TimeOfDay{7, 10}}
		},
		`{"first_departure_time":"08:15:00"}`: func(s *Schedule) { s.Departures[0].Time = TimeOfDay{8, 15} },
		`{"first_departure_days":"0, 6"}`:     func(s *Schedule) { s.Departures[0].Days = Days{time.Sunday, time.Saturday} },
		`{"first_departure_enabled":false,"first_departure_days":"None"}`: func(s *Schedule) {
			s.Departures[0] = Departure{false, Days{}, TimeOfDay{7, 10}}
		},
		`{"off_peak_end_time":"05:00"}`:           func(s *Schedule) { s.OffPeak[1] = TimeOfDay{5, 0} },
		`{"off_peak_charge_only_enabled":true}`:   func(s *Schedule) { s.OffPeakOnly = true },
		`{"charging_enabled":false}`:              func(s *Schedule) { s.Charging = false },
		`{"climate_enabled":false}`:               func(s *Schedule) { s.Climate = false },
		`{"defrost":true}`:                        func(s *Schedule) { s.Defrost = true },
		`{"temperature":70,"temperature_unit":1}`: func(s *Schedule) { s.Temperature = Quantity{70, Fahrenheit} },
		`{"second_departure_enabled":true,"second_departure_days":"3","second_departure_time":"17:00"}`: func(s *Schedule) {
			s.Departures[1] = Departure{true, Days{time.Wednesday}, TimeOfDay{17, 0}}
		},
	} {
		request, err := DecodeRequest("schedule_change", []byte(payload))
		if err != nil {
			t.Errorf("%s: %v", payload, err)
			continue
		}
		want := was
		want.Departures[0].Days = Days{time.Monday, time.Friday}
		change(&want)
		got, err := request.Command.(ScheduleChange).On(stateWith(planned))
		if err != nil || !SameCommand(got, want) {
			t.Errorf("%s: %+v, %v; want %+v", payload, got, err, want)
		}
		if effect := request.Command.Spec().Effect(request.Command, stateWith(planned)); effect == EffectSeen {
			t.Errorf("%s: it is so already", payload)
		}
	}
}

func TestScheduleChange_RefusesToGuessTheRest(t *testing.T) {
	for name, c := range map[string]struct {
		payload string
		state   State
		says    string
	}{
		"nothing is known":               {`{"defrost":true}`, State{}, "ev_first_departure_enabled"},
		"a departure without days":       {`{"second_departure_enabled":true,"second_departure_time":"17:00"}`, stateWith(planned), "ev_second_departure_days"},
		"cheap hours of which none know": {`{"charging_enabled":true}`, stateWith(planned, func(r *Report) { r.Drop(OffPeakStart) }), "ev_off_peak_start_time"},
	} {
		request, err := DecodeRequest("schedule_change", []byte(c.payload))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := request.Command.(ScheduleChange).On(c.state); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v, want %q in it", name, err, c.says)
		}
	}
	for _, payload := range []string{`{}`, `{"first_departure_days":"7"}`, `{"first_departure_days":"mon"}`, `{"off_peak_start_time":"25:00"}`} {
		if _, err := DecodeRequest("schedule_change", []byte(payload)); err == nil {
			t.Errorf("%s was taken", payload)
		}
	}
}

func TestScheduleChange_TwoInARowBecomeOne(t *testing.T) {
	older := ScheduleChange{Defrost: Some(true), Charging: Some(true)}
	newer := ScheduleChange{Charging: Some(false)}
	both, whole := Overtake(older, newer)
	if want := (ScheduleChange{Defrost: Some(true), Charging: Some(false)}); whole || !SameCommand(both, want) {
		t.Errorf("%+v, %v", both, whole)
	}
	if both, whole := Overtake(newer, ScheduleChange{Charging: Some(true)}); !whole || !SameCommand(both, ScheduleChange{Charging: Some(true)}) {
		t.Errorf("%+v, %v", both, whole)
	}
}
