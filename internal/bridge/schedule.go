package bridge

import (
	"cmp"
	"math/rand/v2"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Pace says how often cars are read by themselves; the zero of any part leaves it out. It never wakes a car.
type Pace struct {
	Interval time.Duration // between two reads; 0 reads on command only
	Moving   time.Duration // while the car drives or charges, when that is shorter
	Parked   time.Duration // without a report for a day, when that is longer
	Resting  time.Duration // without a report for a week, and for a car of which the cloud has no data
	// NightFrom and NightTo are the hours, on the clock of the car's region, in which intervals double. Equal ones mean no
	// night.
	NightFrom, NightTo int
	// Vacation is until when nothing is read by itself; zero for no vacation.
	Vacation time.Time
}

// When a car counts as parked, and as resting.
const (
	parkedAfter  = 24 * time.Hour
	restingAfter = 7 * 24 * time.Hour
)

// chargeMargin is how long after the predicted end of charging the car is read: it has reported by then.
const chargeMargin = time.Minute

// circumstances are what the time of the next read depends on.
type circumstances struct {
	state  vehicle.State
	noData bool           // the cloud has no data of this car
	now    time.Time      // when the last read ended
	zone   *time.Location // of the car's region
	// left and until are what the day's budget leaves for reads of our own, and until when it must last; cars is how many
	// share it, and cost how many calls a read makes. A zero until means that there is no budget.
	left  int
	until time.Time
	cars  int
	cost  float64
}

// next is how long to wait for the next read, before jitter; ok is false when there is none.
func (p Pace) next(c circumstances) (wait time.Duration, ok bool) {
	if p.Interval == 0 {
		return 0, false
	}
	wait = p.Interval
	moving := isMoving(c.state)
	switch age := c.now.Sub(c.state.ReportedAt()); {
	case c.noData:
		wait = max(wait, p.Resting)
	case moving && p.Moving != 0:
		wait = min(wait, p.Moving)
	case c.state.ReportedAt().IsZero():
	case age > restingAfter:
		wait = max(wait, p.Resting)
	case age > parkedAfter:
		wait = max(wait, p.Parked)
	}
	if !moving && wait < p.night() && p.isNight(c.now.In(cmp.Or(c.zone, time.UTC))) {
		wait *= 2 // a read a day stays one a day, at whatever hour it falls
	}
	wait = stretch(wait, c)
	if end, known := chargeEnd(c.state); known {
		if left := end.Add(chargeMargin).Sub(c.now); left > 0 && left < wait {
			wait = left
		}
	}
	if c.now.Add(wait).Before(p.Vacation) {
		wait = p.Vacation.Sub(c.now)
	}
	return wait, true
}

// stretch makes the day's budget last for all cars of the account.
func stretch(wait time.Duration, c circumstances) time.Duration {
	left := c.until.Sub(c.now)
	if c.until.IsZero() || left <= 0 {
		return wait
	}
	if c.left <= 0 {
		return max(wait, left)
	}
	share := float64(max(c.cars, 1)) * max(c.cost, 1) / float64(c.left)
	return max(wait, time.Duration(float64(left)*min(share, 1))) // with the new day comes a new budget
}

func isMoving(s vehicle.State) bool {
	driving, _ := vehicle.EngineRunning.Of(s)
	charging, _ := vehicle.Charging.Of(s)
	return driving || charging
}

// chargeEnd is when charging will end, as the car last predicted.
func chargeEnd(s vehicle.State) (time.Time, bool) {
	charging, _ := vehicle.Charging.Of(s)
	left, known := vehicle.ChargeTime.Of(s)
	if !charging || !known || left <= 0 {
		return time.Time{}, false
	}
	return s.Read(vehicle.ChargeTime.Datum).Reported.Add(left), true
}

// night is how long it is.
func (p Pace) night() time.Duration { return time.Duration((p.NightTo-p.NightFrom+24)%24) * time.Hour }

func (p Pace) isNight(at time.Time) bool {
	hour := at.Hour()
	if p.NightFrom <= p.NightTo {
		return hour >= p.NightFrom && hour < p.NightTo
	}
	return hour >= p.NightFrom || hour < p.NightTo
}

// untilNext is how long the lane waits for its next read: jittered by a twentieth so that cars do not fall into step, and
// at the start spread over half an interval.
func (l *lane) untilNext(first bool) (wait time.Duration, ok bool) {
	now := time.Now()
	state, noData := l.shelf.circumstances()
	c := circumstances{state: state, noData: noData, now: now, zone: l.account().Zone}
	c.left, c.until, c.cars, c.cost = l.account().budget(now)
	wait, ok = l.bridge.pace.Load().next(c)
	spread := 0.95 + 0.1*rand.Float64()
	if first {
		spread = 0.5 + 0.5*rand.Float64()
	}
	return time.Duration(spread * float64(wait)), ok
}

// dearestRead is what a read of our own costs at most: the status, the position when that is news, and now and then the energy
// history, which is two calls.
const dearestRead = 4

// spent is what the account has used today; 0 when nobody counts.
func (a *account) spent() int {
	if a.Books == nil {
		return 0
	}
	return a.Books.Account().Used
}

// learn notes what a read of our own has cost. Calls that were made beside it blur that a little.
func (a *account) learn(calls int) {
	if calls <= 0 { // it failed before it left, or a new day has begun
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cost += (float64(min(calls, dearestRead)) - a.cost) / 8
}

// budget is what the account has left today for reads of our own, and what each of them costs.
func (a *account) budget(now time.Time) (left int, until time.Time, cars int, cost float64) {
	if a.Books == nil {
		return 0, time.Time{}, 0, 0
	}
	book := a.Books.Account()
	a.mu.Lock()
	defer a.mu.Unlock()
	cars = a.status.Cars
	switch {
	case now.Before(book.Limited):
		return 0, book.Limited, cars, a.cost
	case book.Limit == 0:
		return 0, time.Time{}, cars, a.cost
	}
	return book.Limit - book.Reserve - book.Used - dearestRead, book.Reset, cars, a.cost
}

// SetPace changes how often cars are read, at once: each lane waits anew by it.
func (b *Bridge) SetPace(p Pace) {
	b.pace.Store(&p)
	for _, l := range b.lanes.all() {
		select {
		case l.paced <- struct{}{}:
		default:
		}
	}
}

// fetched is when the car was read last.
func (s *shelf) fetched() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state.FetchedAt()
}
