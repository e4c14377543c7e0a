package vehicle

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ID names a car inside the program and in the store: the first 12 hex digits of the SHA-256 of its upper-case VIN. It
// never changes and tells nothing about the car.
type ID string

// NewID derives the ID of a car. A car whose cloud gives no VIN gets one from region, brand and the cloud's own id.
func NewID(vin VIN, region Region, brand Brand, cloudID string) ID {
	text := strings.ToUpper(string(vin))
	if text == "" {
		text = region.String() + "/" + brand.String() + "/" + cloudID
	}
	sum := sha256.Sum256([]byte(text))
	return ID(hex.EncodeToString(sum[:6]))
}

// VIN is a chassis number. Printed or logged it shows only its last four characters; [VIN.Full] gives all of it.
type VIN string

// Full is the unmasked number, for comparisons and for a cloud that asks for it; never for a log.
func (v VIN) Full() string { return string(v) }

// Last4 is the part that may be shown.
func (v VIN) Last4() string {
	if len(v) <= 4 {
		return string(v)
	}
	return string(v[len(v)-4:])
}

// String masks all but the last four characters.
func (v VIN) String() string {
	if v == "" {
		return ""
	}
	return "…" + v.Last4()
}

// Format masks the number under every fmt verb, %q and %x included.
func (v VIN) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(v.String())) }

// LogValue masks the number in structured logs.
func (v VIN) LogValue() slog.Value { return slog.StringValue(v.String()) }

// Brand is the maker whose app the owner uses.
type Brand uint8

// The brands with the numbers of the service that this one replaces (docs/protocol/vehicle-model.md §4.3).
const (
	Kia     Brand = 1
	Hyundai Brand = 2
	Genesis Brand = 3
)

var brandNames = map[Brand]string{Kia: "kia", Hyundai: "hyundai", Genesis: "genesis"}

func (b Brand) String() string { return nameOf(brandNames, b) }

// ParseBrand reads a brand by name or by its number; case and surrounding space do not matter.
func ParseBrand(text string) (Brand, error) { return parse("brand", brandNames, text) }

// MarshalText writes the name.
func (b Brand) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// UnmarshalText reads a name or a number, see [ParseBrand].
func (b *Brand) UnmarshalText(text []byte) (err error) {
	*b, err = ParseBrand(string(text))
	return err
}

// Region is the part of the world whose cloud serves the account.
type Region uint8

// The regions with the numbers of the service that this one replaces (docs/protocol/vehicle-model.md §4.3).
const (
	Europe     Region = 1
	Canada     Region = 2
	USA        Region = 3
	China      Region = 4
	Australia  Region = 5
	India      Region = 6
	NewZealand Region = 7
	Brazil     Region = 8
)

// regions are what the program has to know of each: how it is written, and the clock of most of its cars. Which of them have
// a cloud that can be signed in to, package clouds tells.
var regions = []struct {
	Region
	name  string
	words []string
	zone  string
}{
	{Europe, "eu", []string{"europe"}, "Europe/Berlin"},
	{Canada, "ca", []string{"canada"}, "America/Toronto"},
	{USA, "us", []string{"usa"}, "America/New_York"},
	{China, "cn", []string{"china"}, "Asia/Shanghai"},
	{Australia, "au", []string{"australia"}, "Australia/Sydney"},
	{India, "in", []string{"india"}, "Asia/Kolkata"},
	{NewZealand, "nz", []string{"newzealand", "new-zealand"}, "Pacific/Auckland"},
	{Brazil, "br", []string{"brazil"}, "America/Sao_Paulo"},
}

var regionNames = func() map[Region]string {
	names := map[Region]string{}
	for _, r := range regions {
		names[r.Region] = r.name
	}
	return names
}()

// RegionNames lists the regions by their two letters, in the order of their numbers.
func RegionNames() (names []string) {
	for _, r := range regions {
		names = append(names, r.name)
	}
	return names
}

// Zone names the time zone with most of the region's cars; empty for a region that is not known.
func (r Region) Zone() string {
	for _, row := range regions {
		if row.Region == r {
			return row.zone
		}
	}
	return ""
}

func (r Region) String() string { return nameOf(regionNames, r) }

// ParseRegion reads a region by its two letters, its English name or its number; case and surrounding space do not
// matter.
func ParseRegion(text string) (Region, error) {
	word := strings.ToLower(strings.TrimSpace(text))
	for _, r := range regions {
		if slices.Contains(r.words, word) {
			return r.Region, nil
		}
	}
	return parse("region", regionNames, text)
}

