package app

import (
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/control"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestState_UnknownDatumHasItsLastGoodValueAndTime(t *testing.T) {
	seen := time.Date(2026, 1, 5, 7, 0, 0, 0, time.UTC)
	s, _, _ := vehicle.State{}.Apply(rangeOf(seen, 320), seen)
	if got, want := datumOf(s.Read(vehicle.EVRange.Datum)), (control.Datum{
		Key: "ev_driving_range", Value: 320.0, Unit: "km", Reported: seen,
	}); got != want {
		t.Errorf("known: %+v", got)
	}
	later := seen.Add(time.Hour)
	s, _, _ = s.Apply(rangeOf(later, -1), later)
	if got, want := datumOf(s.Read(vehicle.EVRange.Datum)), (control.Datum{
		Key: "ev_driving_range", Unit: "km", Reported: later, Last: 320.0, LastReported: seen,
	}); got != want {
		t.Errorf("unknown: %+v", got)
	}
}

func rangeOf(reported time.Time, km float64) vehicle.Report {
	r := vehicle.Report{Reported: reported}
	vehicle.EVRange.Set(&r, vehicle.Quantity{Value: km, Unit: vehicle.Kilometre}, "")
	return r
}
