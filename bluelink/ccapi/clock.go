package ccapi

import (
	"strings"
	"time"
	_ "time/tzdata" // the cars' clocks are in named zones, which not every machine knows

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// oldest is the first year that is taken for a time; clouds send the beginning of their epochs for "never".
const oldest = 1990

// clockSlack is how far clocks differ that show the same.
const clockSlack = 10 * time.Minute

// compact is how clouds write most times; fractions of a second may follow.
const compact = "20060102150405"

// clock is what the times of an answer are on that name no zone: the clock of a region or of a car, held against what was
// reported before and against ours.
type clock struct {
	zone  *time.Location
	known vehicle.State
	now   time.Time // zero when nobody asks now, as for a recording
}

// utc is the clock of the leaves that the pages say to be UTC.
func (c clock) utc() clock { c.zone = time.UTC; return c }

// newest tells on which clock a time is that may be on the region's or UTC: on the one that makes it the newer, unless that
// is still to come (docs/protocol/australia-newzealand.md §9). A report that was read before stays what it was read as: it
// does not become newer by growing old. A recording is read on the region's clock.
func (c clock) newest(leaf value) clock {
	known := c.known.ReportedAt()
	asLocal, ok := c.read(leaf, vehicle.LastUpdatedAt)
	asUTC, _ := c.utc().read(leaf, vehicle.LastUpdatedAt)
	switch {
	case !ok || c.now.IsZero() || asLocal.Equal(known):
		return c
	case asUTC.Equal(known), asUTC.After(asLocal) && asUTC.Before(c.now.Add(clockSlack)):
		return c.utc()
	}
	return c
}

// at reads what the clock showed; shown is written as if it were UTC. The hour that a zone's clocks show twice, and the
// one that they skip, are read as on a clock that was not yet changed, unless that cannot be and the other can: it is older
// than what the row already holds, or still to come.
func (c clock) at(shown time.Time, row vehicle.Point[time.Time]) time.Time {
	_, before := shown.AddDate(0, 0, -1).In(c.zone).Zone()
	_, after := shown.AddDate(0, 0, 1).In(c.zone).Zone()
	unchanged := shown.Add(-time.Duration(before) * time.Second)
	changed := shown.Add(-time.Duration(after) * time.Second)
	if before == after || c.shows(unchanged, shown) && !c.shows(changed, shown) {
		return unchanged
	}
	known, _ := row.Of(c.known)
	canBe := func(at time.Time) bool { return !at.Before(known) && (c.now.IsZero() || !at.After(c.now)) }
	if c.shows(changed, shown) && !c.shows(unchanged, shown) || !canBe(unchanged) && canBe(changed) {
		return changed
	}
	return unchanged
}

// shows tells whether the zone's clocks show this at a moment.
func (c clock) shows(at, shown time.Time) bool {
	return at.In(c.zone).Format(compact) == shown.Format(compact)
}

// read reads the times of docs/protocol/europe.md §5.1: yyyyMMddHHmmss with or without ISO punctuation and with a
// fraction, on the clock, or the form of HTTP headers, which says GMT itself. Zeroes, as clouds send for "no time", are not
// one. The row is the one that the time is read for.
func (c clock) read(leaf value, row vehicle.Point[time.Time]) (at time.Time, ok bool) {
	if leaf.kind() != '"' {
		return time.Time{}, false
	}
	text := strings.TrimSpace(leaf.str())
	if strings.HasSuffix(text, "GMT") {
		at, err := time.Parse(time.RFC1123, text)
		return at.UTC(), err == nil
	}
	if len(text) > len(compact) && !onlyDigits(text[:len(compact)]) {
		text = punctuation.Replace(text)
	}
	if len(text) < len(compact) || !onlyDigits(text[:len(compact)]) {
		return time.Time{}, false
	}
	shown, err := time.Parse(compact, text[:len(compact)])
	if err != nil || shown.Year() < oldest {
		return time.Time{}, false
	}
	return c.at(shown, row), true
}

var punctuation = strings.NewReplacer("-", "", "T", "", ":", "", "Z", "")

func onlyDigits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// reportedAt notes when the car reported. A time that is missing or cannot be read leaves the report without one, which
// never counts as newer than what is known.
func (d *decoding) reportedAt(leaf value, c clock) {
	if leaf.missing() {
		return
	}
	at, ok := c.read(leaf, vehicle.LastUpdatedAt)
	if !ok {
		if code, refused := asNumber(leaf); refused == "" && code == 0 {
			d.Refuse(vehicle.LastUpdatedAt, vehicle.RefusedSentinel, leaf.raw())
			return
		}
		d.Refuse(vehicle.LastUpdatedAt, vehicle.RefusedType, leaf.raw())
		return
	}
	d.Reported = at
	vehicle.LastUpdatedAt.Set(d.Report, at, leaf.raw())
}

// timer12 reads the timers of the flat form (docs/protocol/europe.md §5.2): "hhmm" on a 12-hour clock with timeSection 0
// for AM and 1 for PM, beside some that are on a 24-hour clock, and some whose minutes overflowed.
func timer12(p vehicle.Point[vehicle.TimeOfDay], path string) rule {
	return func(d *decoding) {
		block := d.root.get(path)
		take(d.Report, p, block.get("time"), func(leaf value) (vehicle.TimeOfDay, vehicle.Refused) {
			return asTimer12(leaf, block.get("timeSection"))
		})
	}
}

func asTimer12(at, section value) (vehicle.TimeOfDay, vehicle.Refused) {
	return leaf.AsTimer12(at.Value, section.Value)
}

// timer24 reads hour and minute from two leaves (docs/protocol/ccs2-status.md §2); 31:70 was never set.
func timer24(p vehicle.Point[vehicle.TimeOfDay], hourPath, minutePath string) rule {
	return func(d *decoding) {
		hour, minute := d.root.get(hourPath), d.root.get(minutePath)
		if hour.missing() || minute.missing() {
			return
		}
		raw := hour.raw() + ":" + minute.raw()
		h, wrongHour := asCode(hour)
		m, wrongMinute := asCode(minute)
		if wrongHour != "" || wrongMinute != "" {
			d.Refuse(p, vehicle.RefusedType, raw)
			return
		}
		at, ok := vehicle.NewTimeOfDay(h, m)
		if !ok {
			d.Refuse(p, vehicle.RefusedSentinel, raw)
			return
		}
		p.Set(d.Report, at, raw)
	}
}
