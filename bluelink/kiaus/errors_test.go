package kiaus

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink"
	"github.com/bluelink2mqtt/bluelink2mqtt/bluelink/cloudtest"
	"github.com/bluelink2mqtt/bluelink2mqtt/vehicle"
)

// TestClassify_KnowsEveryRowOfThePage is docs/protocol/usa-kia.md §8, at a read, a wake and a command.
func TestClassify_KnowsEveryRowOfThePage(t *testing.T) {
	type want struct {
		err    error
		reason vehicle.Reason
		maybe  bool // a command may have been carried out
	}
	plain := func(err error, reason vehicle.Reason) [3]want {
		return [3]want{{err, reason, false}, {err, reason, false}, {err, reason, false}}
	}
	maybe := func(err error, reason vehicle.Reason) [3]want {
		return [3]want{{err, reason, true}, {err, reason, true}, {err, reason, true}}
	}
	for name, test := range map[string]struct {
		reply reply
		want  [3]want
	}{
		"1001": {bad(1001), [3]want{
			{bluelink.ErrBadResponse, vehicle.CloudChanged, true},
			{bluelink.ErrRefused, vehicle.PreconditionFailed, false},
			{bluelink.ErrRefused, vehicle.PreconditionFailed, false},
		}},
		"1003":             {bad(1003), plain(bluelink.ErrSessionExpired, vehicle.CloudUnavailable)},
		"1005":             {bad(1005), plain(bluelink.ErrSessionExpired, vehicle.CloudUnavailable)},
		"1103":             {bad(1103), plain(bluelink.ErrSessionExpired, vehicle.CloudUnavailable)},
		"1037":             {bad(1037), plain(bluelink.ErrSessionExpired, vehicle.CloudUnavailable)},
		"1165":             {bad(1165), maybe(bluelink.ErrBadResponse, vehicle.CloudChanged)}, // only where a code is entered
		"1043":             {bad(1043), plain(bluelink.ErrUnsupported, vehicle.Unsupported)},
		"1072":             {bad(1072), plain(bluelink.ErrRefused, vehicle.VehicleRefused)},
		"1132":             {bad(1132), maybe(bluelink.ErrVehicleUnreachable, vehicle.VehicleUnreachable)},
		"554":              {bad(554), maybe(bluelink.ErrVehicleUnreachable, vehicle.VehicleUnreachable)},
		"9001":             {bad(9001), plain(bluelink.ErrRefused, vehicle.CloudChanged)},
		"9200":             {bad(9200), plain(bluelink.ErrClientRefused, vehicle.CloudChanged)},
		"9789":             {bad(9789), plain(bluelink.ErrClientRefused, vehicle.CloudChanged)},
		"429":              {bad(429), plain(bluelink.ErrRateLimited, vehicle.CloudLimit)},
		"503":              {bad(503), maybe(bluelink.ErrUnavailable, vehicle.CloudUnavailable)},
		"any other":        {bad(4711), maybe(bluelink.ErrBadResponse, vehicle.CloudChanged)},
		"HTTP 429":         {cloudtest.Say(429, "error code: 1015"), plain(bluelink.ErrRateLimited, vehicle.CloudLimit)},
		"HTTP 500":         {cloudtest.Say(500, ""), maybe(bluelink.ErrUnavailable, vehicle.CloudUnavailable)},
		"HTTP 503 a page":  {cloudtest.Say(503, "<html>"), maybe(bluelink.ErrUnavailable, vehicle.CloudUnavailable)},
		"HTTP 403 a page":  {cloudtest.Say(403, "<html>"), plain(bluelink.ErrBlocked, vehicle.LoginRequired)},
		"HTTP 401 a page":  {cloudtest.Say(401, "<html>"), maybe(bluelink.ErrBadResponse, vehicle.CloudChanged)},
		"HTTP 401 success": {cloudtest.Say(401, `{"status":`+okStatus+`}`), maybe(bluelink.ErrBadResponse, vehicle.CloudChanged)},
		"a page":           {cloudtest.Say(200, "<html>"), maybe(bluelink.ErrBadResponse, vehicle.CloudChanged)},
		"nothing":          {cloudtest.Say(200, ""), maybe(bluelink.ErrBadResponse, vehicle.CloudChanged)},
		"no envelope":      {cloudtest.Say(200, `{"payload":{}}`), maybe(bluelink.ErrBadResponse, vehicle.CloudChanged)},
		"status no code":   {cloudtest.Say(200, `{"status":{"x":1}}`), maybe(bluelink.ErrBadResponse, vehicle.CloudChanged)},
		"status a text":    {cloudtest.Say(200, `{"status":{"statusCode":"x"}}`), maybe(bluelink.ErrBadResponse, vehicle.CloudChanged)},
		"reset":            {reply{}, maybe(bluelink.ErrUnavailable, vehicle.CloudUnavailable)},
	} {
		s, o := signedIn(t)
		car := o.list(t)[0]
		for i, op := range []struct {
			path string
			do   func() error
		}{
			{"cmm/gvi", func() error { _, err := o.Cached(t.Context(), bluelink.Ask{Vehicle: car}); return err }},
			{"rems/rvs", func() error { _, err := o.Force(t.Context(), bluelink.Ask{Vehicle: car}); return err }},
			{"rems/door/lock", func() error { _, err := o.Send(t.Context(), bluelink.Ask{Vehicle: car}, lock); return err }},
		} {
			s.Always(op.path, test.reply)
			n := s.Count(op.path)
			err := op.do()
			w := test.want[i]
			if !errors.Is(err, w.err) || bluelink.Reason(err) != w.reason || bluelink.MayHaveSucceeded(err) != w.maybe {
				t.Errorf("%s at %s: %v, reason %s, maybe %t; want %+v", name, op.path, err, bluelink.Reason(err), bluelink.MayHaveSucceeded(err), w)
			}
			once := 1
			if errors.Is(w.err, bluelink.ErrSessionExpired) {
				once = 2
			}
			if got := s.Count(op.path) - n; got != once {
				t.Errorf("%s at %s: left %d times", name, op.path, got)
			}
			s.On(op.path, nil)
		}
	}
}

