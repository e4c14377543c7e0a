package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// replay is a recorded payload that a car answers with. The first report is the
// recording as it is; when the car is woken it says the same again, at the new time.
type replay struct {
	file string         // base name
	ccs2 bool           // tree is a CCS2 Vehicle; otherwise it is a vehicleStatusInfo
	tree map[string]any // numbers are json.Number, so that they come out as they went in
	form *recordingForm // where the recording is no European one
}

// addReplay puts a car that answers with a recording into the account that the file's
// name says: {region}_{brand}_{…}.json, with "ccs2" in the name for a CCS2 tree.
func (s *Sim) addReplay(file string) error {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	base := filepath.Base(file)
	words := strings.Split(strings.TrimSuffix(base, filepath.Ext(base)), "_")
	if len(words) < 3 {
		return errors.New("the name must be {region}_{brand}_{model}_{…}.json")
	}
	c, err := s.cloudOf(words[0], words[1])
	if err != nil {
		return err
	}
	r := &replay{file: base, ccs2: strings.Contains(base, "ccs2"), form: recordingForms[c.region+" "+c.brand]}
	if r.form != nil {
		r.ccs2 = false
		r.tree, err = r.form.read(raw)
	} else {
		r.tree, err = readRecording(raw, r.ccs2)
	}
	if err != nil {
		return err
	}
	v := r.car(c, words[2:])
	if c.byID[v.id] != nil {
		return errors.New("the same file is given twice")
	}
	c.add(v)
	return nil
}

func (s *Sim) cloudOf(region, brand string) (*cloud, error) {
	var regions, brands []string
	for _, c := range s.clouds {
		switch {
		case c.region == region && c.brand == brand:
			return c, nil
		case c.region == region:
			brands = append(brands, c.brand)
		case !slices.Contains(regions, c.region):
			regions = append(regions, c.region)
		}
	}
	if brands != nil {
		return nil, fmt.Errorf("brand %q is not served in region %q; there are %s", brand, region, strings.Join(brands, ", "))
	}
	return nil, fmt.Errorf("region %q is not served; served: %s", region, strings.Join(regions, ", "))
}

// readRecording finds the part that the region's parser is handed, which recordings
// hold with or without its envelope.
func readRecording(raw []byte, ccs2 bool) (map[string]any, error) {
	tree, err := readObject(raw)
	if err != nil {
		return nil, err
	}
	return unwrap(tree, ccs2)
}

