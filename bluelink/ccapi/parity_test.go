package ccapi

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// fixtures is where recorded answers lie, beside the checkout.
var fixtures = filepath.Join("..", "..", "..", "shared", "fixtures")

func protocolOf(file string) string {
	if strings.Contains(file, "ccs2") {
		return "ccs2"
	}
	return "flat"
}

func regionOf(t testing.TB, file string) vehicle.Region {
	t.Helper()
	word, _, _ := strings.Cut(file, "_")
	region, err := vehicle.ParseRegion(word)
	if err != nil {
		t.Fatal(err)
	}
	return region
}

// mayReject lists what the recordings hold and we do not believe, with the reason.
var mayReject = map[string]vehicle.Refused{
	"ev_battery_soh_percentage": vehicle.RefusedSentinel, // 0 of a plug-in hybrid
	"ev_battery_remain":         vehicle.RefusedUnit,     // 54.5 without unit, or 0 kJ at 77 %
	"ev_battery_capacity":       vehicle.RefusedUnit,     // 76.0 without unit
	"ev_charging_current":       vehicle.RefusedSentinel, // 0, "not given"
}

func TestParity_RecordingsAreReadAsTheReferenceDoes(t *testing.T) {
	cloudtest.Parity{
		Recordings: []string{"eu", "au", "cn", "br"}, Least: 30, Rejects: mayReject, BareUnits: true,
		Skip: []string{"ccu_ccs2_protocol_support", "supports_window_control", "supports_valet_mode", "month_trip_info", "day_trip_info"},
		Decode: func(file string, answer []byte) (vehicle.Report, error) {
			return Decode(regionOf(t, file), protocolOf(file), vehicle.EngineUnknown, answer)
		},
	}.Run(t)
}

func mustRow(t *testing.T, key string) *vehicle.Datum {
	t.Helper()
	row, ok := vehicle.ByKey(key)
	if !ok {
		t.Fatalf("the catalogue has no row %s", key)
	}
	return row
}