func TestClassify_LimitsThatNameNoTimeAreLong(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[0]
	for _, r := range []reply{bad(429), cloudtest.Say(429, "<html>")} {
		s.Always("cmm/gvi", r)
		_, err := o.read(t.Context(), car)
		if bluelink.RetryAfter(err) != throttled {
			t.Errorf("%v: wait %s", err, bluelink.RetryAfter(err))
		}
	}
	s.Always("cmm/gvi", cloudtest.Say(429, "<html>", map[string]string{"Retry-After": "3600"}))
	if _, err := o.read(t.Context(), car); bluelink.RetryAfter(err).Hours() != 1 {
		t.Errorf("wait %s", bluelink.RetryAfter(err))
	}
}

// TestErrors_HoldNoSecret lets the cloud echo all that it was given.
func TestErrors_HoldNoSecret(t *testing.T) {
	s, o := signedIn(t)
	car := o.list(t)[0]
	echo := func(r *http.Request, body string) (reply, bool) {
		words := []string{body}
		for _, values := range r.Header {
			words = append(words, values...)
		}
		text := strings.NewReplacer(`"`, " ", `\`, " ").Replace(strings.Join(words, " "))
		return cloudtest.Say(200, `{"status":{"statusCode":1,"errorType":1,"errorCode":4711,"errorMessage":"`+text+`"}}`), true
	}
	for _, path := range []string{"cmm/gvi", "rems/rvs", "ownr/gvl", "prof/authUser"} {
		s.On(path, echo)
	}
	_, first := o.read(t.Context(), car)
	_, second := o.Vehicles(t.Context())
	third := open(t, s, bluelink.NewMemoryTokens()).Login(t.Context())
	for _, err := range []error{first, second, third} {
		if err == nil {
			t.Fatal("no error")
		}
		for _, secret := range []string{"jane@example.com", "secret", car.VIN.Full(), s.Last("prof/authUser").Header.Get("deviceid")} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("%v shows %q", err, secret)
			}
		}
	}
}
