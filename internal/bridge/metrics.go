package bridge

import (
	"cmp"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Metrics measures the way of commands through the bridge.
type Metrics struct {
	registry prometheus.Registerer
	lag      prometheus.Histogram
	dropped  prometheus.Counter
	strays   prometheus.Counter
	queued   prometheus.Gauge
	merged   prometheus.Counter
	stuck    prometheus.Counter
	faults   *prometheus.CounterVec
	records  *prometheus.CounterVec
	refresh  *prometheus.HistogramVec

	wire         prometheus.Histogram
	journalWrite prometheus.Histogram
}

// NewMetrics registers the package's metrics.
func NewMetrics(registry prometheus.Registerer) *Metrics {
	m := &Metrics{
		registry: registry,
		lag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "bluelink2mqtt_receive_lag_seconds", Help: "From the receipt of a message until it is decoded: whether the loop responds.",
			Buckets: []float64{.00001, .0001, .001, .01, .1, 1, 10},
		}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bluelink2mqtt_receive_dropped_total", Help: "Messages that came in faster than they could be decoded and were turned away.",
		}),
		strays: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bluelink2mqtt_receive_strays_total", Help: "Messages on topics that are no commands.",
		}),
		queued: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "bluelink2mqtt_queue_depth", Help: "Operations that wait in the lanes of their cars.",
		}),
		merged: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bluelink2mqtt_refreshes_merged_total", Help: "Refreshes that shared the result of an equal one.",
		}),
		stuck: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "bluelink2mqtt_lanes_stuck_total", Help: "Lanes that were found stuck.",
		}),
		faults: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bluelink2mqtt_faults_total", Help: "Faults of this program that were contained (panics), by the part that hit them.",
		}, []string{"part"}),
		records: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "bluelink2mqtt_commands_total", Help: "Commands by their terminal state and reason; none for no reason.",
		}, []string{"command", "state", "reason"}),
		refresh: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "bluelink2mqtt_refresh_seconds", Help: "How long refreshes took from leaving the lane's line, by mode and outcome.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 240},
		}, []string{"mode", "outcome"}),
		wire: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "bluelink2mqtt_command_wire_seconds", Help: "From the receipt of a command until it is given to the cloud's client, its wait in line included.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1, 5, 15, 60, 120},
		}),
		journalWrite: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "bluelink2mqtt_journal_write_seconds", Help: "How long the journal of commands waited for the disk, all that had queued together.",
			Buckets: []float64{.0001, .0005, .001, .0025, .005, .01, .025, .05, .1, .5, 1, 10},
		}),
	}
	registry.MustRegister(m.wire, m.journalWrite, m.lag, m.dropped, m.strays, m.queued, m.merged, m.stuck, m.faults, m.records, m.refresh)
	return m
}

func (m *Metrics) refreshed(mode vehicle.RefreshMode, err error, took time.Duration) {
	outcome := cmp.Or(string(bluelink.Reason(err)), "ok")
	m.refresh.WithLabelValues(string(mode), outcome).Observe(took.Seconds())
}

func (m *Metrics) ended(r vehicle.Record) {
	m.records.WithLabelValues(commandLabel(r.Command), string(r.State), cmp.Or(string(r.Reason), "none")).Inc()
}

// commandLabel keeps strangers' words out of the labels.
func commandLabel(command string) string {
	for _, spec := range vehicle.Commands() {
		if spec.Name == command || spec.Topic == command {
			return command
		}
	}
	return "unknown"
}

// watch exports what the lanes show when they are asked.
func (m *Metrics) watch(b *Bridge) { m.registry.MustRegister(laneCollector{b}) }

// laneCollector reads the lanes at the time of a scrape, so that the series of a removed car go with it.
type laneCollector struct{ bridge *Bridge }

var (
	lanesDesc   = prometheus.NewDesc("bluelink2mqtt_vehicles", "Cars that have a lane.", nil, nil)
	busyDesc    = prometheus.NewDesc("bluelink2mqtt_lanes_busy", "Lanes with an operation in flight.", nil, nil)
	oldestDesc  = prometheus.NewDesc("bluelink2mqtt_lane_oldest_seconds", "Age of the oldest operation in flight.", nil, nil)
	journalDesc = prometheus.NewDesc("bluelink2mqtt_journal_commands", "Commands in the journal that have not ended.", nil, nil)
	inboxDesc   = prometheus.NewDesc("bluelink2mqtt_receive_queue_depth", "Messages that wait to be decoded.", nil, nil)
	ageDesc     = prometheus.NewDesc("bluelink2mqtt_report_age_seconds", "Age of the car's last report, by its own clock.", []string{"vehicle"}, nil)
	stateDesc   = prometheus.NewDesc("bluelink2mqtt_account_state", "1 for the state in which an account is.", []string{"account", "state"}, nil)
)

// Describe names the series.
func (laneCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{lanesDesc, busyDesc, oldestDesc, inboxDesc, journalDesc, ageDesc, stateDesc} {
		ch <- d
	}
}

// Collect reads the lanes.
func (c laneCollector) Collect(ch chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	now, busy, oldest := time.Now(), 0, 0.0
	all := c.bridge.lanes.all()
	for _, l := range all {
		if load := l.load(); load.flying {
			busy++
			oldest = max(oldest, now.Sub(load.since).Seconds())
		}
		if reported := l.shelf.car().State.ReportedAt(); !reported.IsZero() {
			gauge(ageDesc, now.Sub(reported).Seconds(), l.name)
		}
	}
	gauge(lanesDesc, float64(len(all)))
	gauge(busyDesc, float64(busy))
	gauge(oldestDesc, oldest)
	gauge(inboxDesc, float64(len(c.bridge.inbox)))
	gauge(journalDesc, float64(c.bridge.journal.size()))
	for name, status := range c.bridge.AccountStates() {
		gauge(stateDesc, 1, name, string(status.State))
	}
}
