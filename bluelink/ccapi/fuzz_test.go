package ccapi

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// strange is a cloud that gives one answer of somebody else's, in place of the n-th.
type strange struct {
	cloud    http.RoundTripper
	n        atomic.Int64 // counted down by concurrent calls; the answer is given at 0
	status   int
	location string
	body     string
}

func (s *strange) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.n.Add(-1) != -1 {
		return s.cloud.RoundTrip(r)
	}
	header := http.Header{"Set-Cookie": {s.location}, "Retry-After": {s.location}, "Date": {s.location}}
	if s.location != "" {
		header.Set("Location", s.location)
	}
	return &http.Response{
		StatusCode: s.status, Header: header, Body: io.NopCloser(strings.NewReader(s.body)), ContentLength: int64(len(s.body)), Request: r,
	}, nil
}

// fuzzed are one cloud of each region that speaks a dialect of its own.
var fuzzed = []*profile{
	profileOf(vehicle.Europe, vehicle.Kia), profileOf(vehicle.Australia, vehicle.Hyundai), profileOf(vehicle.India, vehicle.Kia),
	profileOf(vehicle.China, vehicle.Hyundai), profileOf(vehicle.Brazil, vehicle.Hyundai),
}

// FuzzAnswers puts any answer in the place of any of the cloud's, from the first call of a sign-in to the history behind a
// forced refresh. Nothing may break, each failure must be classified, and nothing that a cloud says once may keep the client
// from working an hour later, unless it says that a person is needed.
//
// n counts the calls; beyond 40 it goes on in the next region.
func FuzzAnswers(f *testing.F) {
	const calls = 40
	for n := range calls * len(fuzzed) {
		if n > calls && n%3 != 0 {
			continue
		}
		f.Add(byte(n), uint16(200), "", `{"retCode":"S","resCode":"0000","resMsg":{}}`)
		f.Add(byte(n), uint16(200), "", "")
	}
	for _, body := range []string{
		"<html>Maintenance</html>", "null", "[]", `{"retCode":"F","resCode":"4002","resMsg":"Invalid request body - Invalid deviceId."}`,
		`{"access_token":"","expires_in":-1}`, `{"accessToken":"a\nb","expiresTime":1e300}`, `{"retValue":{"kid":"k","n":"AQAB","e":"AQAB"}}`,
		`{"retCode":"S","resMsg":{"vehicles":[{"vehicleId":"../x","vin":"ß"}]}}`, `{"retCode":"S","resMsg":{"deviceId":"\u0000"}}`,
		"x = `{\"data\":{\"uarsToken\":\"u\"}}`", `{"redirectUrl":"https://uars-h.hmgmobility.com.cn/join/ccsp/loginCallback.do?code=x"}`, `{"step":5}`,
		`{"retCode":"S","resMsg":{"state":{"Vehicle":{"Date":"99991231235959.999"}}}}`, `{"retCode":"S","resMsg":{"drivingInfo":[{"totalPwrCsp":1}]}}`,
	} {
		for n := 0; n < 24; n += 3 {
			f.Add(byte(n), uint16(200), "", body)
		}
	}
	for _, target := range []string{"://", "https://x/?code=", "https://x/?code=%zz", "/auth/api/v2/user/oauth2/authorize", "https://x/error?status=400"} {
		f.Add(byte(1), uint16(302), target, "")
		f.Add(byte(4), uint16(302), target, "")
	}
	for _, status := range []uint16{100, 204, 304, 307, 401, 403, 404, 429, 500, 509, 592, 599} {
		f.Add(byte(6), status, "86400", "{}")
		f.Add(byte(9), status, "-1", "x")
	}
	f.Fuzz(func(t *testing.T, n byte, status uint16, location, body string) {
		if strings.ContainsAny(location, "\r\n\x00") || status < 200 || status > 599 {
			return // net/http lets none of these through
		}
		synctest.Test(t, func(t *testing.T) {
			p := fuzzed[int(n)/calls%len(fuzzed)]
			w := newWorldIn(t, p.region, p.brand, sim.Options{Cars: 2, Parked: true, LatencyForce: time.Second})
			answers := &strange{cloud: w.RoundTripper(), status: int(status), location: location, body: body}
			answers.n.Store(int64(n) % calls)
			w.openThrough(answers)
			stopped := false
			check := func(err error) {
				t.Helper()
				if err == nil {
					return
				}
				if e := (*bluelink.Error)(nil); !errors.As(err, &e) || bluelink.Reason(err) == vehicle.Internal {
					t.Errorf("nobody classified %v", err)
				}
				for _, stop := range []error{bluelink.ErrCredentials, bluelink.ErrBlocked, bluelink.ErrConsentRequired} {
					stopped = stopped || errors.Is(err, stop)
				}
			}
			ctx := t.Context()
			check(w.cloud.Login(ctx))
			cars, err := w.cloud.Vehicles(ctx)
			check(err)
			for _, v := range cars {
				report, err := w.cloud.Cached(ctx, bluelink.Ask{Vehicle: v})
				check(err)
				state, _, _ := vehicle.State{}.Apply(report, time.Now())
				report, err = w.cloud.Force(ctx, bluelink.Ask{Vehicle: v, Known: state})
				check(err)
				state.Apply(report, time.Now())
			}
			w.tokens.expire()
			w.openThrough(answers)
			_, err = w.cloud.Vehicles(ctx)
			check(err)
			if stopped {
				return
			}
			answers.n.Store(-1) // it has been given
			<-time.After(time.Hour)
			if _, err := w.cloud.Vehicles(ctx); err != nil {
				t.Errorf("an hour later the client does not work: %v", err)
			}
		})
	})
}

func FuzzLoginDocument(f *testing.F) {
	for _, page := range []string{pageCN("a"), "= `{}`", `{"uarsToken":"u"}`, `"uarsToken"`, `{{"uarsToken":"\"}}`} {
		f.Add([]byte(page))
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		if found := loginDocument(page); found.Exists() && (found.kind() != '{' || found.get("uarsToken").str() == "") {
			t.Errorf("found %s", found.text())
		}
	})
}
