package hass

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"sync"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/topic"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Product is what this program is called, and where it is at home.
const (
	Product  = "bluelink2mqtt"
	Support  = "https://github.com/bluelink2mqtt/bluelink2mqtt"
	Releases = Support + "/releases"
)

// Options are what a Home is built from.
type Options struct {
	Tree     topic.Tree   // required
	Table    *topic.Table // required
	Prefix   string       // of Home Assistant's discovery topics; required
	Node     string       // tells this instance from another one that serves the same cars; empty for the only one
	Language string       // of names: one of [Languages]
	NoTimes  bool         // nothing that sets a time of day: it is for a Home Assistant that does not know such entities
	VIN      bool         // show the whole chassis number as the device's serial number
	Version  string       // of this program
	Zones    []topic.Zone // as in the table's options
	Location topic.Location
}

// Home writes for one installation of Home Assistant. It never changes, and any goroutine may use it.
type Home struct {
	options Options
	names   names
	slugs   names    // of the English names
	given   []entity // those of controls that are the same for all cars; without a key where they are not
	rows    []shown
	places  map[string]*entity // those of topics that are made of several data points, by topic
	topics  map[*vehicle.Datum]*topic.Row
	bridge  string // identifier of the bridge's device

	entities sync.Map // of data: entityKey to *entity
}

// shown is a topic with an entity of its own.
type shown struct {
	row   *topic.Row
	datum *vehicle.Datum // nil for what is made of several
}

// entityKey names an entity of data: the topic, its unit, and whether the car has a plug.
type entityKey struct {
	row   int
	unit  string
	plugs bool
}

// idPattern is what Home Assistant takes in discovery topics.
var idPattern = regexp.MustCompile(`^[a-zA-Z0-9_-]{0,64}$`)

// New checks the options.
func New(o Options) (*Home, error) {
	switch {
	case o.Tree == topic.Tree{}, o.Table == nil, o.Prefix == "":
		return nil, errors.New("hass: tree, table and prefix are required")
	case !idPattern.MatchString(o.Node):
		return nil, fmt.Errorf("hass: node %.64q has other characters than a-z, A-Z, 0-9, _ and -", o.Node)
	}
	h := &Home{options: o, topics: map[*vehicle.Datum]*topic.Row{}, bridge: Product + "_bridge"}
	if o.Node != "" {
		h.bridge = Product + "_" + o.Node + "_bridge"
	}
	var err error
	if h.names, err = readNames(o.Language); err != nil {
		return nil, err
	}
	english, err := readNames("en")
	if err != nil {
		return nil, err
	}
	h.slugs = names{}
	for key, name := range english {
		h.slugs[key] = slug(name)
	}
	h.places = map[string]*entity{}
	for suffix, e := range derivedWith(o) {
		e = e.named()
		h.places[suffix] = &e
	}
	for _, row := range o.Table.Rows() {
		if _, known := h.places[row.Suffix]; known {
			h.rows = append(h.rows, shown{row, nil})
			continue
		}
		if len(row.Inputs) == 0 {
			continue
		}
		d := row.Inputs[0]
		if _, told := h.topics[d]; told {
			continue
		}
		h.topics[d] = row
		if _, without := withoutEntity[d]; !without {
			h.rows = append(h.rows, shown{row, d})
		}
	}
	for i := range controls {
		var e entity
		if controls[i].each == nil {
			e = controls[i].build(h).named()
		}
		h.given = append(h.given, e)
	}
	return h, nil
}

// first is the topic that tells a data point.
func (h *Home) first(d *vehicle.Datum) *topic.Row { return h.topics[d] }

// Car is what is announced of a car.
type Car struct {
	Name     string // in topics
	Account  string
	Vehicle  vehicle.Vehicle
	State    vehicle.State
	Commands []string // names of those of the catalogue that may be given
	Presets  []Preset // that may be carried out
	// Told gives by which topic each part of its messages is announced now; nil for a car that was not announced. It is asked
	// only where one message does not hold all.
	Told func() map[string]string
}

// Preset is one of the user's.
type Preset struct {
	Name    string
	Climate bool // it starts the climate control
}

// Message is one to publish, retained.
type Message struct {
	Topic   string
	Payload []byte
	Parts   []string // the entities in it, as "sensor/odometer"
}

// Car gives the messages that announce a car: one, and a second one for entities that an older Home Assistant does not
// know and would refuse the first one for; more when limit, the most bytes of a packet and 0 for any, asks for it.
func (h *Home) Car(c Car, limit int) []Message {
	p := &place{
		car: h.options.Tree.Car(c.Name), id: h.id(string(c.Vehicle.ID)), slug: deviceSlug(c.Vehicle),
		bridge: h.options.Tree.BridgeState(), names: h.names, slugs: h.slugs,
	}
	head := h.head(func(o *object) {
		o.texts("name", deviceName(c.Vehicle), "manufacturer", capital(c.Vehicle.Brand.String()), "model", c.Vehicle.Model)
		if c.Vehicle.Year != 0 {
			o.text("hw_version", strconv.Itoa(c.Vehicle.Year))
		}
		if h.options.VIN {
			o.texts("serial_number", c.Vehicle.VIN.Full())
		}
		o.text("via_device", h.accountID(c.Account))
	}, p.id, p.bridge, p.car.Availability())
	return h.messages(p, head, h.carEntities(&c), limit, c.Told)
}

