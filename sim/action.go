package sim

import "time"

// action is a wake or command on its way to the car and back. A car has one at a time:
// that is its command channel.
type action struct {
	id, device string
	due        time.Time // wall time at which it ends
	finish     func(*car)
}

// record is what the cloud tells about a command.
type record struct {
	id, device string
	path       string // of the endpoint that took the command
	result     string // empty while pending
	at         time.Time
}

// Results of a command (docs/protocol/europe.md §7).
const (
	resultSuccess = "success"
	resultFail    = "fail"
	resultNone    = "non-response"
)

const recordsKept = 50

// reach checks whether the cloud would try the car at all. The caller holds v.mu.
func (v *car) reach() *refusal {
	switch {
	case v.action != nil:
		return &refusedDuplicate
	case v.body.battery12V < low12V && !v.body.unreliable12V && !v.body.driving() && !v.body.charging:
		return &refusedBattery
	}
	return nil
}

// wake sends a wake and returns; the report comes when the car is up. A car without
// signal is acknowledged just the same and stays silent.
func (v *car) wake(c *call, id string) *refusal {
	lost := c.acts(faultUnreachable)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(c.now)
	if refused := v.reach(); refused != nil {
		return refused
	}
	v.wakes++
	due := c.now.Add(v.answerTime(15*time.Second, 22*time.Second))
	v.action = &action{id: id, device: c.session.device, due: due, finish: func(v *car) {
		if v.silent || lost {
			return
		}
		v.wakeUp()
		v.event()
	}}
	return nil
}

// ask wakes the car and waits for its answer, which comes at once when soonAwake is set
// and the car is up already.
func (v *car) ask(c *call, soonAwake bool) (*report, *refusal) {
	v.mu.Lock()
	v.settle(c.now)
	if refused := v.reach(); refused != nil {
		v.mu.Unlock()
		return nil, refused
	}
	takes := v.answerTime(v.cloud.answerTakes[0], v.cloud.answerTakes[1])
	if soonAwake && !v.body.asleep() {
		takes = 0
	}
	silent := v.silent || c.acts(faultUnreachable)
	v.wakes++
	var answer *report
	a := &action{due: c.now.Add(takes), finish: func(v *car) {
		if silent {
			return
		}
		v.wakeUp()
		v.event()
		answer = v.report
	}}
	v.action = a
	v.mu.Unlock()

	// The car goes on even when the client does not wait for it.
	wait(c.r.Context(), takes)

	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(time.Now())
	switch {
	case silent:
		return nil, &refusedTimeout
	case answer == nil:
		return nil, &refusedBusy // the client went away; nobody reads this
	}
	return answer, nil
}

// command sends a command to the car and returns its id; the car carries it out a few
// seconds later, and its record says how that went.
func (v *car) command(c *call, do effect) (string, *refusal) {
	lost := c.acts(faultUnreachable)
	spoiled := ""
	if c.acts(faultAction) {
		spoiled = c.fault.arg
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(c.now)
	if refused := v.reach(); refused != nil {
		return "", refused
	}
	v.commands++
	id := freshUUID()
	if spoiled != "unrecorded" && !c.unlisted {
		v.records = append(v.records, record{id: id, device: c.session.device, path: c.path, at: c.now})
		if len(v.records) > recordsKept {
			v.records = append(v.records[:0], v.records[len(v.records)-recordsKept:]...)
		}
	}
	least, most := v.cloud.commandTakes[0], v.cloud.commandTakes[1]
	takes := least + time.Duration(v.chance("command", v.commands)*float64(most-least))
	if given := v.cloud.sim.options.LatencyCommand; given > 0 {
		takes = given
	}
	v.action = &action{id: id, device: c.session.device, due: c.now.Add(takes), finish: func(v *car) {
		switch {
		case v.silent, lost, spoiled == resultNone:
			v.conclude(id, resultNone)
			return
		case spoiled == resultFail:
			v.conclude(id, resultFail)
			return
		}
		v.wakeUp()
		done := do(v)
		v.decideCharging()
		if !v.cloud.discreet {
			v.event()
		}
		switch {
		case spoiled == "pending":
		case done:
			v.conclude(id, resultSuccess)
		default:
			v.conclude(id, resultFail)
		}
	}}
	return id, nil
}

// commandTakes is how long a car takes to carry out a command (docs/protocol/europe.md
// §11.3.9), where a region has no other figure.
var commandTakes = [2]time.Duration{3 * time.Second, 15 * time.Second}

// answerTakes is how long a forced read of the flat protocol waits for its car
// (docs/protocol/europe.md §9), where a region has no other figure.
var answerTakes = [2]time.Duration{4 * time.Second, 7 * time.Second}

// conclude writes down how a command went.
func (v *car) conclude(id, result string) {
	for i := range v.records {
		if v.records[i].id == id {
			v.records[i].result = result
		}
	}
}

// answerTime is the wall time until a car answers. Without --latency-force it differs
// from wake to wake, within the range that was measured (docs/protocol/europe.md §9).
// The caller holds v.mu.
func (v *car) answerTime(least, most time.Duration) time.Duration {
	if forced := v.cloud.sim.options.LatencyForce; forced > 0 {
		return forced
	}
	return least + time.Duration(v.chance("answer", v.wakes)*float64(most-least))
}
