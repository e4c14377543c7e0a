package topic

import (
	"slices"
	"testing"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
	"pgregory.net/rapid"
)

func TestChargeState_IsOneWordForPlugChargingAndSchedule(t *testing.T) {
	type facts struct {
		charging, plugged, scheduled any // bool
		plug                         any // vehicle.Plug
		power                        any // kW
		soc, ac, dc                  any // %
	}
	for name, c := range map[string]struct {
		facts
		want ChargeState
	}{
		"nothing known":                          {facts{}, Unknown},
		"no plug in":                             {facts{charging: false, plugged: false}, Unplugged},
		"no plug in, charging unknown":           {facts{plugged: false}, Unplugged},
		"no plug by its kind":                    {facts{charging: false, plug: vehicle.PlugNone}, Unplugged},
		"plug in":                                {facts{charging: false, plugged: true}, Plugged},
		"plug in, charging unknown":              {facts{plugged: true}, Unknown},
		"plug unknown, not charging":             {facts{charging: false}, Unknown},
		"flat: portable":                         {facts{charging: true, plugged: true, plug: vehicle.PlugPortable}, ChargingAC},
		"flat: station":                          {facts{charging: true, plugged: true, plug: vehicle.PlugAC}, ChargingAC},
		"flat: station, no power told":           {facts{charging: true, plugged: true, plug: vehicle.PlugAC, power: 0.0}, ChargingAC},
		"flat: fast":                             {facts{charging: true, plugged: true, plug: vehicle.PlugDC}, ChargingDC},
		"flat: fast, tapering":                   {facts{charging: true, plugged: true, plug: vehicle.PlugDC, power: 6.0}, ChargingDC},
		"ccs2: weak":                             {facts{charging: true, plugged: true, power: 7.2}, ChargingAC},
		"ccs2: strongest AC":                     {facts{charging: true, plugged: true, power: 22.0}, ChargingAC},
		"ccs2: strong":                           {facts{charging: true, plugged: true, power: 22.1}, ChargingDC},
		"ccs2: plug unknown, strong":             {facts{charging: true, power: 150.0}, ChargingDC},
		"ccs2: power unknown":                    {facts{charging: true, plugged: true}, Unknown},
		"conflict: charging without power":       {facts{charging: true, plugged: true, power: 0.0}, Unknown},
		"conflict: charging without plug":        {facts{charging: true, plugged: false, power: 7.2}, Unknown},
		"conflict: charging, kind of plug none":  {facts{charging: true, plug: vehicle.PlugNone}, Unknown},
		"conflict: plugged, kind of plug none":   {facts{charging: false, plugged: true, plug: vehicle.PlugNone}, Unknown},
		"conflict: unplugged, kind of plug AC":   {facts{charging: false, plugged: false, plug: vehicle.PlugAC}, Unknown},
		"at the AC limit":                        {facts{charging: false, plugged: true, soc: 80.0, ac: 80.0, dc: 100.0}, Complete},
		"below the AC limit":                     {facts{charging: false, plugged: true, soc: 79.0, ac: 80.0, dc: 50.0}, Plugged},
		"at the DC limit":                        {facts{charging: false, plugged: true, plug: vehicle.PlugDC, soc: 70.0, ac: 100.0, dc: 70.0}, Complete},
		"DC, at the AC limit":                    {facts{charging: false, plugged: true, plug: vehicle.PlugDC, soc: 70.0, ac: 60.0, dc: 80.0}, Plugged},
		"limit unknown, full":                    {facts{charging: false, plugged: true, soc: 100.0}, Complete},
		"limit unknown, nearly full":             {facts{charging: false, plugged: true, soc: 99.0}, Plugged},
		"waits for the schedule":                 {facts{charging: false, plugged: true, soc: 60.0, ac: 80.0, scheduled: true}, Scheduled},
		"complete before the schedule":           {facts{charging: false, plugged: true, soc: 80.0, ac: 80.0, scheduled: true}, Complete},
		"schedule is off":                        {facts{charging: false, plugged: true, soc: 60.0, ac: 80.0, scheduled: false}, Plugged},
		"unplugged, with a schedule":             {facts{charging: false, plugged: false, scheduled: true}, Unplugged},
		"charging at the limit is charging":      {facts{charging: true, plugged: true, power: 3.0, soc: 80.0, ac: 80.0}, ChargingAC},
		"charging although the schedule is on":   {facts{charging: true, plugged: true, power: 3.0, scheduled: true}, ChargingAC},
		"called charging without power, waits":   {facts{charging: true, plugged: true, power: 0.0, scheduled: true}, Scheduled},
		"flat: called charging, waits":           {facts{charging: true, plugged: true, plug: vehicle.PlugAC, power: 0.0, scheduled: true}, Scheduled},
		"called charging unplugged, with a plan": {facts{charging: true, plugged: false, power: 0.0, scheduled: true}, Unknown},
		"charge level unknown, with a schedule":  {facts{charging: false, plugged: true, ac: 80.0, scheduled: true}, Scheduled},
		"kind of plug known, charging unplugged": {facts{charging: true, plugged: false, plug: vehicle.PlugNone}, Unknown},
	} {
		s := stateOf(t, func(r *vehicle.Report) {
			flag := func(p vehicle.Point[bool], v any) {
				if v, ok := v.(bool); ok {
					p.Set(r, v, "")
				}
			}
			percent := func(p vehicle.Point[vehicle.Percent], v any) {
				if v, ok := v.(float64); ok {
					p.Set(r, vehicle.Percent(v), "")
				}
			}
			flag(vehicle.Charging, c.charging)
			flag(vehicle.PluggedIn, c.plugged)
			flag(vehicle.ScheduledChargingOn, c.scheduled)
			percent(vehicle.SoC, c.soc)
			percent(vehicle.LimitAC, c.ac)
			percent(vehicle.LimitDC, c.dc)
			if plug, ok := c.plug.(vehicle.Plug); ok {
				vehicle.PlugType.Set(r, plug, "")
			}
			if power, ok := c.power.(float64); ok {
				vehicle.ChargingPower.Set(r, vehicle.Quantity{Value: power, Unit: vehicle.Kilowatt}, "")
			}
		})
		if got := ChargeStateOf(s); got != c.want {
			t.Errorf("%s: got %s, want %s", name, got, c.want)
		}
	}
}