// readObject reads the one object of a recording, without what was written about it.
func readObject(raw []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var tree map[string]any
	if err := d.Decode(&tree); err != nil {
		return nil, fmt.Errorf("read JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("read JSON: there is more after the object")
	}
	delete(tree, "_fixture_meta")
	return tree, nil
}

func unwrap(tree map[string]any, ccs2 bool) (map[string]any, error) {
	envelope, marks := []string{"resMsg", "state", "Vehicle"}, []string{"Date", "Body", "Cabin", "Drivetrain", "Electronics", "Green"}
	if !ccs2 {
		envelope, marks = []string{"resMsg", "vehicleStatusInfo"}, []string{"vehicleStatus", "status"}
	}
	for _, key := range envelope {
		if inner, ok := tree[key].(map[string]any); ok {
			tree = inner
		}
	}
	if status, ok := tree["status"].(map[string]any); ok && !ccs2 {
		tree["vehicleStatus"] = status // as China says it, and as one parser is handed Australia's
		delete(tree, "status")
	}
	if has(tree, marks...) {
		return tree, nil
	}
	if !ccs2 && has(tree, "doorLock", "engine", "evStatus", "battery") {
		return map[string]any{"vehicleStatus": tree}, nil
	}
	return nil, fmt.Errorf("found none of %s in it", strings.Join(marks, ", "))
}

func has(tree map[string]any, keys ...string) bool {
	for _, key := range keys {
		if _, there := tree[key]; there {
			return true
		}
	}
	return false
}

// dig follows keys through objects; nil when the way ends early.
func dig(tree any, keys ...string) any {
	for _, key := range keys {
		object, _ := tree.(map[string]any)
		tree = object[key]
	}
	return tree
}

// car makes the car of a recording; words are the rest of the file's name.
func (r *replay) car(c *cloud, words []string) *car {
	m := &model{name: strings.ToUpper(words[0]), engine: r.engine(), ccs2: r.ccs2}
	year := c.sim.clock.start().Year()
	for _, word := range words {
		if n, err := strconv.Atoi(word); err == nil && n >= 2010 && n <= 2039 {
			year = n
		}
	}
	identity := []any{c.region, c.brand, "replay", r.file, c.sim.options.Seed}
	number := vin(c.wmi, year, append(identity, "vin")...)
	v := &car{
		cloud: c, index: len(c.cars), model: m, year: year, replay: r,
		id: c.vehicleID(len(c.cars), number, append(identity, "id")...), vin: number,
		nickname: strings.Join(words, " "), base: roll(append(identity, "base")...), registered: fmt.Sprintf("%d-01-01 00:00:00.000", year),
	}
	v.beBorn()
	return v
}

// engine tells what the recorded car burns by what it reports.
func (r *replay) engine() engine {
	plug, fuel := false, false
	switch {
	case r.form != nil:
		plug, fuel = r.form.burns(r.tree)
	case r.ccs2:
		plug = dig(r.tree, "Green", "BatteryManagement") != nil || dig(r.tree, "Green", "ChargingInformation", "TargetSoC") != nil
		level, _ := dig(r.tree, "Drivetrain", "FuelSystem", "FuelLevel").(json.Number)
		fuel = dig(r.tree, "Drivetrain", "FuelSystem", "DTE", "ICE") != nil || level != "" && level != "0"
	default:
		plug = dig(r.tree, "vehicleStatus", "evStatus") != nil
		level, _ := dig(r.tree, "vehicleStatus", "fuelLevel").(json.Number)
		fuel = level != "" && level != "0"
	}
	switch {
	case plug && fuel:
		return plugIn
	case plug:
		return electric
	}
	return petrol
}

// recordedAt is the recording's own report time, or zero.
func (r *replay) recordedAt(local *time.Location) time.Time {
	if r.form != nil {
		return r.form.recordedAt(r.tree)
	}
	zone, text := time.UTC, ""
	if r.ccs2 {
		text, _ = dig(r.tree, "Date").(string)
	} else {
		zone = local
		text, _ = dig(r.tree, "vehicleStatus", "time").(string)
	}
	at, err := time.ParseInLocation(compactTime, text[:min(len(text), len(compactTime))], zone)
	if err != nil {
		return time.Time{}
	}
	return at
}

// render gives the recording; with a time, as if the car had just said it there.
func (r *replay) render(at time.Time, zone *time.Location) map[string]any {
	if at.IsZero() {
		return r.tree
	}
	if r.form != nil {
		return r.form.at(r.tree, at)
	}
	if r.ccs2 {
		return withKey(r.tree, "Date", at.UTC().Format(compactTime+".000"))
	}
	status, _ := r.tree["vehicleStatus"].(map[string]any)
	return withKey(r.tree, "vehicleStatus", withKey(status, "time", localCompact(at, zone)))
}

// wrapRecording puts a recorded status where the region has it.
func (g *ccapi) wrapRecording(tree map[string]any) []byte {
	switch g.root {
	case rootBare:
		return marshal(tree["vehicleStatus"])
	case rootStatus:
		message := map[string]any{"status": tree["vehicleStatus"]}
		if place, there := tree["vehicleLocation"]; there {
			message["vehicleLocation"] = place
		}
		return marshal(message)
	default:
		return marshal(map[string]any{"vehicleStatusInfo": tree})
	}
}

// position is the recorded place in the form of the parked position, or nil.
func (r *replay) position() map[string]any {
	if !r.ccs2 {
		place, _ := r.tree["vehicleLocation"].(map[string]any)
		if dig(place, "coord", "lat") == nil {
			return nil
		}
		return place
	}
	place := dig(r.tree, "Location")
	if dig(place, "GeoCoord", "Latitude") == nil {
		return nil
	}
	position := map[string]any{
		"coord": map[string]any{
			"lat": dig(place, "GeoCoord", "Latitude"), "lon": dig(place, "GeoCoord", "Longitude"), "alt": 0, "type": 0,
		},
		"head": 0, "speed": map[string]any{"value": 0, "unit": 0}, "accuracy": map[string]any{"hdop": 0, "pdop": 0},
	}
	if heading := dig(place, "Heading"); heading != nil {
		position["head"] = heading
	}
	if altitude := dig(place, "GeoCoord", "Altitude"); altitude != nil {
		position["coord"].(map[string]any)["alt"] = altitude
	}
	digits := ""
	for _, part := range []string{"Year", "Mon", "Day", "Hour", "Min", "Sec"} {
		n, err := strconv.Atoi(fmt.Sprint(dig(place, "TimeStamp", part)))
		if err != nil {
			return position // without a time, as recorded
		}
		digits += fmt.Sprintf("%02d", n)
	}
	position["time"] = digits
	return position
}

// parked answers with the recorded place, if there is one.
func (r *replay) parked(g *ccapi) reply {
	return placeAnswer(g, r.position(), true)
}

// live answers with the recorded place at the present time of the car's clock.
func (r *replay) live(g *ccapi, now time.Time, bare bool) reply {
	position := r.position()
	if position != nil {
		position = withKey(position, "time", now.Format(compactTime))
	}
	return placeAnswer(g, position, bare)
}

func placeAnswer(g *ccapi, position map[string]any, bare bool) reply {
	switch {
	case position == nil:
		return refusedNoData.reply()
	case !bare:
		position = map[string]any{"gpsDetail": position}
	case g.twoPlaces:
		position = withKey(position, "gpsDetail", position)
	}
	return spaAnswer(marshal(position))
}

func withKey(object map[string]any, key string, value any) map[string]any {
	changed := make(map[string]any, len(object)+1)
	for k, v := range object {
		changed[k] = v
	}
	changed[key] = value
	return changed
}
