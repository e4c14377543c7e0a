package canada

import (
	"context"
	"net/http"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Vehicles lists the cars of the account (docs/protocol/canada.md §3). A damaged entry costs its own car only.
func (c *cloud) Vehicles(ctx context.Context) (list []vehicle.Vehicle, err error) {
	err = c.ask(ctx, nil, request{
		call: bluelink.Call{Kind: bluelink.CallRead, Op: "list vehicles"}, path: "vhcllst",
		answer: func(result leaf.Value, _ http.Header) error {
			entries := result.Get("vehicles")
			if entries.Kind() != '[' {
				return &bluelink.Error{Err: bluelink.ErrBadResponse, Text: "no list of vehicles"}
			}
			list = []vehicle.Vehicle{}
			seen := map[vehicle.ID]bool{}
			for entry := range entries.All() {
				v := c.readVehicle(entry)
				switch {
				case v.CloudID == "":
					c.log.WarnContext(ctx, "an entry of the vehicle list has no vehicle id and is left out", "account", c.account.Name)
				case seen[v.ID]:
					c.log.WarnContext(ctx, "the vehicle list holds a car twice", "account", c.account.Name, "vehicle", string(v.ID))
				default:
					seen[v.ID] = true
					list = append(list, v)
				}
			}
			return nil
		},
	})
	return list, err
}

// engines are the fuelKindCode of the list. That of hybrids without a plug nobody has seen.
var engines = map[string]vehicle.Engine{"G": vehicle.ICE, "E": vehicle.EV, "P": vehicle.PHEV}

func (c *cloud) readVehicle(entry leaf.Value) vehicle.Vehicle {
	text := func(name string) string { return strings.Clone(strings.TrimSpace(entry.Get(name).Str())) }
	v := vehicle.Vehicle{
		CloudID: text("vehicleId"), VIN: vehicle.VIN(strings.ToUpper(text("vin"))), Name: text("nickName"), Model: text("modelName"),
		Brand: c.account.Brand, Region: vehicle.Canada, Engine: engines[strings.ToUpper(text("fuelKindCode"))],
	}
	if v.Name == "" {
		v.Name = v.Model
	}
	if year, refused := leaf.AsCode(entry.Get("modelYear")); refused == "" && year > 1980 && year < 2100 {
		v.Year = year
	}
	v.ID = vehicle.NewID(v.VIN, v.Region, v.Brand, v.CloudID)
	v.Capabilities.Commands = commandsOf(&v)
	return v
}
