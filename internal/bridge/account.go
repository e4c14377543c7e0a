package bridge

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// AccountStatus is how an account stands.
type AccountStatus struct {
	State   topic.AccountState
	Since   time.Time
	Until   time.Time // of an expiring one; zero otherwise
	Message string    // what a person can do; empty when all is well
	Cars    int
}

// describe is a sentence for people.
func (s AccountStatus) describe(name string) string {
	return strings.TrimSuffix("account "+name+" is "+string(s.State)+"; "+s.Message, "; ")
}

// needsPerson tells whether nothing but a person's act helps an account in this state.
func needsPerson(s topic.AccountState) bool {
	switch s {
	case topic.AccountCodeRequired, topic.AccountConsentRequired, topic.AccountRefused, topic.AccountClientBlocked,
		topic.AccountDisabled:
		return true
	case topic.AccountStarting, topic.AccountOnline, topic.AccountExpiring, topic.AccountCloudUnavailable,
		topic.AccountLimitReached:
	}
	return false
}

// reasonOf is why a command for a car is refused that an account in this state could not name yet.
func reasonOf(s topic.AccountState) vehicle.Reason {
	switch {
	case s == topic.AccountCodeRequired:
		return vehicle.CodeRequired
	case needsPerson(s):
		return vehicle.LoginRequired
	}
	return vehicle.CloudUnavailable
}

// account is one account at work.
type account struct {
	Account
	bridge *Bridge

	tried chan struct{} // closed when the cloud was asked for the first time
	again chan struct{} // holds a token when the cloud shall be asked without waiting

	retries chan struct{}  // holds a token when a person asks to sign in once more
	orders  chan codeOrder // what persons tell about one-time codes

	mu      sync.Mutex              // guards what follows; held while a change is handed to the outbox
	status  AccountStatus           // by what the last operation told
	state   topic.AccountState      // published last
	until   time.Time               // published last
	since   time.Time               // of that state
	told    []byte                  // published last
	listed  bool                    // the cloud has named its cars
	failing map[vehicle.ID]struct{} // cars for which the cloud failed since it last served any
	cost    float64                 // of a read of our own, in calls, as seen lately

	codeRequired bool   // published last
	codeSaid     []byte // published last
	codeError    error  // how what was told about a code ended last
}

func newAccount(b *Bridge, a Account) *account {
	return &account{
		Account: a, bridge: b, status: AccountStatus{State: topic.AccountStarting, Since: time.Now().UTC()},
		tried: make(chan struct{}), again: make(chan struct{}, 1), retries: make(chan struct{}, 1), orders: make(chan codeOrder, maxCodeOrders), failing: map[vehicle.ID]struct{}{}, cost: 1,
	}
}

// observe learns from the end of any operation how the account stands; id is empty when it was about no single car.
func (a *account) observe(id vehicle.ID, err error) {
	state := accountStateOf(err)
	if state == "" {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if state == topic.AccountLimitReached && a.Books != nil && time.Now().Before(a.Books.Account().Limited) {
		a.tell(time.Now(), onChange) // the books say so, and when it is over
		return
	}
	switch state {
	case topic.AccountCloudUnavailable, topic.AccountLimitReached, topic.AccountClientBlocked:
		if !a.widespread(id) {
			return
		}
	case topic.AccountOnline, topic.AccountExpiring, topic.AccountCodeRequired, topic.AccountConsentRequired, topic.AccountRefused,
		topic.AccountStarting, topic.AccountDisabled:
		clear(a.failing)
	}
	if a.status.State == state {
		a.tell(time.Now(), onChange)
		return
	}
	before := a.status.State
	a.status.State, a.status.Since, a.status.Message = state, time.Now().UTC(), bluelink.Hint(err)
	a.tell(time.Now(), onNews)
	if state == topic.AccountOnline {
		a.bridge.log.Info("account is online", "account", a.Name, "was", string(before))
		return
	}
	a.bridge.log.Warn("account is in trouble", "account", a.Name, "state", string(state), "was", string(before), "error", err, "hint", a.status.Message)
}

// widespread tells whether it is the cloud that fails or refuses. It may do so for a single car among several, for ever,
// because that was sold or its subscription has ended, which must not make the account look ill.
func (a *account) widespread(id vehicle.ID) bool {
	a.failing[id] = struct{}{}
	return id == "" || len(a.failing) > 1 || a.status.Cars <= 1
}

// accountStateOf reads an account's state off the end of an operation; empty when the end says nothing about it.
func accountStateOf(err error) topic.AccountState {
	if err == nil {
		return topic.AccountOnline
	}
	for _, s := range []struct {
		err   error
		state topic.AccountState
	}{
		{context.Canceled, ""},        // the caller went away
		{bluelink.ErrBreakerOpen, ""}, // what opened it has spoken for itself
		{bluelink.ErrCredentials, topic.AccountRefused},
		{bluelink.ErrOTPRequired, topic.AccountCodeRequired},
		{bluelink.ErrOTP, topic.AccountCodeRequired},
		{bluelink.ErrConsentRequired, topic.AccountConsentRequired},
		{bluelink.ErrBlocked, topic.AccountClientBlocked},
		{bluelink.ErrClientRefused, topic.AccountClientBlocked},
		{bluelink.ErrSignedOut, topic.AccountDisabled},
		{bluelink.ErrRateLimited, topic.AccountLimitReached},
		{bluelink.ErrVehicleUnreachable, topic.AccountOnline}, // the cloud said so
		{bluelink.ErrBusy, topic.AccountOnline},
		{bluelink.ErrUnavailable, topic.AccountCloudUnavailable},
		{bluelink.ErrBadResponse, topic.AccountCloudUnavailable},
		{bluelink.ErrSessionExpired, topic.AccountCloudUnavailable}, // right after it was to be renewed
		{bluelink.ErrDevice, topic.AccountCloudUnavailable},
		{context.DeadlineExceeded, topic.AccountCloudUnavailable},
	} {
		if errors.Is(err, s.err) {
			return s.state
		}
	}
	return ""
}

// listEvery is how often the cars of an account that is read by itself are looked up once they are known: cars are bought and
// sold. The second list that lacks one is the last.
const listEvery = goneAfter + time.Hour

// run learns the account's cars, and then each day whether they are still the same.
func (a *account) run(ctx, ops context.Context) {
	a.find(ctx, ops)
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Duration((1 + rand.Float64()/20) * float64(listEvery))):
		}
		if pace := a.bridge.pace.Load(); pace.Interval == 0 || time.Now().Before(pace.Vacation) || a.barred() {
			continue
		}
		var err error
		if fault := a.bridge.contain(ctx, "account", func() { err = a.initialize(ops, vehicle.ByTimer) }); fault != nil {
			err = fault
		}
		if err != nil && ctx.Err() == nil { // the reads of its cars tell how it stands
			a.bridge.log.Debug("the account's cars could not be looked up; tomorrow they are again", "account", a.Name, "error", err)
		}
	}
}

