package canada

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"net/http"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// hosts are the rows of the family: one for each brand (docs/protocol/canada.md §1).
var hosts = map[vehicle.Brand]string{
	vehicle.Kia: "kiaconnect.ca", vehicle.Hyundai: "mybluelink.ca", vehicle.Genesis: "genesisconnect.ca",
}

// portal is who the requests say that they come from: the owner's web site (docs/protocol/canada.md §1.1). Only what Go reads
// is accepted as encoding.
var portal = map[string]string{
	"User-Agent": "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36",
	"Accept":     "application/json, text/plain, */*", "Accept-Language": "en-CA,en-US;q=0.8,en;q=0.5,fr;q=0.3",
	"Content-Type": "application/json;charset=UTF-8", "From": "CWP", "Offset": "-5",
	"Sec-Fetch-Dest": "empty", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin", "Priority": "u=0", "Pragma": "no-cache", "Cache-Control": "no-cache",
	"Client_id": "HATAHSPACA0232141ED9722C67715A0B", "Client_secret": "CLISCR01AHSPA",
}

// sign adds what shows that a request comes from the web site.
func sign(r *http.Request, host, language string) {
	for name, text := range portal {
		r.Header[name] = []string{text}
	}
	r.Header["Language"] = []string{"0"}
	if language == "fr" {
		r.Header["Language"] = []string{"1"}
	}
	r.Header["Origin"] = []string{"https://" + host}
	r.Header["Referer"] = []string{"https://" + host + "/login"}
}

// newDevice is a random id. The cloud takes any text, and trusts it once a code was entered with it; this one has the form of
// the web site's (docs/protocol/canada.md §2.2).
func newDevice() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return base64.StdEncoding.EncodeToString([]byte(hex.EncodeToString(b[:])))
}
