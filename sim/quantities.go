package sim

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
)

// quantity is one physical quantity of a car, to be read and set by hand: the truth of
// GET /_sim/vehicles and the keys of POST /_sim/vehicles/{id}.
type quantity struct {
	key string
	get func(*car) any
	// set changes the car; nil for what only follows from other quantities.
	set func(*car, json.RawMessage) error
	// of says which engines have it; nil for all.
	of func(engine) bool
}

// only restricts a quantity to some engines.
func only(of func(engine) bool, q quantity) quantity {
	q.of = of
	return q
}

// number makes a quantity of a float within bounds.
func number(key string, low, high float64, digits int, at func(*body) *float64) quantity {
	return quantity{
		key: key, get: func(v *car) any { return round(*at(&v.body), digits) },
		set: func(v *car, raw json.RawMessage) error {
			n, err := readNumber(raw, low, high)
			if err == nil {
				*at(&v.body) = n
			}
			return err
		},
	}
}

// integer makes a quantity of a whole number within bounds.
func integer(key string, low, high int, at func(*body) *int) quantity {
	return quantity{
		key: key, get: func(v *car) any { return *at(&v.body) },
		set: func(v *car, raw json.RawMessage) error {
			n, err := readNumber(raw, float64(low), float64(high))
			if err == nil && n != math.Trunc(n) {
				err = errors.New("must be a whole number")
			}
			if err == nil {
				*at(&v.body) = int(n)
			}
			return err
		},
	}
}

// truth makes a quantity of something that is so or not.
func truth(key string, at func(*body) *bool) quantity {
	return quantity{
		key: key, get: func(v *car) any { return *at(&v.body) },
		set: func(v *car, raw json.RawMessage) error { return readBool(raw, at(&v.body)) },
	}
}

func readNumber(raw json.RawMessage, low, high float64) (float64, error) {
	var n float64
	if json.Unmarshal(raw, &n) != nil || string(raw) == "null" {
		return 0, errors.New("must be a number")
	}
	if !(n >= low && n <= high) {
		return 0, fmt.Errorf("must be within %v and %v", low, high)
	}
	return n, nil
}

func readBool(raw json.RawMessage, into *bool) error {
	switch string(raw) {
	case "true":
		*into = true
	case "false":
		*into = false
	default:
		return errors.New("must be true or false")
	}
	return nil
}

// corners names the rows of four in the keys.
var corners = [4]string{"front_left", "front_right", "back_left", "back_right"}

