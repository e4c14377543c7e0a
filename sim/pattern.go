package sim

import (
	"time"
	_ "time/tzdata" // car days and many wire times are local, also where the system has no zones
)

// berlin is the zone of all local times of the European cloud, for all countries
// (docs/protocol/europe.md §5.3).
var berlin = zone("Europe/Berlin")

// zone loads a time zone of the tables in this package.
func zone(name string) *time.Location {
	z, err := time.LoadLocation(name)
	if err != nil {
		panic("sim: load " + name + ": " + err.Error()) // embedded above
	}
	return z
}

// pattern is a car's habit: when it leaves and how far it goes. It depends on nothing
// but the seed and the start.
//
// The first two cars of an account are couriers, one driving and one charging when the
// world begins, so that something moves at any hour; the others commute by the clock.
type pattern struct {
	kind patternKind
	born time.Time // car time at which the car came into the world
	soc  float64   // % at that time

	next   time.Time // next departure, zero for a parked car
	plugAt time.Time // when the driver plugs in after arriving, or zero
	tours  int       // departures taken so far
}

type patternKind int

const (
	parkedPattern patternKind = iota
	courierPattern
	commuterPattern
)

func (k patternKind) String() string { return [...]string{"parked", "courier", "commuter"}[k] }

// A courier's round: what the drive takes from the battery is back shortly before the
// next one, so that such a car hardly ever stands idle.
const (
	courierDrive  = 58 * time.Minute
	courierPeriod = 2*time.Hour + 20*time.Minute
)

func (v *car) choosePattern(start time.Time) pattern {
	if v.cloud.sim.options.Parked || v.replay != nil {
		// A parked car has stood for some hours and said so when it arrived.
		return pattern{born: start.Add(-time.Duration(2+v.seed("parked")%10) * time.Hour), soc: 35 + v.chance("soc")*50}
	}
	if v.index >= 2 {
		born := start.Add(-36 * time.Hour)
		p := pattern{kind: commuterPattern, born: born, soc: 55 + v.chance("soc")*25}
		p.next = v.nextCommute(born)
		return p
	}
	// Brands take turns, so that an account with one car may have either kind.
	driving := (v.index+len(v.cloud.brand))%2 == 0
	p := pattern{kind: courierPattern, soc: 74 + v.chance("soc")*5}
	if driving {
		p.next = start.Add(-time.Duration(8+v.seed("phase")%10) * time.Minute)
	} else {
		// It came home a quarter of an hour ago with enough room to charge for long.
		p.next = start.Add(-courierDrive - time.Duration(6+v.seed("phase")%10)*time.Minute)
		p.soc = 58 + v.chance("soc")*5
	}
	p.born = p.next.Add(-20 * time.Minute)
	return p
}

func (p *pattern) nextDeparture(*car) time.Time { return p.next }

func (p *pattern) departureDue(v *car) bool {
	return !p.next.IsZero() && !v.body.at.Before(p.next)
}

func (p *pattern) plugDue(now time.Time) bool {
	return !p.plugAt.IsZero() && !now.Before(p.plugAt)
}

// take gives the drive that begins now and sets the one after.
func (p *pattern) take(v *car) trip {
	now := v.body.at
	p.tours++
	t := trip{from: now, seed: v.seed("tour", p.tours)}
	switch p.kind {
	case courierPattern:
		t.to = now.Add(courierDrive)
		t.km = 52 + float64(t.seed%14)
		p.next = p.next.Add(courierPeriod)
		for !p.next.After(t.to) {
			p.next = p.next.Add(courierPeriod)
		}
	default:
		t.km = 14 + v.chance("way")*22 + float64(t.seed%5)
		t.to = now.Add(time.Duration(t.km / (34 + v.chance("pace")*18) * float64(time.Hour)))
		p.next = v.nextCommute(t.to)
	}
	return t
}

// nextCommute is the first departure after t: to work and back from Monday to Friday,
// out and about at noon on other days.
func (v *car) nextCommute(t time.Time) time.Time {
	zone := v.cloud.home.zone
	local := t.In(zone)
	for day := 0; ; day++ {
		date := time.Date(local.Year(), local.Month(), local.Day()+day, 0, 0, 0, 0, zone)
		for i, hour := range commuteHours(date.Weekday()) {
			at := date.Add(time.Duration(hour * float64(time.Hour))).
				Add(time.Duration(v.seed("commute", v.dayOf(date), i)%3600) * time.Second)
			if at.After(t) {
				return at
			}
		}
	}
}

func commuteHours(day time.Weekday) []float64 {
	if day == time.Saturday || day == time.Sunday {
		return []float64{11.5}
	}
	return []float64{6.75, 16.5}
}
