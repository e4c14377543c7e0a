package ccapi

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// opList is what the vehicle list is called.
const opList = "list vehicles"

// Vehicles lists the cars of the account (docs/protocol/europe.md §3). A damaged entry costs its own car only.
func (c *cloud) Vehicles(ctx context.Context) ([]vehicle.Vehicle, error) {
	const op = opList
	message, err := c.ask(ctx, request{op: op, kind: bluelink.CallRead, method: http.MethodGet})
	if err != nil {
		return nil, err
	}
	entries := message.get("vehicles")
	if entries.kind() != '[' {
		return nil, c.fail(op, bluelink.ErrBadResponse, "no list of vehicles")
	}
	list := []vehicle.Vehicle{}
	seen := map[vehicle.ID]bool{}
	for entry := entries.first(); entry.Exists(); entry = entry.next() {
		v, ok := c.readVehicle(entry)
		switch {
		case !ok:
			c.log.WarnContext(ctx, "an entry of the vehicle list has no vehicle id and is left out", "account", c.account.Name)
		case seen[v.ID]:
			c.log.WarnContext(ctx, "the vehicle list holds a car twice", "account", c.account.Name, "vehicle", string(v.ID))
		default:
			seen[v.ID] = true
			list = append(list, v)
		}
	}
	return list, nil
}

// engines are the words of the list for what drives a car.
var engines = map[string]vehicle.Engine{
	"GN": vehicle.ICE, "EV": vehicle.EV, "PHEV": vehicle.PHEV, "PE": vehicle.PHEV, "HV": vehicle.HEV,
}

func (c *cloud) readVehicle(entry value) (v vehicle.Vehicle, ok bool) {
	text := func(name string) string { return strings.Clone(strings.TrimSpace(entry.get(name).str())) }
	v = vehicle.Vehicle{
		CloudID: text("vehicleId"), VIN: vehicle.VIN(strings.ToUpper(text("vin"))), Name: text("nickname"), Model: text("vehicleName"),
		Brand: c.profile.brand, Region: c.profile.region, Engine: engines[strings.ToUpper(text("type"))],
		CCS2: ccs2Support(entry.get("ccuCCS2ProtocolSupport")), Tree: c.profile.tree, Registered: text("regDate"),
	}
	if v.CloudID == "" {
		return v, false
	}
	if v.Name == "" {
		v.Name = v.Model
	}
	if year, err := strconv.Atoi(text("year")); err == nil && year > 1980 && year < 2100 {
		v.Year = year
	}
	v.ID = vehicle.NewID(v.VIN, v.Region, v.Brand, v.CloudID)
	v.Capabilities = vehicle.Capabilities{Commands: c.profile.commandsOf(&v), Patience: c.profile.patience}
	return v, true
}

// ccs2Support reads in which form the car reports. Old cars lack the field for days (docs/protocol/europe.md §3; seen);
// they speak the flat form.
func ccs2Support(leaf value) int {
	n, refused := asState(leaf)
	if refused != "" || n < 0 {
		return 0
	}
	return n
}
