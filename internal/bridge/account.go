package bridge

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// needsPerson tells whether nothing but a person's act helps an account in this state.
func needsPerson(s topic.AccountState) bool {
	switch s {
	case topic.AccountCodeRequired, topic.AccountConsentRequired, topic.AccountRefused, topic.AccountClientBlocked:
		return true
	case topic.AccountStarting, topic.AccountOnline, topic.AccountExpiring, topic.AccountCloudUnavailable,
		topic.AccountLimitReached, topic.AccountDisabled:
	}
	return false
}

// AccountStatus is how an account stands.
type AccountStatus struct {
	State   topic.AccountState
	Since   time.Time
	Message string // what a person can do; empty when all is well
	Cars    int
}

// account is one account at work.
type account struct {
	Account
	bridge *Bridge

	mu     sync.Mutex // guards what follows; held while a change is handed to the outbox
	status AccountStatus
	listed bool // the cloud has named its cars

	tried chan struct{} // closed when the cloud was asked for the first time
}

// observe learns from the end of any operation how the account stands.
func (a *account) observe(err error) {
	state, message := accountStateOf(err)
	if state == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.status.State == state {
		return
	}
	before := a.status.State
	a.status.State, a.status.Since, a.status.Message = state, time.Now().UTC(), message
	a.bridge.publishAccount(a.Name, a.status)
	if state == topic.AccountOnline {
		a.bridge.log.Info("account is online", "account", a.Name, "was", string(before))
		return
	}
	a.bridge.log.Warn("account is in trouble", "account", a.Name, "state", string(state), "was", string(before), "error", err, "hint", message)
}

// accountStateOf reads an account's state off the end of an operation; empty when the end says nothing about it.
func accountStateOf(err error) (topic.AccountState, string) {
	states := []struct {
		err   error
		state topic.AccountState
	}{
		{bluelink.ErrCredentials, topic.AccountRefused},
		{bluelink.ErrOTPRequired, topic.AccountCodeRequired},
		{bluelink.ErrConsentRequired, topic.AccountConsentRequired},
		{bluelink.ErrBlocked, topic.AccountClientBlocked},
		{bluelink.ErrRateLimited, topic.AccountLimitReached},
		{bluelink.ErrUnavailable, topic.AccountCloudUnavailable},
	}
	if err == nil {
		return topic.AccountOnline, ""
	}
	for _, s := range states {
		if errors.Is(err, s.err) {
			return s.state, bluelink.Hint(err)
		}
	}
	return "", ""
}

// run learns the account's cars, again and again until the cloud has told them, and gives each its lane.
func (a *account) run(ctx, ops context.Context) error {
	for attempt := 1; ; attempt++ {
		err := a.initialize(ops)
		a.observe(err)
		if attempt == 1 {
			close(a.tried)
		}
		if err == nil {
			return nil
		}
		if ctx.Err() != nil {
			return nil
		}
		wait := backoff(attempt)
		a.bridge.log.WarnContext(ctx, "cars of the account are not known yet", "account", a.Name, "again_in", wait.Round(time.Second).String(), "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

func (a *account) initialize(ctx context.Context) error {
	ctx = bluelink.WithTrace(ctx, bluelink.Trace{Account: a.Name, Cause: vehicle.ByStart})
	if err := a.Client.Initialize(ctx); err != nil {
		return err
	}
	for _, v := range a.Client.Vehicles() {
		if a.Wanted == nil || a.Wanted(v.VIN) {
			a.bridge.adopt(ctx, a, v, vehicle.State{})
		}
	}
	a.mu.Lock()
	a.listed = true
	a.mu.Unlock()
	return nil
}

func (a *account) snapshot() (status AccountStatus, listed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.status, a.listed
}

// backoff is the wait after the n-th failure in a row: 10 s, doubling, at most 30 min, jittered.
func backoff(n int) time.Duration {
	full := min(10*time.Second<<min(n-1, 10), 30*time.Minute)
	return time.Duration((0.75 + 0.5*rand.Float64()) * float64(full))
}
