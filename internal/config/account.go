package config

import (
	"slices"
	"strings"

	"github.com/bluelink2mqtt/bluelink2mqtt/internal/redact"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// Account is one account at a maker's cloud. The user name is an e-mail address and therefore a secret too.
//
// Each secret also comes from a file: password_file, pin_file and so on name it.
type Account struct {
	Name   string         `yaml:"name" example:"hyundai-eu" doc:"Name in topics, logs and metrics: a-z, 0-9, _ and -. When empty {brand}-{region}; default when the account comes from HYUNDAI_…"`
	Region vehicle.Region `yaml:"region" example:"eu" doc:"Part of the world whose cloud serves the account, by name or by the old service's number (1 to 8, in this order)"`
	Brand  vehicle.Brand  `yaml:"brand" oneof:"kia hyundai genesis" example:"hyundai" doc:"Maker whose app you use, by name or by the old service's number: 1 Kia, 2 Hyundai, 3 Genesis"`

	Username     redact.Secret `yaml:"username" example:"you@example.com" doc:"E-mail address of the account"`
	Password     redact.Secret `yaml:"password" example:"enter the password here" doc:"Password of the account"`
	PIN          redact.Secret `yaml:"pin" doc:"PIN of the app; only commands need it, and not everywhere. Quote it"`
	RefreshToken redact.Secret `yaml:"refresh_token" doc:"Refresh token of an ordinary sign-in, used instead of the password where the cloud allows it"`

	Language string        `yaml:"language" example:"en" doc:"Two letters. Signing in sets the language of the owner's app too"`
	Include  []vehicle.VIN `yaml:"include" doc:"VINs of the only cars that are wanted; empty for all"`
	Exclude  []vehicle.VIN `yaml:"exclude" doc:"VINs of cars that are not wanted"`
}

// newAccount is an account of which nothing was said yet.
func newAccount() Account { return Account{Language: "en"} }

// Wants reports whether a car of the account is to be served.
func (a Account) Wants(vin vehicle.VIN) bool {
	same := func(other vehicle.VIN) bool { return sameVIN(vin, other) }
	return (len(a.Include) == 0 || slices.ContainsFunc(a.Include, same)) && !slices.ContainsFunc(a.Exclude, same)
}

// Vehicle gives a car a name of the user's own.
type Vehicle struct {
	VIN  vehicle.VIN `yaml:"vin" example:"KMHAA81CBNU000001" doc:"Chassis number of the car"`
	Name string      `yaml:"name" example:"ioniq5" doc:"Its name in topics: a-z, 0-9, _ and -"`
	// Account commands the car where several have it.
	Account string `yaml:"account" doc:"The account that commands it and reads it first, where several have it; else the first of them in accounts"`
	// ABRPToken follows it at A Better Route Planner.
	ABRPToken redact.Secret `yaml:"abrp_token" doc:"Token of this car at A Better Route Planner, which is then told what it reports; see abrp"`
}

// OwnTracks tells positions in the words of OwnTracks.
type OwnTracks struct {
	User   string `yaml:"user" doc:"Whose devices the cars are; empty for no positions there. They are retained"`
	Prefix string `yaml:"prefix" doc:"First part of the topics: {prefix}/{user}/{vehicle}"`
}

// ABRP tells A Better Route Planner what cars report.
type ABRP struct {
	Key    redact.Secret `yaml:"api_key" doc:"Key for its telemetry, of your own; cars need vehicles[].abrp_token besides"`
	Locate bool          `yaml:"location" doc:"Tell positions too"`
}

func sameVIN(a, b vehicle.VIN) bool { return strings.EqualFold(a.Full(), b.Full()) }
