package bridge

import (
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/store"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// journalPrefix begins the keys of pages: journal/{vehicle}/{id in hexadecimal digits, since keys know no capitals}.
const journalPrefix = "journal/"

// targetPrefix begins the keys of the temperatures that are kept for the next climate-start, one a car.
const targetPrefix = "climate/"

// stage is how far a command has come, as far as a crash is concerned.
type stage string

// The stages. Between sending and sent, the command may have reached the cloud.
const (
	stageAccepted stage = "accepted"
	stageSending  stage = "sending"
	stageSent     stage = "sent"
	stageEnded    stage = "ended"
)

// page is what the journal keeps of a command. The payload is kept as it came: what it means is known wherever commands
// are read, and stays so from release to release.
type page struct {
	Vehicle  vehicle.ID     `json:"vehicle"`
	ID       string         `json:"id"`
	Given    bool           `json:"given,omitempty"` // by the sender; such ids are remembered for a day
	Topic    string         `json:"topic"`
	Payload  string         `json:"payload"`
	Cause    vehicle.Cause  `json:"cause"`
	Source   string         `json:"source,omitempty"`
	Accepted time.Time      `json:"accepted"`
	Expires  time.Time      `json:"expires"`
	Response *responseTopic `json:"response,omitempty"`

	Stage  stage            `json:"stage"`
	Step   int              `json:"step,omitempty"` // of its commands
	Sent   time.Time        `json:"sent,omitzero"`
	Action vehicle.ActionID `json:"action,omitempty"`
	Lost   vehicle.Reason   `json:"lost,omitempty"` // why the cloud's answer to it is not known
	Before *scenery         `json:"before,omitempty"`
	Record *vehicle.Record  `json:"record,omitempty"` // of one that has ended
	Untold bool             `json:"untold,omitempty"` // nobody may have heard of its end yet
}

// responseTopic is where the sender of an MQTT v5 request wants the answer.
type responseTopic struct {
	Topic       string `json:"topic"`
	Correlation []byte `json:"correlation,omitempty"`
}

// newPage begins the page of an order.
func newPage(o *order, r vehicle.Request) *page {
	p := &page{
		Vehicle: o.lane.id, ID: o.record.ID, Given: r.ID != "", Topic: r.Topic, Payload: string(r.Payload), Cause: o.cause, Source: r.Source,
		Accepted: o.record.AcceptedAt, Expires: o.expires, Stage: stageAccepted,
	}
	for _, a := range o.askers {
		if a.topic != "" {
			p.Response = &responseTopic{a.topic, a.correlation}
		}
	}
	return p
}

func (p *page) key() string {
	return journalPrefix + string(p.Vehicle) + "/" + hex.EncodeToString([]byte(p.ID))
}

// put is the change that writes the page as it is now.
func (p *page) put() store.Op {
	value, err := json.Marshal(p)
	if err != nil { // times beyond the year 9999
		value = nil // a page without content is a damaged one, which a restart drops
	}
	return store.PutOp(p.key(), value, store.AnyRevision)
}

// accept are the changes when an order is accepted. A temperature for later is as good as set with that.
func (p *page) accept(o *order) []store.Op {
	ops := []store.Op{p.put()}
	if c, ok := o.command.(vehicle.ClimateTarget); ok {
		if value, err := json.Marshal(c.Temperature); err == nil {
			ops = append(ops, store.PutOp(targetPrefix+string(p.Vehicle), value, store.AnyRevision))
		}
	}
	return ops
}

// mark is the change that notes how far an order has come; kept is false for one that is not kept, or has ended.
func (o *order) mark(at stage, step int, a *attempt) (op store.Op, kept bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.page == nil || o.over {
		return store.Op{}, false
	}
	p := o.page
	p.Stage, p.Step = at, step
	p.Sent, p.Action, p.Before, p.Lost = time.Time{}, "", nil, ""
	if a != nil {
		p.Sent, p.Action, p.Before = a.sent, a.id, &a.before
		if a.lost != nil {
			p.Lost = bluelink.Reason(a.lost)
		}
	}
	return p.put(), true
}

// ended is the page at the end: little more than the record.
func (p *page) ended(r vehicle.Record) *page {
	return &page{Vehicle: p.Vehicle, ID: p.ID, Given: p.Given, Cause: p.Cause, Accepted: p.Accepted, Expires: p.Expires, Stage: stageEnded, Record: &r}
}

// untold is the change at an end that is told when it is on disk.
func (p *page) untold(r vehicle.Record) store.Op {
	ended := p.ended(r)
	ended.Untold, ended.Response = true, p.Response
	return ended.put()
}

// close is the last change: the page stays while the sender's id is remembered.
func (p *page) close(r vehicle.Record) store.Op {
	if !p.Given {
		return store.DeleteOp(p.key(), store.AnyRevision)
	}
	return p.ended(r).put()
}
