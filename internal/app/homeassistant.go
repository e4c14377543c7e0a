package app

import (
	"slices"
	"strings"
	"sync/atomic"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/bridge"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/config"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/hass"
	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// announcer tells Home Assistant what there is, in the bridge's words.
type announcer struct {
	home    *hass.Home
	status  string // topic
	presets func() map[string][]vehicle.Command
	codes   func(account string) bool // whether its cloud sends one-time codes
	packet  *atomic.Int64
}

var _ bridge.Announcer = (*announcer)(nil)

// announcer is nil when nobody is to be told.
func (a *App) announcer(tree topic.Tree, table *topic.Table) (bridge.Announcer, error) {
	c := a.config.HomeAssistant
	if !c.Enabled || a.options.Offline {
		return nil, nil
	}
	options := a.topics()
	home, err := hass.New(hass.Options{
		Zones: options.Zones, Location: options.Location,
		Tree: tree, Table: table, Prefix: c.Prefix, Node: c.Node, Language: c.Language, VIN: c.SerialNumber, NoTimes: !c.Times, Version: a.info().Version,
	})
	if err != nil {
		return nil, err
	}
	out := &announcer{home: home, status: c.Status(), presets: func() map[string][]vehicle.Command { return a.bridge.Presets() }, codes: a.sendsCodes, packet: &a.packet}
	return out, nil
}

// topics are the user's choices about data topics.
func (a *App) topics() topic.Options {
	o := topic.Options{Units: a.units(), RetainLocation: a.config.MQTT.RetainLocation}
	switch a.config.MQTT.Location {
	case config.TellZone:
		o.Location = topic.ZoneOnly
	case config.TellNothing:
		o.Location = topic.NowhereToSay
	case config.TellPosition:
	}
	for _, z := range a.config.Zones {
		latitude, longitude, _ := z.Point() // checked when it was read
		o.Zones = append(o.Zones, topic.Zone{Name: z.Name, Latitude: latitude, Longitude: longitude, Radius: z.Metres()})
	}
	return o
}

func (a *App) sendsCodes(account string) bool {
	session := a.sessions[account]
	return session != nil && session.SendsCodes()
}

// limit is the most that one packet may hold.
func (a *announcer) limit() int { return int(a.packet.Load()) }

// Car announces a car.
func (a *announcer) Car(car bridge.Car, can bridge.Abilities, told func() map[string]string) []bridge.Announcement {
	c := hass.Car{Name: car.Name, Account: car.Account, Vehicle: car.Vehicle, State: car.State, Commands: can.Commands, Told: told}
	presets := a.presets()
	for _, name := range can.Presets {
		climate := slices.ContainsFunc(presets[name], func(s vehicle.Command) bool { return s.Spec() == vehicle.ClimateStart{}.Spec() })
		c.Presets = append(c.Presets, hass.Preset{Name: name, Climate: climate})
	}
	return announcements(a.home.Car(c, a.limit()))
}

// Account announces an account.
func (a *announcer) Account(name string) []bridge.Announcement {
	return announcements(a.home.Account(name, a.codes(name), a.limit()))
}

// Bridge announces this program.
func (a *announcer) Bridge() []bridge.Announcement { return announcements(a.home.Bridge(a.limit())) }

// Without takes entities back.
func (a *announcer) Without(n bridge.Announcement, gone []string) []byte {
	return hass.Without(hass.Message{Topic: n.Topic, Payload: n.Payload}, gone, a.limit())
}

// Hears tells whether a message is the status of Home Assistant, and whether it has just started.
func (a *announcer) Hears(topic string, payload []byte) (ours, born bool) {
	ours = topic == a.status
	return ours, ours && strings.EqualFold(string(payload), "online")
}

func announcements(messages []hass.Message) []bridge.Announcement {
	all := make([]bridge.Announcement, len(messages))
	for i, m := range messages {
		all[i] = bridge.Announcement{Topic: m.Topic, Payload: m.Payload, Parts: m.Parts}
	}
	return all
}
