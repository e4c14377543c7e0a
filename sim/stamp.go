package sim

import (
	"encoding/base64"
	"strings"
)

// verifyStamp reports whether a stamp was made with the key for one of the application
// ids (docs/protocol/europe.md §1.4). It takes seconds (47 bytes) and milliseconds (50
// bytes), never looks at the key's last two bytes, on which clients disagree, and does
// not judge the age: one stamp serves a login and again 25 s later, and the real window
// is unknown. One digit less is a clock before September 2001, which virtual-time tests
// have.
func verifyStamp(stamp, key string, appIDs []string) bool {
	raw, err := base64.StdEncoding.DecodeString(stamp)
	if n := len(raw); err != nil || n != 46 && n != 47 && n != 49 && n != 50 {
		return false
	}
	for i := range raw {
		raw[i] ^= key[i]
	}
	for _, id := range appIDs {
		rest, ok := strings.CutPrefix(string(raw), id+":")
		if !ok {
			continue
		}
		digits := rest[:min(len(rest), 11)] // the twelfth and thirteenth are not to be trusted
		if strings.Trim(digits, "0123456789") == "" {
			return true
		}
	}
	return false
}

// makeStamp is the counterpart, for the ready-made stamps of the stamp list.
func makeStamp(key, appID, unixTime string) string {
	raw := []byte(appID + ":" + unixTime)
	raw = raw[:min(len(raw), len(key))]
	for i := range raw {
		raw[i] ^= key[i]
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// mustDecodeKey decodes a stamp key of the tables in this package.
func mustDecodeKey(text string) string {
	key, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(key) != 50 {
		panic("sim: a stamp key of the table has not 50 bytes: " + text)
	}
	return string(key)
}
