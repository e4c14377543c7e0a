package app

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/guard"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// bookWithin bounds what is read and written of an account's books at the start and at the end.
const bookWithin = 30 * time.Second

// care keeps the books of one account, and tells the bridge what they say.
type care struct {
	rules  guard.Rules
	ledger *guard.Ledger
	logins *guard.Logins
	ahead  prometheus.Gauge // the cloud's clock

	news chan struct{} // holds a token when a breaker has changed its state

	mu       sync.Mutex // guards what follows
	expiring time.Time
	why      error
	breakers map[string]string // states by name
}

var _ bridge.Books = (*care)(nil)

// openCare reads the books of an account, which Close settles.
func (a *App) openCare(st store.Store, account bluelink.Account, key string, shared *guard.Ledgers, ahead *prometheus.GaugeVec) (*care, error) {
	c := &care{
		rules: rulesOf(account, a.config.Limits), ahead: ahead.WithLabelValues(account.Name), news: make(chan struct{}, 1),
		breakers: map[string]string{guard.BreakerReads: guard.BreakerClosed, guard.BreakerCommands: guard.BreakerClosed},
	}
	ctx, cancel := context.WithTimeout(context.Background(), bookWithin)
	defer cancel()
	log := a.log
	var err error
	c.ledger, err = guard.OpenLedger(ctx, guard.LedgerOptions{
		Account: account.Name, Key: "account/" + key + "/ledger", Store: st, Zone: c.rules.Zone, Limit: c.rules.Limit(), Log: log,
	})
	if err != nil {
		return nil, err
	}
	c.logins, err = guard.OpenLogins(ctx, guard.LoginOptions{
		Account: account.Name, Key: "account/" + key + "/logins", Store: st, Log: log, Loose: !c.rules.Enabled, Forgetful: a.forgets(),
	})
	if err != nil {
		return nil, err
	}
	shared.Add(c.ledger, c.logins)
	a.clean.add("settle the ledger of account "+account.Name, func() error {
		ctx, cancel := context.WithTimeout(context.Background(), bookWithin)
		defer cancel()
		return c.ledger.Settle(ctx)
	})
	return c, nil
}

// forgets tells that what is stored does not outlive the program or its container.
func (a *App) forgets() bool {
	return a.options.Forgetful || a.storeDir != "" && !store.Lasts(a.storeDir, store.Here())
}

// hook books and guards each call, and measures it.
func (c *care) hook(metrics *guard.Metrics) bluelink.Hook {
	// A call that the guard of sign-ins refuses is not booked.
	return guard.Hooks{c.logins, c.ledger, metrics.CallHook()}
}

// watcher learns what no error tells.
func (c *care) watcher() bluelink.Watcher {
	return bluelink.Watcher{
		Expiring: func(until time.Time, why error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.expiring, c.why = until, why
		},
		Skew: func(ahead time.Duration) { c.ahead.Set(ahead.Seconds()) },
	}
}

// breakerChanged learns the new state of a breaker.
func (c *care) breakerChanged(breaker, state string) {
	c.mu.Lock()
	c.breakers[breaker] = state
	c.mu.Unlock()
	select {
	case c.news <- struct{}{}:
	default: // told already
	}
}

// Account tells what the account has used up.
func (c *care) Account() bridge.AccountBook {
	used := c.ledger.Today()
	c.mu.Lock()
	defer c.mu.Unlock()
	return bridge.AccountBook{
		Used: used.Used, Limit: used.Limit, Reserve: c.rules.Reserve, Reset: used.Reset, Wakes: used.Wakes, Limited: used.LimitedUntil, SignIn: c.logins.Next(),
		Expiring: c.expiring, Why: c.why, Reads: c.breakers[guard.BreakerReads], Commands: c.breakers[guard.BreakerCommands],
	}
}

// Car tells what was asked of a car.
func (c *care) Car(id vehicle.ID) topic.Used {
	used := c.ledger.Car(id)
	return topic.Used{Calls: used.Calls, Wakes: used.Wakes(), LastWake: used.LastWake, Cause: used.LastCause}
}

// rulesOf are the gate's rules for an account: its region's numbers, and what the configuration says.
func rulesOf(account bluelink.Account, limits config.Limits) guard.Rules {
	r := guard.DefaultRules(account.Region, account.Brand)
	r.Enabled, r.Reserve = limits.Enabled, limits.Reserve
	if limits.CallsPerDay > 0 {
		r.Calls = limits.CallsPerDay
	}
	wakes, automatic := limits.Wakes, limits.Wakes.Automatic
	r.UserWakes, r.UserSpacing = wakes.PerDay, wakes.Spacing
	r.AutomaticWakes = guard.AutomaticRules{
		PerDay: automatic.PerDay, Spacing: automatic.Spacing, QuietFrom: automatic.QuietFrom, QuietTo: automatic.QuietTo,
		Min12V: float64(automatic.Min12V), MaxParked: automatic.MaxParked,
	}
	return r
}

// careMetrics are the metrics of all accounts' books.
func (a *App) careMetrics() (*guard.Ledgers, *prometheus.GaugeVec, error) {
	books := &guard.Ledgers{}
	ahead := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "bluelink2mqtt_cloud_clock_ahead_seconds", Help: "How far the cloud's clock is ahead of this machine's; requests carry the cloud's.",
	}, []string{"account"})
	for _, c := range []prometheus.Collector{books, ahead} {
		if err := a.registry.Register(c); err != nil {
			return nil, nil, fmt.Errorf("register metrics: %w", err)
		}
	}
	return books, ahead, nil
}
