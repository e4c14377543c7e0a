package ccapi

import (
	"encoding/base64"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/sim"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// strict is a cloud whose clock is ahead of ours, and which refuses stamps of another time.
type strict struct {
	next    http.RoundTripper
	ahead   time.Duration
	refused int
}

func (s *strict) RoundTrip(r *http.Request) (*http.Response, error) {
	now := time.Now().Add(s.ahead)
	date := now.UTC().Format(http.TimeFormat)
	if stamp := r.Header.Get("Stamp"); stamp != "" && stampedAt(stamp).Sub(now).Abs() > time.Minute {
		s.refused++
		return answerWith(r, 400, `{"retCode":"F","resCode":"4002","resMsg":"Invalid request body - invalid stamp"}`, "Date", date), nil
	}
	response, err := s.next.RoundTrip(r)
	if err == nil {
		response.Header.Set("Date", date)
	}
	return response, err
}

// stampedAt reads the time of a stamp.
func stampedAt(stamp string) time.Time {
	p := profileOf(vehicle.Europe, vehicle.Kia)
	text, err := base64.StdEncoding.DecodeString(stamp)
	if err != nil {
		return time.Time{}
	}
	for i := range text {
		text[i] ^= p.cfb[i]
	}
	_, seconds, _ := strings.Cut(string(text), ":")
	unix, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Time{}
	}
	return time.Unix(unix, 0)
}

// TestStamp_IsOfTheCloudsTime is A15: with a clock that is ten minutes slow the first call is refused and tells the time, and
// the next ones are taken.
func TestStamp_IsOfTheCloudsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, vehicle.Kia, sim.Options{Parked: true})
		cloud := &strict{next: w.RoundTripper(), ahead: 10 * time.Minute}
		w.openThrough(cloud)
		mustBe(t, w.cloud.Login(t.Context()), bluelink.ErrClientRefused)
		<-time.After(time.Minute)
		list, err := w.cloud.Vehicles(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.cloud.Cached(t.Context(), bluelink.Ask{Vehicle: list[0]}); err != nil {
			t.Error(err)
		}
		if cloud.refused != 1 {
			t.Errorf("%d calls were refused for their stamp", cloud.refused)
		}
		if strings.Count(w.log.String(), "clock differs") != 1 {
			t.Errorf("log:\n%s", w.log)
		}
	})
}

// TestRenewal_UnknownStatusSaysNothingAboutTheToken is A13 at the edge of the family.
func TestRenewal_UnknownStatusSaysNothingAboutTheToken(t *testing.T) {
	for status, want := range map[int]error{
		400: bluelink.ErrSessionExpired, 401: bluelink.ErrSessionExpired, 418: bluelink.ErrBadResponse, 404: bluelink.ErrBadResponse,
		409: bluelink.ErrBadResponse, 429: bluelink.ErrRateLimited, 503: bluelink.ErrUnavailable,
	} {
		answer := bluelink.Answer{Status: status, Body: []byte(`{"errCode":"9999","errMsg":"something new"}`)}
		mustBe(t, europe.classifyGrant(bluelink.Call{Kind: bluelink.CallRenew, Op: opGrant}, answer), want)
		_, err := (&oneApp{&authority{profile: profileOf(vehicle.Europe, vehicle.Kia)}}).read(bluelink.Call{Kind: bluelink.CallRenew}, bluelink.Answer{Status: status, Body: []byte("something new")})
		mustBe(t, err, want)
	}
}