// find asks for the account's cars, again and again until the cloud has told them, and gives each its lane.
func (a *account) find(ctx, ops context.Context) {
	var said vehicle.Reason
	for attempt := 1; ; attempt++ {
		var err error
		if fault := a.bridge.contain(ctx, "account", func() { err = a.initialize(ops, vehicle.ByStart) }); fault != nil {
			err = fault
		}
		stopping := ctx.Err() != nil
		if err == nil || !stopping {
			a.observe("", err)
		}
		if attempt == 1 {
			close(a.tried)
		}
		if err == nil || stopping {
			return
		}
		wait, level := untilNext(attempt, err), slog.LevelDebug
		if reason := bluelink.Reason(err); reason != said { // an outage is a line, not a flood
			level, said = slog.LevelWarn, reason
		}
		a.bridge.log.Log(ctx, level, "cars of the account are not known yet", "account", a.Name, "again_in", wait.Round(time.Second).String(), "error", err)
		select {
		case <-ctx.Done():
			return
		case <-a.again:
		case <-time.After(wait):
		}
	}
}

func (a *account) initialize(ctx context.Context, cause vehicle.Cause) error {
	ctx = bluelink.WithTrace(ctx, bluelink.Trace{Account: a.Name, Cause: cause})
	if err := a.Client.Initialize(ctx); err != nil {
		return err
	}
	list := a.Client.Vehicles()
	for _, v := range list {
		if a.wants(v) {
			a.bridge.adopt(a, v, saved{})
		}
	}
	a.mu.Lock()
	a.listed = true
	a.mu.Unlock()
	a.bridge.miss(a, list)
	a.bridge.herald.wake() // now it can be told which cars are gone
	return nil
}

func (a *account) wants(v vehicle.Vehicle) bool { return a.Wanted == nil || a.Wanted(v.VIN) }

// hurry makes the account ask its cloud for its cars now, when they are not known yet.
func (a *account) hurry() {
	select {
	case a.again <- struct{}{}:
	default:
	}
}

func (a *account) found() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status.Cars++
}

func (a *account) lost(id vehicle.ID) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status.Cars--
	delete(a.failing, id)
}

func (a *account) snapshot() (status AccountStatus, listed bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.stand(time.Now()).status, a.listed
}

// untilNext is the wait before the cloud is asked for the cars again after the n-th failure in a row: the backoff, or what
// the failure itself says. Where nothing was sent, that is when our own refusal ends.
func untilNext(n int, err error) time.Duration {
	wait, after := backoff(n), bluelink.RetryAfter(err)
	if e := (*bluelink.Error)(nil); after > 0 && errors.As(err, &e) && !e.Left {
		return after + wait/20
	}
	return max(wait, min(after, time.Hour))
}

// backoff is the wait after the n-th failure in a row: 10 s, doubling, at most 30 min, jittered.
func backoff(n int) time.Duration {
	full := min(10*time.Second<<min(n-1, 10), 30*time.Minute)
	return time.Duration((0.75 + 0.5*rand.Float64()) * float64(full))
}
