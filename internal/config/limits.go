package config

import "time"

// Limits are the numbers that keep one failing part from taking its neighbours along.
type Limits struct {
	Enabled     bool  `yaml:"enabled" doc:"Hold calls, and wakes on command, to the numbers below. Off by default with cloud_url. The rules for automatic wakes and for signing in always hold"`
	CallsPerDay int   `yaml:"calls_per_day" min:"0" max:"1000000" doc:"Calls to the cloud that an account may make a day; 0 for what its region is known to bear, 150, or 100 of Hyundai in the USA. Clouds refuse more, to the maker's app too"`
	Reserve     int   `yaml:"reserve" min:"0" max:"1000" doc:"Of those, the ones that are kept for what you ask for"`
	Wakes       Wakes `yaml:"wakes" doc:"Waking a car, which takes from its 12 V battery. Days and hours are those of the account's region"`

	Breaker  Breaker  `yaml:"breaker" doc:"Circuit breaker of each account: after some failures in a row nothing is sent for a while, then one probe"`
	Bulkhead Bulkhead `yaml:"bulkhead" doc:"Operations in flight; reads, wakes and commands are counted apart, and what is too much waits"`
	Deadline Deadline `yaml:"deadline" doc:"Longest duration of an operation, all its calls together"`
	Lane     Lane     `yaml:"lane" doc:"The lane of each car, in which its commands wait for each other"`
}

// Breaker is the circuit breaker of an account, reads and commands apart.
type Breaker struct {
	Reads    int           `yaml:"reads" min:"1" max:"1000" doc:"Failed reads in a row that open it for reads"`
	Commands int           `yaml:"commands" min:"1" max:"1000" doc:"Failed commands in a row that open it for commands"`
	Open     time.Duration `yaml:"open" min:"1s" max:"24h" doc:"Time until the probe"`
}

// Bulkhead bounds what is in flight at the same time.
type Bulkhead struct {
	Account int `yaml:"account" min:"1" max:"10000" doc:"Operations of one kind for one account"`
	Process int `yaml:"process" min:"1" max:"100000" doc:"Operations of one kind for all accounts together"`
}

// Deadline bounds operations; each call within has a shorter one of its own.
type Deadline struct {
	Login  time.Duration `yaml:"login" min:"1s" max:"1h" doc:"Signing in"`
	List   time.Duration `yaml:"list" min:"1s" max:"1h" doc:"Listing the cars of an account"`
	Cached time.Duration `yaml:"cached" min:"1s" max:"1h" doc:"Reading what the cloud knows of a car"`
	Force  time.Duration `yaml:"force" min:"1s" max:"1h" doc:"Waking a car and waiting for its report"`
}

// Lane is the lane of a car.
type Lane struct {
	Inbox int `yaml:"inbox" min:"1" max:"100000" doc:"Commands that may wait for a car; more are answered overloaded"`
}

// Wakes bounds how often cars are woken.
type Wakes struct {
	PerDay    int            `yaml:"per_day" min:"0" max:"1000" doc:"Wakes a day and car that you may ask for, by force or smart"`
	Spacing   time.Duration  `yaml:"spacing" off:"true" min:"1s" max:"24h" doc:"Time between a wake and the next that you ask for"`
	Automatic AutomaticWakes `yaml:"automatic" doc:"Wakes that nobody asked for at that moment"`
	Override  bool           `yaml:"override" doc:"Allow more than 24 wakes a day on command or 6 automatic ones. Each takes about 1.5 % of the 12 V battery, and an empty one strands you"`
}

// AutomaticWakes bounds the wakes that nobody waits for.
type AutomaticWakes struct {
	PerDay    int           `yaml:"per_day" min:"0" max:"1000" doc:"Wakes a day and car; 0 for never. Three are safe, more than 6 need limits.wakes.override"`
	Spacing   time.Duration `yaml:"spacing" min:"10m" max:"24h" doc:"Time between two; doubled each time the car does not answer"`
	QuietFrom int           `yaml:"quiet_from" min:"0" max:"23" doc:"Hour of the day from which on cars are left to sleep"`
	QuietTo   int           `yaml:"quiet_to" min:"0" max:"23" doc:"Hour at which that ends; the same hour twice for no quiet hours"`
	Min12V    int           `yaml:"min_12v" min:"0" max:"100" doc:"Charge in percent that the 12 V battery must be known to have"`
	MaxParked time.Duration `yaml:"max_parked" min:"1h" max:"30d" doc:"A car that has not reported for so long is left alone"`
}

// The numbers of wakes a day and car that a 12 V battery bears.
const (
	safeWakes          = 24
	safeAutomaticWakes = 6
)

// wakes refuses what is more likely a slip than a wish.
func (l *loader) wakes() {
	w := l.config.Limits.Wakes
	if w.Override {
		return
	}
	for _, over := range []struct {
		key        string
		have, safe int
	}{
		{"limits.wakes.per_day", w.PerDay, safeWakes}, {"limits.wakes.automatic.per_day", w.Automatic.PerDay, safeAutomaticWakes},
	} {
		if over.have > over.safe {
			l.problem(l.at(over.key), "%d wakes a day can empty the 12 V battery: at most %d, unless limits.wakes.override is true", over.have, over.safe)
		}
	}
}
