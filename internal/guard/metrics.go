package guard

import (
	"cmp"
	"context"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
)

// Metrics measures operations and calls of all accounts.
type Metrics struct {
	registry   prometheus.Registerer
	operations *prometheus.HistogramVec
	inFlight   *prometheus.GaugeVec
	queued     *prometheus.GaugeVec
	waits      *prometheus.HistogramVec
	gaveUp     *prometheus.CounterVec
	changes    *prometheus.CounterVec
	calls      *prometheus.HistogramVec
	callsOpen  *prometheus.GaugeVec
}

// NewMetrics registers the package's metrics.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		registry: registry,
		operations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bluelink2mqtt_operation_seconds", Help: "How long operations took once they had their turn, by outcome.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 240},
		}, []string{"account", "operation", "outcome"}),
		inFlight: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "bluelink2mqtt_operations_in_flight", Help: "Operations that have their turn.",
		}, []string{"account", "operation"}),
		queued: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "bluelink2mqtt_bulkhead_waiting", Help: "Operations that wait for their turn.",
		}, []string{"account", "kind"}),
		waits: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bluelink2mqtt_bulkhead_wait_seconds", Help: "How long operations waited for their turn; those that did not wait are not counted.",
			Buckets: []float64{.001, .01, .1, 1, 10, 60},
		}, []string{"account", "kind"}),
		gaveUp: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bluelink2mqtt_bulkhead_refused_total", Help: "Operations that ended before they had their turn.",
		}, []string{"account", "kind"}),
		changes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bluelink2mqtt_breaker_changes_total", Help: "Changes of a circuit breaker, by the state it changed to.",
		}, []string{"account", "breaker", "state"}),
		calls: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bluelink2mqtt_call_seconds", Help: "How long single calls to a cloud took, by kind and outcome.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120},
		}, []string{"account", "kind", "outcome"}),
		callsOpen: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "bluelink2mqtt_calls_in_flight", Help: "Calls to a cloud that wait for their answer.",
		}, []string{"account", "kind"}),
	}
	registry.MustRegister(m.operations, m.inFlight, m.queued, m.waits, m.gaveUp, m.changes, m.calls, m.callsOpen)
	return m
}

func (m *Metrics) around(ctx context.Context, op Operation, do func(context.Context) error) error {
	open := m.inFlight.WithLabelValues(op.Account, op.Name)
	open.Inc()
	defer open.Dec()
	start := time.Now()
	err := do(ctx)
	m.operations.WithLabelValues(op.Account, op.Name, outcome(err)).Observe(time.Since(start).Seconds())
	return err
}

func (m *Metrics) waiting(op Operation) (leave func()) {
	gauge := m.queued.WithLabelValues(op.Account, string(op.Kind))
	gauge.Inc()
	return gauge.Dec
}

func (m *Metrics) waited(op Operation, took time.Duration, err error) {
	m.waits.WithLabelValues(op.Account, string(op.Kind)).Observe(took.Seconds())
	if err != nil {
		m.gaveUp.WithLabelValues(op.Account, string(op.Kind)).Inc()
	}
}

// breakerBuilt exports a breaker's state and remaining delay when they are asked for: the library's state reads open
// until the next operation asks, so the delay is what tells that a probe would pass.
func (m *Metrics) breakerBuilt(account, name string, b circuitbreaker.CircuitBreaker[any]) {
	labels := prometheus.Labels{"account": account, "breaker": name}
	m.registry.MustRegister(
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "bluelink2mqtt_breaker_state", Help: "State of a circuit breaker: 0 closed, 1 open, 2 half-open.", ConstLabels: labels,
		}, func() float64 { return float64(b.State()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "bluelink2mqtt_breaker_remaining_seconds", Help: "Until an open circuit breaker lets a probe through.", ConstLabels: labels,
		}, func() float64 { return b.RemainingDelay().Seconds() }),
	)
	for _, state := range []circuitbreaker.State{circuitbreaker.ClosedState, circuitbreaker.OpenState, circuitbreaker.HalfOpenState} {
		m.changes.WithLabelValues(account, name, breakerState(state))
	}
}

func (m *Metrics) breakerChanged(account, name string, to circuitbreaker.State) {
	m.changes.WithLabelValues(account, name, breakerState(to)).Inc()
}

func breakerState(s circuitbreaker.State) string {
	switch s {
	case circuitbreaker.ClosedState:
		return "closed"
	case circuitbreaker.OpenState:
		return "open"
	case circuitbreaker.HalfOpenState:
		return "half_open"
	}
	return "unknown"
}

// outcome is the label of an end: ok, or the reason that every front shows.
func outcome(err error) string { return cmp.Or(string(bluelink.Reason(err)), "ok") }
