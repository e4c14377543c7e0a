package hyundaius

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/internal/leaf"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// details are what only the list tells of a car, and its calls need.
type details struct {
	generation int           // of the head unit
	indicator  string        // of the brand
	odometer   float64       // miles; 0 when the list does not tell
	seats      map[int][]int // codes that a seat can be set to, by seat: 1 driver, 2 passenger, 3 rear left, 4 rear right; nil when the list has none
	coldest    float64       // °F that can be set
	hottest    float64
	read       time.Time
}

// usualDetails are those of a car of which nothing is known.
var usualDetails = details{generation: 2, indicator: usualIndicator, coldest: 62, hottest: 82}

func (c *cloud) detailsOf(id vehicle.ID) details {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d, ok := c.details[id]; ok {
		return d
	}
	return usualDetails
}

// needDetails reads the list if nothing has read it since the start: how a car is commanded depends on its generation.
// Reads go on without it.
func (c *cloud) needDetails(ctx context.Context, id vehicle.ID) error {
	c.mu.Lock()
	_, known := c.details[id]
	c.mu.Unlock()
	if known {
		return nil
	}
	_, err := c.Vehicles(ctx)
	return err
}

// Vehicles lists the cars of the account (§3). A damaged entry costs its own car only; a car that is no longer enrolled is
// left out, as nothing can be asked of it.
func (c *cloud) Vehicles(ctx context.Context) ([]vehicle.Vehicle, error) {
	const op = "list vehicles"
	// The server wants the @ of the e-mail as it is, and takes + as well; PathEscape leaves both.
	got, err := c.ask(ctx, request{op: op, kind: bluelink.CallRead, method: http.MethodGet, path: "enrollment/details/" + url.PathEscape(c.account.Username)})
	if err != nil {
		return nil, err
	}
	entries := got.root.Get("enrolledVehicleDetails")
	switch {
	case entries.Missing():
		return nil, c.fail(op, bluelink.ErrNoData, "no enrolledVehicleDetails")
	case entries.Kind() != '[':
		return nil, c.fail(op, bluelink.ErrBadResponse, "no list of vehicles")
	}
	list := []vehicle.Vehicle{}
	seen := map[vehicle.ID]details{}
	for entry := range entries.All() {
		entry = entry.Get("vehicleDetails")
		v, ok := c.readVehicle(entry)
		_, twice := seen[v.ID]
		switch {
		case !ok:
			c.log.WarnContext(ctx, "an entry of the vehicle list has no vehicle id and is left out", "account", c.account.Name)
		case twice:
			c.log.WarnContext(ctx, "the vehicle list holds a car twice", "account", c.account.Name, "vehicle", string(v.ID))
		case strings.EqualFold(entry.Get("enrollmentStatus").Str(), "CANCELLED"):
			c.log.InfoContext(ctx, "a car whose enrollment is cancelled is left out", "account", c.account.Name, "vehicle", string(v.ID))
		default:
			d := readDetails(entry)
			v.Capabilities.Commands = commandsOf(&v)
			seen[v.ID] = d
			list = append(list, v)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.Copy(c.details, seen)
	return list, nil
}

// engines are the words of evStatus. Hybrids without a plug say N as well.
var engines = map[string]vehicle.Engine{"N": vehicle.ICE, "E": vehicle.EV, "P": vehicle.PHEV}

func (c *cloud) readVehicle(entry leaf.Value) (v vehicle.Vehicle, ok bool) {
	text := func(name string) string { return strings.Clone(strings.TrimSpace(entry.Get(name).Str())) }
	v = vehicle.Vehicle{
		CloudID: text("regid"), VIN: vehicle.VIN(strings.ToUpper(text("vin"))), Name: text("nickName"), Model: text("modelCode"),
		Brand: c.account.Brand, Region: vehicle.USA, Engine: engines[strings.ToUpper(text("evStatus"))], Registered: text("enrollmentDate"),
	}
	if v.CloudID == "" {
		return v, false
	}
	if v.Name == "" {
		v.Name = v.Model
	}
	if year, err := strconv.Atoi(text("modelYear")); err == nil && year > 1980 && year < 2100 {
		v.Year = year
	}
	v.ID = vehicle.NewID(v.VIN, v.Region, v.Brand, v.CloudID)
	return v, true
}

// readDetails takes what makes sense; the rest stays as usual.
func readDetails(entry leaf.Value) details {
	d := usualDetails
	d.read = time.Now()
	if gen, refused := leaf.AsCode(entry.Get("vehicleGeneration")); refused == "" && gen > 0 && gen < 100 {
		d.generation = gen
	}
	if word := strings.ToUpper(entry.Get("brandIndicator").Str()); word == "H" || word == "G" {
		d.indicator = strings.Clone(word)
	}
	if miles, refused := leaf.AsNumber(entry.Get("odometer")); refused == "" {
		d.odometer = miles
	}
	more := entry.Get("additionalVehicleDetails")
	low, wrongLow := leaf.AsNumber(more.Get("minTemp"))
	high, wrongHigh := leaf.AsNumber(more.Get("maxTemp"))
	if wrongLow == "" && wrongHigh == "" && low >= 50 && low < high && high <= 95 {
		d.coldest, d.hottest = low, high
	}
	for seat := range entry.Get("seatConfigurations.seatConfigs").All() {
		id, refused := leaf.AsCode(seat.Get("seatLocationID"))
		if refused != "" || id < 1 || id > 4 {
			continue
		}
		if d.seats == nil {
			d.seats = map[int][]int{}
		}
		codes := []int{}
		for word := range strings.SplitSeq(seat.Get("supportedLevels").Str(), ",") {
			if code, err := strconv.Atoi(strings.TrimSpace(word)); err == nil {
				codes = append(codes, code)
			}
		}
		d.seats[id] = codes
	}
	return d
}
