package ccapi

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/want"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Schedules (docs/protocol/europe.md §6.5) and destinations (§6.3).

// plan is a schedule in the words of the wire, from which each form takes what it needs.
type plan struct {
	charging, offPeak int // reservFlag, and 1 only in the cheap hours or 2 preferably
	start, end        wireTime
	departures        [2]wireDeparture
	air               wireAir
}

type wireTime struct {
	Time    string `json:"time"`        // hhmm on a 12-hour clock
	Section int    `json:"timeSection"` // 0 AM, 1 PM
}

type wireDeparture struct {
	enabled bool
	when    wireWhen
}

type wireWhen struct {
	Days []int    `json:"day"` // 0 is Sunday, 9 none
	Time wireTime `json:"time"`
}

// wireAir is the climate before departures, the same for both.
type wireAir struct {
	Control     int             `json:"airCtrl"`
	Temperature wireTemperature `json:"airTemp"`
	Heating     *int            `json:"heating1,omitempty"` // of the combined form only
	Defrost     bool            `json:"defrost"`
}

type wireTemperature struct {
	Value string `json:"value"` // one decimal
	Type  int    `json:"hvacTempType"`
	Unit  int    `json:"unit"` // 0 °C
}

// noDay is the day of a departure without any.
const noDay = 9

func planOf(s vehicle.Schedule) (plan, error) {
	celsius, ok := halfDegrees(s.Temperature)
	if !ok || !(celsius >= 17 && celsius <= 27) {
		return plan{}, want.Invalid("the temperature must be 17 to 27 °C, not %v", s.Temperature)
	}
	p := plan{
		charging: oneIf(s.Charging), offPeak: 2 - oneIf(s.OffPeakOnly),
		air: wireAir{Control: oneIf(s.Climate), Temperature: wireTemperature{Value: fmt.Sprintf("%.1f", celsius), Type: 1}, Defrost: s.Defrost},
	}
	for i, at := range []*wireTime{&p.start, &p.end} {
		var err error
		if *at, err = twelveHours(s.OffPeak[i]); err != nil {
			return plan{}, err
		}
	}
	for i, d := range s.Departures {
		var err error
		if p.departures[i], err = departureOf(d); err != nil {
			return plan{}, err
		}
	}
	return p, nil
}

func departureOf(d vehicle.Departure) (wireDeparture, error) {
	at, err := twelveHours(d.Time)
	if err != nil {
		return wireDeparture{}, err
	}
	var days []int
	for _, day := range d.Days {
		if day < time.Sunday || day > time.Saturday {
			return wireDeparture{}, want.Invalid("day %d is not 0 (Sunday) to 6", day)
		}
		days = append(days, int(day))
	}
	switch {
	case len(days) == 0 && d.Enabled:
		return wireDeparture{}, want.Invalid("a departure has no day")
	case len(days) == 0:
		days = []int{noDay}
	}
	slices.Sort(days)
	return wireDeparture{d.Enabled, wireWhen{slices.Compact(days), at}}, nil
}

// twelveHours writes a time on the 12-hour clock: midnight is 1200 AM.
func twelveHours(t vehicle.TimeOfDay) (wireTime, error) {
	if _, ok := vehicle.NewTimeOfDay(t.Hour, t.Minute); !ok {
		return wireTime{}, want.Invalid("%d:%02d is no time of day", t.Hour, t.Minute)
	}
	return wireTime{fmt.Sprintf("%02d%02d", (t.Hour+11)%12+1, t.Minute), t.Hour / 12}, nil
}

// scheduleTogether is the combined form.
func scheduleTogether(s vehicle.Schedule, _ order) (any, error) {
	type departure struct {
		Set  bool     `json:"reservChargeSet"`
		When wireWhen `json:"reservInfo"`
		Air  wireAir  `json:"reservFatcSet"`
	}
	type window struct {
		Start wireTime `json:"starttime"`
		End   wireTime `json:"endtime"`
	}
	type offPeak struct {
		Window window `json:"offPeakPowerTime1"`
		Flag   int    `json:"offPeakPowerFlag"`
	}
	p, err := planOf(s)
	if err != nil {
		return nil, err
	}
	p.air.Heating = new(int)
	of := func(d wireDeparture) departure { return departure{d.enabled, d.when, p.air} }
	return struct {
		First   departure `json:"reservChargeInfo1"`
		Second  departure `json:"reservChargeInfo2"`
		OffPeak offPeak   `json:"offPeakPowerInfo"`
		Flag    int       `json:"reservFlag"`
	}{of(p.departures[0]), of(p.departures[1]), offPeak{window{p.start, p.end}, p.offPeak}, p.charging}, nil
}