func TestChargeState_StaysInItsList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		report := vehicle.Report{}
		flag := func(p vehicle.Point[bool]) {
			if rapid.Bool().Draw(t, p.Key+" known") {
				p.Set(&report, rapid.Bool().Draw(t, p.Key), "")
			}
		}
		flag(vehicle.Charging)
		flag(vehicle.PluggedIn)
		flag(vehicle.ScheduledChargingOn)
		if rapid.Bool().Draw(t, "plug known") {
			vehicle.PlugType.Set(&report, vehicle.Plug(rapid.IntRange(0, 3).Draw(t, "plug")), "")
		}
		vehicle.SoC.Set(&report, vehicle.Percent(rapid.IntRange(0, 100).Draw(t, "soc")), "")
		s, _, _ := vehicle.State{}.Apply(report, fetchedAt)
		got := ChargeStateOf(s)
		if !slices.Contains(ChargeStates(), got) {
			t.Fatalf("%q is no charge state", got)
		}
		plugged, known := vehicle.PluggedIn.Of(s)
		if known && !plugged && got != Unplugged && got != Unknown {
			t.Fatalf("%s without a plug", got)
		}
		if charging, _ := vehicle.Charging.Of(s); charging && (got == Plugged || got == Complete || got == Unplugged) {
			t.Fatalf("%s while charging", got)
		}
	})
}

func TestChargeState_PlugThatVanishesWithTheChargingIsUnknownUntilConfirmed(t *testing.T) {
	told := func(minutes int, charging, plugged bool, plug vehicle.Plug) vehicle.Report {
		r := vehicle.Report{Reported: fetchedAt.Add(time.Duration(minutes) * time.Minute)}
		vehicle.Charging.Set(&r, charging, "")
		vehicle.PluggedIn.Set(&r, plugged, "")
		vehicle.PlugType.Set(&r, plug, "")
		vehicle.ChargingPower.Set(&r, vehicle.Quantity{Value: 7, Unit: vehicle.Kilowatt}, "")
		return r
	}
	var s vehicle.State
	for _, step := range []struct {
		report vehicle.Report
		want   ChargeState
	}{
		{told(0, true, true, vehicle.PlugAC), ChargingAC},
		{told(10, false, false, vehicle.PlugNone), Unknown}, // stopped from afar; the plug is still in
		{told(10, false, false, vehicle.PlugNone), Unknown}, // the same report, read again
		{told(20, false, true, vehicle.PlugAC), Plugged},
		{told(30, true, true, vehicle.PlugAC), ChargingAC},
		{told(40, false, false, vehicle.PlugNone), Unknown}, // pulled
		{told(50, false, false, vehicle.PlugNone), Unplugged},
	} {
		s, _, _ = s.Apply(step.report, step.report.Reported)
		if got := ChargeStateOf(s); got != step.want {
			t.Errorf("report of %s: got %s, want %s", step.report.Reported, got, step.want)
		}
	}
}

func TestChargeState_IsNotToldOfACarWithoutPlug(t *testing.T) {
	s := stateOf(t, func(r *vehicle.Report) { vehicle.FuelLevel.Set(r, 60, "") })
	for row := range NewTable(Options{}).Seen(s) {
		if row.Suffix == "status/charge_state" {
			t.Error("a petrol car has a charge state")
		}
	}
}
