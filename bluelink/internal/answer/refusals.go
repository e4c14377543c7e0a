package answer

import (
	"errors"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// How long a session is not renewed for a call that was refused with a new one too, at first and at most. It doubles.
const (
	firstPause = 30 * time.Minute
	mostPause  = 6 * time.Hour
)

// Refusals remembers the calls, by operation and car, that the cloud refused with a session that it had just given. What ails
// them is not the session, although the cloud says so. Were it renewed at each of them, one car would use up the account's
// renewals, which some clouds make by signing in, and so take the others along. The zero value is ready.
type Refusals struct {
	mu    sync.Mutex
	calls map[refusedCall]pause
}

type refusedCall struct {
	op  string
	car vehicle.ID
}

type pause struct {
	length time.Duration
	until  time.Time
}

// Blame tells whether the refusal of a call may be the session's fault, so that another is to be asked for.
func (r *Refusals) Blame(call bluelink.Call) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return !time.Now().Before(r.calls[refusedCall{call.Op, call.Vehicle}].until)
}

// Learn notes how a call ended: with a new session, or with any when it was not refused.
func (r *Refusals) Learn(call bluelink.Call, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := refusedCall{call.Op, call.Vehicle}
	if !errors.Is(err, bluelink.ErrSessionExpired) {
		delete(r.calls, key)
		return
	}
	if r.calls == nil {
		r.calls = map[refusedCall]pause{}
	}
	length := min(max(firstPause, 2*r.calls[key].length), mostPause)
	r.calls[key] = pause{length, time.Now().Add(length)}
}

// Despite is [Despite], and says how long it is of no use to try again: whoever does comes too early to have the session
// renewed.
func (r *Refusals) Despite(call bluelink.Call, err error) error {
	err = Despite(err)
	e := (*bluelink.Error)(nil)
	if !errors.Is(err, bluelink.ErrSessionExpired) || !errors.As(err, &e) {
		return err
	}
	r.mu.Lock()
	left := time.Until(r.calls[refusedCall{call.Op, call.Vehicle}].until)
	r.mu.Unlock()
	patient := *e
	patient.RetryAfter = max(e.RetryAfter, left)
	return &patient
}
