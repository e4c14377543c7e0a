// Package clouds opens the right cloud for a region and brand. It is the one table of all protocol families, and nothing
// else: a new family is one row of it. Whatever needs a cloud comes through here; families are imported by nobody else.
package clouds

import (
	"fmt"
	"slices"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/canada"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/ccapi"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/hyundaius"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/kiaus"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Service names a cloud: one brand in one region.
type Service struct {
	Region vehicle.Region
	Brand  vehicle.Brand
}

// String is "hyundai-eu".
func (s Service) String() string { return s.Brand.String() + "-" + s.Region.String() }

// family is what a protocol family gives to the table.
type family struct {
	pin     bool             // commands need the PIN of the maker's app
	regions []vehicle.Region // whose recorded status it reads
	brands  []vehicle.Brand
	serves  func(vehicle.Region, vehicle.Brand) bool // whether it can be signed in to
	open    func(bluelink.Account, bluelink.Settings) (bluelink.Cloud, error)
	decode  func(region vehicle.Region, protocol string, engine vehicle.Engine, payload []byte) (vehicle.Report, error)
}

var allBrands = []vehicle.Brand{vehicle.Hyundai, vehicle.Kia, vehicle.Genesis}

var families = []family{
	{
		regions: []vehicle.Region{vehicle.Europe, vehicle.Australia, vehicle.NewZealand, vehicle.India, vehicle.China, vehicle.Brazil},
		pin:     true,
		brands:  allBrands, serves: ccapi.Serves, open: ccapi.Open, decode: ccapi.Decode,
	},
	{
		regions: []vehicle.Region{vehicle.USA},
		pin:     true,
		brands:  []vehicle.Brand{vehicle.Hyundai, vehicle.Genesis}, serves: hyundaius.Serves, open: hyundaius.Open, decode: hyundaius.Decode,
	},
	{
		regions: []vehicle.Region{vehicle.USA},
		brands:  []vehicle.Brand{vehicle.Kia}, serves: kiaus.Serves, open: kiaus.Open, decode: kiaus.Decode,
	},
	{
		regions: []vehicle.Region{vehicle.Canada},
		pin:     true,
		brands:  allBrands, serves: canada.Serves, open: canada.Open, decode: canada.Decode,
	},
}

// Supported lists the clouds that can be opened.
func Supported() []Service {
	var served []Service
	for _, f := range families {
		for _, region := range f.regions {
			for _, brand := range f.brands {
				if f.serves(region, brand) {
					served = append(served, Service{region, brand})
				}
			}
		}
	}
	return served
}

// NeedsPIN tells whether commands need the PIN of the maker's app there. An account without it then only reads.
func NeedsPIN(region vehicle.Region, brand vehicle.Brand) bool {
	for _, f := range families {
		if f.serves(region, brand) {
			return f.pin
		}
	}
	return false
}

// Open opens an account's cloud. It makes no call yet. The error for a region and brand that is not served says which are.
func Open(account bluelink.Account, options ...bluelink.Option) (bluelink.Cloud, error) {
	settings, err := bluelink.NewSettings(options...)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", account.Cloud(), err)
	}
	for _, f := range families {
		if f.serves(account.Region, account.Brand) {
			return f.open(account, settings)
		}
	}
	return nil, fmt.Errorf("open %s: %w; served are %s", account.Cloud(), bluelink.ErrUnsupported, names(Supported()))
}

// Decode reads a recorded status without a cloud, as the command decode does: protocol is "flat" or "ccs2", payload the
// answer with or without its envelope.
func Decode(region vehicle.Region, brand vehicle.Brand, protocol string, engine vehicle.Engine, payload []byte) (vehicle.Report, error) {
	for _, f := range families {
		if slices.Contains(f.regions, region) && slices.Contains(f.brands, brand) {
			return f.decode(region, protocol, engine, payload)
		}
	}
	return vehicle.Report{}, fmt.Errorf("decode a status of %s: %w yet", Service{region, brand}, bluelink.ErrUnsupported)
}

func names(services []Service) string {
	texts := make([]string, len(services))
	for i, s := range services {
		texts[i] = s.String()
	}
	return strings.Join(texts, ", ")
}
