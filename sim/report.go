package sim

import (
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
	flatForm []byte // the message of a cached read of the flat form
	ccs2Once sync.Once
	ccs2Form []byte // the Vehicle tree
}

// publish copies the car's truth to the cloud. The caller holds v.mu.
func (v *car) publish() {
	r := &report{car: v, body: v.body, at: v.cloud.sim.clock.wallTime(v.body.at), first: v.report == nil}
	if r.first && v.replay != nil {
		if recorded := v.replay.recordedAt(v.cloud.wireZone()); !recorded.IsZero() {
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

// flat is the message of a cached read of the flat form.
func (r *report) flat() []byte {
	r.flatOnce.Do(func() {
		switch {
		case r.car.cloud.render != nil && r.car.replay != nil:
			r.flatForm = marshal(r.recording())
		case r.car.cloud.render != nil:
			r.flatForm = r.car.cloud.render(r)
		case r.car.replay != nil:
			r.flatForm = r.car.cloud.ccapi.wrapRecording(r.recording())
		default:
			r.flatForm = r.renderFlat()
		}
	})
	return r.flatForm
}

// ccs2 is the report as a CCS2 tree.
func (r *report) ccs2() []byte {
	r.ccs2Once.Do(func() {
		if r.car.replay != nil {
			r.ccs2Form = marshal(r.recording())
		} else {
			r.ccs2Form = r.renderCCS2()
		}
	})
	return r.ccs2Form
}

// recording is what a replayed car says: at first word for word, later at a new time.
func (r *report) recording() map[string]any {
	if r.first {
		return r.car.replay.render(time.Time{}, nil)
	}
	return r.car.replay.render(r.at, r.car.cloud.wireZone())
}

// answer is the message of a forced read: the status by itself, or where it stands in
// China.
func (r *report) answer() []byte {
	status := []byte(nil)
	if r.car.replay == nil {
		status = r.flatStatus()
	} else {
		status = marshal(r.recording()["vehicleStatus"])
	}
	if r.car.cloud.ccapi.root == rootStatus {
		return join(`{"status":`, status, `}`)
	}
	return status
}

// wall converts a moment of the car's life to the wall time that clients are told.
func (r *report) wall(t time.Time) time.Time { return r.car.cloud.sim.clock.wallTime(t) }

// Wire forms of times (docs/protocol/europe.md §5.3).

const compactTime = "20060102150405"

func localCompact(t time.Time, zone *time.Location) string { return t.In(zone).Format(compactTime) }
func utcCompact(t time.Time) string                        { return t.UTC().Format(compactTime) }
