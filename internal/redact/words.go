package redact

import "strings"

// meaning is what the name of a value says about it.
type meaning int

const (
	harmless   meaning = iota
	secret             // a password, PIN, token, session or the name of a user
	code               // a one-time code or an OAuth code; but clouds also call their error numbers so, see isCode
	header             // a header that holds secrets up to the end of its line
	coordinate         // a latitude or longitude
	vin                // a VIN, whatever it looks like
)

// meanings holds names without "_" and "-", in lower case.
var meanings = map[string]meaning{
	"pwd": secret, "passphrase": secret, "otp": secret, "otpcode": secret, "otpno": secret,
	"sid": secret, "sessionid": secret, "jsessionid": secret, "pauth": secret, "vinkey": secret, "apikey": secret,
	"username": secret, "loginid": secret, "email": secret, "emailaddress": secret, "phone": secret, "phonenumber": secret,
	"code": code, "authcode": code, "authorizationcode": code,
	"authorization": header, "proxyauthorization": header, "cookie": header, "setcookie": header,
	"lat": coordinate, "lon": coordinate, "lng": coordinate,
	"vin": vin,
}

// suffixes end names like "newPassword", "blueLinkServicePin", "access_token", "location_latitude".
var suffixes = []struct {
	text string
	meaning
}{
	{"password", secret},
	{"passwd", secret},
	{"token", secret},
	{"secret", secret},
	{"pin", secret},
	{"latitude", coordinate},
	{"longitude", coordinate},
}

// longestName is more than any name that means something; longer ones are not looked at.
const longestName = 40

// meaningOf returns what name says about its value.
func meaningOf(name string) meaning {
	if len(name) < 3 || len(name) > longestName {
		return harmless
	}
	var buffer [longestName]byte
	plain := buffer[:0]
	for i := range len(name) {
		switch c := name[i]; {
		case c == '_' || c == '-':
		case 'A' <= c && c <= 'Z':
			plain = append(plain, c|0x20)
		default:
			plain = append(plain, c)
		}
	}
	if m, ok := meanings[string(plain)]; ok {
		return m
	}
	for _, suffix := range suffixes {
		if strings.HasSuffix(string(plain), suffix.text) && string(plain) != "spin" {
			return suffix.meaning
		}
	}
	return harmless
}

// isCode tells a code that opens a door (six digits, or an OAuth code) from an error number ("4002", "HT_534").
func isCode(value string) bool {
	digits := 0
	for i := range len(value) {
		if isDigit(value[i]) {
			digits++
		}
	}
	return len(value) >= 6 && digits == len(value) || len(value) >= 16
}

// isOpaque tells a secret from a word of prose: "check pin: refused" must stay readable, "pin: 1234" must not. Words
// have no digits, no capitals within, and an end.
func isOpaque(value string) bool {
	if len(value) < 4 {
		return false
	}
	if len(value) >= 24 {
		return true
	}
	for i := range len(value) {
		c := value[i]
		if isDigit(c) || i > 0 && 'A' <= c && c <= 'Z' && 'a' <= value[i-1] && value[i-1] <= 'z' {
			return true
		}
	}
	return false
}

// isVIN reports whether word, of letters and digits, has the shape of a vehicle identification number: 17 characters of
// one case, the maker's code with a letter in front, the serial number's four digits at the end. The letters I, O and Q
// do not occur in real ones, but may in made-up ones, and hiding one too many costs nothing.
func isVIN(word string) bool {
	if len(word) != 17 {
		return false
	}
	upper, lower := 0, 0
	for i := range len(word) {
		switch c := word[i]; {
		case 'A' <= c && c <= 'Z':
			upper++
		case 'a' <= c && c <= 'z':
			lower++
		}
		if i == 2 && upper+lower == 0 {
			return false
		}
	}
	if upper > 0 && lower > 0 {
		return false
	}
	for _, c := range []byte(word[13:]) {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

func isHex(c byte) bool { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isAlphanumeric(c byte) bool { return isDigit(c) || isLetter(c) }
