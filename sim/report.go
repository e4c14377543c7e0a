package sim

import (
	"encoding/json"
	"sync"
	"time"
)

// report is what a car told the cloud at one moment. It never changes; its wire forms
// are made when a client first asks and kept, as most reads find the same report again.
type report struct {
	car   *car
	body  body
	at    time.Time // wall time
	first bool      // the car has not reported before

	flatOnce sync.Once
	flatForm []byte // the vehicleStatusInfo object
	ccs2Once sync.Once
	ccs2Form []byte // the Vehicle tree
}

// publish copies the car's truth to the cloud. The caller holds v.mu.
func (v *car) publish() {
	r := &report{car: v, body: v.body, at: v.cloud.sim.clock.wallTime(v.body.at), first: v.report == nil}
	if r.first && v.replay != nil {
		if recorded := v.replay.recordedAt(); !recorded.IsZero() {
			r.at = recorded
		}
	}
	v.report = r
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
	r.flatOnce.Do(func() {
		if r.car.replay != nil {
			r.flatForm = r.recording()
		} else {
			r.flatForm = r.renderFlat()
		}
	})
	return r.flatForm
}

// ccs2 is the report as a CCS2 tree.
func (r *report) ccs2() []byte {
	r.ccs2Once.Do(func() {
		if r.car.replay != nil {
			r.ccs2Form = r.recording()
		} else {
			r.ccs2Form = r.renderCCS2()
		}
	})
	return r.ccs2Form
}

// recording is what a replayed car says: at first word for word, later at a new time.
func (r *report) recording() []byte {
	if r.first {
		return r.car.replay.render(time.Time{})
	}
	return r.car.replay.render(r.at)
}

// status is the vehicleStatus object by itself, as a forced read of the flat protocol
// returns it.
func (r *report) status() []byte {
	if r.car.replay == nil {
		return r.flatStatus()
	}
	var info struct {
		Status json.RawMessage `json:"vehicleStatus"`
	}
	if err := json.Unmarshal(r.flat(), &info); err != nil {
		panic("sim: read back a recording: " + err.Error()) // it was written by marshal
	}
	return info.Status
}

// wall converts a moment of the car's life to the wall time that clients are told.
func (r *report) wall(t time.Time) time.Time { return r.car.cloud.sim.clock.wallTime(t) }

// Wire forms of times (docs/protocol/europe.md §5.3).

const compactTime = "20060102150405"

func berlinCompact(t time.Time) string { return t.In(berlin).Format(compactTime) }
func utcCompact(t time.Time) string    { return t.UTC().Format(compactTime) }
