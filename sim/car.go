package sim

import (
	"fmt"
	"sync"
	"time"
)

// car is one simulated car: what it is, its truth, and what the cloud knows of it.
type car struct {
	cloud      *cloud
	index      int
	id, vin    string
	nickname   string
	registered string
	year       int
	model      *model
	replay     *replay // recorded payloads to answer with; nil for a living car
	base       uint64  // where all its numbers come from

	mu       sync.Mutex // guards all below
	body     body
	pattern  pattern
	nextTick time.Time // car time of the next report of its own while it moves or charges
	silent   bool      // no signal: the cloud cannot reach it
	report   *report   // what the cloud knows
	reports  uint64    // how many reports the cloud has had
	action   *action   // the one wake or command under way, or nil
	records  []record
	// destination is where the last route command led.
	destination string
	days        map[int]*dayStats // by day number; the days lived in this world
	trips       []tripRecord
	history     *history // the days before today, as far as somebody asked
	wakes       int
	commands    int
}

// dayOf numbers the days of the place where the car lives, so that its history can be indexed.
func (v *car) dayOf(t time.Time) int {
	y, m, d := t.In(v.cloud.home.zone).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / 86400)
}

func newCar(c *cloud, index int) *car {
	models := c.models
	m := &models[index%len(models)]
	words := func(more ...any) []any {
		return append([]any{c.region, c.brand, index, c.sim.options.Seed}, more...)
	}
	year := 2022 + int(roll(words("year")...)%4)
	if m.year != 0 {
		year = m.year
	}
	registered := time.Date(year, time.Month(1+roll(words("month")...)%12), 1+int(roll(words("day")...)%28), 10, 20, 30, 123e6, time.UTC)
	number := vin(c.wmi, year, words("vin")...)
	v := &car{
		cloud: c, index: index, model: m, year: year,
		id:         c.vehicleID(index, number, words("vehicle id")...),
		vin:        number,
		nickname:   "My " + m.name,
		base:       roll(words("base")...),
		registered: registered.Format("2006-01-02 15:04:05.000"),
	}
	switch {
	case index >= len(models):
		v.nickname = fmt.Sprintf("My %s %d", m.name, index/len(models)+1)
	case m.nickname != "":
		v.nickname = m.nickname
	}
	v.beBorn()
	return v
}

// seed gives a number that only this car has, another for each topic and numbers. It is
// asked for often, so it costs no more than some multiplications.
func (v *car) seed(topic string, numbers ...int) uint64 {
	const prime = 0x9e3779b97f4a7c15
	n := v.base
	for i := range len(topic) {
		n = (n ^ uint64(topic[i])) * 0x100000001b3
	}
	for _, number := range numbers {
		n = (n ^ uint64(number)) * prime
		n ^= n >> 29
	}
	n = (n ^ n>>30) * 0xbf58476d1ce4e5b9
	n = (n ^ n>>27) * 0x94d049bb133111eb
	return n ^ n>>31
}

// chance gives a number in [0, 1) in the same way.
func (v *car) chance(topic string, numbers ...int) float64 {
	return float64(v.seed(topic, numbers...)>>11) / (1 << 53)
}

func (v *car) protocol() string {
	if v.model.ccs2 {
		return "ccs2"
	}
	return "flat"
}

// beBorn puts the car into the world a while before its start and lets it live up to
// the start, so that its first report has an age and its day a past.
func (v *car) beBorn() {
	start := v.cloud.sim.clock.start()
	place := v.cloud.home
	b := body{
		lat:        place.lat + (v.chance("lat")-0.5)*0.08,
		lon:        place.lon + (v.chance("lon")-0.5)*0.12,
		altitude:   float64(20 + v.seed("altitude")%60),
		heading:    float64(v.seed("heading") % 360),
		odometerKm: round(4000+v.chance("odometer")*60_000, 1),
		limitAC:    80, limitDC: 90, currentLevel: 1, v2lLimit: 30,
		battery12V:   78 + v.chance("12v")*14,
		fuelPercent:  35 + v.chance("fuel")*60,
		temperatureC: 21, outsideC: round(8+v.chance("outside")*12, 1),
		seats:    [4]int{2, 2, 2, 2},
		schedule: defaultSchedule(),
	}
	for i := range b.tyresPsi {
		b.tyresPsi[i] = 34 + float64(v.seed("tyre", i)%4)
	}
	b.setLocked(true)
	v.body = b
	v.pattern = v.choosePattern(start)
	v.body.at = v.pattern.born
	v.body.energyKWh = v.model.capacityKWh * v.pattern.soc / 100
	v.body.parkedLat, v.body.parkedLon, v.body.parkedAt = b.lat, b.lon, v.body.at
	v.publish()
	v.advance(start)
}

// settle brings the car up to wall time now: what was under way and is due happens at
// its moment, and the rest of the time passes. The caller holds v.mu.
func (v *car) settle(now time.Time) {
	clock := v.cloud.sim.clock
	if a := v.action; a != nil && !now.Before(a.due) {
		v.advance(clock.carTime(a.due))
		v.action = nil
		a.finish(v)
	}
	v.advance(clock.carTime(now))
}

