package vehicle

import (
	"slices"
	"time"
)

// doubt is a value that contradicts the last good one, kept until a newer report agrees with it or with that.
type doubt struct {
	datum    *Datum
	value    any
	reported int64 // microseconds since 1970
}

// doubtful tells whether a value contradicts the last good one so much that a second report must say it too. Without a
// report time there is nothing by which the second could be told from the first, so nothing is doubted.
func (d *draft) doubtful(datum *Datum, known *reading, value any, reported int64, scene *scene) Refused {
	if known == nil || reported == 0 || !datum.rules.judgeChange() {
		return ""
	}
	at := slices.IndexFunc(d.doubts, func(old doubt) bool { return old.datum == datum })
	if at >= 0 && reported <= d.doubts[at].reported && same(value, d.doubts[at].value) {
		return RefusedJump // the same report again
	}
	leaps := datum.rules.leaps(known, value, reported, scene)
	if leaps && (at < 0 || reported <= d.doubts[at].reported || !agree(known.good(), d.doubts[at].value, value)) {
		d.doubt(at, doubt{datum, value, reported})
		return RefusedJump
	}
	if at >= 0 {
		d.doubts = slices.Delete(slices.Clone(d.doubts), at, at+1)
	}
	return ""
}

// doubt notes a doubt in the place of the one before. The list is shared with the state before.
func (d *draft) doubt(at int, doubted doubt) {
	d.doubts = slices.Clone(d.doubts)
	if at >= 0 {
		d.doubts[at] = doubted
		return
	}
	d.doubts = append(d.doubts, doubted)
}

// agree tells whether a value that contradicts the last good one confirms one that did: it goes the same way, and where
// that is up, at least as far.
func agree(good, doubted, value any) bool {
	from, first, ok := numbers(good, doubted)
	_, second, also := numbers(good, value)
	if !ok || !also {
		return same(doubted, value)
	}
	return first < from && second < from || first > from && second >= first
}

// leaps tells whether a change from the last good value is more than what can have happened since.
func (r *rules) leaps(known *reading, value any, reported int64, scene *scene) bool {
	if r.after != nil && r.after == scene.ended && !scene.drives && on(known.good()) && !on(value) {
		return true
	}
	from, to, ok := numbers(known.good(), value)
	if !ok {
		return false
	}
	if to == 0 && r.emptiesFrom > 0 && from > r.emptiesFrom && !scene.drives {
		return true
	}
	if known.seen() == 0 {
		return false
	}
	hours := time.Duration(max(0, reported-known.seen()) * int64(time.Microsecond)).Hours()
	stands := scene.stands && scene.standsSince <= known.seen()
	return stands && !r.sag.allows(from-to, hours) || !r.climb.allows(to-from, hours)
}

// numbers are two values of a row to be compared: distances in km, others of one unit.
func numbers(a, b any) (x, y float64, ok bool) {
	p, isQuantity := a.(Quantity)
	q, also := b.(Quantity)
	if isQuantity && also && p.Unit != q.Unit {
		var known, wanted bool
		p, known = p.In(Kilometre)
		q, wanted = q.In(Kilometre)
		return p.Value, q.Value, known && wanted
	}
	x, okX := number(a)
	y, okY := number(b)
	return x, y, okX && okY
}

// number is a value of a row; a distance in km.
func number(value any) (float64, bool) {
	if q, ok := value.(Quantity); ok && q.Unit == Mile {
		q, ok = q.In(Kilometre)
		return q.Value, ok
	}
	return numberOf(value)
}

// on tells whether a flag is set or a plug in.
func on(value any) bool {
	switch v := value.(type) {
	case bool:
		return v
	case Plug:
		return v != PlugNone
	}
	return false
}

// moment is a time that was ahead of our clock when we first read it, and when that was.
type moment struct{ claimed, seen int64 } // microseconds since 1970

// mostMoments is how many a state remembers: those of its last report, which has one for each call.
const mostMoments = 4

// notAhead takes a time that is ahead of our clock for the moment at which it was first read: nothing was reported after
// it reached us. The same report does not grow younger when it is read again.
func (d *draft) notAhead(claimed int64) int64 {
	for _, m := range d.ahead {
		if m.claimed == claimed {
			return m.seen
		}
	}
	if claimed <= d.now {
		return claimed
	}
	kept := d.ahead[max(0, len(d.ahead)-mostMoments+1):]
	d.ahead = append(slices.Clone(kept), moment{claimed, d.now})
	return d.now
}
