package sim

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
)

// kiaUSOrder reads the body of a command and says what the car shall do, or how the cloud
// refuses.
type kiaUSOrder func(c *call) (effect, *kiaUSFailure)

// commandEndpoints are the commands of docs/protocol/usa-kia.md §6, those without a body
// as GET; clients differ about the method of two.
func (k *kiaUS) commandEndpoints() []endpoint {
	rows := []struct {
		methods, path string
		who           func(engine) bool // nil is everybody
		read          kiaUSOrder
	}{
		{"GET POST", "rems/door/lock", nil, plainKiaUS(lockEffect(true))},
		{"GET POST", "rems/door/unlock", nil, plainKiaUS(lockEffect(false))},
		{"POST", "rems/start", nil, orderStartKiaUS},
		{"GET", "rems/stop", nil, plainKiaUS(climateStop)},
		{"POST", "evc/charge", engine.plugs, orderChargeKiaUS},
		{"GET", "evc/cancel", engine.plugs, plainKiaUS(chargeEffect(false))},
		{"POST", "evc/sts", engine.plugs, orderLimitsKiaUS},
	}
	var endpoints []endpoint
	for _, row := range rows {
		handle := k.driven(func(c *call, _ *kiaUSSession) reply {
			if row.who != nil && !row.who(c.car.model.engine) {
				return kiaUSUnsupported.reply()
			}
			do, failed := row.read(c)
			if failed != nil {
				return failed.reply()
			}
			var id string
			refused := c.remote(func() (refused *refusal) {
				id, refused = c.car.command(c, do)
				return refused
			})
			if refused != nil {
				return k.say(refused)
			}
			answer := kiaUSSuccess(nil)
			answer.header = http.Header{"Xid": {id}}
			return answer
		})
		for method := range strings.FieldsSeq(row.methods) {
			endpoints = append(endpoints, endpoint{pattern: method + " " + row.path, kind: kindCommand, handle: handle})
		}
	}
	return endpoints
}

// plainKiaUS is a command that says nothing: no body, or an empty object.
func plainKiaUS(do effect) kiaUSOrder {
	return func(c *call) (effect, *kiaUSFailure) {
		var body struct{}
		if len(c.body) > 0 && !(shape{}).reads(c.body, &body) {
			return nil, &kiaUSWrongShape
		}
		return do, nil
	}
}

func orderChargeKiaUS(c *call) (effect, *kiaUSFailure) {
	var body struct {
		Ratio int `json:"chargeRatio"`
	}
	if !(shape{"chargeRatio": asWhole}).reads(c.body, &body) || body.Ratio < 1 || body.Ratio > 100 {
		return nil, &kiaUSWrongShape
	}
	return chargeEffect(true), nil
}

func orderLimitsKiaUS(c *call) (effect, *kiaUSFailure) {
	var body struct{}
	if !targetShape.reads(c.body, &body) {
		return nil, &kiaUSWrongShape
	}
	do, ok := orderLimits(c)
	if !ok {
		return nil, &kiaUSWrongShape
	}
	return do, nil
}

// kiaUSSeats names the seats on the wire.
var kiaUSSeats = [4]string{"driverSeat", "passengerSeat", "rearLeftSeat", "rearRightSeat"}

// kiaUSSeat is how the wire says a seat code of docs/protocol/vehicle-model.md §4.1: type,
// level and step (docs/protocol/usa-kia.md §6.2).
func kiaUSSeat(code int) (kind, level, step int) {
	switch code {
	case 1, 8:
		return 1, 4, 1
	case 7:
		return 1, 3, 2
	case 6:
		return 1, 2, 3
	case 5:
		return 2, 4, 1
	case 4:
		return 2, 3, 2
	case 3:
		return 2, 2, 3
	default:
		return 0, 1, 0
	}
}

// kiaUSSeatCode reads what kiaUSSeat writes.
func kiaUSSeatCode(kind, level, step int) (code int, ok bool) {
	for _, code := range []int{2, 3, 4, 5, 6, 7, 8} {
		if k, l, s := kiaUSSeat(code); k == kind && l == level && s == step {
			return code, true
		}
	}
	return 0, false
}

var (
	kiaUSSeatShape  = shape{"heatVentType": asWhole, "heatVentLevel": asWhole, "heatVentStep": asWhole}
	kiaUSStartShape = shape{"remoteClimate": shape{
		"airTemp": shape{"unit": asWhole, "value": asText}, "airCtrl": asFlag, "defrost": asFlag,
		"heatingAccessory":    shape{"rearWindow": asWhole, "sideMirror": asWhole, "steeringWheel": asWhole, "steeringWheelStep?": asWhole},
		"ignitionOnDuration?": shape{"unit": asWhole, "value": asWhole},
		"heatVentSeat?": shape{
			"driverSeat": kiaUSSeatShape, "passengerSeat": kiaUSSeatShape, "rearLeftSeat": kiaUSSeatShape, "rearRightSeat": kiaUSSeatShape,
		},
	}}
)

