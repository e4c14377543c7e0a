package leaf

import (
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func parsed(t *testing.T, text string) Value {
	t.Helper()
	root, ok := Parse([]byte(text))
	if !ok {
		t.Fatalf("%s is no JSON", text)
	}
	return root
}

// TestConvert_TakesOrRefuses reads each kind of leaf with each converter.
func TestConvert_TakesOrRefuses(t *testing.T) {
	number := func(v Value) (any, vehicle.Refused) { return both(AsNumber(v)) }
	flag := func(v Value) (any, vehicle.Refused) { return both(AsFlag(v)) }
	code := func(v Value) (any, vehicle.Refused) { return both(AsCode(v)) }
	state := func(v Value) (any, vehicle.Refused) { return both(AsState(v)) }
	three := func(v Value) (any, vehicle.Refused) { return both(AsThreeState(v)) }
	unit := func(v Value) (any, vehicle.Refused) { return both(AsDistanceUnit(v)) }
	minutes := func(v Value) (any, vehicle.Refused) { return both(AsMinutes(v)) }
	utc := func(v Value) (any, vehicle.Refused) { return both(AsUTC(v)) }
	noon := time.Date(2024, 9, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		text    string
		convert func(Value) (any, vehicle.Refused)
		want    any
		refused vehicle.Refused
	}{
		{`1.5`, number, 1.5, ""},
		{`" -7 "`, number, -7.0, ""},
		{`"inf"`, number, nil, vehicle.RefusedType},
		{`1e400`, number, nil, vehicle.RefusedRange},
		{`true`, number, nil, vehicle.RefusedType},
		{`{}`, number, nil, vehicle.RefusedType},
		{`true`, flag, true, ""},
		{`"false"`, flag, false, ""},
		{`2`, flag, true, ""},
		{`"yes"`, flag, nil, vehicle.RefusedType},
		{`1.5`, code, nil, vehicle.RefusedCode},
		{`"3"`, code, 3, ""},
		{`true`, state, 1, ""},
		{`2`, three, false, ""},
		{`1`, three, true, ""},
		{`4`, three, nil, vehicle.RefusedCode},
		{`0`, unit, vehicle.NoUnit, ""},
		{`1`, unit, vehicle.Kilometre, ""},
		{`2`, unit, vehicle.Mile, ""},
		{`3`, unit, vehicle.Mile, ""},
		{`9`, unit, nil, vehicle.RefusedUnit},
		{`90`, minutes, 90 * time.Minute, ""},
		{`1e7`, minutes, nil, vehicle.RefusedRange},
		{`"2024-09-01T12:00:00Z"`, utc, noon, ""},
		{`"2024-09-01T12:00:00.123+05:00"`, utc, noon, ""},
		{`"20240901120000"`, utc, noon, ""},
		{`"2024-09-01 12:00:00"`, utc, noon, ""},
		{`"Sun, 01 Sep 2024 12:00:00 GMT"`, utc, noon, ""},
		{`"00000000000000"`, utc, nil, vehicle.RefusedSentinel},
		{`"19700101000000"`, utc, nil, vehicle.RefusedType},
		{`20240901120000`, utc, nil, vehicle.RefusedType},
		{`"2024-13-01T12:00:00Z"`, utc, nil, vehicle.RefusedType},
		{`"soon"`, utc, nil, vehicle.RefusedType},
	} {
		got, refused := test.convert(parsed(t, test.text))
		if refused != test.refused || refused == "" && got != test.want {
			t.Errorf("%s is %v, refused %q; want %v, %q", test.text, got, refused, test.want, test.refused)
		}
	}
}

func both[T any](v T, refused vehicle.Refused) (any, vehicle.Refused) { return v, refused }

// TestTimer12_ReadsTheTwelveHourClock holds docs/protocol/europe.md §5.2.
func TestTimer12_ReadsTheTwelveHourClock(t *testing.T) {
	for text, want := range map[string]string{
		`{"time":"1200","timeSection":0}`: "00:00:00", `{"time":"1230","timeSection":1}`: "12:30:00", `{"time":"0710","timeSection":0}`: "07:10:00",
		`{"time":"1130","timeSection":1}`: "23:30:00", `{"time":"2245","timeSection":0}`: "22:45:00", `{"time":"0710"}`: "", `{"time":"0000","timeSection":0}`: "",
		`{"time":710,"timeSection":0}`: "", `{"time":"9999","timeSection":0}`: "", `{"timeSection":0}`: "", `{"time":"0010","timeSection":0}`: "",
	} {
		var r vehicle.Report
		Follow(&r, parsed(t, `{"x":`+text+`}`), []Rule{Timer12(vehicle.OffPeakStart, "x")})
		got := ""
		for _, o := range r.Observations {
			if at, ok := o.Value.(vehicle.TimeOfDay); ok {
				got = at.String()
			}
		}
		if got != want {
			t.Errorf("%s is %q, want %q", text, got, want)
		}
	}
}

// TestRules_RefuseWhatTheyCannotRead reads tables of leaves.
func TestRules_RefuseWhatTheyCannotRead(t *testing.T) {
	rules := []Rule{
		Seat(vehicle.SeatFrontLeft, "seat"), Battery12V("battery"), Plug("plug"), ChargePort("port"), Days(vehicle.Departure1Days, "days"),
		Distance(vehicle.EVRange, "range"), Minutes(vehicle.ChargeTime, "minutes"), Percent(vehicle.SoC, "soc"), Number(vehicle.Generation, "generation"),
		Quantity(vehicle.ChargingPower, "power", vehicle.Kilowatt), Flag(vehicle.Locked, "locked"),
	}
	for _, test := range []struct {
		text         string
		set, refused int
	}{
		{`{"seat":6,"battery":88,"plug":2,"port":2,"days":[1,9],"range":{"value":200,"unit":3},"minutes":5,"soc":80,"generation":"2","power":7.2,"locked":true}`, 12, 0},
		{`{"seat":15,"battery":255,"plug":7,"port":4,"days":[7],"range":{"value":200,"unit":"x"},"minutes":{},"soc":[],"generation":null,"power":"x","locked":"y"}`, 1, 10},
		{`{"port":0,"days":[]}`, 1, 0},
		{`{"days":1}`, 0, 1},
		{`{}`, 0, 0},
	} {
		var r vehicle.Report
		Follow(&r, parsed(t, test.text), rules)
		set, refused := 0, 0
		for _, o := range r.Observations {
			if o.Refuse == "" {
				set++
			} else {
				refused++
			}
		}
		if set != test.set || refused != test.refused {
			t.Errorf("%s: %d set and %d refused, want %d and %d", test.text, set, refused, test.set, test.refused)
		}
	}
}
