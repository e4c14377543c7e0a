package ccapi

import (
	"fmt"
	"math"
	"net/url"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/answer"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// brazil is the dialect of docs/protocol/brazil.md: every car reports the tree, and every command shows a control token.
var brazil = dialect{
	// Which clock the tree shows is unknown, but it is one (§5).
	format: format{zone: time.FixedZone("-03", -3*60*60), oneClock: true},
	manners: manners{
		agent: "BR_BlueLink/1.0.14 (com.hyundai.bluelink.br; build:10132; iOS 18.4.0) Alamofire/5.9.1",
		fixed: map[string]string{
			"Content-Type": "application/json; charset=UTF-8", "Accept": "application/json, text/plain, */*",
			"Accept-Language": "pt-BR;q=1.0, en-US;q=0.9", "Offset": "-3",
		},
		nameless: true, formAlways: true, onceOnly: true, pinPath: "/api/v1/user/pin", pinDressed: true, bareRefusal: true,
	},
	signing: signing{
		way: newDirect, device: hexDevice, languages: []string{"pt"}, life: time.Hour, pageAgent: brazilianPage,
		direct: directWay{
			headers: map[string]string{
				"Referer": "https://br-ccapi.hyundai.com.br/web/v1/user/signin", "Origin": "https://br-ccapi.hyundai.com.br",
				"Content-Type": "text/plain;charset=UTF-8", "Accept": "*/*", "Accept-Language": "pt-BR,en-US;q=0.9,en;q=0.8", "User-Agent": brazilianPage,
			},
			more:         url.Values{"client_id": {"03f7df9b-7626-4853-b7bd-ad1e8d722bd5"}},
			signsInAgain: true,
		},
	},
	reading: reading{tree: true},
	forms:   brazilianForms, recordDelay: 15 * time.Second,
	meanings: []meaning{
		// A page comes from a firewall that lets through again (§8); without one a 403 ends the session, as 401 does.
		{status: 403, code: webPage, Outcome: answer.Outcome{Err: bluelink.ErrUnavailable, Wait: 10 * time.Minute}},
		{status: 403, Outcome: answer.Outcome{Err: bluelink.ErrSessionExpired}},
		{op: opList, status: 400, Outcome: answer.Outcome{Err: bluelink.ErrDevice}}, // probably (§2.1, §8)
	},
}

const brazilianPage = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_4 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148_CCS_APP_iOS"

// hexDevice is the device of docs/protocol/brazil.md §2.1.
func hexDevice(push string) any {
	return map[string]string{"pushRegId": randomHex(32), "pushType": push, "uuid": randomHex(20)}
}

// brazilianForms is the table of docs/protocol/brazil.md §6. There is nothing for plugs.
var brazilianForms = []form{
	{vehicle.Lock{}, allCars, pin, "/control/door", deviceAction("close")},
	{vehicle.Unlock{}, allCars, pin, "/control/door", deviceAction("open")},
	{vehicle.ClimateStart{}, allCars, pin, "/control/engine", from(brazilianStart)},
	{vehicle.ClimateStop{}, allCars, pin, "/control/engine", deviceAction("stop")},
	{vehicle.Windows{}, allCars, pin, "/control/window", from(windowsTogether)},
	{vehicle.Hazard{}, allCars, pin, "/control/light", func(order) (any, error) { return nil, nil }},
}

type brazilianClimate struct {
	Action  string           `json:"action"`
	Options brazilianOptions `json:"options"`
	Type    int              `json:"hvacType"`
	Device  string           `json:"deviceId"`
	Code    string           `json:"tempCode"`
	Unit    string           `json:"unit"`
}

type brazilianOptions struct {
	Air     int            `json:"airCtrl"`
	Heating int            `json:"heating1"`
	Seats   brazilianSeats `json:"seatHeaterVentCMD"`
	Defrost bool           `json:"defrost"`
	Minutes int            `json:"igniOnDuration"`
}

type brazilianSeats struct {
	Driver int `json:"drvSeatOptCmd"`
}

// What a start in Brazil can say of temperatures, in whole °C. The lower bound is the lowest that anybody has written down,
// the upper one that of the catalogue (assumed).
const (
	brazilLowest, brazilHighest = 16, 30
	brazilMinutes               = 10
)

// brazilianStart writes the temperature itself in hex, and reaches the driver's seat alone.
func brazilianStart(start vehicle.ClimateStart, o order) (any, error) {
	celsius, err := celsiusOf(start.Temperature, brazilLowest, brazilHighest)
	if err != nil {
		return nil, err
	}
	minutes, err := want.Minutes(start.Duration, brazilMinutes, 30)
	if err != nil {
		return nil, err
	}
	warm, err := want.WarmthOf(start)
	if err != nil {
		return nil, err
	}
	if err := noSeats(start.FrontRight, start.RearLeft, start.RearRight); err != nil {
		return nil, err
	}
	driver := start.FrontLeft.Value
	if _, ok := vehicle.SeatOf(int(driver)); !ok {
		return nil, want.Invalid("a seat must be 0 to 8, not %d", driver)
	}
	return brazilianClimate{
		Action: "start", Type: 1, Device: o.device, Unit: "C", Code: fmt.Sprintf("%02XH", int(math.RoundToEven(celsius))),
		Options: brazilianOptions{
			Air: oneIf(start.Climate.Or(true)), Heating: warm.Code(), Seats: brazilianSeats{int(driver)}, Defrost: start.Defrost.Value, Minutes: minutes,
		},
	}, nil
}

// windowsTogether opens or closes all windows: no window moves that nobody spoke of, so all have to be given, and alike.
func windowsTogether(w vehicle.Windows, o order) (any, error) {
	body, err := windows(w, o)
	if err != nil {
		return nil, err
	}
	words := map[vehicle.Opening]string{vehicle.Closed: "close", vehicle.Open: "open"}
	word, ok := words[w.FrontLeft.Value]
	if all := w.FrontLeft; !ok || w != (vehicle.Windows{FrontLeft: all, FrontRight: all, BackLeft: all, BackRight: all}) || body == nil {
		return nil, unsupported("this car's windows open and close together only")
	}
	return map[string]string{"action": word, "deviceId": o.device}, nil
}
