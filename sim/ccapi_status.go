package sim

import (
	"strconv"
)

// flatCached answers GET status/latest. A CCS2 car has nothing to say there.
func (e *europe) flatCached(c *call) reply {
	if c.car.model.ccs2 {
		return refusedBusy.reply()
	}
	r := c.car.look(c.now)
	return spaAnswer(join(`{"vehicleStatusInfo":`, r.flat(), `}`))
}

// ccs2Cached answers GET ccs2/carstatus/latest. A flat car has no tree, and the answer
// says so (docs/protocol/europe.md §11.3.8).
func (e *europe) ccs2Cached(c *call) reply {
	r := c.car.look(c.now)
	tree := []byte("null")
	if c.car.model.ccs2 {
		tree = r.ccs2()
	}
	return spaAnswer(join(`{"resCode":"0000","ServiceNo":"`+serviceNumber+`","RetCode":"S","lastUpdateTime":"`+
		strconv.FormatInt(r.at.UnixMilli(), 10)+`","state":{"Vehicle":`, tree, `}}`))
}

const serviceNumber = "RVS-B"

// flatForced answers GET status: it holds the car's command channel until the car
// has answered. A CCS2 car gives metadata only (docs/protocol/europe.md §4).
func (e *europe) flatForced(c *call) reply {
	v := c.car
	if v.model.ccs2 {
		return spaAnswer([]byte(`{"ServiceNo":"` + serviceNumber + `","svcTime":0,"FncCnt":0,"RetCode":"S","resCode":"200","SID":"` +
			freshUUID() + `","svcSID":"` + freshUUID() + `"}`))
	}
	r, refused := v.ask(c, false)
	if refused != nil {
		return refused.reply()
	}
	return spaAnswer(r.status())
}

// ccs2Wake acknowledges at once; the car reports when it is awake. On a flat car the
// answer is the same and nothing happens (docs/protocol/europe.md §11.3.8).
func (e *europe) ccs2Wake(c *call) reply {
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

// parkedLocation answers from what the cloud knows, with a Berlin time.
func (e *europe) parkedLocation(c *call) reply {
	r := c.car.look(c.now)
	if c.car.replay != nil {
		return c.car.replay.parked()
	}
	t := newTree(384)
	r.flatLocation(t, "")
	return spaAnswer(t.bytes())
}

// liveLocation asks the car, whose clock there is UTC (docs/protocol/europe.md §5.3).
func (e *europe) liveLocation(c *call) reply {
	v := c.car
	r, refused := v.ask(c, true)
	if refused != nil {
		return refused.reply()
	}
	if v.replay != nil {
		return v.replay.live(r.at)
	}
	b := &r.body
	t := newTree(384)
	t.real("gpsDetail.coord.lat", b.lat, 6)
	t.real("gpsDetail.coord.lon", b.lon, 6)
	t.num("gpsDetail.coord.alt", whole(b.altitude))
	t.num("gpsDetail.coord.type", 0)
	t.num("gpsDetail.head", whole(b.heading))
	t.num("gpsDetail.speed.value", whole(b.speedKmh))
	t.num("gpsDetail.speed.unit", 0)
	t.num("gpsDetail.accuracy.hdop", 0)
	t.num("gpsDetail.accuracy.pdop", 0)
	t.text("gpsDetail.time", utcCompact(r.at))
	return spaAnswer(t.bytes())
}

// chargeTargets gives the limits of both plugs.
func (e *europe) chargeTargets(c *call) reply {
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
