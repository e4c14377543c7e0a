package guard

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// totals count since the start of the process, for metrics.
type totals struct {
	calls   [len(tallyKinds)][len(tallyCauses)]uint64
	wakes   [len(tallyCauses)]uint64
	refused map[refusal]uint64
}

// refusal is what the gate refused, and why.
type refusal struct {
	operation string
	cause     vehicle.Cause
	reason    vehicle.Reason
}

// refuse notes that the gate refused an operation. The lock is held.
func (t *totals) refuse(operation string, cause vehicle.Cause, reason vehicle.Reason) {
	if t.refused == nil {
		t.refused = map[refusal]uint64{}
	}
	t.refused[refusal{operation, tallyCauses[causeIndex(cause)], reason}]++
}

// Ledgers exports the ledgers of all accounts, as they are when they are asked.
type Ledgers struct {
	ledgers []*Ledger
	logins  []*Logins
}

// Add exports a ledger, and the login guard of the same account, too. All are added before the first scrape.
func (c *Ledgers) Add(l *Ledger, g *Logins) {
	c.ledgers, c.logins = append(c.ledgers, l), append(c.logins, g)
}

var _ prometheus.Collector = (*Ledgers)(nil)

var (
	ledgerCallsDesc   = prometheus.NewDesc("bluelink2mqtt_ledger_calls_total", "Calls that left, by kind and cause.", []string{"account", "kind", "cause"}, nil)
	ledgerWakesDesc   = prometheus.NewDesc("bluelink2mqtt_ledger_wakes_total", "Operations that woke a car, by cause.", []string{"account", "cause"}, nil)
	ledgerRefusedDesc = prometheus.NewDesc("bluelink2mqtt_ledger_refused_total", "Operations that the gate refused, by their kind, cause and the reason.", []string{"account", "operation", "cause", "reason"}, nil)
	ledgerUsedDesc    = prometheus.NewDesc("bluelink2mqtt_ledger_calls_today", "Calls of today that the cloud counts.", []string{"account"}, nil)
	ledgerLimitDesc   = prometheus.NewDesc("bluelink2mqtt_ledger_limit", "Calls that the account may make today; 0 without a limit.", []string{"account"}, nil)
	ledgerResetDesc   = prometheus.NewDesc("bluelink2mqtt_ledger_limited_until_seconds", "When the cloud's limit is reset after too many requests, in Unix time; 0 when there were not.", []string{"account"}, nil)
	loginsDesc        = prometheus.NewDesc("bluelink2mqtt_logins_today", "Sign-ins, renewals, device registrations and code requests within 24 hours.", []string{"account", "kind"}, nil)
)

// Describe names the series.
func (c *Ledgers) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{ledgerCallsDesc, ledgerWakesDesc, ledgerRefusedDesc, ledgerUsedDesc, ledgerLimitDesc, ledgerResetDesc, loginsDesc} {
		ch <- d
	}
}

// Collect reads the ledgers.
func (c *Ledgers) Collect(ch chan<- prometheus.Metric) {
	for i, l := range c.ledgers {
		l.collect(ch)
		for act, n := range c.logins[i].Today() {
			ch <- prometheus.MustNewConstMetric(loginsDesc, prometheus.GaugeValue, float64(n), l.Account, act)
		}
	}
}

func (l *Ledger) collect(ch chan<- prometheus.Metric) {
	counter := func(d *prometheus.Desc, n uint64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(n), append([]string{l.Account}, labels...)...)
	}
	gauge := func(d *prometheus.Desc, n float64) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, n, l.Account)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.roll(now)
	for kind := range l.totals.calls {
		for cause, n := range l.totals.calls[kind] {
			if n > 0 {
				counter(ledgerCallsDesc, n, string(tallyKinds[kind]), string(tallyCauses[cause]))
			}
		}
	}
	for cause, n := range l.totals.wakes {
		if n > 0 {
			counter(ledgerWakesDesc, n, string(tallyCauses[cause]))
		}
	}
	for r, n := range l.totals.refused {
		counter(ledgerRefusedDesc, n, r.operation, string(r.cause), string(r.reason))
	}
	a := l.account(now)
	gauge(ledgerUsedDesc, float64(a.Used))
	gauge(ledgerLimitDesc, float64(a.Limit))
	until := 0.0
	if !a.LimitedUntil.IsZero() {
		until = float64(a.LimitedUntil.Unix())
	}
	gauge(ledgerResetDesc, until)
}
