package sim

import (
	"sync"
	"time"
)

// report is what a car told the cloud at one moment. It never changes; its wire forms
// are made when a client first asks and kept, as most reads find the same report again.
type report struct {
	car  *car
	body body
	at   time.Time // wall time

	flatOnce sync.Once
	flatForm []byte // the vehicleStatusInfo object
	ccs2Once sync.Once
	ccs2Form []byte // the Vehicle tree
}

// publish copies the car's truth to the cloud. The caller holds v.mu.
func (v *car) publish() {
	v.report = &report{car: v, body: v.body, at: v.cloud.sim.clock.wallTime(v.body.at)}
	v.reports++
}

// look brings the car up to now and returns what the cloud knows of it.
func (v *car) look(now time.Time) *report {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(now)
	return v.report
}

// flat is the report in the flat form.
func (r *report) flat() []byte {
	r.flatOnce.Do(func() { r.flatForm = r.renderFlat() })
	return r.flatForm
}

// ccs2 is the report as a CCS2 tree.
func (r *report) ccs2() []byte {
	r.ccs2Once.Do(func() { r.ccs2Form = r.renderCCS2() })
	return r.ccs2Form
}

// wall converts a moment of the car's life to the wall time that clients are told.
func (r *report) wall(t time.Time) time.Time { return r.car.cloud.sim.clock.wallTime(t) }

// Wire forms of times (docs/protocol/europe.md §5.3).

const compactTime = "20060102150405"

func berlinCompact(t time.Time) string { return t.In(berlin).Format(compactTime) }
func utcCompact(t time.Time) string    { return t.UTC().Format(compactTime) }
