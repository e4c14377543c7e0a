package sim

import (
	"encoding/json"
	"net/http"
	"time"
)

// canadaOrder reads the body of a command and says what the car shall do, or how the
// cloud refuses.
type canadaOrder func(c *call) (effect, *canadaFailure)

// commandEndpoints are the commands of docs/protocol/canada.md §6.
func (n *canada) commandEndpoints() []endpoint {
	rows := []struct {
		path string
		who  func(engine) bool // nil is everybody
		read canadaOrder
	}{
		{"drlck", nil, plainCanada(lockEffect(true))},
		{"drulck", nil, plainCanada(lockEffect(false))},
		{"evc/rfon", isElectric, orderClimateCanada},
		{"evc/rfoff", isElectric, plainCanada(climateStop)},
		{"rmtstrt", notElectric, orderEngineCanada},
		{"rmtstp", notElectric, plainCanada(climateStop)},
		{"evc/rcstrt", engine.plugs, plainCanada(chargeEffect(true))},
		{"evc/rcstp", engine.plugs, plainCanada(chargeEffect(false))},
		{canadaSetLimits, engine.plugs, orderLimitsCanada},
		{"hornlight", nil, orderHornCanada},
	}
	var endpoints []endpoint
	for _, row := range rows {
		endpoints = append(endpoints, endpoint{pattern: row.path, kind: kindCommand, carOf: n.carOf, handle: n.driven(func(c *call) reply {
			if !n.ticketed(c) {
				return canadaWrongPIN.reply() // assumed: what a stale ticket gives is unknown
			}
			if row.who != nil && !row.who(c.car.model.engine) {
				return canadaGeneric.reply() // assumed
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
				return n.say(refused)
			}
			answer := canadaSuccess([]byte("{}"))
			if row.path == canadaSetLimits {
				answer = n.limitsSet(c, id)
			}
			answer.header = http.Header{"transactionId": {id}}
			return answer
		})})
	}
	return endpoints
}

const canadaSetLimits = "evc/setsoc"

// limitsSet waits for the car, as this one command does, and gives the new list (§6.3).
func (n *canada) limitsSet(c *call, id string) reply {
	v := c.car
	v.mu.Lock()
	takes := time.Duration(0)
	if v.action != nil && v.action.id == id {
		takes = v.action.due.Sub(c.now)
	}
	v.mu.Unlock()
	wait(c.r.Context(), takes)

	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(time.Now())
	if r, known := v.recordOf(id); known && r.result != "" && r.result != resultSuccess {
		return canadaUnreachable.reply()
	}
	return canadaSuccess(v.report.canadaLimits())
}

// Bodies. PIN and ticket may stand in each (§11 row 8); one client sends neither seats
// nor duration (docs/protocol/strangers.md 15).
var (
	canadaPlain       = canadaBody(shape{})
	canadaHorn        = canadaBody(shape{"horn?": asFlag})
	canadaTemperature = shape{"value": asText, "unit": asWhole, "hvacTempType?": asWhole}
	canadaSeats       = shape{"drvSeatOptCmd": asWhole, "astSeatOptCmd": asWhole, "rlSeatOptCmd": asWhole, "rrSeatOptCmd": asWhole}
	canadaClimate     = shape{
		"airCtrl": asWhole, "defrost": asFlag, "heating1": asWhole, "airTemp?": canadaTemperature, "igniOnDuration?": asWhole, "seatHeaterVentCMD?": canadaSeats,
	}
	canadaEngine = canadaBody(shape{"setting": shape{
		"airCtrl": asWhole, "defrost": asFlag, "heating1": asWhole, "igniOnDuration": asWhole, "ims": asWhole, "airTemp": canadaTemperature,
		"seatHeaterVentCMD?": canadaSeats,
	}})
	canadaLimitList = canadaBody(shape{"tsoc": listOf{shape{"plugType": asWhole, "level": asWhole}}})
)

func canadaBody(s shape) shape {
	s["pin?"], s["pAuth?"] = asText, asText
	return s
}

func plainCanada(do effect) canadaOrder {
	return func(c *call) (effect, *canadaFailure) {
		var body struct{}
		if len(c.body) > 0 && !canadaPlain.reads(c.body, &body) {
			return nil, &canadaGeneric
		}
		return do, nil
	}
}

func orderHornCanada(c *call) (effect, *canadaFailure) {
	var body struct{}
	if !canadaHorn.reads(c.body, &body) {
		return nil, &canadaGeneric
	}
	return flashEffect, nil
}

// canadaStart is what both climate bodies say.
type canadaStart struct {
	AirCtrl int  `json:"airCtrl"`
	Defrost bool `json:"defrost"`
	Heating int  `json:"heating1"`
	Temp    *struct {
		Value string `json:"value"`
		Unit  int    `json:"unit"`
	} `json:"airTemp"`
	Duration *int `json:"igniOnDuration"`
	Seats    struct {
		Driver    *int `json:"drvSeatOptCmd"`
		Passenger *int `json:"astSeatOptCmd"`
		RearLeft  *int `json:"rlSeatOptCmd"`
		RearRight *int `json:"rrSeatOptCmd"`
	} `json:"seatHeaterVentCMD"`
}

