package sim

import (
	"slices"
	"strings"
)

// order reads the body of a command and says what the car shall do: nil and false for
// a body that makes no sense. The effect reports false when the car refuses.
type order func(c *call) (effect, bool)

// effect changes the car when the command has reached it. It runs with v.mu held.
type effect func(v *car) bool

// audience says which cars understand a command; the others accept it and do nothing
// (docs/protocol/europe.md §11.3.8).
type audience int

const (
	forAll audience = iota
	forFlat
	forCCS2
)

func (a audience) understands(v *car) bool {
	return a == forAll || (a == forCCS2) == v.model.ccs2
}

// pinNeed says when a command wants the control token; otherwise either token will do.
type pinNeed int

const (
	pinNever pinNeed = iota
	pinOnV2
	pinAlways
)

// command is a command of a region: where it is sent, who understands it, and what its
// body may be.
type command struct {
	path     string
	versions string // of the API, separated by spaces
	who      audience
	pin      pinNeed
	read     order
	// keys are those that any client's form of the body has, with dots for those of
	// objects inside it; the cloud refuses others (assumed). A ! after a key makes it
	// mandatory.
	keys string
	// unlisted commands never appear among the records.
	unlisted bool
}

func (g *ccapi) commandEndpoint(row command) endpoint {
	return endpoint{pattern: "POST " + row.path, kind: kindCommand, live: true, handle: func(c *call) reply {
		if row.pin == pinAlways || row.pin == pinOnV2 && strings.HasPrefix(c.path, "/api/v2/") {
			if c.session.token.use != useControl {
				return disallowed() // assumed: what an access token gives here is unknown
			}
		}
		do, ok := row.read(c)
		if !ok || !c.onlyKeys(row.keys) {
			return refusedParameter.reply()
		}
		if !g.ownDevice(c) {
			return g.badDevice.reply()
		}
		if c.car.model.refuses == row.path {
			return refusedSupport.reply()
		}
		if !row.who.understands(c.car) {
			do = func(*car) bool { return true }
		}
		c.unlisted = row.unlisted
		id, refused := c.car.command(c, do)
		if refused != nil {
			return refused.reply()
		}
		return g.accept(id)
	}}
}

// onlyKeys tells whether the body is an object with no other keys than these and all
// that are mandatory; see command. An empty list is no body at all.
func (c *call) onlyKeys(known string) bool {
	if known == "" {
		return len(c.body) == 0
	}
	var body map[string]any
	return c.decode(&body) && body != nil && keysWithin(body, "", strings.Fields(known))
}

// keysWithin looks at the keys of an object whose own name is at, and below it where
// keys inside it are named.
func keysWithin(object map[string]any, at string, known []string) bool {
	for key, value := range object {
		name := at + key
		if !slices.Contains(known, name) && !slices.Contains(known, name+"!") {
			return false
		}
		inside := func(k string) bool { return strings.HasPrefix(k, name+".") }
		if slices.ContainsFunc(known, inside) && !objectsWithin(value, name+".", known) {
			return false
		}
	}
	for _, k := range known {
		key, mandatory := strings.CutSuffix(k, "!")
		key, here := strings.CutPrefix(key, at)
		if !mandatory || !here || strings.Contains(key, ".") {
			continue
		}
		if _, there := object[key]; !there {
			return false
		}
	}
	return true
}

// objectsWithin looks into an object, or into each of a list; null is none.
func objectsWithin(value any, at string, known []string) bool {
	switch value := value.(type) {
	case nil:
		return true
	case map[string]any:
		return keysWithin(value, at, known)
	case []any:
		return !slices.ContainsFunc(value, func(v any) bool {
			object, ok := v.(map[string]any)
			return !ok || !keysWithin(object, at, known)
		})
	}
	return false
}

// under puts a name in front of keys.
func under(name, keys string) string {
	fields := strings.Fields(keys)
	for i := range fields {
		fields[i] = name + "." + fields[i]
	}
	return strings.Join(fields, " ")
}

// ownDevice checks the device id that some bodies carry, once deviceId and once
// deviceID.
func (g *ccapi) ownDevice(c *call) bool {
	var body struct {
		ID *string `json:"deviceId"` // encoding/json matches names without regard to case
	}
	if len(c.body) > 0 && !c.decode(&body) {
		return false
	}
	return body.ID == nil || c.cloud.account.knowsDevice(*body.ID)
}

// records tells how far the commands of this device have come
// (docs/protocol/europe.md §7).
func (g *ccapi) records(c *call) reply {
	v := c.car
	if v == nil {
		return refusedNoData.reply()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(c.now)
	list := []map[string]any{}
	for i := len(v.records) - 1; i >= 0; i-- {
		r := v.records[i]
		if r.device != c.session.device {
			continue
		}
		var result any
		if r.result != "" {
			result = r.result
		}
		list = append(list, map[string]any{"recordId": r.id, "result": result, "time": r.at.UTC().Format(compactTime), "category": "control"})
	}
	return spaAnswer(marshal(list))
}