var quantities = func() []quantity {
	all := []quantity{
		only(engine.plugs, quantity{key: "soc_percent", get: func(v *car) any { return round(v.body.soc(v.model), 2) }, set: setSoC}),
		{key: "range_km", get: func(v *car) any { return round(v.body.totalRange(v.model), 1) }},
		only(engine.plugs, quantity{key: "plug", get: func(v *car) any { return v.body.plug.String() }, set: setPlug}),
		only(engine.plugs, quantity{key: "charging", get: func(v *car) any { return v.body.charging }, set: setCharging}),
		only(engine.plugs, quantity{key: "charging_power_kw", get: func(v *car) any { return round(v.body.chargeKW, 2) }}),
		only(engine.plugs, truth("charge_port_open", func(b *body) *bool { return &b.chargePort })),
		only(engine.plugs, integer("charge_limit_ac", 50, 100, func(b *body) *int { return &b.limitAC })),
		only(engine.plugs, integer("charge_limit_dc", 50, 100, func(b *body) *int { return &b.limitDC })),
		only(engine.plugs, integer("charging_current_level", 1, 3, func(b *body) *int { return &b.currentLevel })),
		only(engine.plugs, integer("v2l_limit_percent", 0, 100, func(b *body) *int { return &b.v2lLimit })),
		only(engine.plugs, truth("schedule_charging", func(b *body) *bool { return &b.schedule.charging })),
		only(engine.plugs, truth("schedule_off_peak_only", func(b *body) *bool { return &b.schedule.offPeakOnly })),
		number("battery_12v_percent", 0, 100, 2, func(b *body) *float64 { return &b.battery12V }),
		truth("battery_12v_unreliable", func(b *body) *bool { return &b.unreliable12V }),
		only(engine.burns, number("fuel_percent", 0, 100, 1, func(b *body) *float64 { return &b.fuelPercent })),
		number("odometer_km", 0, 2_000_000, 2, func(b *body) *float64 { return &b.odometerKm }),
		number("latitude", -90, 90, 6, func(b *body) *float64 { return &b.lat }),
		number("longitude", -180, 180, 6, func(b *body) *float64 { return &b.lon }),
		number("heading_degrees", 0, 360, 0, func(b *body) *float64 { return &b.heading }),
		{key: "speed_kmh", get: func(v *car) any { return round(v.body.speedKmh, 1) }},
		{key: "driving", get: func(v *car) any { return v.body.driving() }, set: setDriving},
		{key: "locked", get: func(v *car) any { return v.body.allLocked() }, set: setLocked},
	}
	for i, corner := range corners {
		all = append(all,
			truth(corner+"_door_locked", func(b *body) *bool { return &b.locked[i] }),
			truth(corner+"_door_open", func(b *body) *bool { return &b.doors[i] }),
			integer(corner+"_window", 0, 2, func(b *body) *int { return &b.windows[i] }),
			integer(corner+"_seat", 0, 8, func(b *body) *int { return &b.seats[i] }),
			number(corner+"_tyre_psi", 0, 80, 1, func(b *body) *float64 { return &b.tyresPsi[i] }),
		)
	}
	return append(all,
		truth("trunk_open", func(b *body) *bool { return &b.trunk }),
		truth("hood_open", func(b *body) *bool { return &b.hood }),
		truth("sunroof_open", func(b *body) *bool { return &b.sunroof }),
		quantity{key: "climate", get: func(v *car) any { return v.body.climate }, set: setClimate},
		number("climate_celsius", 14, 30, 1, func(b *body) *float64 { return &b.temperatureC }),
		truth("defrost", func(b *body) *bool { return &b.defrost }),
		truth("rear_window_heat", func(b *body) *bool { return &b.rearHeat }),
		truth("mirror_heat", func(b *body) *bool { return &b.mirrorHeat }),
		integer("steering_wheel_heat", 0, 2, func(b *body) *int { return &b.wheelHeat }),
		number("outside_celsius", -50, 60, 1, func(b *body) *float64 { return &b.outsideC }),
		truth("valet", func(b *body) *bool { return &b.valet }),
		quantity{key: "hazard_lights", get: func(v *car) any { return v.body.at.Before(v.body.hazardTil) }},
		truth("washer_fluid_low", func(b *body) *bool { return &b.washerLow }),
		truth("brake_fluid_low", func(b *body) *bool { return &b.brakeLow }),
		truth("key_battery_low", func(b *body) *bool { return &b.fobLow }),
		quantity{key: "destination", get: func(v *car) any { return v.destination }},
		quantity{key: "asleep", get: func(v *car) any { return v.body.asleep() }, set: setAsleep},
		quantity{key: "reachable", get: func(v *car) any { return !v.silent }, set: setReachable},
		quantity{key: "pattern", get: func(v *car) any { return v.pattern.kind.String() }, set: setPattern},
	)
}()

// reportKey makes the car tell the cloud what was set, instead of keeping it to itself
// until something wakes it.
const reportKey = "report"

// truths is the car as it really is. The caller holds v.mu.
func (v *car) truths() map[string]any {
	values := make(map[string]any, len(quantities)+1)
	for _, q := range quantities {
		if v.has(q) {
			values[q.key] = q.get(v)
		}
	}
	return values
}

func (v *car) has(q quantity) bool { return q.of == nil || q.of(v.model.engine) }

// set changes quantities by hand, all or none. The caller holds v.mu and has settled
// the car.
func (v *car) set(values map[string]json.RawMessage) error {
	body, pattern, silent, report, reports, trips := v.body, v.pattern, v.silent, v.report, v.reports, v.trips
	if wrong := v.setEach(values); len(wrong) > 0 {
		v.body, v.pattern, v.silent, v.report, v.reports, v.trips = body, pattern, silent, report, reports, trips
		return errors.New(strings.Join(wrong, "; "))
	}
	if !v.body.driving() {
		v.body.parkedLat, v.body.parkedLon = v.body.lat, v.body.lon
	}
	v.decideCharging()
	if string(values[reportKey]) == "true" {
		v.event()
	}
	return nil
}

func (v *car) setEach(values map[string]json.RawMessage) (wrong []string) {
	known := map[string]bool{reportKey: true}
	if raw, given := values[reportKey]; given {
		var report bool
		if err := readBool(raw, &report); err != nil {
			wrong = append(wrong, reportKey+" "+err.Error())
		}
	}
	// In the table's order: a plug before charging, whatever the order on the wire.
	for _, q := range quantities {
		known[q.key] = true
		raw, given := values[q.key]
		switch {
		case !given:
		case q.set == nil:
			wrong = append(wrong, q.key+" follows from others and cannot be set")
		case !v.has(q):
			wrong = append(wrong, q.key+" is nothing that this car has; its engine is "+v.model.engine.String())
		default:
			if err := q.set(v, raw); err != nil {
				wrong = append(wrong, q.key+" "+err.Error())
			}
		}
	}
	for _, key := range sortedKeys(values) {
		if !known[key] {
			wrong = append(wrong, fmt.Sprintf("unknown key %q; known are %s", key, strings.Join(settableKeys(), ", ")))
			break
		}
	}
	return wrong
}

