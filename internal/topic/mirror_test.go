package topic

import (
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestMirror_TellsTheBareValue(t *testing.T) {
	table := NewTable(Options{})
	s := stateOf(t, func(r *vehicle.Report) {
		vehicle.SoC.Set(r, 74, "74")
		vehicle.Charging.Set(r, true, "true")
		vehicle.Locked.Set(r, false, "false")
		vehicle.WindowFrontLeft.Set(r, true, "1")
		vehicle.SeatFrontLeft.Set(r, vehicle.SeatHighHeat, "8")
	})
	told := map[string]string{}
	for row := range table.Seen(s) {
		m := Mirror(Message{Suffix: row.Suffix, Payload: row.Append(nil, s), Retain: row.Retain})
		if m.Retain != row.Retain {
			t.Errorf("%s: retained %t", m.Suffix, m.Retain)
		}
		told[m.Suffix] = string(m.Payload)
	}
	for suffix, want := range map[string]string{
		"value/battery/level": "74", "value/battery/charging_status": "charging", "value/status/doors/locked": "false",
		"value/status/windows/front_left": "1", "value/status/climate/front_left_seat_status": "High Heat",
	} {
		if told[suffix] != want {
			t.Errorf("%s tells %q, want %q", suffix, told[suffix], want)
		}
	}
	for _, row := range table.Rows() {
		if m := Mirror(Message{Suffix: row.Suffix, Payload: row.Append(nil, vehicle.State{})}); string(m.Payload) != "null" && row.Suffix != "status/charge_state" {
			t.Errorf("%s tells %q while it is unknown", m.Suffix, m.Payload)
		}
	}
	at := time.Date(2026, 1, 5, 7, 30, 12, 0, time.UTC)
	if m := Mirror(Cleared(at)); m.Suffix != "value/status/error" || string(m.Payload) != "null" || !m.Retain {
		t.Errorf("no error is told as %+v", m)
	}
	if m := Mirror(Refreshed(at, vehicle.FromCloud, vehicle.Cached)[0]); string(m.Payload) != "2026-01-05T07:30:12.000000Z" {
		t.Errorf("a time is told as %q", m.Payload)
	}
	for value, want := range map[string]string{`""`: `""`, `"a \"b\""`: `a "b"`, `[1,2]`: `[1,2]`, `{"error":"x"}`: `{"error":"x"}`, `{"value":null}`: "null"} {
		if got := string(bare([]byte(`{"value":` + value + `,"timestamp":"x"}`))); got != want {
			t.Errorf("%s is told as %s, want %s", value, got, want)
		}
	}
}
