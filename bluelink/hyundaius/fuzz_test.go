package hyundaius

import (
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// strange is a cloud that gives one answer of somebody else's, in place of the n-th.
type strange struct {
	*page
	n      atomic.Int64 // counted down by concurrent calls; the answer is given at 0
	status int
	body   string
}

func (s *strange) RoundTrip(r *http.Request) (*http.Response, error) {
	if s.n.Add(-1) != -1 {
		return s.page.RoundTrip(r)
	}
	only := &page{answers: map[string]reply{}}
	for path := range s.answers {
		only.answers[path] = reply{status: s.status, body: s.body, headers: []string{"Retry-After", s.body, "Date", s.body, "tmsTid", s.body}}
	}
	return only.RoundTrip(r)
}

// FuzzAnswers puts any answer in the place of any of the cloud's. Nothing may break, each failure must be classified, and
// nothing that a cloud says once may keep the client from working an hour later, unless it says that a person is needed.
func FuzzAnswers(f *testing.F) {
	for _, body := range []string{
		"", "{}", "[]", "null", "<html>", expired, noPIN, `{"errorCode":502,"errorSubCode":"HT_534"}`, `{"access_token":"a\nb","expires_in":"1e300"}`,
		`{"enrolledVehicleDetails":[{"vehicleDetails":{"regid":"../x","vin":"ß","vehicleGeneration":"99999999999"}}]}`,
		`{"vehicleStatus":{"dateTime":"9999-12-31T23:59:59Z","evStatus":[]}}`, `{"tripdetails":[{"startdate":"0000-00-00 00:00:00.0"}]}`,
		`{"isBlueLinkServicePinValid":"invalid","remainingAttemptCount":{}}`, `{"status":{}}`,
	} {
		for n := range 9 {
			f.Add(byte(n), uint16(200+100*(n%4)), body)
		}
	}
	f.Fuzz(func(t *testing.T, n byte, status uint16, body string) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t)
			odd := &strange{page: w.page, status: 200 + int(status)%400, body: body}
			odd.n.Store(int64(n % 12))
			s, err := bluelink.NewSettings(bluelink.WithRoundTripper(odd))
			if err != nil {
				t.Fatal(err)
			}
			cloud, err := Open(w.account, s)
			if err != nil {
				t.Fatal(err)
			}
			v := vehicle.Vehicle{ID: "x", CloudID: regid, VIN: vin, Engine: vehicle.EV, Region: vehicle.USA, Brand: vehicle.Hyundai}
			work := func() (all []error) {
				cars, err := cloud.Vehicles(t.Context())
				all = append(all, err)
				if len(cars) > 0 {
					v = cars[0]
				}
				report, err := cloud.Cached(t.Context(), bluelink.Ask{Vehicle: v})
				cloudtest.Sane(t, report)
				all = append(all, err)
				report, err = cloud.Force(t.Context(), bluelink.Ask{Vehicle: v})
				cloudtest.Sane(t, report)
				all = append(all, err)
				id, err := cloud.Send(t.Context(), bluelink.Ask{Vehicle: v}, vehicle.Lock{})
				all = append(all, err)
				_, err = cloud.Action(t.Context(), v, id)
				return append(all, err)
			}
			person := false
			for _, err := range work() {
				if err != nil && bluelink.Reason(err) == vehicle.Internal {
					t.Errorf("nobody has classified %v", err)
				}
				for _, stop := range []error{bluelink.ErrCredentials, bluelink.ErrBlocked, bluelink.ErrPIN} {
					person = person || errors.Is(err, stop)
				}
			}
			odd.n.Store(-1) // it was said once, or never
			pass(61 * time.Minute)
			for _, err := range work() {
				if err != nil && !person {
					t.Errorf("an hour later: %v", err)
				}
			}
		})
	})
}