// QuantityKeys lists what can be set by hand, for help texts.
func QuantityKeys() []string { return settableKeys() }

func settableKeys() []string {
	keys := []string{reportKey}
	for _, q := range quantities {
		if q.set != nil {
			keys = append(keys, q.key)
		}
	}
	return keys
}

func readWord(raw json.RawMessage, words ...string) (string, error) {
	var word string
	if json.Unmarshal(raw, &word) == nil {
		for _, w := range words {
			if w == word {
				return word, nil
			}
		}
	}
	return "", fmt.Errorf("must be one of %s", strings.Join(words, ", "))
}

func setSoC(v *car, raw json.RawMessage) error {
	n, err := readNumber(raw, 0, 100)
	if err == nil {
		v.body.energyKWh = n / 100 * v.model.capacityKWh
	}
	return err
}

func setLocked(v *car, raw json.RawMessage) error {
	var locked bool
	err := readBool(raw, &locked)
	if err == nil {
		v.body.setLocked(locked)
	}
	return err
}

func setPlug(v *car, raw json.RawMessage) error {
	word, err := readWord(raw, "none", "ac", "portable", "dc")
	switch {
	case err != nil:
		return err
	case word == "dc" && v.model.dcKW == 0:
		return errors.New("cannot be dc: this car charges with AC only")
	case v.body.driving():
		return errors.New("cannot be set while the car drives")
	case word == "none":
		v.pattern.plugAt = noTime
		v.unplug()
	default:
		v.plugIn(map[string]plug{"ac": plugAC, "portable": plugPortable, "dc": plugDC}[word])
	}
	return nil
}

func setCharging(v *car, raw json.RawMessage) error {
	var on bool
	if err := readBool(raw, &on); err != nil {
		return err
	}
	b := &v.body
	if !on {
		b.chargeHeld = true
		v.stopCharging()
		return nil
	}
	if b.plug == plugNone {
		return errors.New("needs a plug first: set plug to ac, portable or dc")
	}
	b.chargeHeld, b.chargeNow = false, true
	v.startCharging()
	if !b.charging {
		return fmt.Errorf("cannot begin: the battery is at its limit of %v %%", b.limit())
	}
	return nil
}

func setDriving(v *car, raw json.RawMessage) error {
	var on bool
	if err := readBool(raw, &on); err != nil {
		return err
	}
	switch {
	case on && !v.body.driving():
		v.depart(v.pattern.take(v))
		if !v.body.driving() {
			return errors.New("cannot begin: not enough energy for a drive")
		}
	case !on && v.body.driving():
		v.body.trip.to = v.body.at
		v.arrive()
	}
	return nil
}

func setClimate(v *car, raw json.RawMessage) error {
	var on bool
	if err := readBool(raw, &on); err != nil {
		return err
	}
	if on {
		v.startClimate(climateDefault)
	} else {
		v.body.climate, v.body.climateTil = false, noTime
	}
	return nil
}

func setAsleep(v *car, raw json.RawMessage) error {
	var asleep bool
	if err := readBool(raw, &asleep); err != nil {
		return err
	}
	if asleep {
		v.body.awakeTil = v.body.at
	} else {
		v.stayAwake(awakeFor)
	}
	return nil
}

func setReachable(v *car, raw json.RawMessage) error {
	reachable := !v.silent
	err := readBool(raw, &reachable)
	v.silent = !reachable
	return err
}

func setPattern(v *car, raw json.RawMessage) error {
	word, err := readWord(raw, "parked", "courier", "commuter")
	if err != nil {
		return err
	}
	p := &v.pattern
	switch word {
	case "parked":
		p.kind, p.next, p.plugAt = parkedPattern, noTime, noTime
		if v.body.driving() {
			v.body.trip.to = v.body.at
			v.arrive()
		}
	case "courier":
		p.kind, p.next = courierPattern, v.body.at.Add(courierPeriod-courierDrive)
	case "commuter":
		p.kind, p.next = commuterPattern, v.nextCommute(v.body.at)
	}
	return nil
}