// scheduledCharging is the first of the two flat forms.
func scheduledCharging(s vehicle.Schedule, _ order) (any, error) {
	p, err := planOf(s)
	if err != nil {
		return nil, err
	}
	return struct {
		Flag    int      `json:"reservFlag"`
		OffPeak int      `json:"offpeakPowerFlag"`
		Start   wireTime `json:"reservStartTime"`
		End     wireTime `json:"reservEndTime"`
	}{p.charging, p.offPeak, p.start, p.end}, nil
}

// scheduledClimate is the second.
func scheduledClimate(s vehicle.Schedule, _ order) (any, error) {
	type departure struct {
		Flag int      `json:"reservHVACflag"`
		When wireWhen `json:"reservInfo"`
		Air  wireAir  `json:"reservHVACSet"`
	}
	p, err := planOf(s)
	if err != nil {
		return nil, err
	}
	of := func(d wireDeparture) departure { return departure{oneIf(d.enabled), d.when, p.air} }
	return struct {
		First  departure `json:"reservedHVACInfo1"`
		Second departure `json:"reservedHVACInfo2"`
	}{of(p.departures[0]), of(p.departures[1])}, nil
}

// Waiting for the first part of a command.
const (
	partEvery = 5 * time.Second
	// partPatience is how long: records of carried out commands have stayed pending for longer, and the second call is
	// refused anyway while the car is busy with the first (docs/protocol/europe.md §6.5, §7; seen).
	partPatience = time.Minute
)

// postNext makes a command's next call once the car is done with the one before. What goes wrong from here on leaves the
// command half carried out.
func (c *cloud) postNext(ctx context.Context, f *form, o order, before vehicle.ActionID) (vehicle.ActionID, error) {
	switch status, err := c.outcome(ctx, o.ask.Vehicle, before); {
	case err != nil:
		return "", bluelink.Begun(err)
	case status == vehicle.ActionFailed:
		return "", c.fail(o.command.Spec().Name, bluelink.ErrRefused, "the car refused the first part")
	case status == vehicle.ActionTimeout:
		return "", c.fail(o.command.Spec().Name, bluelink.ErrVehicleUnreachable, "the car did not answer to the first part")
	}
	id, err := c.post(ctx, f, o)
	return id, bluelink.Begun(err)
}

// outcome waits for the end of an action; one that does not show in time is returned as it is.
func (c *cloud) outcome(ctx context.Context, v vehicle.Vehicle, id vehicle.ActionID) (vehicle.ActionStatus, error) {
	start := time.Now()
	for {
		if err := pause(ctx, partEvery); err != nil {
			return "", &bluelink.Error{Op: "wait for the first part", Cloud: c.account.Cloud(), Err: err}
		}
		status, err := c.Action(ctx, v, id)
		waits := status == vehicle.ActionPending || status == vehicle.ActionUnknown && time.Since(start) < c.profile.recordDelay
		switch {
		case err != nil && !passing(err):
			return "", err
		case err == nil && !waits, time.Since(start) >= partPatience:
			return status, nil
		}
	}
}

type poi struct {
	Phone    string   `json:"phone"`
	Waypoint int      `json:"waypointID"`
	Language int      `json:"lang"`
	Source   string   `json:"src"`
	At       poiCoord `json:"coord"`
	Address  string   `json:"addr"`
	Zip      string   `json:"zip"`
	PlaceID  string   `json:"placeid"`
	Name     string   `json:"name"`
}

type poiCoord struct {
	Latitude  float64 `json:"lat"`
	Altitude  int     `json:"alt"`
	Longitude float64 `json:"lon"`
	Type      int     `json:"type"`
}

// destination numbers the places in the order of the route. The device id is spelled deviceID here, and only here.
func destination(d vehicle.Destination, o order) (any, error) {
	if len(d.Points) < 1 || len(d.Points) > 10 {
		return nil, want.Invalid("there must be 1 to 10 places, not %d", len(d.Points))
	}
	list := make([]poi, len(d.Points))
	for i, p := range d.Points {
		if p.Name == "" || !(p.Latitude >= -90 && p.Latitude <= 90) || !(p.Longitude >= -180 && p.Longitude <= 180) {
			return nil, want.Invalid("place %d needs a name, a latitude within 90 and a longitude within 180 degrees", i+1)
		}
		list[i] = poi{
			Phone: p.Phone, Waypoint: i + 1, Language: 1, Source: "HERE", At: poiCoord{Latitude: p.Latitude, Longitude: p.Longitude},
			Address: p.Address, Zip: p.Zip, PlaceID: p.PlaceID, Name: p.Name,
		}
	}
	return struct {
		Device string `json:"deviceID"`
		List   []poi  `json:"poiInfoList"`
	}{o.device, list}, nil
}
