package sim

import "time"

// plugIn puts a plug into the charge port; charging begins if it may.
func (v *car) plugIn(p plug) {
	b := &v.body
	if !v.model.engine.plugs() || b.driving() || p == plugDC && v.model.dcKW == 0 {
		return
	}
	b.plug, b.chargePort, b.chargeHeld, b.chargeNow = p, true, false, false
	v.stayAwake(2 * time.Minute)
	v.event()
	v.startCharging()
}

func (v *car) unplug() {
	b := &v.body
	b.plug, b.charging, b.chargeKW, b.chargePort = plugNone, false, 0, false
	v.stayAwake(2 * time.Minute)
	v.event()
}

// startCharging begins to charge unless the battery is full enough or the schedule
// says later.
func (v *car) startCharging() {
	b := &v.body
	if b.plug == plugNone || b.charging || b.chargeHeld || b.soc(v.model) >= b.limit() || !v.mayCharge() {
		return
	}
	b.charging = true
	b.chargeKW = v.chargePower()
	v.event()
}

// mayCharge reports whether driver or schedule let the car charge now.
func (v *car) mayCharge() bool {
	return v.body.chargeNow || v.body.schedule.allowsCharging(v.body.at, v.cloud.home.zone)
}

func (v *car) stopCharging() {
	b := &v.body
	if !b.charging {
		return
	}
	b.charging, b.chargeKW = false, 0
	v.event()
}

// resumeBelow is how far below the limit a car must fall, in percent, before it charges
// again by itself.
const resumeBelow = 3

// decideCharging stops at the limit, follows the battery's curve, and begins when it
// may.
func (v *car) decideCharging() {
	b := &v.body
	switch {
	case b.plug == plugNone:
	case b.charging && (b.soc(v.model) >= b.limit()-1e-6 || !v.mayCharge()):
		v.stopCharging()
	case b.charging:
		b.chargeKW = v.chargePower()
	case b.soc(v.model) < b.limit()-resumeBelow:
		v.startCharging()
	}
}

// chargePower is what the battery takes now, in kW.
func (v *car) chargePower() float64 {
	b, m := &v.body, v.model
	soc := b.soc(m)
	switch b.plug {
	case plugDC:
		return m.dcKW * dcCurve(soc)
	case plugPortable:
		return min(2.3, m.acKW) * acCurve(soc)
	case plugAC:
		level := [...]float64{1: 1, 2: 0.9, 3: 0.6}[b.currentLevel]
		return m.acKW * level * acCurve(soc)
	default:
		return 0
	}
}

// The curves say which share of the full power a battery takes at a state of charge.
// They change by whole percents, so that the time until the next change is known.

func acCurve(soc float64) float64 {
	if soc < acKnee {
		return 1
	}
	return max(0.35, 1-0.2*(float64(int(soc))-acKnee+1))
}

func dcCurve(soc float64) float64 {
	switch soc = float64(int(soc)); {
	case soc < dcKnee:
		return 1
	case soc < 80:
		return 1 - 0.015*(soc-dcKnee)
	default:
		return max(0.12, 0.55-0.025*(soc-80))
	}
}

const (
	acKnee = 97
	dcKnee = 50
)

// chargeChanges is when the present charging power ends: at the limit or where the
// curve bends next.
func (v *car) chargeChanges() time.Time {
	b, m := &v.body, v.model
	soc := b.soc(m)
	knee := float64(acKnee)
	if b.plug == plugDC {
		knee = dcKnee
	}
	target := b.limit()
	if soc < knee {
		target = min(target, knee)
	} else {
		target = min(target, float64(int(soc)+1))
	}
	hours := (target - soc) / 100 * m.capacityKWh / (b.chargeKW * 0.94)
	return b.at.Add(time.Duration(hours*float64(time.Hour)) + time.Millisecond)
}

// minutesToLimit estimates the charging time with a power in kW; 0 when there is
// nothing to charge.
func (b *body) minutesToLimit(m *model, kW, limit float64) int {
	if kW <= 0 || b.soc(m) >= limit {
		return 0
	}
	return max(1, int((limit-b.soc(m))/100*m.capacityKWh/kW*60+0.5))
}

// The four estimates that cars report.

func (b *body) minutesLeft(m *model) int {
	if !b.charging {
		return 0
	}
	return b.minutesToLimit(m, b.chargeKW, b.limit())
}

func (b *body) minutesStation(m *model) int { return b.minutesToLimit(m, m.acKW, float64(b.limitAC)) }

func (b *body) minutesPortable(m *model) int {
	return b.minutesToLimit(m, min(2.3, m.acKW), float64(b.limitAC))
}

func (b *body) minutesQuick(m *model) int {
	return b.minutesToLimit(m, m.dcKW*0.75, float64(b.limitDC))
}
