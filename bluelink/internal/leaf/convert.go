package leaf

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// AsNumber reads a number, or a text that is one.
func AsNumber(leaf Value) (float64, vehicle.Refused) {
	text := leaf.Str()
	if leaf.Kind() == '"' {
		if text = strings.TrimSpace(text); strings.Trim(text, "+-.0123456789eE") != "" {
			return 0, vehicle.RefusedType // what ParseFloat would take besides numbers: inf, nan, 0x1p2
		}
	}
	n, err := strconv.ParseFloat(text, 64)
	switch {
	case errors.Is(err, strconv.ErrRange):
		return 0, vehicle.RefusedRange
	case err != nil:
		return 0, vehicle.RefusedType
	}
	return n, ""
}

// AsFlag reads a flag: real cars send 0 and 1, some answers true and false, some "1" or "true".
func AsFlag(leaf Value) (bool, vehicle.Refused) {
	switch text := leaf.Text(); text {
	case "true", `"true"`:
		return true, ""
	case "false", `"false"`:
		return false, ""
	}
	n, refused := AsNumber(leaf)
	return n != 0, refused
}

// AsState reads the code of a state; false and true are 0 and 1.
func AsState(leaf Value) (int, vehicle.Refused) {
	switch leaf.Kind() {
	case 't':
		return 1, ""
	case 'f':
		return 0, ""
	}
	return AsCode(leaf)
}

// AsCode reads a small whole number.
func AsCode(leaf Value) (int, vehicle.Refused) {
	n, refused := AsNumber(leaf)
	if refused == "" && (n != math.Trunc(n) || math.Abs(n) > math.MaxInt32) {
		refused = vehicle.RefusedCode
	}
	if refused != "" {
		return 0, refused
	}
	return int(n), ""
}

// AsThreeState reads a switch whose 1 means on and whose 0 and 2 mean off (docs/protocol/ccs2-status.md §2).
func AsThreeState(leaf Value) (bool, vehicle.Refused) {
	code, refused := AsState(leaf)
	if refused == "" && code != 0 && code != 1 && code != 2 {
		refused = vehicle.RefusedCode
	}
	return code == 1, refused
}

// AsDistanceUnit reads docs/protocol/ccs2-status.md §4: 0 or nothing unknown, 1 km, 2 and 3 miles.
func AsDistanceUnit(leaf Value) (vehicle.Unit, vehicle.Refused) {
	if leaf.Missing() {
		return vehicle.NoUnit, ""
	}
	code, refused := AsCode(leaf)
	switch {
	case refused != "":
		return vehicle.NoUnit, vehicle.RefusedUnit
	case code == 0:
		return vehicle.NoUnit, ""
	case code == 1:
		return vehicle.Kilometre, ""
	case code == 2 || code == 3:
		return vehicle.Mile, ""
	}
	return vehicle.NoUnit, vehicle.RefusedUnit
}

// AsMinutes reads a number of minutes.
func AsMinutes(leaf Value) (time.Duration, vehicle.Refused) {
	n, refused := AsNumber(leaf)
	if refused == "" && math.Abs(n) > 1e6 { // beyond any meaning, and still within time.Duration
		refused = vehicle.RefusedRange
	}
	if refused != "" {
		return 0, refused
	}
	return time.Duration(n * float64(time.Minute)), ""
}

// AsTimer12 reads "hhmm" on a 12-hour clock with the half of the day beside it. Some times are on a 24-hour clock, and some
// have minutes that overflowed (docs/protocol/europe.md §5.2).
func AsTimer12(leaf, section Value) (vehicle.TimeOfDay, vehicle.Refused) {
	if leaf.Kind() != '"' {
		return vehicle.TimeOfDay{}, vehicle.RefusedType
	}
	text := leaf.Str()
	switch text {
	case "", "0", "0000":
		return vehicle.TimeOfDay{}, vehicle.RefusedSentinel
	}
	n, err := strconv.Atoi(text)
	if err != nil || len(text) != 4 || !OnlyDigits(text) {
		return vehicle.TimeOfDay{}, vehicle.RefusedType
	}
	if n%100 > 60 {
		n += 40
	}
	hour, minute := n/100, n%100
	if n <= 1260 {
		half, refused := AsCode(section)
		if refused != "" || section.Kind() == '"' || section.Missing() {
			return vehicle.TimeOfDay{}, vehicle.RefusedType
		}
		if hour == 0 {
			return vehicle.TimeOfDay{}, vehicle.RefusedRange // no hour of a 12-hour clock
		}
		hour %= 12
		if half > 0 {
			hour += 12
		}
	}
	at, ok := vehicle.NewTimeOfDay(hour, minute)
	if !ok {
		return vehicle.TimeOfDay{}, vehicle.RefusedRange
	}
	return at, ""
}

// OnlyDigits tells whether a text is one or more digits.
func OnlyDigits(text string) bool { return text != "" && strings.Trim(text, "0123456789") == "" }

// compact is how clouds write most times; fractions of a second may follow.
const compact = "20060102150405"

var punctuation = strings.NewReplacer("-", "", "T", "", ":", "", "Z", "", " ", "")

// oldest is the first year that is taken for a time; clouds send the beginning of their epochs for "never".
const oldest = 1990

// AsUTC reads a time of a cloud that counts in UTC: yyyyMMddHHmmss with or without ISO punctuation, whatever follows the
// seconds, or the form of HTTP headers.
func AsUTC(leaf Value) (time.Time, vehicle.Refused) {
	if code, refused := AsNumber(leaf); refused == "" && code == 0 {
		return time.Time{}, vehicle.RefusedSentinel
	}
	if leaf.Kind() != '"' {
		return time.Time{}, vehicle.RefusedType
	}
	text := strings.TrimSpace(leaf.Str())
	if at, err := time.Parse(time.RFC1123, text); err == nil {
		return at.UTC(), ""
	}
	if len(text) < len(compact) || !OnlyDigits(text[:len(compact)]) {
		text = punctuation.Replace(text)
	}
	if len(text) < len(compact) {
		return time.Time{}, vehicle.RefusedType
	}
	at, err := time.Parse(compact, text[:len(compact)])
	if err != nil || at.Year() < oldest {
		return time.Time{}, vehicle.RefusedType
	}
	return at, ""
}
