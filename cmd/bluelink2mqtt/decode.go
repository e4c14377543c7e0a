package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/clouds"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// decodeFlags say what a file's name does not.
type decodeFlags struct{ region, brand, protocol, engine string }

func newDecodeCommand() *cobra.Command {
	var flags decodeFlags
	cmd := &cobra.Command{
		Use: "decode FILE…", Short: "Show what is read in recorded status payloads",
		Long: `Read recorded status payloads and print one JSON object a line for each:

  {"file": …, "fields": {key: value}, "rejected": {key: reason}, "error": null or text}

Region, brand and protocol are taken from names such as eu_kia_ev6_2024_ccs2_off.json;
flags say what a name does not. - reads standard input. This is how to report that a car
shows nonsense: send the payload and the line.

Exit codes: 0 when every file was read, 1 when one was not, 2 for wrong usage.`,
		Example: `  bluelink2mqtt decode eu_kia_ev6_2024_ccs2_off.json
  bluelink2mqtt decode --region eu --brand hyundai --protocol flat --engine ev status.json`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := flags.check(); err != nil {
				return err
			}
			var lines []decoded
			failed := false
			for _, file := range args {
				line := flags.decode(file, cmd.InOrStdin())
				failed = failed || line.Error != nil
				lines = append(lines, line)
			}
			if err := jsonLines(cmd.OutOrStdout(), lines); err != nil {
				return err
			}
			if failed {
				return &exitError{code: exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&flags.region, "region", "", "region, such as eu")
	cmd.Flags().StringVar(&flags.brand, "brand", "", "brand: kia, hyundai or genesis")
	cmd.Flags().StringVar(&flags.protocol, "protocol", "", "flat or ccs2")
	cmd.Flags().StringVar(&flags.engine, "engine", "", "ev, phev, hev, ice or unknown; decides what such a car can have")
	return cmd
}

// check refuses flags that make no sense for any file.
func (f *decodeFlags) check() error {
	_, regionErr := vehicle.ParseRegion(cmp.Or(f.region, "eu"))
	_, brandErr := vehicle.ParseBrand(cmp.Or(f.brand, "kia"))
	_, engineErr := vehicle.ParseEngine(cmp.Or(f.engine, "unknown"))
	var protocolErr error
	if f.protocol != "" && f.protocol != "flat" && f.protocol != "ccs2" {
		protocolErr = fmt.Errorf("protocol %q is not known; one of flat, ccs2", f.protocol)
	}
	if err := errors.Join(regionErr, brandErr, engineErr, protocolErr); err != nil {
		return &exitError{exitUsage, err}
	}
	return nil
}

// decoded is what is printed for one file.
type decoded struct {
	File     string                     `json:"file"`
	Fields   map[string]any             `json:"fields"`
	Rejected map[string]vehicle.Refused `json:"rejected"`
	Error    *string                    `json:"error"`
}

func (f *decodeFlags) decode(file string, stdin io.Reader) decoded {
	line := decoded{File: file, Fields: map[string]any{}, Rejected: map[string]vehicle.Refused{}}
	report, err := f.read(file, stdin)
	if err != nil {
		text := err.Error()
		line.Error = &text
		return line
	}
	state, _, refusals := vehicle.State{}.Apply(report, time.Now())
	for _, d := range vehicle.Catalogue() {
		reading := state.Read(d)
		if reading.Value != nil {
			line.Fields[d.Key] = plainValue(reading.Value)
		}
		if unit := unitOf(state, reading); unit != vehicle.NoUnit {
			line.Fields[d.Key+"_unit"] = unit.String()
		}
	}
	for _, r := range refusals {
		line.Rejected[r.Datum.Key] = r.Reason
	}
	return line
}

// unitOf is the unit of a value, or for distances, temperatures and pressures without value the one that it would have:
// the model lists those units as data of their own (docs/protocol/vehicle-model.md §2.5, §2.8).
func unitOf(s vehicle.State, r vehicle.Reading) vehicle.Unit {
	if r.Value != nil {
		return r.Unit()
	}
	switch r.Datum.Kind {
	case vehicle.KindTemperature:
		return r.Datum.Unit
	case vehicle.KindPressure:
		if code, ok := vehicle.TireUnit.Of(s); ok {
			return [...]vehicle.Unit{vehicle.PSI, vehicle.Kilopascal, vehicle.Bar}[int(code)]
		}
	case vehicle.KindDistance:
		if r.Datum.Group == vehicle.GroupEV {
			return s.Read(vehicle.TotalRange.Datum).Unit()
		}
	default:
	}
	return vehicle.NoUnit
}

// read decodes a file with what its name and the flags say.
func (f *decodeFlags) read(file string, stdin io.Reader) (vehicle.Report, error) {
	var payload []byte
	var err error
	if file == "-" {
		payload, err = io.ReadAll(stdin)
	} else {
		payload, err = os.ReadFile(file)
	}
	if err != nil {
		return vehicle.Report{}, fmt.Errorf("read %s: %w", file, err)
	}
	words := strings.Split(strings.ToLower(strings.TrimSuffix(filepath.Base(file), ".json")), "_")
	words = append(words, "", "")
	region, err := vehicle.ParseRegion(cmp.Or(f.region, words[0]))
	if err != nil {
		return vehicle.Report{}, fmt.Errorf("%w; the file's name does not begin with it, so say --region", err)
	}
	brand, err := vehicle.ParseBrand(cmp.Or(f.brand, words[1]))
	if err != nil {
		return vehicle.Report{}, fmt.Errorf("%w; it is not the second word of the file's name, so say --brand", err)
	}
	engine, err := vehicle.ParseEngine(cmp.Or(f.engine, "unknown"))
	if err != nil {
		return vehicle.Report{}, err
	}
	protocol := f.protocol
	if protocol == "" {
		protocol = "flat"
		for _, word := range words {
			if word == "ccs2" {
				protocol = "ccs2"
			}
		}
	}
	return clouds.Decode(region, brand, protocol, engine, payload)
}

// plainValue is a value in JSON as decode prints it: the number of a quantity, minutes for durations, everything else in
// its own words.
func plainValue(value any) any {
	switch v := value.(type) {
	case vehicle.Quantity:
		return v.Value
	case time.Duration:
		return json.RawMessage(fmt.Sprint(v.Minutes()))
	case time.Time:
		return v.UTC().Format(time.RFC3339)
	}
	return value
}