// advance lets car time pass until to, stopping wherever something happens.
func (v *car) advance(to time.Time) {
	for v.body.at.Before(to) {
		next := v.nextEvent(to)
		if tick := v.lastTick(next); !tick.IsZero() {
			v.pass(tick)
			v.publish()
			v.nextTick = tick.Add(v.tickEvery())
		}
		v.pass(next)
		v.happen()
	}
}

// nextEvent is the earliest moment after now at which the car's course changes, at most
// to.
func (v *car) nextEvent(to time.Time) time.Time {
	next := to
	consider := func(t time.Time) {
		if t.After(v.body.at) && t.Before(next) {
			next = t
		}
	}
	b := &v.body
	if b.driving() {
		consider(b.trip.to)
	} else {
		consider(v.pattern.nextDeparture(v))
		consider(v.pattern.plugAt)
	}
	if b.climate && !b.climateTil.IsZero() {
		consider(b.climateTil)
	}
	if b.charging {
		consider(v.chargeChanges())
	}
	if b.plug != plugNone {
		consider(b.schedule.nextOpening(b.at, v.cloud.home.zone))
	}
	consider(b.awakeTil)
	return next
}

// pass lets the time until t pass, during which nothing changes course.
func (v *car) pass(t time.Time) {
	b := &v.body
	hours := t.Sub(b.at).Hours()
	if hours <= 0 {
		return
	}
	if b.charging {
		b.energyKWh = min(b.energyKWh+b.chargeKW*0.94*hours, v.model.capacityKWh) // 6 % are lost on the way
	}
	if b.climate && !b.driving() {
		v.useClimate(hours)
	}
	v.pass12V(hours)
	b.at = t
	if b.driving() {
		v.move()
	}
}

// pass12V drains the small battery slowly at rest and fills it while something large
// feeds it.
func (v *car) pass12V(hours float64) {
	b := &v.body
	switch {
	case b.driving(), b.charging:
		b.battery12V = max(b.battery12V, min(b.battery12V+25*hours, 94))
	default:
		b.battery12V = max(b.battery12V-0.012*hours, 0)
	}
}

// wakeCost is what one wake takes from the 12 V battery, in percent: about 7 A for
// four minutes (docs/protocol/europe.md §9).
const wakeCost = 1.5

// awakeFor is how long a woken car stays up.
const awakeFor = 5 * time.Minute

var noTime time.Time

// wakeUp makes the car's electronics run for a while, at the 12 V battery's expense.
// The caller holds v.mu.
func (v *car) wakeUp() {
	if !v.body.driving() && !v.body.charging && v.replay == nil {
		v.body.battery12V = max(v.body.battery12V-wakeCost, 0)
	}
	v.stayAwake(awakeFor)
}

func (v *car) stayAwake(d time.Duration) {
	if until := v.body.at.Add(d); until.After(v.body.awakeTil) {
		v.body.awakeTil = until
	}
}

// happen does what is due at this moment.
func (v *car) happen() {
	b := &v.body
	if b.driving() && !b.at.Before(b.trip.to) {
		v.arrive()
	}
	if b.climate && !b.climateTil.IsZero() && !b.at.Before(b.climateTil) {
		v.stopClimate()
	}
	if v.pattern.plugDue(b.at) && !b.driving() {
		v.pattern.plugAt = time.Time{}
		v.plugIn(plugAC)
	}
	if !b.driving() && v.pattern.departureDue(v) {
		v.depart(v.pattern.take(v))
	}
	v.decideCharging()
}

// tickEvery is how often a car reports by itself while it moves or charges, in car
// time; the real cars' habit is unknown.
func (v *car) tickEvery() time.Duration {
	if v.body.driving() {
		return 30 * time.Second
	}
	return time.Minute
}

// lastTick is the last report of its own that the car makes until t, or zero. Earlier
// ones nobody saw.
func (v *car) lastTick(t time.Time) time.Time {
	if !v.body.driving() && !v.body.charging {
		return time.Time{}
	}
	if v.nextTick.Before(v.body.at) {
		v.nextTick = v.body.at.Add(v.tickEvery())
	}
	if v.nextTick.After(t) {
		return time.Time{}
	}
	return t.Add(-(t.Sub(v.nextTick) % v.tickEvery()))
}

// event reports a change that the car tells by itself.
func (v *car) event() {
	v.publish()
	v.nextTick = v.body.at.Add(v.tickEvery())
}

// rebirth makes the car what it was when the world began.
func (v *car) rebirth() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.nextTick, v.silent, v.action, v.records, v.destination = noTime, false, nil, nil, ""
	v.report, v.history = nil, nil
	v.days, v.trips, v.wakes, v.commands, v.reports = nil, nil, 0, 0, 0
	v.beBorn()
}
