package sim

import (
	"math"
	"time"
)

// depart begins a drive: the driver unplugs, shuts everything and leaves. A car
// without enough energy stays.
func (v *car) depart(t trip) {
	b := &v.body
	if v.model.engine == electric && b.evRange(v.model) < t.km*1.1+5 {
		return
	}
	b.plug, b.charging, b.chargeKW, b.chargeHeld, b.chargePort = plugNone, false, 0, false, false
	v.pattern.plugAt = time.Time{}
	b.doors, b.windows, b.trunk, b.hood = [4]bool{}, [4]int{}, false, false
	b.setLocked(true) // cars lock themselves when they roll
	b.climate, b.climateTil = true, time.Time{}
	t.odometerKm, t.lat, t.lon = b.odometerKm, b.lat, b.lon
	b.trip = t
	v.event()
}

// arrive ends the drive under way at the present moment.
func (v *car) arrive() {
	b := &v.body
	v.trips = append(v.trips, tripRecord{from: b.trip.from, to: b.at, km: b.odometerKm - b.trip.odometerKm})
	if len(v.trips) > tripsKept {
		v.trips = append(v.trips[:0], v.trips[len(v.trips)-tripsKept:]...)
	}
	b.trip = trip{}
	b.speedKmh = 0
	v.stopClimate()
	b.parkedLat, b.parkedLon, b.parkedAt = b.lat, b.lon, b.at
	b.setLocked(true)
	if v.model.engine.burns() && b.fuelPercent < 15 {
		b.fuelPercent = 100 // there was a filling station on the way
	}
	if v.model.engine.plugs() && v.pattern.kind != parkedPattern {
		v.pattern.plugAt = b.at.Add(time.Minute)
	}
	v.stayAwake(3 * time.Minute)
	v.event()
}

const tripsKept = 400

// speedSwing is how much a drive's speed swings around its mean, and speedWaves how
// often.
const (
	speedSwing = 0.45
	speedWaves = 9
)

// move puts the car where its drive has brought it by now. Everything follows from the
// share of the time that has passed, so that it does not matter how often one looks.
func (v *car) move() {
	b := &v.body
	t := b.trip
	share := min(float64(b.at.Sub(t.from))/float64(t.to.Sub(t.from)), 1)
	phase := 2 * math.Pi * speedWaves * share
	way := share - speedSwing/(2*math.Pi*speedWaves)*math.Sin(phase)
	mean := t.km / t.to.Sub(t.from).Hours()

	km := t.odometerKm + t.km*way - b.odometerKm
	b.odometerKm += km
	b.speedKmh = mean * (1 - speedSwing*math.Cos(phase))
	v.consume(km)

	// The way is a circle that starts and ends where the car stood.
	radius := t.km / (2 * math.Pi) / 111.2 // in degrees of latitude
	towards := float64(t.seed%360) * math.Pi / 180
	angle := towards + math.Pi + 2*math.Pi*way
	lat := t.lat + radius*(math.Cos(towards)+math.Cos(angle))
	lon := t.lon + radius*(math.Sin(towards)+math.Sin(angle))/math.Cos(t.lat*math.Pi/180)
	b.lat, b.lon = lat, lon
	b.heading = math.Mod((angle+math.Pi/2)*180/math.Pi, 360)
}

// consume takes the energy or the fuel for a distance and books it for the day.
func (v *car) consume(km float64) {
	if km <= 0 {
		return
	}
	b, m := &v.body, v.model
	day := v.day(b.at)
	day.km += km
	needed := km * m.kWhPerKm
	if m.engine == electric || m.engine == plugIn && b.soc(m) > 12 {
		b.energyKWh = max(b.energyKWh-needed, 0)
		day.book(needed * 1000)
		return
	}
	b.fuelPercent = max(b.fuelPercent-km*m.lPer100Km/100/m.tankL*100, 0)
}

// Climate.

// climateKW is what heating or cooling a standing car takes.
const climateKW = 1.6

// climateDefault is how long the climate runs when nobody says.
const climateDefault = 10 * time.Minute

func (v *car) startClimate(d time.Duration) {
	v.body.climate = true
	v.body.climateTil = v.body.at.Add(d)
}

func (v *car) stopClimate() {
	b := &v.body
	if !b.climate {
		return
	}
	b.climate, b.climateTil = false, time.Time{}
	b.defrost, b.rearHeat, b.mirrorHeat, b.wheelHeat = false, false, false, 0
	b.seats = [4]int{2, 2, 2, 2}
	v.stayAwake(2 * time.Minute)
	if !b.driving() {
		v.event()
	}
}

func (v *car) useClimate(hours float64) {
	b, m := &v.body, v.model
	if b.plug != plugNone {
		return // it comes from the wall
	}
	if m.engine.plugs() {
		b.energyKWh = max(b.energyKWh-climateKW*hours, 0)
		return
	}
	b.fuelPercent = max(b.fuelPercent-0.9*hours/m.tankL*100, 0) // idling takes 0.9 l an hour
}
