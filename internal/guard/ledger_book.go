package guard

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// book is what a ledger knows, in the form in which it is stored: today's counts, and of each car the last wake.
type book struct {
	Day      string                  `json:"day"` // on the clock of the account's region
	Calls    tally                   `json:"calls"`
	Wakes    causeTally              `json:"wakes"`              // operations that woke a car, by cause
	Lost     int                     `json:"lost,omitempty"`     // calls that runs which crashed may have made unnoticed
	Hidden   int                     `json:"hidden,omitempty"`   // the same of the whole day, which may be of any car
	Reserved int                     `json:"reserved,omitempty"` // reads that may leave before this is written again
	Limited  *limited                `json:"limited,omitempty"`
	Learned  *learned                `json:"learned,omitempty"`
	Cars     map[vehicle.ID]*carBook `json:"cars"`
}

// limited says that the cloud has had too many requests.
type limited struct {
	Since time.Time `json:"since"`
	Until time.Time `json:"until"`
	Daily bool      `json:"daily,omitempty"` // the limit of a day, so that the count begins anew when it ends
}

// learned is what a cloud's "too many requests" taught about its limit.
type learned struct {
	Calls int    `json:"calls"`
	Day   string `json:"day"`
}

// carBook is what a ledger knows of one car.
type carBook struct {
	Calls     tally         `json:"calls"`
	Wakes     causeTally    `json:"wakes"`
	LastWake  time.Time     `json:"last_wake,omitzero"`
	LastCause vehicle.Cause `json:"last_cause,omitempty"`
	Spared    bool          `json:"spared,omitempty"`    // the last wake failed before it reached the car
	Unreached int           `json:"unreached,omitempty"` // wakes in a row that the car did not answer
	Stirred   stirred       `json:"stirred,omitzero"`

	waking bool // a wake is admitted and has not ended
}

// How long what is of use for some time only is kept.
const (
	forgetCarAfter = 30 * 24 * time.Hour // after its last wake
	maxRows        = 4096                // of cars that were never woken, in the store; an account has a handful of cars
)

func newBook() *book { return &book{Cars: map[vehicle.ID]*carBook{}} }

// readBook reads what was stored. What the last run had reserved may have been used: it is lost.
func readBook(text []byte) (*book, error) {
	b := newBook()
	if err := json.Unmarshal(text, b); err != nil {
		return nil, fmt.Errorf("read the ledger: %w", err)
	}
	if b.Cars == nil {
		b.Cars = map[vehicle.ID]*carBook{}
	}
	for id, car := range b.Cars {
		if car == nil {
			delete(b.Cars, id)
		}
	}
	b.Lost, b.Hidden, b.Reserved = b.Lost+b.Reserved, b.Hidden+b.Reserved, 0
	return b, nil
}

// write gives the form for the store, in which so many reads are reserved.
func (b *book) write(reserved int) ([]byte, error) {
	stored := *b
	stored.Reserved = reserved
	if len(b.Cars) > maxRows {
		stored.Cars = map[vehicle.ID]*carBook{}
		for id, car := range b.Cars {
			if !car.LastWake.IsZero() {
				stored.Cars[id] = car
			}
		}
	}
	return json.Marshal(&stored)
}

// turn begins a new day, and tells whether it did. A clock that went back does not bring back what is used up.
func (b *book) turn(day string, now time.Time) bool {
	switch ahead := daysBetween(day, b.Day); {
	case b.Day == day, ahead > 0 && ahead <= 2:
		return false
	case ahead > 2: // the clock was ahead by far when that day was written
		b.Day = day
		return false
	}
	b.Day, b.Calls, b.Wakes, b.Lost, b.Hidden = day, tally{}, causeTally{}, 0, 0
	for id, car := range b.Cars {
		car.Calls, car.Wakes = tally{}, causeTally{}
		if now.Sub(car.LastWake) > forgetCarAfter && !car.waking {
			delete(b.Cars, id)
		}
	}
	return true
}