// Bridge gives the messages that announce the bridge itself.
func (h *Home) Bridge(limit int) []Message {
	p := &place{id: h.bridge, slug: slug(h.bridge), bridge: h.options.Tree.BridgeState(), names: h.names, slugs: h.slugs}
	head := h.head(func(o *object) {
		o.texts("name", Product, "manufacturer", Product, "model", "Bridge", "sw_version", h.options.Version)
	}, p.id)
	return h.messages(p, head, pointers(bridgeEntities(h.options.Tree)), limit, nil)
}

// Account gives the messages that announce an account; codes tells that its cloud may ask for a one-time code.
func (h *Home) Account(name string, codes bool, limit int) []Message {
	p := &place{id: h.accountID(name), slug: slug(Product + " " + name), bridge: h.options.Tree.BridgeState(), names: h.names, slugs: h.slugs}
	head := h.head(func(o *object) {
		o.texts("name", h.names["account"]+" "+name, "manufacturer", Product, "model", "Account", "via_device", h.bridge)
	}, p.id, p.bridge)
	return h.messages(p, head, pointers(accountEntities(h.options.Tree, name, codes)), limit, nil)
}

// id is the identifier of a device, and the beginning of the unique ids of its entities. It must never change: Home
// Assistant would take what is known for something new.
func (h *Home) id(of string) string {
	if h.options.Node == "" {
		return Product + "_" + of
	}
	return Product + "_" + h.options.Node + "_" + of
}

func (h *Home) accountID(name string) string { return h.id("account_" + name) }

// deviceName is how a car's device is called.
func deviceName(v vehicle.Vehicle) string {
	switch {
	case v.Name != "":
		return v.Name
	case v.Model != "":
		return v.Model
	}
	return capital(v.Brand.String()) + " " + string(v.ID)
}

// deviceSlug is what the ids of a car's entities begin with. Of a name in letters that are not Latin nothing is left; the
// model is mostly written in them.
func deviceSlug(v vehicle.Vehicle) string {
	return cmp.Or(slug(deviceName(v)), slug(v.Model), slug(v.Brand.String()+" "+string(v.ID)))
}

func capital(word string) string {
	if word == "" {
		return ""
	}
	return string(word[0]-'a'+'A') + word[1:]
}

// carEntities are all entities of a car, in the order of data, what the bridge tells, commands and presets.
func (h *Home) carEntities(c *Car) []*entity {
	given := h.controls(c)
	all := make([]*entity, 0, 256)
	for i := range h.rows {
		s := &h.rows[i]
		if !s.row.Seen(c.State) {
			continue
		}
		if s.datum == nil {
			all = append(all, h.places[s.row.Suffix])
			continue
		}
		if !s.datum.Fits(c.Vehicle.Engine) || slices.ContainsFunc(given, func(n int) bool { return controls[n].instead && controls[n].shows == s.datum }) {
			continue
		}
		all = append(all, h.data(s, c))
	}
	for i := range told {
		all = append(all, &told[i])
	}
	for _, n := range given {
		if controls[n].each != nil {
			e := controls[n].each(h, c)
			all = append(all, &e)
			continue
		}
		all = append(all, &h.given[n])
	}
	taken := map[string]bool{}
	for _, p := range c.Presets {
		e := presetButton(p)
		for n := 2; taken[e.key]; n++ {
			e.key = presetButton(p).key + "_" + strconv.Itoa(n)
		}
		taken[e.key] = true
		all = append(all, &e)
	}
	return all
}

// controls are those of a car that may do what they say, by their places in the table.
func (h *Home) controls(c *Car) (all []int) {
	for i := range controls {
		g := &controls[i]
		if h.options.NoTimes && h.given[i].young {
			continue
		}
		if g.shows != nil && !g.shows.Fits(c.Vehicle.Engine) || g.whole && !h.plans(g.shows, c.State) {
			continue
		}
		if !slices.ContainsFunc(g.needs, func(n vehicle.Command) bool { return !slices.Contains(c.Commands, n.Spec().Name) }) {
			all = append(all, i)
		}
	}
	return all
}

// data is the entity of a data point.
func (h *Home) data(s *shown, c *Car) *entity {
	key := entityKey{s.row.Position(), s.row.Unit(c.State), c.Vehicle.Engine.Plugs()}
	if known, ok := h.entities.Load(key); ok {
		e, _ := known.(*entity)
		return e
	}
	e := dataEntity(s.datum, s.row, key.unit)
	if s.datum == vehicle.Battery12V.Datum && !key.plugs {
		// The device's page shows one battery: the traction battery, where there is one.
		e = e.with("device_class", "battery")
	}
	e = e.named()
	h.entities.Store(key, &e)
	return &e
}

// temperature is the unit in which a car's climate is set.
func (h *Home) temperature(c *Car) vehicle.Unit {
	switch h.first(vehicle.AirTemperature.Datum).Unit(c.State) {
	case vehicle.Fahrenheit.String():
		return vehicle.Fahrenheit
	case vehicle.Celsius.String():
		return vehicle.Celsius
	}
	if c.Vehicle.Region == vehicle.USA {
		return vehicle.Fahrenheit
	}
	return vehicle.Celsius
}
