package sim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// DefaultCars is the number of cars in each account when Options leaves it at zero:
// one of each kind that a client must be able to read.
const DefaultCars = 4

// Options say what is simulated. The zero value is a good start: every account with
// DefaultCars cars that drive and charge, no delays and no faults.
type Options struct {
	// Cars in each account; 0 stands for DefaultCars.
	Cars int
	// Regions limits the world to these, by their two letters; empty is all of them.
	Regions []string
	// Seed decides VINs, vehicle ids, refresh tokens and all that looks like chance.
	Seed uint64
	// Latency is waited before every answer.
	Latency time.Duration
	// LatencyCached is waited before a cached status read, on top of Latency.
	LatencyCached time.Duration
	// LatencyForce is the wall time of a forced read of the flat protocol, and the
	// wall time until a woken car reports. Zero leaves 4 to 7 s and 15 to 22 s.
	LatencyForce time.Duration
	// LatencyCommand is the wall time that a car takes for a command. Zero leaves it as
	// it is in its region, 3 to 15 s in most.
	LatencyCommand time.Duration
	// TimeScale is car time against wall time; 0 stands for 1.
	TimeScale float64
	// Parked keeps every car where it is, without a daily pattern of its own.
	Parked bool
	// TokenLife is how long tokens for the vehicles live; 0 leaves it as the real clouds
	// have it.
	TokenLife time.Duration
	// LocalTimes makes the cars of Canada tell the time of their own zone instead of UTC,
	// as some do (docs/protocol/canada.md §4.2).
	LocalTimes bool
	// NoCodes lets accounts in without a one-time code where a region asks for one.
	NoCodes bool
	// Quota is the number of calls that an account may make a day; 0 is no limit.
	Quota int
	// Replay names files with recorded payloads, {region}_{brand}_{…}.json; each
	// becomes a car that answers with them.
	Replay []string
	// OldClients serves what the clouds do not (any more) and some clients ask for: China's
	// former sign-in and, in Australia and New Zealand, renewals without a stamp and wakes
	// that are answered with the car's state.
	OldClients bool
	// StrictStamps refuses the stamp keys that Australia's clouds took until August 2025.
	StrictStamps bool
	// Faults are switched on from the start; see ParseFault for the text.
	Faults []string
}

// validate fills in the defaults and names everything that makes no sense at once.
func (o *Options) validate() error {
	var wrong []error
	if o.Cars == 0 {
		o.Cars = DefaultCars
	}
	if o.Cars < 0 || o.Cars > 100_000 {
		wrong = append(wrong, fmt.Errorf("cars: %d is not within 1 and 100000", o.Cars))
	}
	for _, region := range o.Regions {
		if !slices.ContainsFunc(faces, func(f face) bool { return f.region == region }) {
			wrong = append(wrong, fmt.Errorf("region %q is not served; served are %s", region, strings.Join(Regions(), ", ")))
		}
	}
	if o.TimeScale == 0 {
		o.TimeScale = 1
	}
	// The negated form refuses NaN as well.
	if !(o.TimeScale >= 0.001 && o.TimeScale <= 10_000) {
		wrong = append(wrong, fmt.Errorf("time scale: %v is not within 0.001 and 10000", o.TimeScale))
	}
	for _, delay := range []struct {
		name string
		d    time.Duration
	}{{"latency", o.Latency}, {"cached latency", o.LatencyCached}, {"forced latency", o.LatencyForce}, {"command latency", o.LatencyCommand}} {
		if delay.d < 0 || delay.d > time.Hour {
			wrong = append(wrong, fmt.Errorf("%s: %v is not within 0 and 1h", delay.name, delay.d))
		}
	}
	if o.TokenLife != 0 && o.TokenLife < time.Second || o.TokenLife > 365*24*time.Hour {
		wrong = append(wrong, fmt.Errorf("token life: %v is not within 1s and a year", o.TokenLife))
	}
	if o.Quota < 0 {
		wrong = append(wrong, fmt.Errorf("quota: %d is negative", o.Quota))
	}
	return errors.Join(wrong...)
}
