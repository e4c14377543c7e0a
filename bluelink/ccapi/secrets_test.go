package ccapi

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestErrors_ShowNoSecretsWhateverTheCloudEchoes lets a cloud send back all that it was sent, at each stage, in each shape of
// its failures, and looks for it in errors, logs and what the hook is told.
func TestErrors_ShowNoSecretsWhateverTheCloudEchoes(t *testing.T) {
	const cars = "/spa/vehicles /latest /user/pin /control/door /records "
	for _, row := range []struct {
		region vehicle.Region
		brand  vehicle.Brand
		stages string
	}{
		{vehicle.Europe, vehicle.Kia, cars + "/register /authorize /certs /signin /v1/auth/token /token-exchange /token-refresh /park /drvhistory /routes"},
		{vehicle.NewZealand, vehicle.Kia, cars + "/register /authorize /signin /oauth2/token /park /drvhistory /routes"},
		{vehicle.India, vehicle.Hyundai, cars + "/register /signin /oauth2/token /park /maintenance /routes"},
		{vehicle.China, vehicle.Hyundai, cars + "/register /loginInit.do /authorize /signin /loginCallback.do /silentsignin /routes"},
		{vehicle.Brazil, vehicle.Hyundai, cars + "/register /authorize /signin /oauth2/token"},
	} {
		t.Run(row.region.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { // a refused renewal is tried again after a while
				echoSecrets(t, row.region, row.brand, strings.Fields(row.stages))
			})
		})
	}
}

func echoSecrets(t *testing.T, region vehicle.Region, brand vehicle.Brand, stages []string) {
	shapes := map[string]func(r *http.Request, echo string) *http.Response{
		"envelope": func(r *http.Request, echo string) *http.Response {
			return answerWith(r, 400, `{"retCode":"F","resCode":"4999","resMsg":`+strconv.Quote(echo)+`}`)
		},
		"code": func(r *http.Request, echo string) *http.Response {
			return answerWith(r, 400, `{"retCode":"F","resCode":`+strconv.Quote(echo)+`,"resMsg":"x"}`)
		},
		"user": func(r *http.Request, echo string) *http.Response {
			return answerWith(r, 400, `{"errCode":"4003","errMsg":`+strconv.Quote(echo)+`}`)
		},
		"gateway": func(r *http.Request, echo string) *http.Response {
			return answerWith(r, 401, `{"error":`+strconv.Quote(echo)+`}`)
		},
		"text": func(r *http.Request, echo string) *http.Response { return answerWith(r, 400, echo) },
		"page": func(r *http.Request, echo string) *http.Response { return answerWith(r, 403, "<html>"+echo) },
		"redirect": func(r *http.Request, echo string) *http.Response {
			return answerWith(r, 302, "", "Location", "https://oneapp.kia.com/redirect?error=x&error_description="+url.QueryEscape(echo))
		},
		"cut": nil,
	}
	home := vehicle.Destination{Points: []vehicle.PointOfInterest{{Name: "Home", Latitude: 52.5234, Longitude: 13.4567}}}
	for shape, answer := range shapes {
		for _, stage := range stages {
			w := newWorldIn(t, region, brand, sim.Options{Parked: true})
			vin := w.Sim.Vehicles()[0].VIN
			inner := w.RoundTripper()
			echoing := roundTripper(func(r *http.Request) (*http.Response, error) {
				if !strings.HasSuffix(r.URL.Path, stage) {
					return inner.RoundTrip(r)
				}
				if answer == nil {
					return nil, io.ErrUnexpectedEOF
				}
				body, _ := io.ReadAll(r.Body)
				// Each part first, as a text is cut somewhere.
				echo := fmt.Sprint("bad ", r.Header.Get("Authorization"), " ", sim.Email, " ", sim.Password, " ", vin, " ", string(body), " ", r.URL, r.Header)
				return answer(r, echo), nil
			})
			var texts []string
			var control string
			note := func(err error) {
				if err != nil {
					texts = append(texts, err.Error())
				}
			}
			w.openThrough(echoing)
			list, err := w.cloud.Vehicles(t.Context())
			note(err)
			if err == nil {
				_, err = w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: list[0]})
				note(err)
				for i, c := range []vehicle.Command{vehicle.Lock{}, home, vehicle.ClimateStop{}} {
					_, err = w.cloud.Send(t.Context(), bluelink.Ask{Vehicle: list[i%len(list)]}, c)
					note(err)
				}
				_, err = w.cloud.Action(t.Context(), list[0], "1")
				note(err)
				control = strings.TrimPrefix(w.cloud.(*cloud).control.token, "Bearer ")
				w.tokens.expire()
				w.openThrough(echoing)
				note(w.cloud.Login(t.Context()))
			}
			texts = append(texts, w.log.String())
			for _, err := range w.calls.errs {
				note(err)
			}
			stored := w.tokens.stored()
			if stored.Stopped != nil {
				texts = append(texts, stored.Stopped.Text)
			}
			secrets := []string{sim.Email, "demo", vin, stored.Access, stored.Refresh, stored.Device, `"` + sim.PIN, control, "52.52", "13.45"}
			for name, token := range stored.Extra {
				secrets = append(secrets, token)
				if name == cookiesKept {
					secrets = append(secrets, cookieValues(t, token)...)
				}
			}
			if len(w.calls.errs) == 0 && shape != "redirect" && stage != "/authorize" { // of that page only its cookies count
				t.Errorf("%s at %s: nothing failed", shape, stage)
			}
			for _, text := range texts {
				for _, secret := range secrets {
					if secret != "" && strings.Contains(text, secret) {
						t.Errorf("%s at %s: %q shows a secret", shape, stage, text)
					}
				}
			}
		}
	}
}

// cookieValues are those that a session keeps.
func cookieValues(t *testing.T, text string) (list []string) {
	t.Helper()
	var hosts map[string]map[string]string
	if err := json.Unmarshal([]byte(text), &hosts); err != nil {
		t.Fatal(err)
	}
	for _, cookies := range hosts {
		list = slices.AppendSeq(list, maps.Values(cookies))
	}
	return list
}