// longestLimit is the longest that a cloud's limit lasts: until the end of a day, of which one in the year has 25 hours.
const longestLimit = 25 * time.Hour

// straighten lets a limit that ends impossibly late begin now, and tells whether it did: the clock was ahead when it was
// noted.
func (l *limited) straighten(now time.Time) bool {
	if l == nil || l.Until.Sub(now) <= longestLimit {
		return false
	}
	l.Since, l.Until = now, now.Add(max(0, min(l.Until.Sub(l.Since), longestLimit)))
	return true
}

// release ends the cloud's limit when it is time, and tells whether it did. What counted towards it does not any more.
func (b *book) release(now time.Time) bool {
	l := b.Limited
	if l == nil || now.Before(l.Until) {
		return false
	}
	if b.Limited = nil; l.Daily {
		b.Calls, b.Lost = tally{}, 0
	}
	return true
}

// car gives the row of a car.
func (b *book) car(id vehicle.ID) *carBook {
	row := b.Cars[id]
	if row == nil {
		row = &carBook{}
		b.Cars[id] = row
	}
	return row
}

// used counts the calls that the cloud counts.
func (b *book) used() int { return b.Calls.used() + b.Lost }

// ceiling is how many calls the account may make today when it may make limit at best: less after the cloud had too many.
// From the second day on a twentieth of the limit comes back each day.
func (b *book) ceiling(limit int) int {
	if limit == 0 || b.Learned == nil {
		return limit
	}
	return max(0, min(limit, b.Learned.Calls+limit*max(0, daysBetween(b.Learned.Day, b.Day)-1)/20))
}

// learn lowers the ceiling to a fifth less than what was used when the cloud had too many, but not to nothing: the owner's
// app may have used up most of it.
func (b *book) learn(limit int) {
	b.Learned = &learned{Calls: max(b.used()*4/5, limit/3), Day: b.Day}
}

// AccountBook is what an account has used up today.
type AccountBook struct {
	Used         int       // calls that the cloud counts; what a crash may have hidden is included
	Limit        int       // calls a day; 0 without a limit
	Remaining    int       // of the limit
	Commands     int       // calls of commands
	Wakes        int       // operations that woke a car
	Reset        time.Time // when the counts begin anew
	LimitedUntil time.Time // the cloud has had too many requests; zero when it has not

	promised int // calls that operations in flight may still make
}

// CarBook is what is known of a car's calls and wakes.
type CarBook struct {
	Calls          int // today
	Commands       int // calls of commands, today
	UserWakes      int // today
	AutomaticWakes int // today
	LastWake       time.Time
	LastCause      vehicle.Cause
	Spared         bool // the last wake failed before it reached the car
	Unreached      int  // wakes in a row that the car did not answer
	Waking         bool // a wake is under way

	stirs    bool      // its reads seem to wake it
	lastRead time.Time // when its cached data were last read
}

// Wakes counts all wakes of today.
func (c CarBook) Wakes() int { return c.UserWakes + c.AutomaticWakes }

func (b *book) accountBook(limit int, midnight time.Time) AccountBook {
	a := AccountBook{
		Used: b.used(), Limit: b.ceiling(limit), Commands: b.Calls.of(bluelink.CallCommand), Wakes: b.Wakes.sum(), Reset: midnight,
	}
	a.Remaining = max(0, a.Limit-a.Used)
	if b.Limited != nil {
		a.LimitedUntil = b.Limited.Until
	}
	return a
}

func (b *book) carBook(id vehicle.ID) CarBook {
	row := b.Cars[id]
	if row == nil {
		row = &carBook{}
	}
	return CarBook{
		Calls: row.Calls.used() + b.Hidden, Commands: row.Calls.of(bluelink.CallCommand),
		UserWakes: row.Wakes.by(false), AutomaticWakes: row.Wakes.by(true),
		LastWake: row.LastWake, LastCause: row.LastCause, Spared: row.Spared, Unreached: row.Unreached, Waking: row.waking,
		stirs: row.Stirred.suspect(), lastRead: row.Stirred.Last,
	}
}