// MarshalText writes the two letters.
func (r Region) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads a name or a number, see [ParseRegion].
func (r *Region) UnmarshalText(text []byte) (err error) {
	*r, err = ParseRegion(string(text))
	return err
}

// Engine is what drives the car. It decides which data points a car can have and how some are read.
type Engine uint8

// The engine types of docs/protocol/vehicle-model.md §4.3.
const (
	EngineUnknown Engine = iota
	ICE                  // combustion only
	EV                   // battery only
	PHEV                 // plug-in hybrid
	HEV                  // hybrid without plug
)

var engineNames = map[Engine]string{EngineUnknown: "unknown", ICE: "ice", EV: "ev", PHEV: "phev", HEV: "hev"}

func (e Engine) String() string { return nameOf(engineNames, e) }

// ParseEngine reads an engine type by name.
func ParseEngine(text string) (Engine, error) { return parse("engine", engineNames, text) }

// MarshalText writes the name.
func (e Engine) MarshalText() ([]byte, error) { return []byte(e.String()), nil }

// UnmarshalText reads a name, see [ParseEngine].
func (e *Engine) UnmarshalText(text []byte) (err error) {
	*e, err = ParseEngine(string(text))
	return err
}

// Plugs reports whether the car has a traction battery that is charged from outside. An unknown engine may have one.
func (e Engine) Plugs() bool { return e == EV || e == PHEV || e == EngineUnknown }

// Capabilities is what the car and its region can do, as data: it is asked before acting, published and shown.
type Capabilities struct {
	// Commands are the names of catalogue commands that this car accepts.
	Commands []string `json:"commands"`
	// Patience is how long the region's cloud may take to tell how a command ended, where that is longer than the command's
	// own limit.
	Patience time.Duration `json:"-"`
}

// Vehicle is who a car is, as its account's vehicle list tells it.
type Vehicle struct {
	ID      ID     `json:"id"`
	CloudID string `json:"cloud_id"` // the cloud's own id, used in its paths
	VIN     VIN    `json:"vin"`
	Name    string `json:"name"` // nickname
	Model   string `json:"model"`
	Year    int    `json:"year"` // model year, 0 when unknown
	Brand   Brand  `json:"brand"`
	Region  Region `json:"region"`
	Engine  Engine `json:"engine"`
	// CCS2 is the list's ccuCCS2ProtocolSupport: 0 flat protocol, anything else the CCS2 tree. Requests repeat the number
	// (docs/protocol/europe.md §1.5).
	CCS2 int `json:"ccs2"`
	// Tree tells that the region's cars report the CCS2 tree, whatever the list says (docs/protocol/brazil.md §4).
	Tree bool `json:"tree,omitempty"`
	// Registered is the registration date as the cloud writes it.
	Registered   string       `json:"registered,omitempty"`
	Capabilities Capabilities `json:"capabilities"`
}

// Protocol names the form in which the car reports: "ccs2" or "flat".
func (v Vehicle) Protocol() string {
	if v.Tree || v.CCS2 != 0 {
		return "ccs2"
	}
	return "flat"
}

// LogValue shows what may be logged of a car.
func (v Vehicle) LogValue() slog.Value {
	return slog.GroupValue(slog.String("id", string(v.ID)), slog.String("model", v.Model), slog.String("vin_end", v.VIN.Last4()))
}

func nameOf[T ~uint8](names map[T]string, value T) string {
	if name, ok := names[value]; ok {
		return name
	}
	return strconv.Itoa(int(value))
}

func parse[T ~uint8](what string, names map[T]string, text string) (T, error) {
	word := strings.ToLower(strings.TrimSpace(text))
	number, err := strconv.ParseUint(word, 10, 8)
	if _, known := names[T(number)]; err == nil && known {
		return T(number), nil
	}
	for value, name := range names {
		if name == word {
			return value, nil
		}
	}
	return 0, fmt.Errorf("%s %q is not known; one of %s", what, text, choices(names))
}

func choices[T ~uint8](names map[T]string) string {
	var all []string
	for value := range T(16) {
		if name, ok := names[value]; ok {
			all = append(all, fmt.Sprintf("%s (%d)", name, value))
		}
	}
	return strings.Join(all, ", ")
}