// orderStartKiaUS starts the climate of any car (§6.1). Everything must be shut and locked,
// as far as the cloud knows (§8), and seats are for cars that can heat them.
func orderStartKiaUS(c *call) (effect, *kiaUSFailure) {
	var body struct {
		Climate struct {
			Temp struct {
				Unit  int    `json:"unit"`
				Value string `json:"value"`
			} `json:"airTemp"`
			Defrost bool `json:"defrost"`
			Heat    struct {
				Rear   int  `json:"rearWindow"`
				Mirror int  `json:"sideMirror"`
				Wheel  int  `json:"steeringWheel"`
				Step   *int `json:"steeringWheelStep"`
			} `json:"heatingAccessory"`
			Duration *struct {
				Unit  int `json:"unit"`
				Value int `json:"value"`
			} `json:"ignitionOnDuration"`
			Seats map[string]struct {
				Kind  int `json:"heatVentType"`
				Level int `json:"heatVentLevel"`
				Step  int `json:"heatVentStep"`
			} `json:"heatVentSeat"`
		} `json:"remoteClimate"`
	}
	if !kiaUSStartShape.reads(c.body, &body) {
		return nil, &kiaUSWrongShape
	}
	climate := &body.Climate
	warm, known := kiaUSDegrees(climate.Temp.Value)
	minutes := climateDefault
	if d := climate.Duration; d != nil {
		minutes = time.Duration(d.Value) * time.Minute
		known = known && d.Unit == 4
	}
	var seats [4]*int
	for i, name := range kiaUSSeats {
		if seat, given := climate.Seats[name]; given {
			code, ok := kiaUSSeatCode(seat.Kind, seat.Level, seat.Step)
			seats[i], known = &code, known && ok
		}
	}
	heat := &climate.Heat
	switch {
	case !known, climate.Temp.Unit != 1, !within(&heat.Rear, 0, 1), !within(&heat.Mirror, 0, 1), !within(&heat.Wheel, 0, 1), !within(heat.Step, 0, 2),
		minutes < time.Minute, minutes > 30*time.Minute:
		return nil, &kiaUSWrongShape
	case climate.Seats != nil && c.car.model.older:
		return nil, &kiaUSUnsupported
	case !c.car.look(c.now).body.shut():
		return nil, &kiaUSNotReady
	}
	return func(v *car) bool {
		b := &v.body
		b.temperatureC, b.defrost = celsiusOf(warm), climate.Defrost
		b.rearHeat, b.mirrorHeat, b.wheelHeat = heat.Rear == 1, heat.Mirror == 1, heat.Wheel
		if heat.Wheel == 1 && heat.Step != nil {
			b.wheelHeat = *heat.Step
		}
		for i, seat := range seats {
			if seat != nil {
				b.seats[i] = *seat
			}
		}
		v.startClimate(minutes)
		return true
	}, nil
}

// kiaUSDegrees reads whole degrees Fahrenheit or one of the two ends.
func kiaUSDegrees(text string) (float64, bool) {
	switch text {
	case "LOW":
		return 62, true
	case "HIGH":
		return 82, true
	}
	n, ok := degrees(text)
	return n, ok && n == math.Trunc(n) && n >= 62 && n <= 82
}

// shut reports whether everything that opens is closed and locked.
func (b *body) shut() bool {
	return b.allLocked() && b.doors == [4]bool{} && !b.trunk && !b.hood
}

// actionStatus counts down the part of the car that works: 1 while it does, 0 at the end
// (§7). That 2 is a failure is one client's guess. A transaction that nobody knows has no
// payload.
func (k *kiaUS) actionStatus(c *call, _ *kiaUSSession) reply {
	var body struct {
		Xid string `json:"xid"`
	}
	if !(shape{"xid": asText}).reads(c.body, &body) {
		return kiaUSWrongShape.reply()
	}
	v := c.car
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(c.now)
	r, known := v.recordOf(body.Xid)
	if !known {
		return kiaUSSuccess(nil)
	}
	state := 1
	switch r.result {
	case "":
	case resultSuccess:
		state = 0
	default:
		state = 2
	}
	status := map[string]int{"remoteStatus": 0, "calSyncStatus": 0, "alertStatus": 0, "locationStatus": 0, "evStatus": 0}
	if charging := []string{"evc/charge", "evc/cancel", "evc/sts"}; slices.Contains(charging, strings.TrimPrefix(r.path, kiaUSBase)) {
		status["evStatus"] = state
	} else {
		status["remoteStatus"] = state
	}
	return kiaUSSuccess(marshal(status))
}
