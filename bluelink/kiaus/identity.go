package kiaus

import (
	"crypto/rand"
	"crypto/sha1"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// base is where all calls go (docs/protocol/usa-kia.md §1).
const base = "https://api.owners.kia.com/apigw/v1/"

// app is who the requests say that they come from: the maker's app of that version. Kia changes it every few months, and
// refuses an old one with 9789 (docs/protocol/usa-kia.md §1.1, §1.3; seen until 2026).
var app = map[string]string{
	"Content-Type": "application/json;charset=utf-8", "Accept": "application/json", "Accept-Language": "en-US,en;q=0.9", "Accept-Charset": "utf-8",
	"Apptype": "L", "Appversion": "7.22.0", "Clientid": "SPACL716-APL", "Secretkey": "sydnat-9kykci-Kuhtep-h5nK",
	"From": "SPA", "To": "APIGW", "Language": "0", "Ostype": "iOS", "Osversion": "15.8.5", "Phonebrand": "iPhone", "Tokentype": "A",
	"User-Agent": "KIAPrimo_iOS/37 CFNetwork/1335.0.3.4 Darwin/21.6.0",
}

// sign adds what shows that a request comes from the app on a device. The time is the cloud's, the zone this machine's.
func sign(r *http.Request, device string, now time.Time) {
	for name, text := range app {
		r.Header[name] = []string{text}
	}
	_, east := now.Local().Zone()
	r.Header["Offset"] = []string{strconv.Itoa(east / 3600)}
	r.Header["Date"] = []string{now.UTC().Format(http.TimeFormat)}
	r.Header["Deviceid"] = []string{device}
	r.Header["Clientuuid"] = []string{clientUUID(device)}
}

// dnsSpace is the namespace of DNS names of RFC 9562.
var dnsSpace = [16]byte{0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8}

// clientUUID derives the second id of a device from the first (docs/protocol/usa-kia.md §1.1): a UUID of version 5.
func clientUUID(device string) string {
	sum := sha1.Sum(append(dnsSpace[:], strings.ToUpper(device)...))
	return formatUUID([16]byte(sum[:16]), 5)
}

// newDevice is a random UUID of version 4, in upper case. The cloud learns of it with the first code.
func newDevice() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return strings.ToUpper(formatUUID(b, 4))
}

func formatUUID(b [16]byte, version byte) string {
	b[6], b[8] = b[6]&0x0f|version<<4, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
}
