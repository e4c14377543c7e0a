package sim

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"strconv"
)

// mischief is how one region's cloud expresses the faults of the second group.
type mischief interface {
	// fits reports whether a fault can happen at an endpoint of this cloud.
	fits(c *call, f *fault) bool
	// answer gives the cloud's answer; false leaves it to the endpoint itself, which
	// looks with call.acts.
	answer(c *call, f *fault) (reply, bool)
}

// fits reports whether a fault can happen to the call.
func (c *call) fits(f *fault) bool {
	switch f.kind {
	case faultSlow, faultSilent, faultDrip, faultReset, faultStatus, faultHTML, faultEmpty, faultTruncated, faultWrongTypes:
		return true
	default:
		return c.mischief != nil && c.mischief.fits(c, f)
	}
}

// acts reports whether the endpoint has to act out this fault.
func (c *call) acts(k faultKind) bool { return c.fault != nil && c.fault.kind == k }

// answer carries the call out, or lets it fail.
func (c *call) answer(ctx context.Context, w http.ResponseWriter) {
	slow, f := c.sim.faults.strike(c)
	if slow != nil && !wait(ctx, slow.duration()) {
		panic(http.ErrAbortHandler)
	}
	if f == nil {
		c.handle(c).write(w)
		return
	}
	c.fault = f
	switch f.kind {
	case faultSilent, faultReset:
		if f.arg == "after" {
			c.handle(c)
		}
		if f.kind == faultSilent {
			<-ctx.Done()
			panic(http.ErrAbortHandler)
		}
		cutConnection(w)
	case faultDrip:
		c.drip(ctx, w, c.handle(c))
	case faultStatus:
		status, _ := strconv.Atoi(f.arg) // validated when it was switched on
		reply{status: status, kind: contentText, body: []byte(http.StatusText(status) + "\n")}.write(w)
	case faultHTML:
		status, _ := strconv.Atoi(f.arg)
		page(status, "Maintenance", "The service is under maintenance. Please try again later.").write(w)
	case faultEmpty:
		reply{status: http.StatusOK}.write(w)
	case faultTruncated:
		truncate(w, c.handle(c))
	case faultWrongTypes:
		answer := c.handle(c)
		answer.body = wrongTypes(answer.body)
		answer.write(w)
	default:
		if answer, done := c.mischief.answer(c, f); done {
			answer.write(w)
			return
		}
		c.handle(c).write(w)
	}
}

// drip sends a whole answer byte by byte.
func (c *call) drip(ctx context.Context, w http.ResponseWriter, answer reply) {
	body := answer.body
	answer.head(w)
	flusher := http.NewResponseController(w)
	for i := range body {
		if !wait(ctx, c.fault.duration()) {
			panic(http.ErrAbortHandler)
		}
		if _, err := w.Write(body[i : i+1]); err != nil {
			panic(http.ErrAbortHandler)
		}
		_ = flusher.Flush() // a writer that cannot flush keeps the bytes for later
	}
}

// truncate announces a whole body, sends half of it and cuts the connection.
func truncate(w http.ResponseWriter, answer reply) {
	answer.head(w)
	_, _ = w.Write(answer.body[:len(answer.body)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// wrongTypes changes the type of every leaf of a JSON body and of some branches, always
// in the same way, and leaves alone what is no JSON.
func wrongTypes(body []byte) []byte {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var tree any
	if d.Decode(&tree) != nil {
		return body
	}
	random := rand.New(rand.NewPCG(1, uint64(len(body))))
	return marshal(bend(tree, random))
}

func bend(v any, random *rand.Rand) any {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			v[key] = bend(v[key], random)
		}
		if len(v) > 0 && random.IntN(12) == 0 {
			return []any{v}
		}
		return v
	case []any:
		for i := range v {
			v[i] = bend(v[i], random)
		}
		if random.IntN(3) == 0 {
			return map[string]any{"0": v}
		}
		return v
	case json.Number:
		return []any{v.String(), true, nil, []any{v}, "NaN"}[random.IntN(5)]
	case bool:
		return []any{0, "false", nil, "Y"}[random.IntN(4)]
	case string:
		return []any{17, false, nil, map[string]any{"text": v}}[random.IntN(4)]
	}
	return "null"
}
