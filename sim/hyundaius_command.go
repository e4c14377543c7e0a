package sim

import (
	"encoding/json"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// hyundaiUSOrder reads the body of a command and says what the car shall do, or how the
// cloud refuses.
type hyundaiUSOrder func(c *call) (effect, *hyundaiUSFailure)

// commandEndpoints are the commands of docs/protocol/usa-hyundai-genesis.md §6. Those for
// electric cars only, and those for all others only, do nothing but fail elsewhere.
func (h *hyundaiUS) commandEndpoints() []endpoint {
	rows := []struct {
		path string
		who  func(engine) bool // nil is everybody
		not  hyundaiUSFailure  // the answer to others
		read hyundaiUSOrder
	}{
		{"rcs/rdo/off", nil, hyundaiUSUnsupported, h.plainly(lockEffect(true))},
		{"rcs/rdo/on", nil, hyundaiUSUnsupported, h.plainly(lockEffect(false))},
		{"evc/fatc/start", isElectric, hyundaiUSFeatureOff, h.orderClimate},
		{"evc/fatc/stop", isElectric, hyundaiUSFeatureOff, h.plainly(climateStop)},
		{"rcs/rsc/start", notElectric, hyundaiUSFeatureOff, h.orderEngine},
		{"rcs/rsc/stop", notElectric, hyundaiUSFeatureOff, h.plainly(climateStop)},
		{"evc/charge/start", isElectric, hyundaiUSUnsupported, h.plainly(chargeEffect(true))},
		{"evc/charge/stop", isElectric, hyundaiUSUnsupported, h.plainly(chargeEffect(false))},
		{"evc/charge/targetsoc/set", isElectric, hyundaiUSUnsupported, h.orderLimits},
		{"rcs/rhl/light", nil, hyundaiUSUnsupported, h.plainly(flashEffect)},
		{"rcs/rhl/hnl", nil, hyundaiUSUnsupported, h.plainly(flashEffect)},
		{hyundaiUSLook, nil, hyundaiUSUnsupported, h.orderSurround},
	}
	var endpoints []endpoint
	for _, row := range rows {
		endpoints = append(endpoints, endpoint{pattern: "POST /ac/v2/" + row.path, kind: kindCommand, handle: h.driven(func(c *call) reply {
			if refused := h.pin(c); refused != nil {
				return *refused
			}
			if row.who != nil && !row.who(c.car.model.engine) {
				return row.not.reply()
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
				return h.say(refused)
			}
			// No body but with one, and the transaction in a header.
			answer := reply{status: http.StatusOK, header: http.Header{"tmsTid": {id}}}
			if row.path == hyundaiUSLook {
				answer.body = marshal(map[string]string{"tid": id})
			}
			return answer
		})})
	}
	return endpoints
}

func isElectric(e engine) bool  { return e == electric }
func notElectric(e engine) bool { return e != electric }

// pin checks the header of each command (§2.4). The status of a wrong one is unknown; 400
// is assumed.
func (h *hyundaiUS) pin(c *call) *reply {
	a := c.cloud.account
	text := c.r.Header.Get("blueLinkServicePin")
	if text == "" {
		refused := hyundaiUSPINMissing.reply()
		return &refused
	}
	verdict := a.tryPIN(text, pinLock)
	if verdict.right && !verdict.locked {
		a.tally(func(n *AccountCounts) { n.PINs++ })
		return nil
	}
	message := "The PIN you entered is incorrect."
	if verdict.locked {
		message = "Your PIN has been LOCKED. Please try again in 60 minutes."
	}
	return &reply{status: http.StatusBadRequest, body: marshal(map[string]any{
		"errorCode": 400, "errorMessage": message, "systemName": "IDM", "functionName": "validatePIN", "serviceName": "CheckCustomerUserPin",
		"isBlueLinkServicePinValid": "invalid", "remainingAttemptCount": strconv.Itoa(verdict.left),
	})}
}

// plainly is a command whose body says nothing but for whom it is, in any of the forms
// that clients send: JSON, form-encoded without a Content-Type, {} or nothing.
func (h *hyundaiUS) plainly(do effect) hyundaiUSOrder {
	return func(c *call) (effect, *hyundaiUSFailure) {
		named := map[string]string{}
		if len(c.body) > 0 && !c.decode(&named) {
			form, err := url.ParseQuery(string(c.body))
			if err != nil {
				return nil, &hyundaiUSGeneric
			}
			clear(named)
			for key := range form {
				named[key] = form.Get(key)
			}
		}
		for key, value := range named {
			switch {
			case key == "userName" || key == "username":
			case key == "vin" && (value == c.car.vin || value == c.car.id):
			default:
				return nil, &hyundaiUSGeneric
			}
		}
		return do, nil
	}
}

// flashEffect makes the car flash for half a minute.
func flashEffect(v *car) bool {
	v.body.hazardTil = v.body.at.Add(30 * time.Second)
	return true
}

// Bodies of the climate (§6.1, §6.2). The temperature is a number, or one as text.
var (
	hyundaiUSTemperature = shape{"value": asDegrees, "unit": asWhole}
	hyundaiUSSeats       = shape{"drvSeatHeatState": asWhole, "astSeatHeatState": asWhole, "rlSeatHeatState": asWhole, "rrSeatHeatState": asWhole}

	hyundaiUSClimate2 = shape{"airCtrl": asWhole, "airTemp": hyundaiUSTemperature, "defrost": asFlag, "heating1": asWhole}
	hyundaiUSClimate3 = shape{
		"airCtrl": asWhole, "airTemp": hyundaiUSTemperature, "defrost": asFlag, "heating1": asWhole,
		"igniOnDuration?": asWhole, "seatHeaterVentInfo?": orNull{hyundaiUSSeats},
	}
	hyundaiUSEngine = shape{
		"Ims": asWhole, "airCtrl": asWhole, "airTemp": hyundaiUSTemperature, "defrost": asFlag, "heating1": asWhole, "igniOnDuration": asWhole,
		"seatHeaterVentInfo?": orNull{hyundaiUSSeats}, "username": asText, "vin": asText,
	}
)

// hyundaiUSStart is what all climate bodies say.
type hyundaiUSStart struct {
	AirCtrl int `json:"airCtrl"`
	AirTemp struct {
		Value json.RawMessage `json:"value"`
		Unit  int             `json:"unit"`
	} `json:"airTemp"`
	Defrost  bool `json:"defrost"`
	Heating  int  `json:"heating1"`
	Duration *int `json:"igniOnDuration"`
	Seats    struct {
		Driver    *int `json:"drvSeatHeatState"`
		Passenger *int `json:"astSeatHeatState"`
		RearLeft  *int `json:"rlSeatHeatState"`
		RearRight *int `json:"rrSeatHeatState"`
	} `json:"seatHeaterVentInfo"`
	VIN string `json:"vin"`
}

// orderClimate takes four keys from generation 2 and two more from generation 3; more of
// them make the command of an older car fail.
func (h *hyundaiUS) orderClimate(c *call) (effect, *hyundaiUSFailure) {
	want := hyundaiUSClimate2
	if c.car.model.generation >= 3 {
		want = hyundaiUSClimate3
	}
	var body hyundaiUSStart
	if !want.reads(c.body, &body) {
		return nil, &hyundaiUSFeatureOff // assumed: how the failure of a wrong body reads is not recorded
	}
	return body.effect(30)
}

// orderEngine starts the engine of a car that has one. More than ten minutes were refused
// (§6.2).
func (h *hyundaiUS) orderEngine(c *call) (effect, *hyundaiUSFailure) {
	var body hyundaiUSStart
	if !hyundaiUSEngine.reads(c.body, &body) || body.VIN != c.car.vin && body.VIN != c.car.id {
		return nil, &hyundaiUSGeneric
	}
	return body.effect(10)
}

func (s *hyundaiUSStart) effect(longest int) (effect, *hyundaiUSFailure) {
	warm, known := degrees(s.AirTemp.Value)
	minutes := climateDefault
	if s.Duration != nil {
		minutes = time.Duration(*s.Duration) * time.Minute
	}
	seats := [4]*int{s.Seats.Driver, s.Seats.Passenger, s.Seats.RearLeft, s.Seats.RearRight}
	switch {
	case !known, s.AirTemp.Unit != 1, warm != math.Trunc(warm), warm < 62, warm > 82,
		s.AirCtrl < 0, s.AirCtrl > 1, s.Heating < 0, s.Heating > 4, !seatsFit(seats[:]...),
		minutes < time.Minute, minutes > time.Duration(longest)*time.Minute:
		return nil, &hyundaiUSGeneric
	}
	return func(v *car) bool {
		v.body.temperatureC, v.body.defrost = celsiusOf(warm), s.Defrost
		v.heat(s.Heating, seats)
		v.startClimate(minutes)
		return true
	}, nil
}

// targetShape is a list of charge limits as the USA and others have it.
var targetShape = shape{"targetSOClist": listOf{shape{"plugType": asWhole, "targetSOClevel": asWhole}}}

// orderLimits takes one limit or both (§6).
func (h *hyundaiUS) orderLimits(c *call) (effect, *hyundaiUSFailure) {
	var body struct{}
	if !targetShape.reads(c.body, &body) {
		return nil, &hyundaiUSGeneric
	}
	do, ok := orderLimits(c)
	if !ok {
		return nil, &hyundaiUSGeneric
	}
	return do, nil
}

// runningStatus tells how far a command has come (§7): nothing at all for a transaction
// that nobody knows.
func (h *hyundaiUS) runningStatus(c *call) reply {
	header := c.r.Header
	if header.Get("tid") == "" || header.Get("login_id") == "" || header.Get("service_type") == "" {
		return hyundaiUSFieldMissing.reply()
	}
	v := c.car
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(c.now)
	r, known := v.recordOf(header.Get("tid"))
	if !known {
		return reply{status: http.StatusOK}
	}
	status := "PENDING"
	switch r.result {
	case "":
	case resultSuccess:
		status = "SUCCESS"
	default:
		status = "ERROR"
	}
	return reply{status: http.StatusOK, body: marshal(map[string]string{"status": status, "tid": r.id, "nextPollingInterval": "2"})}
}
