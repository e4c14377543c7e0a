package hass_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/hass"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/hass/hasstest"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

func TestCar_IsOneMessageUnlessTheBrokerTakesLess(t *testing.T) {
	o := options(t, topic.AsReported)
	h := newHome(t, o)
	c := car(ioniq(), full(t, vehicle.EV, 0), everything())
	whole := h.Car(c, 0)
	if old := slices.DeleteFunc(slices.Clone(whole), func(m hass.Message) bool { return strings.Contains(m.Topic, "_young") }); len(old) != 1 {
		t.Errorf("%d messages", len(old))
	}
	home := hasstest.NewHome(prefix)
	const limit = 16 << 10
	split := h.Car(c, limit)
	if len(split) < 4 {
		t.Errorf("%d messages of at most %d bytes", len(split), limit)
	}
	for _, m := range split {
		home.Receive(m.Topic, m.Payload, true)
		if len(m.Topic)+len(m.Payload) > limit {
			t.Errorf("%s has %d bytes", m.Topic, len(m.Payload))
		}
	}
	state(home, o, c)
	if err := home.Err(); err != nil {
		t.Error(err)
	}
	if got, want := home.Picture(), found(t, o, c).Picture(); got != want {
		t.Errorf("split, the car looks another way:\n%s\nwant\n%s", got, want)
	}
}

func TestNoTimes_AreSensorsForAnOldHome(t *testing.T) {
	o := options(t, topic.AsReported, func(o *hass.Options) { o.NoTimes = true })
	c := car(ioniq(), full(t, vehicle.EV, 0), everything())
	if messages := newHome(t, o).Car(c, 0); len(messages) != 1 {
		t.Errorf("%d messages", len(messages))
	}
	picture := found(t, o, c).Picture()
	if strings.Contains(picture, " time ") || !strings.Contains(picture, "_ev_first_departure_time sensor state_topic=07:10:00\n") {
		t.Errorf("the times look another way:\n%s", picture)
	}
}

func TestWithout_TakesEntitiesBackAndLeavesTheOthers(t *testing.T) {
	o := options(t, topic.AsReported)
	h := newHome(t, o)
	before := h.Car(car(ioniq(), full(t, vehicle.EV, 0), everything()), 0)[0]
	after := h.Car(car(ioniq(), full(t, vehicle.EV, 0), reading()), 0)[0]
	home := hasstest.NewHome(prefix)
	home.Receive(before.Topic, before.Payload, true)
	gone := slices.DeleteFunc(slices.Clone(before.Parts), func(part string) bool { return slices.Contains(after.Parts, part) })
	if !slices.Contains(gone, "lock/lock") || slices.Contains(gone, "sensor/odometer") {
		t.Fatalf("gone are %v", gone)
	}
	home.Receive(after.Topic, hass.Without(after, gone, 0), true)
	home.Receive(after.Topic, after.Payload, true)
	if err := home.Err(); err != nil {
		t.Error(err)
	}
	fresh := hasstest.NewHome(prefix)
	fresh.Receive(after.Topic, after.Payload, true)
	if got, want := home.Picture(), fresh.Picture(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestWithout_TakesBackWithinWhatTheBrokerTakes(t *testing.T) {
	o := options(t, topic.AsReported)
	h := newHome(t, o)
	const limit = 4 << 10
	all := h.Car(car(ioniq(), full(t, vehicle.EV, 0), everything()), limit)
	last := all[0]
	gone := slices.Concat(all[1].Parts, all[2].Parts, all[3].Parts) // as if all had been in the first message when the broker took more
	home := hasstest.NewHome(prefix)
	home.Receive(last.Topic, last.Payload, true)
	size := func(payload []byte) int { return len(last.Topic) + len(payload) }
	if n := size(hass.Without(last, gone, 0)); n <= limit {
		t.Fatalf("both together would fit with %d bytes", n)
	}
	back := hass.Without(last, gone, limit)
	if size(back) > limit {
		t.Errorf("%d bytes", size(back))
	}
	for _, part := range gone {
		_, key, _ := strings.Cut(part, "/")
		if !strings.Contains(string(back), `"`+key+`":{`) {
			t.Errorf("%s is not taken back", part)
		}
	}
	home.Receive(last.Topic, back, true)
	home.Receive(last.Topic, last.Payload, true)
	if err := home.Err(); err != nil {
		t.Error(err)
	}
	fresh := hasstest.NewHome(prefix)
	fresh.Receive(last.Topic, last.Payload, true)
	if got, want := home.Picture(), fresh.Picture(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if none := hass.Without(last, gone, 400); string(none) != string(last.Payload) {
		t.Errorf("without room for any: %s", none)
	}
	for most := 700; most < size(back); most += 100 { // whatever has room is still a message
		if part := hass.Without(last, gone, most); size(part) > most || !json.Valid(part) {
			t.Errorf("within %d bytes: %s", most, part)
		}
	}
}

func TestNode_KeepsTwoInstancesApart(t *testing.T) {
	home := hasstest.NewHome(prefix)
	for _, node := range []string{"", "cottage"} {
		o := options(t, topic.AsReported, func(o *hass.Options) { o.Node = node })
		h := newHome(t, o)
		for _, m := range slices.Concat(h.Bridge(0), h.Account("hyundai-eu", false, 0), h.Car(car(ioniq(), full(t, vehicle.EV, 0), everything()), 0)) {
			home.Receive(m.Topic, m.Payload, true)
		}
	}
	if err := home.Err(); err != nil {
		t.Error(err)
	}
}

func TestNew_RefusesWhatHomeAssistantWould(t *testing.T) {
	for _, change := range []func(*hass.Options){
		func(o *hass.Options) { o.Node = "my house" },
		func(o *hass.Options) { o.Language = "tlh" },
		func(o *hass.Options) { o.Prefix = "" },
	} {
		if _, err := hass.New(options(t, topic.AsReported, change)); err == nil {
			t.Error("nothing was refused")
		}
	}
}

func TestVIN_IsShownOnlyWhenAsked(t *testing.T) {
	c := car(ioniq(), full(t, vehicle.EV, 0), everything())
	if m := newHome(t, options(t, topic.AsReported)).Car(c, 0)[0]; strings.Contains(string(m.Payload), c.Vehicle.VIN.Full()) {
		t.Error("the chassis number is there although nobody asked for it")
	}
	asked := options(t, topic.AsReported, func(o *hass.Options) { o.VIN = true })
	if m := newHome(t, asked).Car(c, 0)[0]; !strings.Contains(string(m.Payload), `"serial_number":"`+c.Vehicle.VIN.Full()+`"`) {
		t.Error("the chassis number is not there")
	}
}
