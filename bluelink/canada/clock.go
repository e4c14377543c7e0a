package canada

import (
	"time"
	_ "time/tzdata" // the cars' clocks are in named zones, which not every machine knows

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Times of a status name no zone, and sources disagree about them: they are UTC for most cars, and the car's local time for
// some (docs/protocol/canada.md §4.2). A car that was just asked tells which: it reports now.

// near is how far from now the time of a car may lie that was just asked.
const near = 20 * time.Minute

// zones are those of the country, in the order in which they are tried.
var zones = loadZones("Canada/Newfoundland", "Canada/Atlantic", "Canada/Eastern", "Canada/Central", "Canada/Mountain", "Canada/Pacific")

func loadZones(names ...string) (list []*time.Location) {
	for _, name := range names {
		zone, err := time.LoadLocation(name)
		if err != nil {
			panic("canada: " + err.Error()) // the zones are part of the program
		}
		list = append(list, zone)
	}
	return list
}

// guessZone tells on which clock the status of a car is that was just asked. One that has not changed since says nothing, nor
// does one that is far from now on every clock; then it is the one that is known already.
func guessZone(at leaf.Value, known vehicle.State, now time.Time) *time.Location {
	shown, refused := leaf.AsUTC(at)
	is := zoneOf(known)
	if refused != "" || on(shown, is).Equal(known.ReportedAt()) {
		return is
	}
	for _, zone := range append([]*time.Location{time.UTC}, zones...) {
		if now.Sub(on(shown, zone)).Abs() < near {
			return zone
		}
	}
	return is
}

// zoneOf is the clock of a car, by what an earlier report told of it; UTC when none did.
func zoneOf(known vehicle.State) *time.Location {
	name, _ := vehicle.Timezone.Of(known)
	for _, zone := range zones {
		if zone.String() == name {
			return zone
		}
	}
	return time.UTC
}

// on takes what a clock shows, written as if it were UTC, for a time in a zone.
func on(shown time.Time, zone *time.Location) time.Time {
	return time.Date(shown.Year(), shown.Month(), shown.Day(), shown.Hour(), shown.Minute(), shown.Second(), 0, zone).UTC()
}

// reportedAt notes when the car reported, by its clock. A time that is missing or cannot be read leaves the report without
// one, which never counts as newer than what is known.
func reportedAt(r *vehicle.Report, at leaf.Value, zone *time.Location) {
	if at.Missing() {
		return
	}
	shown, refused := leaf.AsUTC(at)
	if refused != "" {
		r.Refuse(vehicle.LastUpdatedAt, refused, at.Raw())
		return
	}
	r.Reported = on(shown, zone)
	vehicle.LastUpdatedAt.Set(r, r.Reported, at.Raw())
	vehicle.Timezone.Set(r, zone.String(), "")
}
