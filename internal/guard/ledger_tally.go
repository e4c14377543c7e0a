package guard

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The words of a tally. A cause that nobody gave is "unknown".
var (
	tallyKinds = [...]bluelink.CallKind{
		bluelink.CallRead, bluelink.CallWake, bluelink.CallCommand, bluelink.CallLogin, bluelink.CallRenew, bluelink.CallRegister, bluelink.CallCode,
	}
	tallyCauses = [...]vehicle.Cause{
		"unknown", vehicle.ByTimer, vehicle.ByMQTT, vehicle.ByHTTP, vehicle.ByCLI, vehicle.ByHint, vehicle.ByRetry, vehicle.ByStart,
	}
)

func kindIndex(kind bluelink.CallKind) int { return max(0, slices.Index(tallyKinds[:], kind)) }

func causeIndex(cause vehicle.Cause) int { return max(0, slices.Index(tallyCauses[:], cause)) }

// quotaKinds are the calls that a cloud counts against an account; signing in goes to other servers.
const quotaKinds = 3 // the first of tallyKinds: read, wake, command

// causeTally counts by cause.
type causeTally [len(tallyCauses)]uint32

func (c *causeTally) sum() (n int) {
	for _, count := range c {
		n += int(count)
	}
	return n
}

// by counts what was automatic, or what was not.
func (c *causeTally) by(automatic bool) (n int) {
	for i, count := range c {
		if tallyCauses[i].Automatic() == automatic {
			n += int(count)
		}
	}
	return n
}

// MarshalJSON writes what is not zero: {"mqtt":2}.
func (c causeTally) MarshalJSON() ([]byte, error) {
	counts := map[string]uint32{}
	for i, n := range c {
		if n > 0 {
			counts[string(tallyCauses[i])] = n
		}
	}
	return json.Marshal(counts)
}

// UnmarshalJSON reads it. A word of another version counts as unknown.
func (c *causeTally) UnmarshalJSON(text []byte) error {
	var counts map[string]uint32
	if err := json.Unmarshal(text, &counts); err != nil {
		return err
	}
	*c = causeTally{}
	for cause, n := range counts {
		c[causeIndex(vehicle.Cause(cause))] += n
	}
	return nil
}

// tally counts calls by kind and cause.
type tally [len(tallyKinds)]causeTally

// used counts the calls that a cloud counts.
func (t *tally) used() (n int) {
	for i := range quotaKinds {
		n += t[i].sum()
	}
	return n
}

func (t *tally) of(kind bluelink.CallKind) int { return t[kindIndex(kind)].sum() }

// MarshalJSON writes what is not zero: {"read/timer":12}.
func (t tally) MarshalJSON() ([]byte, error) {
	counts := map[string]uint32{}
	for kind := range t {
		for cause, n := range t[kind] {
			if n > 0 {
				counts[string(tallyKinds[kind])+"/"+string(tallyCauses[cause])] = n
			}
		}
	}
	return json.Marshal(counts)
}

// UnmarshalJSON reads it. A kind of another version counts as read.
func (t *tally) UnmarshalJSON(text []byte) error {
	var counts map[string]uint32
	if err := json.Unmarshal(text, &counts); err != nil {
		return err
	}
	*t = tally{}
	for word, n := range counts {
		kind, cause, _ := strings.Cut(word, "/")
		t[kindIndex(bluelink.CallKind(kind))][causeIndex(vehicle.Cause(cause))] += n
	}
	return nil
}
