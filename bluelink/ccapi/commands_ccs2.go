package ccapi

import (
	"context"
	"net/http"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Climate of CCS2 cars (docs/protocol/europe.md §6.2). What is not given is null, which leaves it as it is (assumed).

type ccs2Climate struct {
	Command string    `json:"command"`
	Minutes int       `json:"ignitionDuration"`
	Wheel   *int      `json:"strgWhlHeating"`
	Type    int       `json:"hvacTempType"`
	Celsius float64   `json:"hvacTemp"`
	Rear    int       `json:"sideRearMirrorHeating"`
	Side    side      `json:"drvSeatLoc"`
	Seats   ccs2Seats `json:"seatClimateInfo"`
	Unit    string    `json:"tempUnit"`
	Defog   bool      `json:"windshieldFrontDefogState"`
}

// ccs2Seats names the front seats by who sits on them, the others by where they are.
type ccs2Seats struct {
	Driver    *int `json:"drvSeatClimateState"`
	Passenger *int `json:"psgSeatClimateState"`
	RearRight *int `json:"rrSeatClimateState"`
	RearLeft  *int `json:"rlSeatClimateState"`
}

func ccs2ClimateStart(start vehicle.ClimateStart, o order) (any, error) {
	celsius, err := celsiusOf(start.Temperature, 14, 30)
	if err != nil {
		return nil, err
	}
	minutes, err := want.Minutes(start.Duration, usualMinutes, 30)
	if err != nil {
		return nil, err
	}
	warm, err := want.WarmthOf(start)
	if err != nil {
		return nil, err
	}
	body := ccs2Climate{
		Command: "start", Minutes: minutes, Type: 1, Celsius: celsius, Rear: oneIf(warm.Rear), Side: o.side, Unit: "C", Defog: start.Defrost.Value,
	}
	if warm.WheelGiven {
		body.Wheel = &warm.Wheel
	}
	left, right := &body.Seats.Driver, &body.Seats.Passenger
	if o.side == rightHand {
		left, right = right, left
	}
	for _, seat := range []struct {
		asked vehicle.Optional[vehicle.Seat]
		into  **int
	}{{start.FrontLeft, left}, {start.FrontRight, right}, {start.RearLeft, &body.Seats.RearLeft}, {start.RearRight, &body.Seats.RearRight}} {
		if !seat.asked.Given {
			continue
		}
		code := int(seat.asked.Value)
		if _, ok := vehicle.SeatOf(code); !ok {
			return nil, want.Invalid("a seat must be 0 to 8, not %d", code)
		}
		*seat.into = &code
	}
	return body, nil
}

func oneIf(so bool) int {
	if so {
		return 1
	}
	return 0
}

// side is where the driver sits.
type side string

const (
	leftHand  side = "L"
	rightHand side = "R"
)

// profileTimeout bounds the wait for a car's profile, without which a command goes out as well.
const profileTimeout = 10 * time.Second

// sideOf tells where the driver of a car sits: where all of a region's do, and else on the right where its distances are in
// miles, or its profile says so. The status of a CCS2 car has no miles in its odometer (docs/protocol/europe.md §10), hence
// the ranges; Ireland has none at all, hence the profile, which is asked for once and only when the front seats shall differ.
func (c *cloud) sideOf(ctx context.Context, ask bluelink.Ask, command vehicle.Command) side {
	start, isStart := command.(vehicle.ClimateStart)
	v := &ask.Vehicle
	if !isStart || v.CCS2 == 0 {
		return leftHand
	}
	if c.profile.driver != "" {
		return c.profile.driver
	}
	for _, p := range []vehicle.Point[vehicle.Quantity]{vehicle.Odometer, vehicle.TotalRange, vehicle.EVRange, vehicle.FuelRange} {
		if q, known := p.Of(ask.Known); known && q.Unit == vehicle.Mile {
			return rightHand
		}
	}
	if start.FrontLeft == start.FrontRight {
		return leftHand
	}
	c.mu.Lock()
	known, asked := c.sides[v.ID]
	c.mu.Unlock()
	if asked {
		return known
	}
	message, err := c.ask(ctx, request{
		op: "read profile", kind: bluelink.CallRead, method: http.MethodGet, path: below(v, "/profile"), car: v, ccs2: v.CCS2,
		timeout: profileTimeout, besides: true,
	})
	if err != nil {
		c.parts(v).Overlook(ctx, "profile", err)
		return leftHand
	}
	if side(message.get("vinInfo.0.option.drvSeatLoc").str()) == rightHand {
		known = rightHand
	} else {
		known = leftHand
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sides[v.ID] = known
	return known
}
