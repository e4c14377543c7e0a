package hyundaius

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// The headers of §1.1 and §1.2. The server takes names in any case, but not every name in any spelling: client_id and
// login_id have underscores.

// userAgent is not looked at as far as is known.
const userAgent = "okhttp/3.12.0"

// newRequest makes a call with the headers that all have.
func newRequest(ctx context.Context, method, address, body string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(body))
	if err != nil {
		return nil, errors.New("build request: not an address") // the error's text would hold the address with its e-mail
	}
	for name, value := range map[string]string{
		"Content-Type": "application/json;charset=UTF-8", "Accept": "application/json, text/plain, */*", "Accept-Language": "en-US,en;q=0.9",
		"User-Agent": userAgent, "Origin": "https://" + host, "Referer": "https://" + host + "/login",
		"From": "SPA", "To": "ISS", "Language": "0", "Offset": offset(time.Now()), "Refresh": "false", "EncryptFlag": "false",
		"BrandIndicator": usualIndicator, "Client_id": clientID, "ClientSecret": clientSecret,
	} {
		r.Header.Set(name, value)
	}
	return r, nil
}

// offset is the difference to UTC of this machine's clock in whole hours, cut toward zero: "-5".
func offset(now time.Time) string {
	_, seconds := now.Zone()
	return strconv.Itoa(seconds / 3600)
}

// about says which car a call is for.
func about(r *http.Request, v *vehicle.Vehicle, d details) {
	r.Header.Set("RegistrationId", v.CloudID)
	r.Header.Set("Gen", strconv.Itoa(d.generation))
	r.Header.Set("Vin", v.VIN.Full())
	r.Header.Set("Appcloud-Vin", v.VIN.Full())
	r.Header.Set("BrandIndicator", d.indicator)
}

// headerOf finds a header of an answer whatever the case of its name: the server has changed that over time (§1.2; seen).
func headerOf(header http.Header, name string) string {
	for known, values := range header {
		if strings.EqualFold(known, name) && len(values) > 0 {
			return values[0]
		}
	}
	return ""
}