// orderClimateCanada takes the wrapper that belongs to the car (§6.1).
func orderClimateCanada(c *call) (effect, *canadaFailure) {
	wrapper := "hvacInfo"
	if name := c.car.model.name; name == "EV9" || name == "IONIQ 9" {
		wrapper = "remoteControl"
	}
	var body struct {
		Usual canadaStart `json:"hvacInfo"`
		Newer canadaStart `json:"remoteControl"`
	}
	if !canadaBody(shape{"hvacInfo?": canadaClimate, "remoteControl?": canadaClimate}).reads(c.body, &body) {
		return nil, &canadaGeneric
	}
	if !canadaBody(shape{wrapper: canadaClimate}).reads(c.body, &body) {
		return nil, &canadaWrongClimate
	}
	if wrapper == "hvacInfo" {
		return body.Usual.effect(c.car)
	}
	return body.Newer.effect(c.car)
}

// orderEngineCanada starts the engine of a car that is locked (§6.2); that the car and not
// the cloud refuses is assumed.
func orderEngineCanada(c *call) (effect, *canadaFailure) {
	var body struct {
		Setting canadaStart `json:"setting"`
	}
	if !canadaEngine.reads(c.body, &body) {
		return nil, &canadaGeneric
	}
	start, failed := body.Setting.effect(c.car)
	return func(v *car) bool { return v.body.allLocked() && start(v) }, failed
}

func (s *canadaStart) effect(v *car) (effect, *canadaFailure) {
	celsius, known := 21.0, true
	if s.Temp != nil {
		celsius, known = v.canadaCelsius(s.Temp.Value)
		known = known && s.Temp.Unit == 0
	}
	seats := [4]*int{s.Seats.Driver, s.Seats.Passenger, s.Seats.RearLeft, s.Seats.RearRight}
	minutes := climateMinutes(s.Duration)
	switch {
	case !known, minutes == 0, s.AirCtrl < 0, s.AirCtrl > 1, s.Heating < 0, s.Heating > 4, !seatsFit(seats[:]...):
		return nil, &canadaGeneric
	}
	return func(v *car) bool {
		v.body.temperatureC, v.body.defrost = celsius, s.Defrost
		v.heat(s.Heating, seats)
		v.startClimate(minutes)
		return true
	}, nil
}

// orderLimitsCanada takes the list under a name of its own (§6.3).
func orderLimitsCanada(c *call) (effect, *canadaFailure) {
	var body struct {
		List []struct {
			PlugType int `json:"plugType"`
			Level    int `json:"level"`
		} `json:"tsoc"`
	}
	if !canadaLimitList.reads(c.body, &body) || len(body.List) == 0 {
		return nil, &canadaGeneric
	}
	for _, row := range body.List {
		if row.PlugType < 0 || row.PlugType > 1 || row.Level < 50 || row.Level > 100 || row.Level%10 != 0 {
			return nil, &canadaGeneric
		}
	}
	return func(v *car) bool {
		for _, row := range body.List {
			if row.PlugType == 0 {
				v.body.limitDC = row.Level
			} else {
				v.body.limitAC = row.Level
			}
		}
		return true
	}, nil
}

// canadaCodes are the names of commands in their status; the first two are seen, the
// others assumed (§7).
var canadaCodes = map[string]string{
	"evc/rfon": "RMT-E0301", "evc/rfoff": "RMT-E0302", "drlck": "RMT-E0201", "drulck": "RMT-E0202", "rmtstrt": "RMT-E0101", "rmtstp": "RMT-E0102",
	"evc/rcstrt": "RMT-E0401", "evc/rcstp": "RMT-E0402", canadaSetLimits: "RMT-E0403", "hornlight": "RMT-E0501",
}

// actionStatus tells how far a command has come: P, then C with the car's status, or F
// (§7). A failed one has its transaction all the same (§11 row 9).
func (n *canada) actionStatus(c *call) reply {
	if !n.ticketed(c) {
		return canadaWrongPIN.reply()
	}
	v := c.car
	v.mu.Lock()
	defer v.mu.Unlock()
	v.settle(c.now)
	r, known := v.recordOf(c.r.Header.Get("transactionId"))
	transaction := map[string]any{"apiCode": "", "apiStartDate": "", "apiEndDate": "", "apiResult": "F", "apiStatusCode": "null"}
	if !known {
		return canadaGeneric.with(map[string]any{"transaction": transaction})
	}
	transaction["apiCode"] = canadaCodes[r.path[len(canadaBase):]]
	transaction["apiStartDate"], transaction["apiEndDate"] = utcCompact(r.at), utcCompact(r.at)
	result := map[string]any{"transaction": transaction}
	switch r.result {
	case "":
		transaction["apiResult"] = "P"
	case resultSuccess:
		transaction["apiResult"], transaction["apiStatusCode"] = "C", "200"
		transaction["apiEndDate"] = utcCompact(v.report.at)
		result["vehicle"] = json.RawMessage(v.report.canadaStatus())
	}
	return canadaSuccess(marshal(result))
}
