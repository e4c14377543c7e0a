package sim

import (
	"strconv"
	"time"
)

// flatCached answers GET status/latest. A CCS2 car has nothing to say there.
func (g *ccapi) flatCached(c *call) reply {
	if c.car.model.ccs2 {
		return refusedBusy.reply()
	}
	return spaAnswer(c.car.look(c.now).flat())
}

// ccs2Cached answers GET ccs2/carstatus/latest. Where a flat car has no tree, the answer
// says so (docs/protocol/europe.md §11.3.8).
func (g *ccapi) ccs2Cached(c *call) reply {
	r := c.car.look(c.now)
	tree := []byte("null")
	if c.car.model.ccs2 || g.treeForAll && c.car.replay == nil {
		tree = r.ccs2()
	}
	return g.treeAnswer(r, tree)
}

// treeAnswer wraps the tree of a report.
func (g *ccapi) treeAnswer(r *report, tree []byte) reply {
	update := strconv.FormatInt(r.at.UnixMilli(), 10)
	if g.compactUpdate {
		update = r.at.UTC().Format(compactTime)
	}
	return spaAnswer(join(`{"resCode":"0000","ServiceNo":"`+serviceNumber+`","RetCode":"S","lastUpdateTime":"`+
		update+`","state":{"Vehicle":`, tree, `}}`))
}

const serviceNumber = "RVS-B"

// flatForced answers GET status: it holds the car's command channel until the car
// has answered. A CCS2 car gives metadata only (docs/protocol/europe.md §4).
func (g *ccapi) flatForced(c *call) reply {
	v := c.car
	if v.model.ccs2 {
		return spaAnswer([]byte(`{"ServiceNo":"` + serviceNumber + `","svcTime":0,"FncCnt":0,"RetCode":"S","resCode":"200","SID":"` +
			freshUUID() + `","svcSID":"` + freshUUID() + `"}`))
	}
	r, refused := v.ask(c, false)
	if refused != nil {
		return refused.reply()
	}
	return spaAnswer(r.answer())
}

// ccs2Wake acknowledges at once; the car reports when it is awake. On a flat car the
// answer is the same and nothing happens (docs/protocol/europe.md §11.3.8).
func (g *ccapi) ccs2Wake(c *call) reply {
	v := c.car
	id := freshUUID()
	if !v.model.ccs2 {
		return acceptedAnswer(id)
	}
	if refused := v.wake(c, id); refused != nil {
		return refused.reply()
	}
	return acceptedAnswer(id)
}

// parkedLocation answers from what the cloud knows.
func (g *ccapi) parkedLocation(c *call) reply {
	r := c.car.look(c.now)
	if v := c.car; v.replay != nil {
		return v.replay.parked(g)
	}
	return spaAnswer(g.positions(g.placeZone, r, true))
}

// positions writes a position by itself, as gpsDetail, or as both, as the region has it.
func (g *ccapi) positions(zone *time.Location, r *report, bare bool) []byte {
	t := newTree(768)
	if bare {
		r.flatPlace(t, "", zone)
	}
	if g.twoPlaces || !bare {
		r.flatPlace(t, "gpsDetail.", zone)
	}
	return t.bytes()
}

// liveLocation asks the car; zone is that of its clock there.
func (g *ccapi) liveLocation(zone *time.Location, bare bool) func(*call) reply {
	return func(c *call) reply {
		v := c.car
		r, refused := v.ask(c, true)
		if refused != nil {
			return refused.reply()
		}
		if v.replay != nil {
			return v.replay.live(g, r.at.In(zone), bare)
		}
		return spaAnswer(g.positions(zone, r, bare))
	}
}

// chargeTargets gives the limits of both plugs.
func (g *ccapi) chargeTargets(c *call) reply {
	v := c.car
	switch {
	case !v.model.engine.plugs():
		return refusedSupport.reply()
	case v.replay != nil:
		return refusedNoData.reply()
	}
	r := v.look(c.now)
	target := func(plugType, limit int) map[string]any {
		return map[string]any{"plugType": plugType, "targetSOClevel": limit, "drvDistance": map[string]any{
			"distanceType": map[string]int{"distanceValue": whole(v.model.evRange(float64(limit))), "distanceUnit": 1},
		}}
	}
	return spaAnswer(marshal(map[string]any{"targetSOClist": []any{target(0, r.body.limitDC), target(1, r.body.limitAC)}}))
}

func join(before string, middle []byte, after string) []byte {
	joined := make([]byte, 0, len(before)+len(middle)+len(after))
	return append(append(append(joined, before...), middle...), after...)
}
